package authgrpc_test

import (
	"context"
	"runtime"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func (w *world) noteNotReplayed(_ context.Context, _ string, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notReplayed = append(w.notReplayed, why)
}

// check sends one RPC.
func (w *world) check(opts ...grpc.CallOption) error {
	return w.checkWithin(context.Background(), opts...)
}

func (w *world) checkWithin(ctx context.Context, opts ...grpc.CallOption) error {
	_, err := w.client.Check(ctx, &health.HealthCheckRequest{}, opts...)
	return err
}

func (w *world) mustCheck(opts ...grpc.CallOption) {
	w.t.Helper()
	if err := w.check(opts...); err != nil {
		w.t.Fatalf("the RPC failed: %v", err)
	}
}

// all sends n RPCs at once and returns how many ended with each code.
func (w *world) all(n int) map[codes.Code]int {
	ended := map[codes.Code]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			code := status.Code(w.check())
			mu.Lock()
			defer mu.Unlock()
			ended[code]++
		})
	}
	wg.Wait()
	return ended
}

func (w *world) wantCode(err error, want codes.Code) {
	w.t.Helper()
	if got := status.Code(err); got != want {
		w.t.Fatalf("the RPC ended with %v (%v), want %v", got, err, want)
	}
}

func (w *world) wantTokenCalls(n int) {
	w.t.Helper()
	if got := w.auth.called(); got != n {
		w.t.Fatalf("%d token calls, want %d", got, n)
	}
}

func (w *world) wantSends(n int) {
	w.t.Helper()
	if got := len(w.api.seen()); got != n {
		w.t.Fatalf("the server got %d RPCs, want %d", got, n)
	}
}

// wantNobodyLeft fails when something waits for the end of an RPC that is over.
func (w *world) wantNobodyLeft() {
	w.t.Helper()
	stacks := make([]byte, 1<<20)
	if stacks = stacks[:runtime.Stack(stacks, true)]; strings.Contains(string(stacks), "authtrip.(*Transport).RoundTrip") {
		w.t.Fatalf("what judges an RPC is still there after it:\n%s", stacks)
	}
}
