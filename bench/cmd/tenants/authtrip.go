package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
)

// The ways that authtrip keeps many tenants in one Manager.
const (
	principals     = "authtrip-principals"        // users of one registration; the Store is elsewhere
	withMemory     = "authtrip-principals-stored" // the same with the memory Store, which is in the same heap
	registrations  = "authtrip-registrations"     // clients of one authorization server
	registrationID = "service"
)

var ours = []string{principals, withMemory, registrations}

// manager returns a Manager of n tenants of that kind, whose tokens come from
// tokens, and how the context of a request chooses tenant i of them.
func manager(kind string, n int, tokens http.RoundTripper, policy authtrip.Policy) (*authtrip.Manager, func(context.Context, int) context.Context, error) {
	options := []authtrip.Option{authtrip.WithTokenTransport(tokens), policy}
	switch kind {
	case registrations:
		list := make([]authtrip.Registration, n)
		for i := range list {
			list[i] = registration()
			list[i].ID = tenantName(i)
			list[i].ClientID = fmt.Sprintf("client-%07d", i)
			list[i].ClientSecret = authtrip.NewSecret(fmt.Sprintf("secret-%07d", i))
		}
		m, err := authtrip.NewManager(list, options...)
		return m, func(ctx context.Context, i int) context.Context { return authtrip.WithRegistration(ctx, tenantName(i)) }, err
	case principals:
		options = append(options, authtrip.WithStore(&elsewhere{}))
	case withMemory:
	default:
		return nil, nil, fmt.Errorf("no kind of tenants named %q", kind)
	}
	r := registration()
	r.ID, r.ClientID, r.ClientSecret = registrationID, "client", authtrip.NewSecret("secret")
	r.Grant = authtrip.RefreshToken
	r.RefreshToken = func(_ context.Context, principal string) (authtrip.Secret, error) {
		return authtrip.NewSecret("refresh token of " + principal), nil
	}
	m, err := authtrip.NewManager([]authtrip.Registration{r}, options...)
	return m, func(ctx context.Context, i int) context.Context { return authtrip.WithPrincipal(ctx, tenantName(i)) }, err
}

// registration is what all tenants have in common.
func registration() authtrip.Registration {
	return authtrip.Registration{
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example.test/token"},
		Origins:       []string{"api.example.test"},
	}
}

// tenantName is a new string each time, as one from a request would be.
func tenantName(i int) string { return fmt.Sprintf("tenant-%07d", i) }

// sourceOf returns the handle of one tenant.
func sourceOf(m *authtrip.Manager, kind, name string) (*authtrip.Source, error) {
	if kind == registrations {
		return m.Source(name)
	}
	return m.SourceFor(registrationID, name)
}

// elsewhere stands for a Store in a database: what it keeps is not in this
// heap. It finds nothing again, which no tenant here needs.
type elsewhere struct{ version atomic.Int64 }

func (*elsewhere) Load(context.Context, string) ([]byte, string, error) {
	return nil, "", authtrip.ErrNotFound
}

func (s *elsewhere) Save(context.Context, string, []byte, string, time.Duration) (string, error) {
	return strconv.FormatInt(s.version.Add(1), 10), nil
}

func (*elsewhere) Delete(context.Context, string, string) error { return nil }
