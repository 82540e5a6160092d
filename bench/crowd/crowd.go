// Package crowd makes Managers of many tenants, and requests that choose among
// them.
package crowd

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
	Principals    = "authtrip-principals"        // users of one registration; the Store is elsewhere
	Stored        = "authtrip-principals-stored" // the same with the memory Store, which is in the same heap
	Registrations = "authtrip-registrations"     // clients of one authorization server

	theOne = "service" // the ID of the principals' registration
)

// Crowd is a Manager of many tenants.
type Crowd struct {
	Manager *authtrip.Manager
	kind    string
}

// New makes a Crowd of n tenants of a kind, whose tokens come from tokens. No
// token is asked for yet.
func New(kind string, n int, tokens http.RoundTripper, policy authtrip.Policy) (*Crowd, error) {
	options := []authtrip.Option{authtrip.WithTokenTransport(tokens), policy}
	var list []authtrip.Registration
	switch kind {
	case Registrations:
		list = make([]authtrip.Registration, n)
		for i := range list {
			list[i] = shared()
			list[i].ID = Name(i)
			list[i].ClientID = fmt.Sprintf("client-%07d", i)
			list[i].ClientSecret = authtrip.NewSecret(fmt.Sprintf("secret-%07d", i))
		}
	case Principals, Stored:
		if kind == Principals {
			options = append(options, authtrip.WithPlaintextStore(&elsewhere{}))
		}
		r := shared()
		r.ID, r.ClientID, r.ClientSecret = theOne, "client", authtrip.NewSecret("secret")
		r.Grant = authtrip.RefreshToken
		r.RefreshToken = func(_ context.Context, principal string) (authtrip.Secret, error) {
			return authtrip.NewSecret("refresh token of " + principal), nil
		}
		list = []authtrip.Registration{r}
	default:
		return nil, fmt.Errorf("no kind of tenants named %q", kind)
	}
	m, err := authtrip.NewManager(list, options...)
	return &Crowd{m, kind}, err
}

var (
	endpoint = authtrip.Endpoint{URL: "https://auth.example.test/token"}
	origins  = []string{"api.example.test"}
)

// shared is what all tenants have in common.
func shared() authtrip.Registration {
	return authtrip.Registration{TokenEndpoint: endpoint, Origins: origins}
}

// Name names tenant i: a new string each time, as one from a request would be.
func Name(i int) string { return fmt.Sprintf("tenant-%07d", i) }

// Context returns a context whose requests are for the tenant with that name.
func (c *Crowd) Context(name string) context.Context {
	if c.kind == Registrations {
		return authtrip.WithRegistration(context.Background(), name)
	}
	return authtrip.WithPrincipal(context.Background(), name)
}

// Source returns the handle of the tenant with that name.
func (c *Crowd) Source(name string) (*authtrip.Source, error) {
	if c.kind == Registrations {
		return c.Manager.Source(name)
	}
	return c.Manager.SourceFor(theOne, name)
}

// Token asks for the token of the tenant with that name, by a Source that it
// does not keep.
func (c *Crowd) Token(ctx context.Context, name string) (authtrip.Token, error) {
	var s *authtrip.Source
	var err error
	if c.kind == Registrations {
		s, err = c.Manager.Source(name)
	} else {
		s, err = c.Manager.SourceFor(theOne, name)
	}
	if err != nil {
		return authtrip.Token{}, err
	}
	return s.Token(ctx)
}

// Send sends req and wants it accepted.
func Send(rt http.RoundTripper, req *http.Request) error {
	res, err := rt.RoundTrip(req)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the API answered %s", res.Status)
	}
	return err
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
