package authtrip_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// inHeader is the envelope of NHN Cloud's services.
var inHeader = authtrip.Envelope{Success: "header.isSuccessful", Code: "header.resultCode", Rejected: []string{"80007", "-6", "401*"}}

const (
	fine    = `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"}}`
	refused = `{"header":{"isSuccessful":false,"resultCode":80007,"resultMessage":"the token is not valid"}}`
)

// judging has the emulator's API rejecting tokens by e, and by status 419.
func judging(e authtrip.Envelope) worldOption {
	return changed(func(r *authtrip.Registration) {
		r.Envelopes = map[string]authtrip.Envelope{r.Origins[len(r.Origins)-1]: e}
		r.RejectStatus = []int{419}
	})
}

// fickle is an API that rejects tokens, in the way it is told to: the first
// that it sees, or all.
type fickle struct {
	status int
	body   string
	always bool

	mu     sync.Mutex
	tokens []string // guarded by mu
	bodies []string // guarded by mu
}

func (f *fickle) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens = append(f.tokens, r.Header.Get("X-Nhn-Authorization"))
	f.bodies = append(f.bodies, string(sent))
	rw.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if f.always || f.tokens[0] == r.Header.Get("X-Nhn-Authorization") {
		rw.WriteHeader(f.status)
		_, _ = io.WriteString(rw, f.body)
		return
	}
	_, _ = io.WriteString(rw, fine)
}

// seen is what the API saw, the tokens as numbers in order of appearance.
func (f *fickle) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var order, all []string
	for i, token := range f.tokens {
		if !slices.Contains(order, token) {
			order = append(order, token)
		}
		all = append(all, fmt.Sprintf("%d%s", slices.Index(order, token)+1, f.bodies[i]))
	}
	return strings.Join(all, " ")
}

func TestHoweverATokenIsRejectedTheSameFollows(t *testing.T) {
	again := func() io.Reader { return strings.NewReader("x") }
	once := func() io.Reader { return io.MultiReader(strings.NewReader("x")) }
	for name, c := range map[string]struct {
		body     func() io.Reader
		always   bool           // all tokens are rejected
		then     authtest.Fault // of the authorization server
		rejected bool           // the caller gets the API's rejection
		why      string         // NotReplayed's
		seen     string         // by the API
		calls    int            // of the token endpoint
	}{
		"a new token is accepted":        {seen: "1 2", calls: 2},
		"the body is sent again":         {body: again, seen: "1x 2x", calls: 2},
		"the body cannot be sent again":  {body: once, rejected: true, why: "GetBody", seen: "1x", calls: 1},
		"the new token is rejected too":  {always: true, rejected: true, seen: "1 2", calls: 2},
		"there is no other token":        {then: authtest.Fault{Status: 400}, rejected: true, why: "invalid_request", seen: "1", calls: 2},
		"the same token is issued again": {then: authtest.Fault{SameToken: true}, rejected: true, why: "the rejected token again", seen: "1", calls: 2},
	} {
		for how, api := range map[string]*fickle{
			"401": {status: 401, body: refused}, "419": {status: 419, body: "no"}, "envelope": {status: 200, body: refused},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				api.always = c.always
				inBubble(t, func(t *testing.T, w *world) {
					w.token()
					w.srv.Break(c.then)
					method, body := http.MethodGet, io.Reader(nil)
					if c.body != nil {
						method, body = http.MethodPost, c.body()
					}
					res, err := w.client.Do(mustRequest(t, method, w.srv.APIURL+"/", body))
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(res.Body)
					_ = res.Body.Close()
					wantStatus, want := 200, fine
					if c.rejected {
						wantStatus, want = api.status, api.body
					}
					if res.StatusCode != wantStatus || string(got) != want || err != nil {
						t.Errorf("the caller got %d %q, %v; want %d %q", res.StatusCode, got, err, wantStatus, want)
					}
					if api.seen() != c.seen {
						t.Errorf("the API saw %q, want %q", api.seen(), c.seen)
					}
					if c.why != "" {
						wantAll(t, w.whyNotReplayed(), c.why)
					} else if err := w.whyNotReplayed(); err != nil {
						t.Errorf("not replayed: %v", err)
					}
					w.wantTokenCalls(c.calls)
				}, judging(inHeader), serving(api.ServeHTTP))
			})
		}
	}
}

func TestI10_AnAPIWhoseEnvelopeAlwaysRejectsMakesTwoTokenCalls(t *testing.T) {
	api := &fickle{status: 200, body: refused, always: true}
	inBubble(t, func(t *testing.T, w *world) {
		if got := w.all(100); got[200] != 100 {
			t.Fatalf("statuses %v, want 100 of 200", got)
		}
		for range 20 {
			w.mustGet()
		}
		w.wantTokenCalls(2)
	}, judging(inHeader), serving(api.ServeHTTP))
}

// sealed is a body that tells whether it is still itself.
type sealed struct{ io.ReadCloser }

func TestOnlyHostsWithARuleAreLookedInto(t *testing.T) {
	r := withEnvelope("Api.Example", inHeader)
	r.Envelopes["http://localhost:8080"] = inHeader
	r.Envelopes["plain.example:8443"] = inHeader
	r.Reject = func(*http.Response) authtrip.Verdict { return authtrip.TokenAccepted }
	src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	for url, looked := range map[string]bool{
		"https://api.example/": true, "https://API.example:443/x?y": true, "http://localhost:8080": true, "https://plain.example:8443/": true,
		"https://api.example:8443/": false, "https://www.api.example/": false, "https://example/": false, "https://other.example/": false,
		"https://plain.example/": false, "https://localhost:8080/": false, "http://127.0.0.1:8080/": false,
	} {
		body := &sealed{io.NopCloser(strings.NewReader(fine))}
		sent := jsonResponse("")
		sent.Body = body
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			sent.Request = r
			return sent, nil
		})}
		res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, url, nil))
		if err != nil {
			t.Fatal(err)
		}
		if untouched := res == sent && res.Body == body; untouched == looked {
			t.Errorf("%s: looked into %v, want %v", url, !untouched, looked)
		}
		if got, err := io.ReadAll(res.Body); string(got) != fine || err != nil {
			t.Errorf("%s: read %q, %v", url, got, err)
		}
	}
}

func TestWithoutALookTheBodyStaysItself(t *testing.T) {
	for name, change := range map[string]func(*http.Response){
		"not JSON":    func(res *http.Response) { res.Header.Set("Content-Type", "text/event-stream") },
		"no type":     func(res *http.Response) { res.Header.Del("Content-Type") },
		"status 201":  func(res *http.Response) { res.StatusCode = 201 },
		"HEAD":        func(res *http.Response) { res.Request.Method = http.MethodHead },
		"switched":    func(res *http.Response) { res.StatusCode = 101 },
		"bad gateway": func(res *http.Response) { res.StatusCode = 502 },
	} {
		body := &sealed{io.NopCloser(strings.NewReader(refused))}
		req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
		sent := jsonResponse("")
		sent.Body, sent.Request = body, req
		change(sent)
		src := newSource(t, withEnvelope("api.example", inHeader), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}),
			authtrip.Hooks{Undecided: func(_ context.Context, _ string, why error) { t.Errorf("%s: undecided: %v", name, why) }})
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(*http.Request) (*http.Response, error) { return sent, nil })}
		if res, err := rt.RoundTrip(req); err != nil || res != sent || res.Body != body {
			t.Errorf("%s: the response was wrapped (%v)", name, err)
		}
	}
}

func TestStatusRejectAndEnvelopeEachReject(t *testing.T) {
	for name, c := range map[string]struct {
		status   int
		header   string // X-Says
		body     string
		rejected bool
	}{
		"none":                      {200, "", fine, false},
		"envelope":                  {200, "", refused, true},
		"func":                      {200, "no", fine, true},
		"func, and no JSON":         {500, "no", "", true},
		"both":                      {200, "no", refused, true},
		"status":                    {419, "", fine, true},
		"another status":            {420, "", refused, false},
		"401, which the func takes": {401, "", fine, false},
	} {
		r := withEnvelope("api.example", inHeader)
		r.RejectStatus = []int{419, 440}
		r.Reject = func(res *http.Response) authtrip.Verdict {
			if res.Header.Get("X-Says") == "no" {
				return authtrip.TokenRejected
			}
			return authtrip.TokenAccepted
		}
		res := jsonResponse(c.body)
		res.StatusCode = c.status
		res.Header.Set("X-Says", c.header)
		if got, _ := judged(t, r, res); got != c.rejected {
			t.Errorf("%s: rejected %v, want %v", name, got, c.rejected)
		}
	}
	r := registration()
	r.RejectStatus = []int{419}
	for status, want := range map[int]bool{419: true, 401: true, 403: false} { // beside RejectBearer
		res := jsonResponse(fine)
		res.StatusCode = status
		if got, _ := judged(t, r, res); got != want {
			t.Errorf("status %d: rejected %v, want %v", status, got, want)
		}
	}
}

func TestFaultsOfEnvelopesAreReportedTogetherWithAllOthers(t *testing.T) {
	r := registration()
	r.ClientID = ""
	r.Envelopes = map[string]authtrip.Envelope{
		"no-code.example":          {Rejected: []string{"1"}},
		"no-rejected.example":      {Code: "code"},
		"star.example":             {Code: "code", Rejected: []string{"1", "*"}},
		"empty.example":            {Code: "code", Rejected: []string{""}},
		"dots.example":             {Success: "a..b", Code: ".code", Rejected: []string{"1"}},
		"end.example":              {Code: "code.", Rejected: []string{"1"}},
		"*.wild.example":           {Code: "code", Rejected: []string{"1"}},
		"path.example/v1":          {Code: "code", Rejected: []string{"1"}},
		"":                         {Code: "code", Rejected: []string{"1"}},
		"same.example":             {Code: "code", Rejected: []string{"1"}},
		"https://SAME.example:443": {Code: "code", Rejected: []string{"2"}},
		"same.example:80":          {Code: "code", Rejected: []string{"3"}}, // another
	}
	_, err := authtrip.NewSource(r, authtrip.Policy{EnvelopeWait: -1})
	wantAll(t, err, "ClientID", "EnvelopeWait", `"no-code.example" needs Code`, `"no-rejected.example" needs Code and Rejected`, `"star.example" has a code`,
		`"empty.example" has a code`, `"a..b"`, `".code"`, `"code."`, `"*.wild.example"`, `"path.example/v1"`, `"" is no host`,
		`"https://SAME.example:443" and "same.example" are the same host`)
	if strings.Contains(err.Error(), "same.example:80") {
		t.Errorf("%v\nfinds fault with another port", err)
	}
	for range 20 {
		if _, again := authtrip.NewSource(r, authtrip.Policy{EnvelopeWait: -1}); !strings.Contains(again.Error(), `"https://SAME.example:443" and "same.example"`) {
			t.Fatalf("said otherwise the next time: %v", again)
		}
	}
}

func TestWhatARegistrationsOwnerChangesLaterChangesNothing(t *testing.T) {
	for name, answer := range map[string]func() *http.Response{
		"envelope": func() *http.Response { return jsonResponse(`{"ok":false,"code":1}`) },
		"status":   func() *http.Response { return &http.Response{StatusCode: 419} },
	} {
		r := withEnvelope("api.example", authtrip.Envelope{Success: "ok", Code: "code", Rejected: []string{"1"}})
		r.RejectStatus = []int{419}
		src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"access_token":"b"}`}}))
		r.RejectStatus[0] = 420
		r.Envelopes["api.example"].Rejected[0] = "2"
		delete(r.Envelopes, "api.example")
		sent := 0
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(*http.Request) (*http.Response, error) {
			sent++
			return answer(), nil
		})}
		if _, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil)); err != nil || sent != 2 {
			t.Errorf("%s: sent %d times, %v; want the rule as it was checked", name, sent, err)
		}
	}
}
