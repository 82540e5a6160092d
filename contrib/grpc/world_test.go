package authgrpc_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/authtrip/authtrip"
	authgrpc "github.com/authtrip/authtrip/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"
)

// world is an authorization server, a gRPC server with TLS that wants its
// tokens, and a client of both.
type world struct {
	t      *testing.T
	auth   *authServer
	api    *apiServer
	src    *authtrip.Source
	conn   *grpc.ClientConn
	client health.HealthClient
	tls    credentials.TransportCredentials

	mu          sync.Mutex
	notReplayed []error // guarded by mu
}

type setup struct {
	registration func(*authtrip.Registration)
	dial         func(*authtrip.Source) []grpc.DialOption
	more         []grpc.DialOption
	source       []authtrip.Option
	inMemory     bool
}

// The ways to install what this package has. All attach.
var (
	both            = authgrpc.DialOptions
	credentialsOnly = func(src *authtrip.Source) []grpc.DialOption {
		return []grpc.DialOption{grpc.WithPerRPCCredentials(authgrpc.PerRPCCredentials(src))}
	}
	interceptorOnly = func(src *authtrip.Source) []grpc.DialOption {
		return []grpc.DialOption{grpc.WithUnaryInterceptor(authgrpc.UnaryClientInterceptor(src))}
	}
	installed = map[string]func(*authtrip.Source) []grpc.DialOption{
		"both": both, "credentials only": credentialsOnly, "interceptor only": interceptorOnly,
	}
)

// secrets are in no error, and in no printed value.
var secrets = []string{clientSecret, tokenPrefix}

const (
	clientSecret = "s3cr3t+of/client"
	tokenPrefix  = "t0k3n-"
)

func newWorld(t *testing.T, options ...func(*setup)) *world {
	t.Helper()
	set := setup{dial: both}
	for _, o := range options {
		o(&set)
	}
	w := &world{t: t, auth: newAuthServer(), api: &apiServer{}}
	w.api.auth = w.auth

	// In a bubble there are no sockets: the name stands for the server then.
	authURL, target := "https://auth.example.com", "passthrough:///api.example.com:443"
	transport := http.RoundTripper(inProcess{w.auth})
	dialer := []grpc.DialOption{}
	var listener net.Listener
	if set.inMemory {
		l := bufconn.Listen(1 << 20)
		dialer = append(dialer, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
		listener = l
	} else {
		srv := httptest.NewServer(w.auth)
		t.Cleanup(srv.Close)
		authURL, transport = srv.URL, nil
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		target, listener = l.Addr().String(), l
	}
	cert, pool, err := certificate()
	if err != nil {
		t.Fatal(err)
	}
	w.api.serve(t, listener, grpc.Creds(credentials.NewServerTLSFromCert(&cert)))

	reg := authtrip.Registration{
		ID: "cloud", ClientID: "client", ClientSecret: authtrip.NewSecret(clientSecret),
		TokenEndpoint:  authtrip.Endpoint{URL: authURL + "/token"},
		TokenTransport: transport,
		Origins:        []string{"api.example.com"},
	}
	if !set.inMemory {
		reg.Origins = []string{target}
	}
	if set.registration != nil {
		set.registration(&reg)
	}
	if w.src, err = authtrip.NewSource(reg, append(set.source, authtrip.Hooks{NotReplayed: w.noteNotReplayed})...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.src.Close() })

	w.tls = credentials.NewClientTLSFromCert(pool, "")
	dial := append(dialer, grpc.WithTransportCredentials(w.tls))
	dial = append(append(dial, set.dial(w.src)...), set.more...)
	if w.conn, err = grpc.NewClient(target, dial...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.conn.Close() })
	w.client = health.NewHealthClient(w.conn)
	return w
}

// inBubble runs f where all is in memory, and time passes only while all wait.
func inBubble(t *testing.T, f func(*testing.T, *world), options ...func(*setup)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, append(options, func(s *setup) { s.inMemory = true })...)
		f(t, w)
		_ = w.conn.Close()
		w.api.srv.Stop()
	})
}

func by(dial func(*authtrip.Source) []grpc.DialOption) func(*setup) {
	return func(s *setup) { s.dial = dial }
}

func dialing(o ...grpc.DialOption) func(*setup) {
	return func(s *setup) { s.more = append(s.more, o...) }
}

func registered(f func(*authtrip.Registration)) func(*setup) {
	return func(s *setup) { s.registration = f }
}

// dialAgain is another connection to the same server.
func (w *world) dialAgain(o ...grpc.DialOption) *grpc.ClientConn {
	w.t.Helper()
	conn, err := grpc.NewClient(w.conn.Target(), append([]grpc.DialOption{grpc.WithTransportCredentials(w.tls)}, o...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn
}
