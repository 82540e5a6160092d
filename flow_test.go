package authtrip_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// begin sends a user off, and returns the flow and the query of the URL.
func begin(t *testing.T, src *authtrip.Source) (authtrip.Flow, url.Values) {
	t.Helper()
	text, flow, err := src.AuthCodeURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return flow, u.Query()
}

func TestTheAuthorizationURLSaysAllThatTheServerNeeds(t *testing.T) {
	s := newServer()
	src := of(t, s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) {
		r.AuthorizationEndpoint.URL += "?prompt=consent&state=old"
		r.Scopes = []string{"read", "write"}
	})}), "ann")
	text, _, err := src.AuthCodeURL(t.Context())
	if err != nil || !strings.HasPrefix(text, "https://auth.example/authorize?") {
		t.Fatal(text, err)
	}
	_, q := begin(t, src)
	_, again := begin(t, src)
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "id", "redirect_uri": "https://app.example/callback", "scope": "read write",
		"code_challenge_method": "S256", "prompt": "consent",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if len(q["state"]) != 1 || len(q.Get("state")) < 22 || q.Get("state") == again.Get("state") || len(q.Get("code_challenge")) != 43 || q.Get("code_challenge") == again.Get("code_challenge") {
		t.Errorf("state or proof key are weak or not new: %v, %v", q, again)
	}
	if s.callCount() != 0 || q.Has("client_secret") {
		t.Error("a token call, or the secret in the URL")
	}
}

func TestExchangeRedeemsTheCodeWithItsProofKey(t *testing.T) {
	s := newServer()
	src := of(t, s.manager(t), "ann")
	flow, q := begin(t, src)
	code := s.code("ann")
	if err := src.Exchange(t.Context(), flow, url.Values{"state": {q.Get("state")}, "code": {code}}); err != nil {
		t.Fatal(err)
	}
	call := s.lastCall()
	sum := sha256.Sum256([]byte(call.Get("code_verifier")))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
		t.Error("the proof key does not fit")
	}
	call.Del("code_verifier")
	if got := call.Encode(); got != "code="+code+"&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback" {
		t.Errorf("sent %s", got)
	}
	s.mustBe(t, src, "ann")
	if s.callCount() != 1 {
		t.Errorf("%d calls", s.callCount())
	}
}

func TestExchangeSendsWhatTheRegistrationSays(t *testing.T) {
	s := newServer()
	src := of(t, s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) {
		r.NoPKCE, r.SendState, r.RedirectURI = true, true, ""
		r.Params = url.Values{"audience": {"api"}, "state": {"mine"}}
	})}), "ann")
	flow, q := begin(t, src)
	if q.Has("code_challenge") || q.Has("redirect_uri") {
		t.Errorf("the URL has %v", q)
	}
	if err := src.Exchange(t.Context(), flow, url.Values{"state": q["state"], "code": {s.code("ann")}}); err != nil {
		t.Fatal(err)
	}
	if call := s.lastCall(); call.Has("code_verifier") || call.Get("state") != q.Get("state") || call.Get("audience") != "api" {
		t.Errorf("sent %v", call)
	}
}

// A callback that does not belong to the flow costs no code.
func TestExchangeRefusesWhatDoesNotBelongTogether(t *testing.T) {
	s := newServer()
	m := s.managerOf(t, []authtrip.Registration{user(), user(func(r *authtrip.Registration) {
		r.ID, r.Issuer = "strict", "https://auth.example"
	})})
	src := of(t, m, "ann")
	strict, err := m.SourceFor("strict", "ann")
	if err != nil {
		t.Fatal(err)
	}
	flow, q := begin(t, src)
	strictFlow, strictQ := begin(t, strict)
	callback := func(change ...string) url.Values {
		v := url.Values{"state": q["state"], "code": {"c0de-CANARY"}, "iss": {"https://auth.example"}}
		for i := 0; i < len(change); i += 2 {
			if v.Set(change[i], change[i+1]); change[i+1] == "" {
				v.Del(change[i])
			}
		}
		return v
	}
	for name, c := range map[string]struct {
		src   *authtrip.Source
		flow  authtrip.Flow
		query url.Values
		says  string
	}{
		"no flow":                 {src, authtrip.Flow{}, callback(), "the Flow is empty"},
		"another registration's":  {src, strictFlow, callback("state", strictQ.Get("state")), `begun for registration "strict"`},
		"no callback":             {src, flow, nil, "has no state"},
		"no state":                {src, flow, callback("state", ""), "has no state"},
		"another state":           {src, flow, callback("state", "STATE"), "another session, or is forged"},
		"a state that is longer":  {src, flow, callback("state", q.Get("state")+"x"), "another session, or is forged"},
		"no code":                 {src, flow, callback("code", ""), "neither a code nor an error"},
		"two codes":               {src, flow, url.Values{"state": q["state"], "code": {"a", "b"}}, `several parameters "code"`},
		"two states":              {src, flow, url.Values{"state": {q.Get("state"), "b"}, "code": {"a"}}, `several parameters "state"`},
		"no issuer":               {strict, strictFlow, callback("state", strictQ.Get("state"), "iss", ""), "has no iss"},
		"another issuer":          {strict, strictFlow, callback("state", strictQ.Get("state"), "iss", "https://evil.example"), "comes from another server"},
		"an issuer with a slash":  {strict, strictFlow, callback("state", strictQ.Get("state"), "iss", "https://auth.example/"), "comes from another server"},
		"an error of the server":  {src, flow, callback("error", "access_denied", "error_description", "no\x1b[31m"), "access_denied: no[31m"},
		"an error, another state": {src, flow, callback("error", "access_denied", "state", "x"), "another session, or is forged"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.src.Exchange(t.Context(), c.flow, c.query)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want %q", err, c.says)
			}
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			if strings.Contains(text, "CANARY") || strings.Contains(text, q.Get("state")) {
				t.Errorf("it shows a secret: %s", text)
			}
			var said *authtrip.ServerError
			if isError := c.query.Get("error") != "" && c.says[0] == 'a' && strings.HasPrefix(c.says, "access"); errors.As(err, &said) != isError || isError && (said.Code != "access_denied" || said.Status != 0 || strings.Contains(err.Error(), "HTTP")) {
				t.Errorf("%#v", err)
			}
		})
	}
	if s.callCount() != 0 {
		t.Fatalf("%d token calls", s.callCount())
	}
	// None of it has used the flow up.
	if err := src.Exchange(t.Context(), flow, callback("code", s.code("ann"))); err != nil {
		t.Fatal(err)
	}
}

func TestAFlowIsGoodForOneExchangeWithinAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(), newSpyStore()
		src := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		flow, q := begin(t, src)
		late, lateQ := begin(t, src)
		settle(time.Hour)
		query := url.Values{"state": q["state"], "code": {s.code("ann")}}
		if err := src.Exchange(t.Context(), flow, query); err != nil {
			t.Fatal(err)
		}
		// The callback's page is loaded again, here or at another process.
		another := of(t, s.manager(t, authtrip.WithPlaintextStore(store)), "ann")
		for _, src := range []*authtrip.Source{src, another} {
			if err := src.Exchange(t.Context(), flow, query); err == nil || !strings.Contains(err.Error(), "used already") {
				t.Fatalf("%v, want that the flow was used", err)
			}
		}
		settle(time.Second)
		if err := src.Exchange(t.Context(), late, url.Values{"state": lateQ["state"], "code": {s.code("ann")}}); err == nil || !strings.Contains(err.Error(), "more than 1h") {
			t.Fatalf("%v, want that the flow is too old", err)
		}
		if s.callCount() != 1 || s.reuses() != 0 {
			t.Fatalf("%d calls", s.callCount())
		}
		s.mustBe(t, src, "ann")
	})
}

func TestAFlowSurvivesTheSessionAndDoesNotShow(t *testing.T) {
	s := newServer()
	src := of(t, s.manager(t), "ann")
	for name, through := range map[string]func(authtrip.Flow) (authtrip.Flow, error){
		"text": func(f authtrip.Flow) (got authtrip.Flow, err error) {
			text, _ := f.MarshalText()
			if (&http.Cookie{Name: "flow", Value: string(text)}).Valid() != nil {
				return got, errors.New("unfit for a cookie")
			}
			return got, got.UnmarshalText(text)
		},
		"JSON": func(f authtrip.Flow) (authtrip.Flow, error) {
			var got struct{ Flow authtrip.Flow }
			b, _ := json.Marshal(struct{ Flow authtrip.Flow }{f})
			return got.Flow, json.Unmarshal(b, &got)
		},
		"gob": func(f authtrip.Flow) (got authtrip.Flow, err error) {
			var b bytes.Buffer
			if err := gob.NewEncoder(&b).Encode(f); err != nil {
				return got, err
			}
			return got, gob.NewDecoder(&b).Decode(&got)
		},
	} {
		flow, q := begin(t, src)
		got, err := through(flow)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := src.Exchange(t.Context(), got, url.Values{"state": q["state"], "code": {s.code("ann")}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("flow", "flow", flow)
		shown := fmt.Sprintf("%v %+v %#v %s %q %x %d %p", flow, &flow, flow, flow, flow, flow, flow, &flow) + flow.String() + log.String()
		if strings.Contains(shown, q.Get("state")) || strings.Contains(shown, fmt.Sprintf("%x", q.Get("state"))) || !strings.Contains(shown, "[redacted]") {
			t.Errorf("it shows: %s", shown)
		}
	}
	var f authtrip.Flow
	for _, bad := range []string{"x", "e30", "bnVsbA", "W10", "\x00", strings.Repeat("a", 1<<20)} {
		if err := f.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%.20q was taken for a Flow", bad)
		}
	}
	if text, err := f.MarshalText(); err != nil || len(text) != 0 || f.UnmarshalText(nil) != nil {
		t.Error("the zero Flow does not survive")
	}
}

func TestACodeIsSentOnceWhateverHappens(t *testing.T) {
	for name, befall := range map[string]func(int, *http.Request) error{
		"no connection": func(int, *http.Request) error { return errDial },
		"reset":         func(int, *http.Request) error { return errors.New("connection reset") },
		"hangs":         func(_ int, r *http.Request) error { <-r.Context().Done(); return r.Context().Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				src := of(t, s.manager(t), "ann")
				s.befall(befall, nil)
				flow, q := begin(t, src)
				err := src.Exchange(t.Context(), flow, url.Values{"state": q["state"], "code": {"c-CANARY"}})
				if err == nil || s.callCount() != 1 || strings.Contains(err.Error(), "CANARY") {
					t.Fatalf("%d calls, %v", s.callCount(), err)
				}
				s.befall(nil, nil)
				if _, err := s.whoami(t.Context(), src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
					t.Fatalf("%v, want ErrAuthorizationRequired", err)
				}
				s.login(t, src, "ann")
				s.mustBe(t, src, "ann")
			})
		})
	}
}

func TestI15_ARefreshIsSentAgainOnlyWhenItWasNotProcessed(t *testing.T) {
	unavailable := func(status int) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) { return jsonReply(r, status, nil), nil }
	}
	for name, c := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		calls  int
	}{
		"no connection": {func(*http.Request) (*http.Response, error) { return nil, errDial }, 3},
		"503":           {unavailable(503), 3},
		"500":           {unavailable(500), 1},
		"502":           {unavailable(502), 1},
		"429":           {unavailable(429), 1},
		"reset":         {func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset by peer") }, 1},
		"hangs":         {func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, 1},
		"cut off": {func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				var calls atomic.Int32
				calls.Store(-100)
				m := s.manager(t, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
					if calls.Add(1) <= 0 {
						return s.RoundTrip(r)
					}
					return c.answer(r)
				})))
				src := of(t, m, "ann")
				s.login(t, src, "ann")
				settle(time.Hour)
				calls.Store(0)
				if _, err := s.whoami(t.Context(), src); err == nil || int(calls.Load()) != c.calls {
					t.Fatalf("%d calls, %v; want %d", calls.Load(), err, c.calls)
				}
				// It was not lost for that.
				calls.Store(-100)
				settle(time.Minute)
				s.mustBe(t, src, "ann")
			})
		})
	}
}

// A code travels in a GET's query at some servers, and net/http repeats a GET
// by itself on a connection that died, if it keeps any.
func TestI15_NetHTTPDoesNotRepeatACode(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			srv := newDyingServer(t)
			m, err := authtrip.NewManager([]authtrip.Registration{user(func(r *authtrip.Registration) {
				r.TokenEndpoint = authtrip.Endpoint{URL: srv.url, Method: method}
			})}, authtrip.WithTokenTransport(&http.Transport{})) // it keeps connections
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			src := of(t, m, "ann")
			if err := src.ExchangeCode(t.Context(), "first", nil); err != nil {
				t.Fatal(err)
			}
			if err := src.ExchangeCode(t.Context(), "second", nil); err == nil {
				t.Fatal("an answer from a dead connection")
			}
			if got := srv.codes(); got["first"] != 1 || got["second"] != 1 {
				t.Fatalf("codes were sent %v times, want each once", got)
			}
		})
	}
}

func TestAGrantThatDoesNotApplySaysSo(t *testing.T) {
	s := newServer()
	m := s.managerOf(t, []authtrip.Registration{registration(), user(func(r *authtrip.Registration) {
		r.AuthorizationEndpoint.URL = ""
	})})
	client, err := m.Source("test")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = client.AuthCodeURL(t.Context())
	wantAll(t, err, `"test"`, "client_credentials", "AuthorizationCode")
	wantAll(t, client.Exchange(t.Context(), authtrip.Flow{}, nil), `"test"`, "client_credentials", "AuthorizationCode")
	wantAll(t, client.ExchangeCode(t.Context(), "c", nil), `"test"`, "client_credentials", "AuthorizationCode")
	_, err = m.SourceFor("test", "ann")
	wantAll(t, err, `"test"`, "client_credentials", "use Source")
	src := of(t, m, "ann")
	_, _, err = src.AuthCodeURL(t.Context())
	wantAll(t, err, `"users"`, "no AuthorizationEndpoint")
	wantAll(t, src.ExchangeCode(t.Context(), "", nil), "the code is empty")
	wantAll(t, src.ExchangeCode(t.Context(), "c", url.Values{"client_id": {"x"}}), "client_id")
	_, err = src.Token(context.Background())
	if !errors.Is(err, authtrip.ErrAuthorizationRequired) {
		t.Errorf("%v, want ErrAuthorizationRequired", err)
	}
	wantAll(t, err, `"users"`, "the user must grant access")
}

func TestACodeFromAnotherWayIsSentWithWhatTheCallerAdds(t *testing.T) {
	s := newServer()
	src := of(t, s.manager(t), "ann")
	code := s.code("ann")
	if err := src.ExchangeCode(t.Context(), code, url.Values{"state": {"st"}, "redirect_uri": {"https://other.example"}}); err != nil {
		t.Fatal(err)
	}
	if got := s.lastCall().Encode(); got != "code="+code+"&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fother.example&state=st" {
		t.Fatalf("sent %s", got)
	}
	// Twice is the server's to refuse, and what it says is said on.
	var said *authtrip.ServerError
	err := src.ExchangeCode(t.Context(), code, nil)
	if !errors.As(err, &said) || said.Code != "invalid_grant" || strings.Contains(err.Error(), code) {
		t.Fatalf("%v", err)
	}
	wantAll(t, err, "invalid_grant", "used already")
	s.mustBe(t, src, "ann")
}

// With an open circuit neither the code nor the flow is used up.
func TestAnOpenCircuitCostsNoCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		src := of(t, s.manager(t, authtrip.Policy{BreakerFailures: 1}), "ann")
		s.befall(func(int, *http.Request) error { return errDial }, nil)
		if err := src.ExchangeCode(t.Context(), "x", nil); err == nil {
			t.Fatal("no error")
		}
		s.befall(nil, nil)
		flow, q := begin(t, src)
		query := url.Values{"state": q["state"], "code": {s.code("ann")}}
		if err := src.Exchange(t.Context(), flow, query); !errors.Is(err, authtrip.ErrCircuitOpen) {
			t.Fatalf("%v, want ErrCircuitOpen", err)
		}
		settle(2 * time.Second)
		if err := src.Exchange(t.Context(), flow, query); err != nil {
			t.Fatal(err)
		}
	})
}
