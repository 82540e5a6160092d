package authgrpc_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// apiServer is a health service that wants a token, and notes what comes.
type apiServer struct {
	health.UnimplementedHealthServer
	auth *authServer
	srv  *grpc.Server

	mu   sync.Mutex
	came []metadata.MD // guarded by mu
	// judge and answer, if set, are asked instead. Guarded by mu.
	judge  func(metadata.MD) error
	answer func(context.Context) error
}

func (s *apiServer) serve(t *testing.T, l net.Listener, options ...grpc.ServerOption) {
	s.start(l, options...)
	t.Cleanup(s.srv.Stop)
}

func (s *apiServer) start(l net.Listener, options ...grpc.ServerOption) {
	s.srv = grpc.NewServer(append(options, grpc.UnknownServiceHandler(s.unknown))...)
	health.RegisterHealthServer(s.srv, s)
	go func() { _ = s.srv.Serve(l) }()
}

func (s *apiServer) admit(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	s.mu.Lock()
	s.came = append(s.came, md)
	judge := s.judge
	s.mu.Unlock()
	if judge != nil {
		return judge(md)
	}
	return s.wantToken(md)
}

func (s *apiServer) wantToken(md metadata.MD) error {
	if got := md["authorization"]; len(got) != 1 || !s.auth.accepts(got[0]) {
		return status.Error(codes.Unauthenticated, "no valid token")
	}
	return nil
}

func reject(metadata.MD) error { return status.Error(codes.Unauthenticated, "never") }

func accept(metadata.MD) error { return nil }

func (s *apiServer) judges(f func(metadata.MD) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge = f
}

func (s *apiServer) answers(f func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

func (s *apiServer) seen() []metadata.MD {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.came
}

// Check is the unary RPC.
func (s *apiServer) Check(ctx context.Context, _ *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	n := fmt.Sprint(len(s.seen()) + 1)
	if md, _ := metadata.FromIncomingContext(ctx); len(md["no-header"]) == 0 {
		_ = grpc.SetHeader(ctx, metadata.Pairs("header-of", n))
	}
	_ = grpc.SetTrailer(ctx, metadata.Pairs("trailer-of", n))
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		if err := answer(ctx); err != nil {
			return nil, err
		}
	}
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, nil
}

// Watch is the streaming RPC.
func (s *apiServer) Watch(_ *health.HealthCheckRequest, stream health.Health_WatchServer) error {
	if err := s.admit(stream.Context()); err != nil {
		return err
	}
	return stream.Send(&health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING})
}

// unknown serves any other method: it rejects a token after it sent a reply.
func (s *apiServer) unknown(_ any, stream grpc.ServerStream) error {
	if err := stream.RecvMsg(new(health.HealthCheckRequest)); err != nil {
		return err
	}
	if err := s.admit(stream.Context()); err != nil {
		_ = stream.SendMsg(&health.HealthCheckResponse{Status: health.HealthCheckResponse_NOT_SERVING})
		return err
	}
	return stream.SendMsg(&health.HealthCheckResponse{}) // the zero message: nothing on the wire
}
