package authgrpc_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/authtrip/authtrip"
	authgrpc "github.com/authtrip/authtrip/contrib/grpc"
	"google.golang.org/grpc"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// One line more than a connection without tokens. The token is revoked between
// the two RPCs, and the second does not notice.
func ExampleDialOptions() {
	cloud := startCloud()
	defer cloud.stop()
	src, err := authtrip.NewSource(authtrip.Registration{
		ID:            "cloud",
		ClientID:      "my-client",
		ClientSecret:  authtrip.NewSecret("from a safe place"),
		TokenEndpoint: authtrip.Endpoint{URL: cloud.authURL + "/token"},
		Origins:       []string{cloud.target}, // such as "api.example.com:8443"
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil

	conn, err := grpc.NewClient(cloud.target, append(authgrpc.DialOptions(src), grpc.WithTransportCredentials(cloud.tls))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close() //nolint:errcheck // an example

	client := health.NewHealthClient(conn)
	for range 2 {
		res, err := client.Check(context.Background(), &health.HealthCheckRequest{})
		fmt.Println(res.GetStatus(), err)
		cloud.auth.revokeAll()
	}
	// Output:
	// SERVING <nil>
	// SERVING <nil>
}

// For one RPC of a connection that has no tokens otherwise.
func ExamplePerRPCCredentials() {
	cloud := startCloud()
	defer cloud.stop()
	src := cloud.source()
	defer src.Close() //nolint:errcheck // it returns nil
	conn, err := grpc.NewClient(cloud.target, grpc.WithTransportCredentials(cloud.tls))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close() //nolint:errcheck // an example

	stream, err := health.NewHealthClient(conn).Watch(context.Background(), &health.HealthCheckRequest{},
		grpc.PerRPCCredentials(authgrpc.PerRPCCredentials(src)))
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := stream.Recv()
	fmt.Println(res.GetStatus(), err)
	// Output: SERVING <nil>
}

// Without a token nothing is sent, and the error says why.
func ExampleUnaryClientInterceptor() {
	cloud := startCloud()
	defer cloud.stop()
	src := cloud.source()
	defer src.Close() //nolint:errcheck // it returns nil
	conn, err := grpc.NewClient(cloud.target, grpc.WithTransportCredentials(cloud.tls),
		grpc.WithChainUnaryInterceptor(authgrpc.UnaryClientInterceptor(src)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close() //nolint:errcheck // an example

	cloud.auth.answers(down)
	for range 3 {
		_, err = health.NewHealthClient(conn).Check(context.Background(), &health.HealthCheckRequest{})
	}
	wait, ok := authtrip.RetryAfter(err)
	fmt.Println(status.Code(err), errors.Is(err, authtrip.ErrCircuitOpen), ok && wait < time.Minute)
	// Output: Unavailable true true
}
