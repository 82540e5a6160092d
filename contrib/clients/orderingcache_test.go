package clients_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// cache is one as RFC 9111 has it, in small: it keeps responses with status 200
// that may be kept, by URL and by what their Vary names.
type cache struct {
	base http.RoundTripper

	mu   sync.Mutex
	kept []keptResponse // guarded by mu
	hits int            // guarded by mu
}

type keptResponse struct {
	url      string
	vary     []string
	request  http.Header
	response []byte
}

func (c *cache) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.kept {
		if k.url == req.URL.String() && !slices.ContainsFunc(k.vary, func(name string) bool { return req.Header.Get(name) != k.request.Get(name) }) {
			c.hits++
			return http.ReadResponse(bufio.NewReader(bytes.NewReader(k.response)), req)
		}
	}
	res, err := c.base.RoundTrip(req)
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Cache-Control"), "max-age=") {
		return res, err
	}
	response, err := httputil.DumpResponse(res, true)
	if err != nil {
		return nil, err
	}
	c.kept = append(c.kept, keptResponse{req.URL.String(), res.Header.Values("Vary"), req.Header.Clone(), response})
	return res, nil
}

func (c *cache) hit() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits
}

// shelf is two accounts in one Manager, and an API that tells each whose token
// it got, in a response that may be kept.
type shelf struct {
	*ordering
	mgr *authtrip.Manager
}

func newShelf(t *testing.T, varies bool) *shelf {
	t.Helper()
	o := newOrdering(t, []authtest.Option{authtest.InMemory(), authtest.API(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if varies {
			w.Header().Set("Vary", nhn.HeaderAuthorization)
		}
		_, _ = io.WriteString(w, "for "+r.Header.Get(nhn.HeaderAuthorization))
	}))})
	var registrations []authtrip.Registration
	for _, id := range []string{"ann", "bob"} {
		r := nhn.Registration(o.cloud.Credentials(), o.cloud.Options()...)
		r.ID = id
		registrations = append(registrations, r)
	}
	mgr, err := authtrip.NewManager(registrations, authtrip.WithTokenTransport(o.cloud.Transport()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mgr.Close() })
	return &shelf{o, mgr}
}

// ask sends a request as one of the accounts, and reports whose response it got.
func (s *shelf) ask(rt http.RoundTripper, id string) string {
	s.t.Helper()
	status, body, err := read((&http.Client{Transport: rt}).Do(s.request(authtrip.WithRegistration(context.Background(), id), http.MethodGet, "")))
	if status != 200 || err != nil {
		s.t.Fatalf("%s got %d, %v", id, status, err)
	}
	for _, owner := range []string{"ann", "bob"} {
		src, err := s.mgr.Source(owner)
		if err != nil {
			s.t.Fatal(err)
		}
		if tok, err := src.Token(context.Background()); err == nil && body == "for Bearer "+tok.AccessToken() {
			return owner
		}
	}
	return fmt.Sprintf("nobody who has a token (%d bytes)", len(body))
}

func TestWhoseResponseACacheServes(t *testing.T) {
	for _, c := range []struct {
		name    string
		varies  bool
		inside  bool
		bobGets string
		hits    int
	}{
		// Outside, the request has no token yet: no Vary tells users apart.
		{"outside, one for all users", true, false, "ann", 1},
		// Inside it has, and the server must say so: a cache knows that
		// Authorization is somebody's, and nothing of a custom header.
		{"inside, one for all users, the server says Vary", true, true, "bob", 0},
		{"inside, one for all users, it does not", false, true, "ann", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShelf(t, c.varies)
			var store *cache
			var rt http.RoundTripper
			if c.inside {
				store = &cache{base: s.wire}
				rt = &authtrip.Transport{Source: s.mgr, Base: store}
			} else {
				store = &cache{base: &authtrip.Transport{Source: s.mgr, Base: s.wire}}
				rt = store
			}
			if got := s.ask(rt, "ann"); got != "ann" {
				t.Fatalf("ann got the response for %s", got)
			}
			if got := s.ask(rt, "bob"); got != c.bobGets || store.hit() != c.hits {
				t.Errorf("bob got the response for %s, with %d hits; want that for %s, with %d", got, store.hit(), c.bobGets, c.hits)
			}
		})
	}
}

func TestACacheOutsideForEachUserServesNobodyElseAndOutlastsTokens(t *testing.T) {
	s := newShelf(t, false)
	through := &authtrip.Transport{Source: s.mgr, Base: s.wire}
	of := map[string]*cache{"ann": {base: through}, "bob": {base: through}}
	for _, id := range []string{"ann", "bob"} {
		if got := s.ask(of[id], id); got != id {
			t.Fatalf("%s got the response for %s", id, got)
		}
	}
	// No token is needed for what is kept: neither a revocation nor an outage
	// is noticed.
	before := s.cloud.Counts()
	s.cloud.RevokeAll()
	s.cloud.Break(authtest.Fault{Status: 503})
	for _, id := range []string{"ann", "bob"} {
		if got := s.ask(of[id], id); got != id || of[id].hit() != 1 {
			t.Errorf("%s got the response for %s, with %d hits", id, got, of[id].hit())
		}
	}
	if after := s.cloud.Counts(); after.TokenCalls != before.TokenCalls || after.Rejected != 0 {
		t.Errorf("%d token calls and %d rejections for what was kept", after.TokenCalls-before.TokenCalls, after.Rejected)
	}
}

func TestACacheInsideIsColdAfterEveryReissue(t *testing.T) {
	s := newShelf(t, true)
	store := &cache{base: s.wire}
	rt := &authtrip.Transport{Source: s.mgr, Base: store}
	for range 2 {
		s.ask(rt, "ann")
	}
	src, err := s.mgr.Source("ann")
	if err != nil {
		t.Fatal(err)
	}
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	src.Invalidate(tok)
	s.ask(rt, "ann")
	if hits := store.hit(); hits != 1 {
		t.Errorf("%d hits, want 1: that before the reissue", hits)
	}
	s.wantSends(200, 200)
}

// TestACacheInsideKeepsARejectionThatSays200 is a service that tells in an
// envelope, and something on the way that lets its responses be kept.
func TestACacheInsideKeepsARejectionThatSays200(t *testing.T) {
	for name, rejected := range map[string]bool{"inside": true, "outside": false} {
		t.Run(name, func(t *testing.T) {
			o := newOrdering(t, []authtest.Option{authtest.InMemory(), authtest.Services()})
			keepable := through(func(req *http.Request) (*http.Response, error) {
				res, err := o.wire.RoundTrip(req)
				if err == nil {
					res.Header.Set("Cache-Control", "max-age=600")
				}
				return res, err
			})
			var rt http.RoundTripper = o.over(&cache{base: keepable})
			if !rejected {
				rt = &cache{base: o.over(keepable)}
			}
			o.withToken()
			o.cloud.RevokeAll()
			for range 2 {
				status, body, err := read((&http.Client{Transport: rt}).Get(o.cloud.Service(authtest.Framework) + "/v1/things"))
				if status != 200 || err != nil || strings.Contains(body, `"resultCode":80007`) != rejected {
					t.Errorf("the caller got %d %s, %v; want a rejection: %v", status, body, err, rejected)
				}
			}
		})
	}
}
