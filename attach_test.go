package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// keyed is a registration with two token headers and two hosts, of which one
// wants a key.
func keyed() authtrip.Registration {
	r := registration()
	r.Headers = []string{nhn.HeaderAuthentication, nhn.HeaderAuthorization}
	r.Origins = []string{"api.example", "other.example"}
	r.HostHeaders = map[string]map[string]authtrip.Secret{"api.example": {"x-tc-app-key": authtrip.NewSecret("k3y")}}
	return r
}

// issuing answers token calls with tokens in turn.
func issuing(tokens ...string) authtrip.Option {
	r := &replies{}
	for _, token := range tokens {
		r.bodies = append(r.bodies, `{"access_token":"`+token+`","expires_in":3600}`)
	}
	return authtrip.WithTokenTransport(r)
}

// neverAsked fails the test when a token is asked for.
func neverAsked(t *testing.T) authtrip.Option {
	return authtrip.WithTokenTransport(roundTripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a token was asked for")
		return nil, io.EOF
	}))
}

func TestAttachPutsTokenAndHostHeadersOnTheRequest(t *testing.T) {
	const one, two, key = "X-Nhn-Authentication", "X-Nhn-Authorization", "X-Tc-App-Key"
	for name, c := range map[string]struct {
		change func(*authtrip.Registration)
		url    string
		before http.Header
		want   http.Header
	}{
		"no header map": {nil, "https://api.example/", nil, http.Header{one: {"Bearer a"}, two: {"Bearer a"}, key: {"k3y"}}},
		"others stay": {
			nil, "https://API.example:443/", http.Header{"X-Own": {"1", "2"}},
			http.Header{"X-Own": {"1", "2"}, one: {"Bearer a"}, two: {"Bearer a"}, key: {"k3y"}},
		},
		"other spellings are replaced": {
			nil, "https://api.example/", http.Header{"x-nhn-authorization": {"old"}, "X-NHN-AUTHENTICATION": {"older"}, one: {"oldest", "x"}},
			http.Header{one: {"Bearer a"}, two: {"Bearer a"}, key: {"k3y"}},
		},
		"a host without a key": {nil, "https://other.example/", http.Header{}, http.Header{one: {"Bearer a"}, two: {"Bearer a"}}},
		"the caller's key stands": {
			nil, "https://api.example/", http.Header{"x-TC-app-key": {"mine"}},
			http.Header{one: {"Bearer a"}, two: {"Bearer a"}, "x-TC-app-key": {"mine"}},
		},
		"raw, in Authorization": {
			func(r *authtrip.Registration) { r.RawToken, r.Headers = true, nil }, "https://api.example/",
			http.Header{"authorization": {"Basic x"}}, http.Header{"Authorization": {"a"}, key: {"k3y"}},
		},
	} {
		r := keyed()
		if c.change != nil {
			c.change(&r)
		}
		src := newSource(t, r, issuing("a"))
		req := mustRequest(t, http.MethodPost, c.url, strings.NewReader("body"))
		req.Header = c.before
		body, url, given := req.Body, *req.URL, c.before.Clone()
		for range 2 { // again changes nothing
			if err := src.Attach(req); err != nil || !reflect.DeepEqual(req.Header, c.want) {
				t.Errorf("%s: %v; header %v, want %v", name, err, req.Header, c.want)
			}
		}
		if req.Body != body || *req.URL != url || req.Host != url.Host {
			t.Errorf("%s: something besides the header changed", name)
		}
		if !reflect.DeepEqual(c.before, given) {
			t.Errorf("%s: the map that the caller may share was written to: %v", name, c.before)
		}
	}
}

// redirectedFrom makes req look as net/http does after a redirect from url.
func redirectedFrom(t *testing.T, req *http.Request, url string) {
	req.Response = &http.Response{Request: mustRequest(t, http.MethodGet, url, nil)}
}

func TestI13_AttachLeavesOtherRequestsAsTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		url      string
		from     string // where a redirect came from
		insecure bool
		with     bool // token
	}{
		"another host":                {url: "https://evil.example/"},
		"another port":                {url: "https://api.example:8443/"},
		"a subdomain":                 {url: "https://sub.api.example/"},
		"plain http elsewhere":        {url: "http://evil.example/"},
		"another scheme":              {url: "ftp://api.example/"},
		"plain http":                  {url: "http://api.example/", insecure: true},
		"redirected from nowhere":     {url: "https://api.example/", from: "nowhere"},
		"redirected to elsewhere":     {url: "https://evil.example/", from: "https://api.example/"},
		"redirected to plain http":    {url: "http://api.example/", from: "https://api.example/"},
		"redirected on the origin":    {url: "https://api.example/", from: "https://api.example/x", with: true},
		"redirected to where it may":  {url: "https://api.example/", from: "https://evil.example/", with: true},
		"redirected to a listed host": {url: "https://other.example/", from: "https://api.example/", with: true},
	} {
		for _, header := range []http.Header{nil, {"x-nhn-authorization": {"the caller's"}}} {
			asked := neverAsked(t)
			if c.with {
				asked = issuing("a")
			}
			src := newSource(t, keyed(), asked)
			req := mustRequest(t, http.MethodGet, c.url, nil)
			req.Header = header.Clone()
			switch c.from {
			case "":
			case "nowhere": // whoever made it kept no request
				req.Response = &http.Response{}
			default:
				redirectedFrom(t, req, c.from)
			}
			err := src.Attach(req)
			switch {
			case c.insecure:
				if !errors.Is(err, authtrip.ErrInsecure) {
					t.Errorf("%s: %v, want ErrInsecure", name, err)
				}
				wantAll(t, err, `"test"`, "http://api.example:80")
			case err != nil:
				t.Errorf("%s: %v", name, err)
			}
			if c.with != (req.Header.Get("X-Nhn-Authorization") == "Bearer a") || !c.with && !reflect.DeepEqual(req.Header, header) {
				t.Errorf("%s: header %v, was %v; want a token: %v", name, req.Header, header, c.with)
			}
		}
	}
}

func TestI16_AttachRefusesWhatItCannotServe(t *testing.T) {
	closed := newSource(t, keyed(), neverAsked(t))
	_ = closed.Close()
	for name, c := range map[string]struct {
		src  *authtrip.Source
		says string
	}{
		"nil source":        {nil, "NewSource"},
		"zero source":       {new(authtrip.Source), "NewSource"},
		"closed source":     {closed, "closed"},
		"server that fails": {newSource(t, keyed(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"error":"invalid_scope"}`}, status: 400})), "invalid_scope"},
	} {
		req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
		req.Header = http.Header{"x-nhn-authorization": {"the caller's"}, "X-Own": {"1"}}
		before := req.Header.Clone()
		wantAll(t, c.src.Attach(req), c.says)
		if !reflect.DeepEqual(req.Header, before) {
			t.Errorf("%s: an error, and the header became %v", name, req.Header)
		}
		wantAll(t, c.src.Attach(nil), "no request")
	}
	if err := closed.Attach(mustRequest(t, http.MethodGet, "https://api.example/", nil)); !errors.Is(err, authtrip.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
	src := newSource(t, keyed(), neverAsked(t))
	for _, odd := range []*http.Request{{}, {Header: http.Header{}}} { // net/http refuses it in its own words
		if err := src.Attach(odd); err != nil || len(odd.Header) > 0 {
			t.Errorf("a request without URL: %v, %v", err, odd.Header)
		}
	}
}

func TestI02_AttachWaitsForATokenAndLeavesWithItsOwnContextsError(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Delay: 2 * time.Second})
		var wg sync.WaitGroup
		attach := func(within, want time.Duration, wantErr error) {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				if wantErr == context.Canceled {
					time.AfterFunc(want, cancel)
				}
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, w.srv.APIURL, nil)
				start := time.Now()
				err := w.src.Attach(req)
				if took := time.Since(start); !errors.Is(err, wantErr) || took != want || (err != nil) != (len(req.Header) == 0) {
					t.Errorf("%v after %v with %d headers; want %v after %v", err, took, len(req.Header), wantErr, want)
				}
			})
		}
		attach(time.Second, time.Second, context.DeadlineExceeded)
		attach(time.Minute, 1500*time.Millisecond, context.Canceled)
		for range 20 {
			attach(time.Minute, 2*time.Second, nil)
		}
		wg.Wait()
		w.wantTokenCalls(1)
	})
}

func TestI16_WhatIsAttachedIsTheRequestsOwn(t *testing.T) {
	r := keyed()
	var sent http.Header
	src := newSource(t, r, issuing("a"))
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		sent = r.Header
		return newStub().RoundTrip(r)
	})}
	shared := http.Header{"X-Own": {"1"}} // as an SDK's default headers are
	names := []string{"X-Nhn-Authentication", "X-Nhn-Authorization", "X-Tc-App-Key"}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
			req.Header = shared
			if err := src.Attach(req); err != nil {
				t.Error(err)
			}
			for i, name := range names {
				values := req.Header[name]
				if want := []string{"Bearer a", "Bearer a", "k3y"}[i]; len(values) != 1 || values[0] != want {
					t.Errorf("%s: %q, want %q", name, values, want)
					return
				}
				values[0] = "written over" // the race detector watches
				req.Header.Add(name, "more")
			}
		})
	}
	wg.Wait()
	if len(shared) != 1 {
		t.Errorf("the shared map became %v", shared)
	}
	if _, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil)); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		if want := []string{"Bearer a", "Bearer a", "k3y"}[i]; sent.Get(name) != want {
			t.Errorf("%s is %q for the next, want %q", name, sent.Get(name), want)
		}
	}
}

func TestATransportServesAnAttachedRequestInFull(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(*world)
		want      authtest.Counts
	}{
		"the token is fine":     {func(*world) {}, authtest.Counts{TokenCalls: 1, Issued: 1, Accepted: 1}},
		"it was revoked":        {func(w *world) { w.srv.RevokeAll() }, authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 1, Rejected: 1}},
		"there is a newer one":  {func(w *world) { renew(w); w.srv.RevokeAll() }, authtest.Counts{TokenCalls: 3, Issued: 3, Accepted: 1, Rejected: 1}},
		"newer, and both valid": {renew, authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				req := mustRequest(t, http.MethodPost, w.srv.APIURL+"/v1", strings.NewReader("body"))
				if err := w.src.Attach(req); err != nil {
					t.Fatal(err)
				}
				attached := req.Header.Clone()
				c.meanwhile(w)
				if status, err := w.send(req); status != 200 || err != nil {
					t.Fatalf("got %d, %v", status, err)
				}
				if !reflect.DeepEqual(req.Header, attached) {
					t.Error("the caller's request was changed")
				}
				w.wantCounts(c.want)
			})
		})
	}
}

// renew has the Source use another token, while the old one goes on to be valid.
func renew(w *world) {
	tok, _ := w.src.Token(w.t.Context())
	w.src.Invalidate(tok)
	w.token()
}

func TestAttachIsOfOneUserAndHoldsNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		m := s.manager(t, authtrip.Policy{MaxTokens: 10}, authtrip.WithPlaintextStore(store))
		attach := func(i int) (string, error) {
			// A Source has made its choice.
			ctx := authtrip.WithPrincipal(t.Context(), "somebody else")
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/", nil)
			err := of(t, m, fmt.Sprint("user-", i)).Attach(req)
			return s.access[strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")], err
		}
		for i := range 100 {
			s.login(t, of(t, m, fmt.Sprint("user-", i)), fmt.Sprint("user-", i))
			if got, err := attach(i); got != fmt.Sprint("user-", i) || err != nil {
				t.Fatalf("user %d has the token of %q, %v", i, got, err)
			}
			settle(time.Millisecond)
		}
		store.breakDown(failOnce("load"))
		if _, err := attach(0); err == nil {
			t.Fatal("it was not forgotten: the Store was not asked")
		}
		if got, err := attach(0); got != "user-0" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	})
}

// TestI06_RejectionsThatCallersTellMakeOneTokenCall: the rejections of a token
// come one after another, and its successor is not taken for it.
func TestI06_RejectionsThatCallersTellMakeOneTokenCall(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.token()
		w.srv.RevokeAll()
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				before, err := w.src.Token(t.Context())
				if err != nil {
					t.Error(err)
				}
				time.Sleep(time.Duration(i) * 20 * time.Millisecond) // its answer is on its way
				w.src.Suspect(before)
				if _, err := w.src.Token(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.wantTokenCalls(2)
	})
}

// TestI10_RejectionsThatCallersTellAreNoStorm: an API that rejects every token.
func TestI10_RejectionsThatCallersTellAreNoStorm(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for range 600 { // a minute
			tok, err := w.src.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.src.Suspect(tok)
			time.Sleep(100 * time.Millisecond)
		}
		if n := w.srv.Counts().TokenCalls; n < 3 || n > 8 {
			t.Errorf("%d token calls in a minute, want a few", n)
		}
	})
}

// TestI06_ARevocationAfterOneThatACallerToldIsNoticed: nobody told that the
// token between was accepted.
func TestI06_ARevocationAfterOneThatACallerToldIsNoticed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for range 3 {
			tok, err := w.src.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.srv.RevokeAll()
			w.src.Suspect(tok)
			w.token()
			time.Sleep(10 * time.Second) // the pause that a reissue begins is over
			w.srv.RevokeAll()
			w.mustGet() // over a Transport
			time.Sleep(10 * time.Second)
		}
		w.wantTokenCalls(7)
	})
}

// TestI06_ATokenThatCameAgainIsReplacedWhenItIsRejectedAgain, though nobody but
// its caller sees that.
func TestI06_ATokenThatCameAgainIsReplacedWhenItIsRejectedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(t, registration(), issuing("a", "a", "b"))
		for _, want := range []string{"a", "a", "b"} {
			tok, err := src.Token(t.Context())
			if err != nil || tok.AccessToken() != want {
				t.Fatalf("got %q, %v; want %q", tok.AccessToken(), err, want)
			}
			time.Sleep(10 * time.Second) // the pause after a reissue is over
			src.Suspect(tok)
		}
	})
}

// TestI17_RejectionsThatCallersTellEndNoLogin: nobody tells what was accepted
// between them.
func TestI17_RejectionsThatCallersTellEndNoLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		s.noRefresh = true
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		s.login(t, src, "ann")
		for range 3 {
			tok, err := src.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			src.Suspect(tok)
			settle(5 * time.Minute) // others are accepted
		}
		for minute := range 40 {
			settle(time.Minute)
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatalf("minute %d: %v", minute, err)
			}
		}
	})
}

func TestI06_ASuspectTokenServesWhenNoOtherCanBeHad(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		before, err := w.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.srv.Break(authtest.Fault{Status: 503})
		w.src.Suspect(before)
		after, err := w.src.Token(t.Context())
		if err != nil || after.AccessToken() != before.AccessToken() {
			t.Errorf("got another token or %v, want the suspect", err)
		}
	})
	new(authtrip.Source).Suspect(authtrip.Token{}) // nothing happens
}

func TestI06_ALateWordOnAnOldTokenChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		old, err := w.src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.src.Suspect(old)
		w.token()
		time.Sleep(10 * time.Second) // the pause after a reissue is over
		w.src.Suspect(old)
		w.src.Suspect(authtrip.Token{})
		w.token()
		w.wantTokenCalls(2)
	})
}
