package authtrip_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

func TestI15_TheTokenRequestIsAsNHNDocumentsIt(t *testing.T) {
	var got *http.Request
	var form string
	w := newWorld(t, with(authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		b, _ := io.ReadAll(r.Body)
		got, form = r, string(b)
		return (&replies{bodies: []string{`{"access_token":"a","token_type":"Bearer","expires_in":"86400"}`}}).RoundTrip(r)
	}))))
	w.token()
	c := w.srv.Credentials()
	raw := base64.StdEncoding.EncodeToString([]byte(c.UserAccessKeyID + ":" + c.SecretAccessKey.Reveal()))
	if got.Method != http.MethodPost || got.URL.Path != "/oauth2/token/create" || form != "grant_type=client_credentials" ||
		got.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || got.Header.Get("Authorization") != "Basic "+raw {
		t.Fatalf("sent %s %s with %q", got.Method, got.URL.Path, form)
	}
}

func TestI15_BasicIsEscapedUnlessRaw(t *testing.T) {
	for auth, want := range map[authtrip.ClientAuth]string{
		"":                            "my+id:a%2B%2F%3Ab",
		authtrip.ClientSecretBasic:    "my+id:a%2B%2F%3Ab",
		authtrip.ClientSecretBasicRaw: "my id:a+/:b",
	} {
		var sent, form string
		r := registration()
		r.ClientID, r.ClientSecret, r.ClientAuth = "my id", authtrip.NewSecret("a+/:b"), auth
		r.Scopes, r.Params = []string{"read", "write"}, url.Values{"audience": {"x"}}
		src := newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			b, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
			body, _ := io.ReadAll(r.Body)
			sent, form = string(b), string(body)
			return (&replies{bodies: []string{`{"access_token":"a"}`}}).RoundTrip(r)
		})))
		if _, err := src.Token(t.Context()); err != nil || sent != want || form != "audience=x&grant_type=client_credentials&scope=read+write" {
			t.Errorf("%q: %v; sent %q with %q, want %q", auth, err, sent, form, want)
		}
	}
}

func TestI15_RedirectsCookiesAndKeptConnectionsAreNotUsed(t *testing.T) {
	var followed, cookies, connections atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" {
			followed.Add(1)
		}
		cookies.Add(int32(len(r.Cookies())))
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x"})
		if r.URL.Query().Has("redirect") {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"a"}`)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	get := func(path string) error {
		r := registration()
		r.TokenEndpoint.URL = srv.URL + path
		src := newSource(t, r)
		tok, err := src.Token(t.Context())
		if err == nil {
			src.Invalidate(tok)
			_, err = src.Token(t.Context())
		}
		return err
	}
	if err := get("/token"); err != nil {
		t.Fatal(err)
	}
	err := get("/token?redirect=1")
	wantAll(t, err, "redirect", "307")
	if followed.Load() != 0 || cookies.Load() != 0 {
		t.Fatalf("%d redirects followed, %d cookies sent", followed.Load(), cookies.Load())
	}
	if n := connections.Load(); n != 3 {
		t.Fatalf("%d connections for 3 token calls", n)
	}
}

func TestI15_TransientFailuresAreTriedThreeTimes(t *testing.T) {
	for name, f := range map[string]struct {
		authtest.Fault
		calls int
	}{
		"reset":           {authtest.Fault{Reset: true}, 3},
		"500":             {authtest.Fault{Status: 500}, 3},
		"503":             {authtest.Fault{Status: 503}, 3},
		"503, told when":  {authtest.Fault{Status: 503, RetryAfter: "5"}, 1},
		"429":             {authtest.Fault{Status: 429}, 1},
		"400":             {authtest.Fault{Status: 400}, 1},
		"html":            {authtest.Fault{Body: "<html>"}, 1},
		"hang":            {authtest.Fault{Hang: true}, 3},
		"recovers at two": {authtest.Fault{Reset: true, Times: 1}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.srv.Break(f.Fault)
				start := time.Now()
				_, err := w.src.Token(t.Context())
				if (err == nil) != (f.Times == 1) {
					t.Fatalf("got %v", err)
				}
				w.wantTokenCalls(f.calls)
				limit := 300 * time.Millisecond // the waits between, with full jitter
				if f.Hang {
					limit = 10 * time.Second // a third of it for each attempt
				}
				if took := time.Since(start); took > limit {
					t.Fatalf("took %v, want %v at most", took, limit)
				}
			})
		})
	}
}

func TestI15_NewCredentialsAreNoFourthAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, asked := 0, 0
		r := registration()
		r.ClientID, r.ClientSecret = "", authtrip.Secret{}
		r.Credentials = func(context.Context) (string, authtrip.Secret, error) {
			asked++
			return "id", authtrip.NewSecret(fmt.Sprint("secret ", asked)), nil
		}
		src := newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if calls++; calls < 3 {
				return nil, io.EOF
			}
			return (&replies{bodies: []string{`{"error":"invalid_client"}`}, status: 401}).RoundTrip(r)
		})))
		if _, err := src.Token(t.Context()); err == nil || calls != 3 {
			t.Fatalf("%v after %d calls, want 3", err, calls)
		}
	})
}

func TestRevocationTalksOfItsOwnServer(t *testing.T) {
	asked := 0
	r := registration()
	r.ClientID, r.ClientSecret = "", authtrip.Secret{}
	r.RevocationEndpoint.URL = "https://revoke.example/"
	r.Credentials = func(context.Context) (string, authtrip.Secret, error) {
		asked++
		return "id", authtrip.NewSecret("secret"), nil
	}
	src := newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "revoke.example" {
			return (&replies{bodies: []string{`{"error":"invalid_client"}`}, status: 401}).RoundTrip(r)
		}
		return (&replies{bodies: []string{`{"access_token":"a"}`}}).RoundTrip(r)
	})))
	if _, err := src.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantAll(t, src.Revoke(t.Context()), `"test" at https://revoke.example:443: invalid_client`)
	if asked != 2 {
		t.Fatalf("asked for credentials %d times, want again after invalid_client", asked)
	}
	_ = src.Close()
	if err := src.Revoke(t.Context()); !errors.Is(err, authtrip.ErrClosed) {
		t.Fatalf("after Close: %v", err)
	}
}

func TestI15_AnAttemptTakesAThirdOfTheFetchTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Hang: true, Times: 1})
		start := time.Now()
		w.token()
		if took := time.Since(start); took < 3*time.Second || took > 3200*time.Millisecond {
			t.Fatalf("took %v, want 3s and a short wait", took)
		}
	}, with(authtrip.Policy{FetchTimeout: 9 * time.Second}))
}

// TestI15_BadReplies: each is a typed error that names registration, server
// and fault and does not repeat the body; it is remembered, and nobody hangs.
func TestI15_BadReplies(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		says   string
	}{
		"empty":                 {200, "", "empty"},
		"white space":           {200, " \r\n", "empty"},
		"html":                  {200, "<html>CANARY</html>", "neither a JSON object nor a form"},
		"truncated":             {200, `{"access_token":"CANARY`, "broken JSON"},
		"trailing bytes":        {200, `{"access_token":"CANARY"} x`, "broken JSON"},
		"two objects":           {200, `{"access_token":"CANARY"}{}`, "broken JSON"},
		"array":                 {200, `[{"access_token":"CANARY"}]`, "neither"},
		"string":                {200, `"CANARY"`, "neither"},
		"over 1 MiB":            {200, `{"access_token":"CANARY"` + strings.Repeat(" ", 1<<20) + "}", "longer than 1 MiB"},
		"no token":              {200, `{"token_type":"bearer"}`, "no access_token"},
		"null token":            {200, `{"access_token":null}`, "no access_token"},
		"number token":          {200, `{"access_token":5}`, "no access_token"},
		"empty token":           {200, `{"access_token":""}`, "no access_token"},
		"space in token":        {200, `{"access_token":"CANARY x"}`, "characters"},
		"control in token":      {200, `{"access_token":"CANARY\u0000"}`, "characters"},
		"newline in token":      {200, `{"access_token":"CANARY\r\nX: y"}`, "characters"},
		"DEL in token":          {200, `{"access_token":"CANARY\u007f"}`, "characters"},
		"letter in token":       {200, `{"access_token":"CANARYé"}`, "characters"},
		"negative lifetime":     {200, `{"access_token":"CANARY","expires_in":-1}`, "expires_in"},
		"negative, as string":   {200, `{"access_token":"CANARY","expires_in":"-5"}`, "expires_in"},
		"lifetime of words":     {200, `{"access_token":"CANARY","expires_in":"soon"}`, "expires_in"},
		"lifetime NaN":          {200, `{"access_token":"CANARY","expires_in":"NaN"}`, "expires_in"},
		"lifetime Inf":          {200, `{"access_token":"CANARY","expires_in":"Inf"}`, "expires_in"},
		"lifetime in hex":       {200, `{"access_token":"CANARY","expires_in":"0x10"}`, "expires_in"},
		"empty lifetime":        {200, `{"access_token":"CANARY","expires_in":""}`, "expires_in"},
		"lifetime true":         {200, `{"access_token":"CANARY","expires_in":true}`, "expires_in"},
		"lifetime object":       {200, `{"access_token":"CANARY","expires_in":{}}`, "expires_in"},
		"mac":                   {200, `{"access_token":"CANARY","token_type":"mac"}`, `"mac", not bearer`},
		"DPoP":                  {200, `{"access_token":"CANARY","token_type":"DPoP"}`, `"DPoP", not bearer`},
		"type of number":        {200, `{"access_token":"CANARY","token_type":1}`, "token_type"},
		"200 with error":        {200, `{"error":"invalid_grant"}`, "invalid_grant"},
		"token beside an error": {200, `{"access_token":"CANARY","error":"server_error"}`, "server_error"},
		"error object":          {200, `{"access_token":"CANARY","error":{"code":1}}`, "no string"},
		"404 with html":         {404, "<html>CANARY", "neither"},
		"400 without error":     {400, `{"message":"CANARY"}`, "no OAuth error"},
		"500 with a token":      {500, `{"access_token":"CANARY"}`, "no OAuth error"},
		"302":                   {302, `{"access_token":"CANARY"}`, "redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &replies{bodies: []string{c.body}, status: c.status}
				src := newSource(t, registration(), authtrip.WithTokenTransport(r))
				_, err := src.Token(t.Context())
				wantAll(t, err, `"test"`, "https://auth.example:443", c.says, fmt.Sprint("HTTP ", c.status))
				var said *authtrip.ServerError
				if !errors.As(err, &said) || said.Status != c.status || strings.Contains(err.Error(), "CANARY") {
					t.Fatalf("%#v", err)
				}
				calls := r.calls
				if _, err := src.Token(t.Context()); c.status < 500 && (err == nil || r.calls != calls) {
					t.Fatalf("not remembered: %v, %d more calls", err, r.calls-calls)
				}
				r.bodies, r.status = []string{`{"access_token":"good"}`}, 200
				settle(time.Minute)
				if _, err := src.Token(t.Context()); err != nil {
					t.Fatalf("remembered for ever: %v", err)
				}
			})
		})
	}
}

func TestI15_GoodReplies(t *testing.T) {
	year := 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		body, contentType string
		lifetime          time.Duration // of use: the lifetime less its margin
	}{
		"as documented":      {`{"access_token":"a","token_type":"Bearer","expires_in":86400}`, "application/json", 24*time.Hour - 10*time.Second},
		"expires_in string":  {`{"access_token":"a","token_type":"bearer","expires_in":"86400"}`, "application/json;charset=UTF-8", 24*time.Hour - 10*time.Second},
		"float":              {`{"access_token":"a","expires_in":60.0}`, "", 54 * time.Second},
		"exponent":           {`{"access_token":"a","expires_in":3.6e3}`, "", time.Hour - 10*time.Second},
		"huge":               {`{"access_token":"a","expires_in":1e400}`, "", year - 10*time.Second},
		"a bit huge":         {`{"access_token":"a","expires_in":99999999999}`, "", year - 10*time.Second},
		"tiny":               {`{"access_token":"a","expires_in":1e-300}`, "", 1},
		"wrong content type": {`{"access_token":"a","expires_in":60}`, "text/html", 54 * time.Second},
		"BOM":                {"\ufeff" + `{"access_token":"a","expires_in":60}`, "", 54 * time.Second},
		"form":               {"access_token=a&expires_in=60&token_type=bearer", "application/x-www-form-urlencoded", 54 * time.Second},
		"form as text":       {"access_token=a&expires_in=60", "text/plain; charset=utf-8", 54 * time.Second},
		"unknown fields":     {`{"grant_type":"x","access_token":"a","expires_in":60,"extra":[1,{"error":2}]}`, "", 54 * time.Second},
		"null error":         {`{"access_token":"a","expires_in":60,"error":null}`, "", 54 * time.Second},
		"no type":            {`{"access_token":"a","token_type":null,"expires_in":60}`, "", 54 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{
					bodies: []string{c.body}, header: http.Header{"Content-Type": {c.contentType}},
				}))
				now := time.Now()
				tok, err := src.Token(t.Context())
				if err != nil || tok.AccessToken() != "a" {
					t.Fatalf("got %v", err)
				}
				if got := tok.Expiry().Sub(now); got != c.lifetime {
					t.Fatalf("used for %v, want %v", got, c.lifetime)
				}
			})
		})
	}
}

func TestI15_AGzipBombAndAnEndlessReplyAreCut(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = io.CopyN(z, zeros{}, 32<<20)
	_ = z.Close()
	for name, write := range map[string]func(http.ResponseWriter){
		"gzip bomb": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
		"endless": func(w http.ResponseWriter) { _, _ = io.CopyN(w, zeros{}, 1<<30) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { write(w) }))
			defer srv.Close()
			r := registration()
			r.TokenEndpoint.URL = srv.URL
			_, err := newSource(t, r).Token(t.Context())
			wantAll(t, err, "longer than 1 MiB")
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestI15_AServerThatIsNotThereIsSaidToBe(t *testing.T) {
	srv := httptest.NewServer(nil)
	srv.Close()
	r := registration()
	r.TokenEndpoint.URL = srv.URL
	_, err := newSource(t, r).Token(t.Context())
	wantAll(t, err, `"test"`, srv.URL, "refused")
}

func TestRegistrationFaultsAreReportedTogether(t *testing.T) {
	_, err := authtrip.NewManager([]authtrip.Registration{
		{
			ClientAuth: "magic", Grant: "password", Scopes: []string{"a b"}, Params: url.Values{"scope": {"x"}},
			TokenEndpoint: authtrip.Endpoint{URL: "http://auth.example/t"}, RevocationEndpoint: authtrip.Endpoint{URL: "/revoke"},
			Headers: []string{"bad name", "Cookie", "X-A", "x-a"}, Origins: []string{"*.example", "https://a/b", "http://plain.example", ""},
			AllowHTTP: []string{"https://x"},
		},
		{ID: "two", ClientID: "a:b", ClientAuth: authtrip.ClientSecretBasicRaw, TokenEndpoint: authtrip.Endpoint{URL: "https://u:CANARY@auth.example/#f"}},
		{ID: "two", ClientID: "x", ClientSecret: authtrip.NewSecret("y"), TokenEndpoint: authtrip.Endpoint{URL: "https://a.example"}},
		{ID: "two", ClientID: "x", ClientSecret: authtrip.NewSecret("y"), TokenEndpoint: authtrip.Endpoint{URL: "https://a.example"}},
	})
	wantAll(t, err, "ID is empty", "ClientID is empty", "ClientSecret is empty", `ClientAuth "magic"`, `Grant "password"`, `"a b" is no scope`,
		`Params holds "scope"`, "TokenEndpoint.URL: "+authtrip.ErrInsecure.Error(), "RevocationEndpoint.URL: is no absolute",
		`"bad name"`, `"Cookie"`, `"x-a" is listed twice`, "wildcards", `"https://a/b"`, `"http://plain.example"`, `"https://x" is not http`,
		"colon", "user information", `"two" is given twice`)
	if !errors.Is(err, authtrip.ErrInsecure) || strings.Contains(err.Error(), "CANARY") {
		t.Fatalf("%v", err)
	}
	if _, err := authtrip.NewManager(nil); err == nil {
		t.Fatal("a Manager of nothing")
	}
}

func TestRegistrationIsCopied(t *testing.T) {
	r := registration()
	r.Origins, r.Params, r.Headers = []string{"api.example"}, url.Values{"audience": {"x"}}, []string{"X-Token"}
	var form string
	src := newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		b, _ := io.ReadAll(r.Body)
		form = string(b)
		return (&replies{bodies: []string{`{"access_token":"a"}`}}).RoundTrip(r)
	})))
	r.Origins[0], r.Params["audience"][0], r.Headers[0] = "evil.example", "changed", "X-Changed"
	r.Params["more"] = []string{"x"}
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("X-Token") != "Bearer a" {
			t.Errorf("sent %v", r.Header)
		}
		return newStub().RoundTrip(r)
	})}
	if _, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil)); err != nil || form != "audience=x&grant_type=client_credentials" {
		t.Fatalf("%v; form %q", err, form)
	}
}
