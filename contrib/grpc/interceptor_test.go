package authgrpc_test

import (
	"context"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func TestI02_AHundredRPCsThatStartColdMakeOneTokenCall(t *testing.T) {
	for name, dial := range installed {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(dial))
			if got := w.all(100); got[codes.OK] != 100 {
				t.Fatalf("ended with %v", got)
			}
			w.wantTokenCalls(1)
			w.wantSends(100)
		})
	}
}

func TestI06_ARevocationUnderLoadIsOneReissueAndFailsNobody(t *testing.T) {
	w := newWorld(t)
	w.mustCheck()
	var arrived sync.WaitGroup // all are there when the token ends
	arrived.Add(200)
	revoked := make(chan struct{})
	go func() {
		arrived.Wait()
		w.auth.revokeAll()
		w.api.judges(w.api.wantToken)
		close(revoked)
	}()
	w.api.judges(func(md metadata.MD) error {
		arrived.Done()
		<-revoked
		return w.api.wantToken(md)
	})
	if got := w.all(200); got[codes.OK] != 200 {
		t.Fatalf("ended with %v", got)
	}
	w.wantTokenCalls(2)
	w.wantSends(1 + 200 + 200)
}

func TestI07_NoRPCIsSentMoreThanTwiceAndTheSecondErrorIsReturned(t *testing.T) {
	w := newWorld(t)
	n := 0
	w.api.judges(func(metadata.MD) error {
		n++
		return status.Errorf(codes.Unauthenticated, "rejected %d", n)
	})
	err := w.check()
	if status.Convert(err).Message() != "rejected 2" {
		t.Fatalf("got %v, want the second error", err)
	}
	w.wantSends(2)
	w.wantTokenCalls(2)
}

func TestI08_TheFirstErrorIsReturnedWhenNoOtherTokenCanBeHad(t *testing.T) {
	w := newWorld(t)
	w.mustCheck()
	w.auth.revokeAll()
	w.auth.answers(oauthError(400, "invalid_client"))
	var header, trailer metadata.MD
	err := w.check(grpc.Header(&header), grpc.Trailer(&trailer))
	if status.Convert(err).Message() != "no valid token" {
		t.Fatalf("got %v, want the server's error", err)
	}
	if header.Get("header-of")[0] != "2" || trailer.Get("trailer-of")[0] != "2" {
		t.Fatalf("header %v, trailer %v, want those of the RPC that was sent", header, trailer)
	}
	w.wantSends(2)
	w.wantTokenCalls(2)
	if len(w.notReplayed) != 1 {
		t.Fatalf("the hook heard %v, want why it was not sent again", w.notReplayed)
	}
}

func TestALateRejectionOfAnOldTokenIsRepeatedWithoutATokenCall(t *testing.T) {
	w := newWorld(t)
	w.mustCheck()
	held, release := make(chan struct{}), make(chan struct{})
	first := true
	w.api.judges(func(md metadata.MD) error {
		if first {
			first = false
			close(held)
			<-release
		}
		return w.api.wantToken(md)
	})
	late := make(chan error)
	go func() { late <- w.check() }()
	<-held
	w.auth.revokeAll()
	w.mustCheck() // another RPC has the token replaced
	w.wantTokenCalls(2)
	close(release)
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	w.wantTokenCalls(2)
}

func TestAStreamIsNotRepeated(t *testing.T) {
	w := newWorld(t)
	w.mustCheck()
	w.auth.revokeAll()
	watch := func() error {
		stream, err := w.client.Watch(context.Background(), &health.HealthCheckRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	w.wantCode(watch(), codes.Unauthenticated)
	w.wantCode(watch(), codes.Unauthenticated)
	w.wantTokenCalls(1)
	w.mustCheck() // a unary RPC has the token replaced
	if err := watch(); err != nil {
		t.Fatal(err)
	}
	w.wantTokenCalls(2)
}

func TestWhatGRPCRetriesByItselfGetsATokenEachTime(t *testing.T) {
	w := newWorld(t, dialing(grpc.WithDefaultServiceConfig(`{"methodConfig":[{"name":[{}],"retryPolicy":
		{"maxAttempts":3,"initialBackoff":"0.001s","maxBackoff":"0.001s","backoffMultiplier":1,"retryableStatusCodes":["ABORTED"]}}]}`)))
	n := 0
	w.api.judges(func(md metadata.MD) error {
		switch n++; n {
		case 1:
			return status.Error(codes.Aborted, "again")
		case 2:
			w.auth.revokeAll()
		}
		return w.api.wantToken(md)
	})
	// gRPC retries no RPC that had a header.
	if err := w.checkWithin(metadata.AppendToOutgoingContext(context.Background(), "no-header", "please")); err != nil {
		t.Fatal(err)
	}
	w.wantSends(3) // aborted, rejected, accepted
	w.wantTokenCalls(2)
	w.wantNobodyLeft()
}
