package authtrip

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"sync/atomic"
)

// client is a checked Registration, ready for use. It never changes. There may
// be a hundred thousand, which mostly differ in nothing but who they are: the
// rest they share.
type client struct {
	*settings
	ID           string
	own          entry // the client's own token; for users' grants it is not used
	ClientID     string
	ClientSecret Secret
	rare         atomic.Pointer[rare] // what few have; nil: nothing
}

type scoped struct {
	from   *client
	scopes []string // a sorted set
}

// settings are all of a registration but who the client is, and what follows
// from that.
type settings struct {
	Registration // without ID, ClientID and ClientSecret
	// given is what it was made of, while others of the Manager are compared.
	given   *Registration
	manager *Manager
	breaker *breaker
	// known are the credentials that Credentials gave last; nil: ask.
	known  *atomic.Pointer[credentials]
	users  bool   // the grant is of users
	server string // scheme://host:port of the token endpoint
	// revocationServer and authorizationServer are those of the other
	// endpoints, or empty.
	revocationServer     string
	authorizationServer  string
	headers              []string // canonical
	origins              originRule
	reject               func(*http.Response) Verdict
	envelopes            map[string]*envelopeRule  // by origin, and https hosts as they are usually written
	hostHeaders          map[string][]staticHeader // by origin
	hostHeadersAsWritten map[string][]staticHeader // by host: how originRule.asWritten has it
	sortedScopes         []string                  // a set
}

// check fills c from a registration, or returns every fault in one error. The
// settings are one of those given, if there are such.
func (c *client) check(r Registration, like []*settings) error {
	c.ID, c.ClientID, c.ClientSecret = r.ID, r.ClientID, r.ClientSecret
	r.ID, r.ClientID, r.ClientSecret = "", "", Secret{}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("authtrip: registration %q: "+format, append([]any{c.ID}, args...)...))
	}
	if c.ID == "" {
		fault("ID is empty: name the registration")
	}
	if i := slices.IndexFunc(like, func(s *settings) bool { return s.given.same(&r) }); i >= 0 {
		c.settings = like[i]
		c.checkCredentials(fault)
		return errors.Join(faults...)
	}
	c.settings = &settings{Registration: r.copy(), given: &r, reject: r.Reject, known: new(atomic.Pointer[credentials])}
	c.sortedScopes = sortedSet(c.Scopes)
	if c.reject == nil {
		c.reject = RejectBearer
	}
	if c.Grant == "" {
		c.Grant = ClientCredentials
	}
	c.users = c.Grant.ofUsers()
	var err error
	if c.origins, err = newOriginRule(r.Origins, r.AllowHTTP); err != nil {
		fault("%w", err)
	}
	c.checkCredentials(fault)
	c.checkGrant(fault)
	c.checkHeaders(fault)
	c.checkHostHeaders(fault)
	c.checkEndpoints(fault)
	c.checkEnvelopes(fault)
	return errors.Join(faults...)
}

// copy returns r with slices and maps of its own.
func (r Registration) copy() Registration {
	r.Scopes, r.Headers, r.RejectStatus = slices.Clone(r.Scopes), slices.Clone(r.Headers), slices.Clone(r.RejectStatus)
	r.Origins, r.AllowHTTP = slices.Clone(r.Origins), slices.Clone(r.AllowHTTP)
	r.Params = maps.Clone(r.Params)
	for k, v := range r.Params {
		r.Params[k] = slices.Clone(v)
	}
	r.Envelopes = maps.Clone(r.Envelopes)
	for host, e := range r.Envelopes {
		e.Rejected = slices.Clone(e.Rejected)
		r.Envelopes[host] = e
	}
	r.HostHeaders = maps.Clone(r.HostHeaders)
	for host, static := range r.HostHeaders {
		r.HostHeaders[host] = maps.Clone(static)
	}
	return r
}

// same reports whether r and other are the same, as far as can be seen: of two
// funcs or transports nothing can.
func (r *Registration) same(other *Registration) bool {
	for _, s := range []*Registration{r, other} {
		if s.Credentials != nil || s.Authenticate != nil || s.RefreshToken != nil || s.Reject != nil || s.TokenTransport != nil {
			return false
		}
	}
	return reflect.DeepEqual(r, other)
}

// scopedTo returns the client with other scopes.
func (c *client) scopedTo(scopes []string) *client {
	other := &client{settings: c.settings, ID: c.ID, ClientID: c.ClientID, ClientSecret: c.ClientSecret}
	other.rare.Store(&rare{scoped: &scoped{c, scopes}})
	return other
}

// asked are the scopes to ask for.
func (c *client) asked() []string {
	if s := c.scoped(); s != nil {
		return s.scopes
	}
	return c.Scopes
}

// is reports whether c is what of becomes with scopes; none are of's own.
func (c *client) is(of *client, scopes []string) bool {
	if scopes == nil {
		return c == of
	}
	s := c.scoped()
	return s != nil && s.from == of && slices.Equal(s.scopes, scopes)
}
