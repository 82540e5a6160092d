package authgrpc_test

import (
	"context"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	authgrpc "github.com/authtrip/authtrip/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// another is a Source for the world's server that has nothing to do with the
// world's own.
func another(t *testing.T, change func(*authtrip.Registration)) *authtrip.Source {
	t.Helper()
	return handle(t, anotherManager(t, change))
}

func anotherManager(t *testing.T, change func(*authtrip.Registration)) *authtrip.Manager {
	t.Helper()
	reg := authtrip.Registration{
		ID: "another", ClientID: "client", ClientSecret: authtrip.NewSecret(clientSecret), Origins: []string{"api.example.com"},
		TokenEndpoint:  authtrip.Endpoint{URL: "https://auth.example.com/token"},
		TokenTransport: inProcess{newAuthServer()},
	}
	if change != nil {
		change(&reg)
	}
	mgr, err := authtrip.NewManager([]authtrip.Registration{reg})
	if err != nil {
		t.Fatal(err)
	}
	return mgr
}

func handle(t *testing.T, mgr *authtrip.Manager) *authtrip.Source {
	t.Helper()
	src, err := mgr.Source("another")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func onConn(src *authtrip.Source) grpc.DialOption {
	return grpc.WithPerRPCCredentials(authgrpc.PerRPCCredentials(src))
}

func inChain(src *authtrip.Source) grpc.DialOption {
	return grpc.WithChainUnaryInterceptor(authgrpc.UnaryClientInterceptor(src))
}

func onRPC(src *authtrip.Source) grpc.CallOption {
	return grpc.PerRPCCredentials(authgrpc.PerRPCCredentials(src))
}

func TestI16_TwoSourcesThatPutOneNameOnAnRPCAreRefused(t *testing.T) {
	// The world's own Source is not used.
	for name, c := range map[string]struct {
		dial func(a, b *authtrip.Source) []grpc.DialOption
		call func(a, b *authtrip.Source) []grpc.CallOption
	}{
		"credentials and interceptor": {dial: func(a, b *authtrip.Source) []grpc.DialOption {
			return []grpc.DialOption{onConn(a), inChain(b)}
		}},
		"credentials twice, and the interceptor": {dial: func(a, b *authtrip.Source) []grpc.DialOption {
			return []grpc.DialOption{onConn(a), onConn(b), inChain(a)}
		}},
		"two interceptors": {dial: func(a, b *authtrip.Source) []grpc.DialOption {
			return []grpc.DialOption{inChain(a), inChain(b)}
		}},
		"both, and others for the RPC": {
			dial: func(a, _ *authtrip.Source) []grpc.DialOption { return both(a) },
			call: func(_, b *authtrip.Source) []grpc.CallOption { return []grpc.CallOption{onRPC(b)} },
		},
		"the interceptor, and others for the RPC": {
			dial: func(a, _ *authtrip.Source) []grpc.DialOption { return []grpc.DialOption{inChain(a)} },
			call: func(_, b *authtrip.Source) []grpc.CallOption { return []grpc.CallOption{onRPC(b)} },
		},
	} {
		for _, which := range []string{"handles of one registration", "registrations"} {
			t.Run(name+", two "+which, func(t *testing.T) {
				mgr := anotherManager(t, nil)
				a, b := handle(t, mgr), handle(t, mgr)
				if which == "registrations" {
					b = another(t, nil)
				}
				inBubble(t, func(t *testing.T, w *world) {
					var opts []grpc.CallOption
					if c.call != nil {
						opts = c.call(a, b)
					}
					for range 2 {
						err := w.check(opts...)
						w.wantCode(err, codes.Internal)
						if !strings.Contains(err.Error(), `"authorization"`) || !strings.Contains(err.Error(), "the same *authtrip.Source") {
							t.Errorf("the error does not say what to do: %v", err)
						}
					}
					w.wantSends(0)
				}, by(func(*authtrip.Source) []grpc.DialOption { return c.dial(a, b) }))
			})
		}
	}
}

func TestI16_TwoSourcesThatHaveOneHostHeaderAreRefused(t *testing.T) {
	withKey := func(r *authtrip.Registration) {
		r.HostHeaders = map[string]map[string]authtrip.Secret{"api.example.com": {"X-App-Key": authtrip.NewSecret("key")}}
	}
	inBubble(t, func(t *testing.T, w *world) {
		other := another(t, func(r *authtrip.Registration) {
			r.Headers = []string{"X-Other"}
			withKey(r)
		})
		err := w.check(onRPC(other))
		w.wantCode(err, codes.Internal)
		if !strings.Contains(err.Error(), `"x-app-key"`) {
			t.Errorf("the error does not say what is doubled: %v", err)
		}
		w.wantSends(0)
	}, registered(withKey))
}

func TestTwoSourcesOfDifferentNamesGoWithOneRPC(t *testing.T) {
	for name, dial := range map[string]func(a, b *authtrip.Source) []grpc.DialOption{
		"credentials and interceptor": func(a, b *authtrip.Source) []grpc.DialOption {
			return []grpc.DialOption{onConn(a), inChain(b)}
		},
		"credentials twice": func(a, b *authtrip.Source) []grpc.DialOption {
			return []grpc.DialOption{onConn(b), onConn(b), inChain(a)}
		},
		"all of both": func(a, b *authtrip.Source) []grpc.DialOption { return append(both(a), both(b)...) },
	} {
		t.Run(name, func(t *testing.T) {
			other := another(t, func(r *authtrip.Registration) { r.Headers = []string{"X-Other"} })
			inBubble(t, func(t *testing.T, w *world) {
				for range 2 {
					w.mustCheck()
				}
				w.wantSingleTokens()
				for _, md := range w.api.seen() {
					if got := len(md["x-other"]); got != 1 {
						t.Fatalf("an RPC came with %d of the other tokens, want one", got)
					}
				}
			}, by(func(src *authtrip.Source) []grpc.DialOption { return dial(src, other) }))
		})
	}
}

func TestTwoSourcesOfDifferentOriginsStandBesideEachOther(t *testing.T) {
	other := another(t, func(r *authtrip.Registration) { r.Origins = []string{"other.example.com"} })
	inBubble(t, func(t *testing.T, w *world) {
		w.mustCheck()
		w.api.judges(func(md metadata.MD) error {
			if len(md["authorization"]) != 1 {
				t.Errorf("%d tokens", len(md["authorization"]))
			}
			return nil
		})
		if err := w.checkWithin(context.Background(), grpc.CallAuthority("other.example.com")); err != nil {
			t.Fatal(err)
		}
		w.wantTokenCalls(1)
	}, dialing(onConn(other), inChain(other)))
}
