package authgrpc_test

import (
	"context"
	"slices"
	"testing"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc/metadata"
)

func TestTheRegistrationsHeadersAndHostHeadersAreAttachedInLowerCase(t *testing.T) {
	for name, dial := range installed {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, by(dial), registered(func(r *authtrip.Registration) {
				r.Headers = []string{"X-First-Token", "X-Second-Token"}
				r.RawToken = true
				r.HostHeaders = map[string]map[string]authtrip.Secret{r.Origins[0]: {
					"X-App-Key": authtrip.NewSecret("registered"), "X-Other-Key": authtrip.NewSecret("registered"),
				}}
			}))
			w.api.judges(accept)
			ctx := metadata.AppendToOutgoingContext(context.Background(), "x-app-key", "own", "x-more", "1", "x-more", "2")
			if err := w.checkWithin(ctx); err != nil {
				t.Fatal(err)
			}
			got := w.api.seen()[0]
			for name, want := range map[string][]string{
				"x-first-token": {tokenPrefix + "1"}, "x-second-token": {tokenPrefix + "1"}, "authorization": nil,
				"x-app-key": {"own"}, "x-other-key": {"registered"}, "x-more": {"1", "2"},
			} {
				if !slices.Equal(got[name], want) {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
		})
	}
}
