package authtrip_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// rejecter is a Transport over an API that answers with what the test says, and
// has tokens "a", "b" and so on.
func rejecter(t *testing.T, change func(*authtrip.Registration), tokens []string, answer func(*http.Request) *http.Response) *authtrip.Transport {
	r := registration()
	if change != nil {
		change(&r)
	}
	return &authtrip.Transport{Source: newSource(t, r, issuing(tokens...)), Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		res := answer(r)
		if res.Header == nil {
			res.Header = http.Header{}
		}
		res.Request = r
		return res, nil
	})}
}

func TestRejectedIsTrueOfWhatATransportHandedOn(t *testing.T) {
	always := func(status int) func(*http.Request) *http.Response {
		return func(*http.Request) *http.Response { return &http.Response{StatusCode: status} }
	}
	envelope := func(r *authtrip.Registration) { r.Envelopes = map[string]authtrip.Envelope{"api.example": inHeader} }
	for name, c := range map[string]struct {
		change   func(*authtrip.Registration)
		tokens   []string
		answer   func(*http.Request) *http.Response
		body     io.Reader
		noReplay bool
	}{
		"NoReplay":                     {nil, []string{"a", "b"}, always(401), nil, true},
		"a body that is gone":          {nil, []string{"a", "b"}, always(401), io.MultiReader(strings.NewReader("x")), false},
		"the same token again":         {nil, []string{"a"}, always(401), nil, false},
		"the replay rejected too":      {nil, []string{"a", "b"}, always(401), nil, false},
		"RejectStatus":                 {func(r *authtrip.Registration) { r.RejectStatus = []int{419} }, []string{"a", "b"}, always(419), nil, true},
		"RejectStatus, after a replay": {func(r *authtrip.Registration) { r.RejectStatus = []int{419} }, []string{"a", "b"}, always(419), nil, false},
		"Reject": {func(r *authtrip.Registration) {
			r.Reject = func(res *http.Response) authtrip.Verdict {
				if res.StatusCode == 500 {
					return authtrip.TokenRejected
				}
				return authtrip.TokenAccepted
			}
		}, []string{"a", "b"}, always(500), nil, true},
		"an envelope":                 {envelope, []string{"a", "b"}, func(*http.Request) *http.Response { return jsonResponse(refused) }, nil, true},
		"an envelope, after a replay": {envelope, []string{"a", "b"}, func(*http.Request) *http.Response { return jsonResponse(refused) }, nil, false},
	} {
		rt := rejecter(t, c.change, c.tokens, c.answer)
		rt.NoReplay = c.noReplay
		req := mustRequest(t, http.MethodPost, "https://api.example/path", c.body)
		res, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if !authtrip.Rejected(res) {
			t.Errorf("%s: not said to be rejected", name)
		}
		if res.Request.URL != req.URL || res.Request.Method != req.Method || len(res.Request.Header) != 0 || len(req.Header) != 0 {
			t.Errorf("%s: the response's Request is not like the caller's", name)
		}
		if authtrip.Rejected(&http.Response{Request: req}) {
			t.Errorf("%s: the caller's own request was marked", name)
		}
		for _, around := range []*http.Response{ // as layers around it change it
			{Request: res.Request, StatusCode: res.StatusCode, Body: io.NopCloser(res.Body)},
			{Request: res.Request, Header: http.Header{"X-Cache": {"miss"}}},
		} {
			if !authtrip.Rejected(around) {
				t.Errorf("%s: forgotten when a layer changed the response", name)
			}
		}
	}
}

func TestRejectedIsFalseOfEverythingElse(t *testing.T) {
	answers := func(res http.Response) func(*http.Request) *http.Response {
		return func(*http.Request) *http.Response { return &res }
	}
	challenge := http.Header{"Www-Authenticate": {`Bearer error="insufficient_scope"`}}
	for name, c := range map[string]struct {
		url    string
		answer func(*http.Request) *http.Response
	}{
		"accepted":           {"https://api.example/", answers(http.Response{StatusCode: 200})},
		"forbidden":          {"https://api.example/", answers(http.Response{StatusCode: 403})},
		"insufficient scope": {"https://api.example/", answers(http.Response{StatusCode: 401, Header: challenge})},
		"another origin":     {"https://evil.example/", answers(http.Response{StatusCode: 401})},
		"replayed": {"https://api.example/", func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: map[bool]int{true: 401, false: 200}[r.Header.Get("Authorization") == "Bearer a"]}
		}},
	} {
		rt := rejecter(t, func(r *authtrip.Registration) { r.Origins = []string{"api.example"} }, []string{"a", "b"}, c.answer)
		res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, c.url, nil))
		if err != nil || authtrip.Rejected(res) {
			t.Errorf("%s: %v; said to be rejected", name, err)
		}
	}
	for name, res := range map[string]*http.Response{"nil": nil, "zero": {}, "no Transport": {StatusCode: 401, Request: mustRequest(t, http.MethodGet, "https://api.example/", nil)}, "no context": {StatusCode: 401, Request: &http.Request{}}} {
		if authtrip.Rejected(res) {
			t.Errorf("%s: said to be rejected", name)
		}
	}
}

// What is made of the request of a rejected response is judged for itself, also
// by a layer that sends that very request once more.
func TestRejectedIsOfOneResponseOnly(t *testing.T) {
	for name, next := range map[string]func(*http.Request) *http.Request{
		"a request of its context": func(r *http.Request) *http.Request {
			next, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, "https://api.example/", nil)
			return next
		},
		"a copy":     func(r *http.Request) *http.Request { return r.Clone(r.Context()) },
		"it, itself": func(r *http.Request) *http.Request { return r },
		"it, with another context": func(r *http.Request) *http.Request {
			ctx, cancel := context.WithCancel(r.Context())
			t.Cleanup(cancel)
			return r.WithContext(ctx)
		},
	} {
		rejects := true
		rt := rejecter(t, nil, []string{"a", "b", "c"}, func(*http.Request) *http.Response {
			return &http.Response{StatusCode: map[bool]int{true: 401, false: 200}[rejects]}
		})
		rt.NoReplay = true
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, "the caller's")
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/", nil)
		for range 3 {
			res, err := rt.RoundTrip(req)
			if err != nil || !authtrip.Rejected(res) {
				t.Fatalf("%s: %v; not said to be rejected", name, err)
			}
			req = next(res.Request)
		}
		if req.Context().Value(key{}) != "the caller's" {
			t.Errorf("%s: the context lost the caller's values", name)
		}
		rejects = false
		if res, err := rt.RoundTrip(req); err != nil || authtrip.Rejected(res) {
			t.Errorf("%s, which was accepted: %v; said to be rejected", name, err)
		}
	}
}

// http.Client's time-out wraps the body, and may copy the request.
func TestRejectedSurvivesAnHTTPClient(t *testing.T) {
	w := newWorld(t, serving(unauthorized))
	w.client.Timeout = 10 * time.Second
	for _, noReplay := range []bool{false, true} {
		w.client.Transport.(*authtrip.Transport).NoReplay = noReplay
		for range 2 {
			if res, _ := w.ask(); res.StatusCode != 401 || !authtrip.Rejected(res) {
				t.Errorf("NoReplay %v: %s, rejected %v", noReplay, res.Status, authtrip.Rejected(res))
			}
		}
	}
}

// Each Transport knows its own token only, and either's verdict is one.
func TestRejectedKnowsTheInnerOfTwoTransports(t *testing.T) {
	inner := rejecter(t, func(r *authtrip.Registration) { r.RejectStatus = []int{419} }, []string{"a", "b"}, func(*http.Request) *http.Response {
		return &http.Response{StatusCode: 419}
	})
	r := registration()
	r.Headers = []string{"X-Gateway-Token"}
	outer := &authtrip.Transport{Source: newSource(t, r, issuing("g")), Base: inner}
	res, err := outer.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
	if err != nil || !authtrip.Rejected(res) {
		t.Fatalf("%v; not said to be rejected", err)
	}
	if len(res.Request.Header) != 0 {
		t.Errorf("the response's Request has %v", res.Request.Header)
	}
}

// A base that sets no Request may answer all requests with one response: it is
// not written to, which the race detector sees.
func TestRejectedWritesToNoSharedResponse(t *testing.T) {
	for _, noReplay := range []bool{false, true} {
		shared := &http.Response{StatusCode: 401, Header: http.Header{}, Body: http.NoBody}
		src := newSource(t, registration(), issuing("a", "b"))
		rt := &authtrip.Transport{Source: src, Base: stub{shared}, NoReplay: noReplay}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
				if err != nil || res == shared || !authtrip.Rejected(res) {
					t.Errorf("NoReplay %v: %v; the base's own response, or not said to be rejected", noReplay, err)
				}
			})
		}
		wg.Wait()
		if shared.Request != nil || shared.Body != http.NoBody {
			t.Errorf("NoReplay %v: the base's response was written to", noReplay)
		}
	}
}

func TestI08_ARejectedResponsesTrailersArrive(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, announced := range []bool{true, false} {
			for _, setsRequest := range []bool{true, false} {
				for how, c := range map[string]struct {
					noReplay bool
					tokens   []string
					envelope bool
				}{
					"NoReplay": {true, []string{"a"}, false}, "NoReplay, envelope": {true, []string{"a"}, true},
					"no other token": {false, []string{"a"}, false}, "no other token, envelope": {false, []string{"a"}, true},
					"replayed": {false, []string{"a", "b"}, false},
				} {
					base, url := serve(t, proto, func(rw http.ResponseWriter, r *http.Request) {
						if !c.envelope {
							if announced {
								rw.Header().Set("Trailer", "X-Sum, X-Other")
							}
							rw.WriteHeader(401)
						}
						trailing(refused, announced)(rw, r)
					})
					r := withEnvelope(url, inHeader)
					rt := &authtrip.Transport{Source: newSource(t, r, issuing(c.tokens...)), NoReplay: c.noReplay}
					rt.Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
						res, err := base.RoundTrip(r)
						if err == nil && !setsRequest {
							res.Request = nil
						}
						return res, err
					})
					res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, url, nil))
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(res.Body)
					_ = res.Body.Close()
					if string(body) != refused || err != nil || !authtrip.Rejected(res) || res.Trailer.Get("X-Sum") != "7" {
						t.Errorf("%s, announced %v, Request %v, %s: %q, %v, rejected %v, trailer %v", proto, announced, setsRequest, how, body, err, authtrip.Rejected(res), res.Trailer)
					}
				}
			}
		}
	}
}

// A status that rejects the token may be a redirect's: what follows it is held
// to the origins as ever.
func TestI13_ARejectedRedirectIsFollowedWithoutTheToken(t *testing.T) {
	for _, noReplay := range []bool{false, true} {
		servers := newChain(t)
		r := attachable([]string{"X-Token"})
		r.RejectStatus = []int{302}
		rt := &authtrip.Transport{Source: newSource(t, r, issuing("one", "two")), Base: servers.base, NoReplay: noReplay}
		res, err := (&http.Client{Transport: rt}).Get(along([]string{"http://a.example", "http://b.example"}, 302))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		last := len(servers.seen) - 1
		if authtrip.Rejected(res) || servers.at[last] != "b.example" || len(own(servers.seen[last])) != 0 {
			t.Errorf("%s got %v; rejected %v", servers.at[last], servers.seen[last], authtrip.Rejected(res))
		}
	}
}
