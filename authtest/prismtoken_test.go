package authtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// redirectURI is PRISM's own, as its document has it.
const redirectURI = "https://global.apis.naver.com/prism/prism-auth-api/oauth/partner/emulated-service"

func clientHeader(s *authtest.PRISM) http.Header {
	c := s.Client()
	h := http.Header{}
	h.Set("x-prism-client-id", c.ClientID)
	h.Set("x-prism-client-secret", c.ClientSecret.Reveal())
	return h
}

// redeem makes a token call by hand.
func redeem(t *testing.T, s *authtest.PRISM, params url.Values) (*http.Response, map[string]any) {
	t.Helper()
	return call(t, s, "GET", s.URL+"/prism/v1/service/oauth2/token?"+params.Encode(), clientHeader(s), "")
}

func codeParams(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}}
}

func refreshParams(token any) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {fmt.Sprint(token)}}
}

func TestThePRISMTokenEndpointIsStrict(t *testing.T) {
	s := authtest.NewPRISM()
	defer s.Close()
	_, login := redeem(t, s, codeParams(s.Code("user")))
	change := func(name string, values ...string) http.Header {
		h := clientHeader(s)
		if h[http.CanonicalHeaderKey(name)] = values; values == nil {
			h.Del(name)
		}
		return h
	}
	good := clientHeader(s)
	code := func(more string) string {
		return "grant_type=authorization_code&code=" + s.Code("user") + "&redirect_uri=" + url.QueryEscape(redirectURI) + more
	}
	refresh := fmt.Sprintf("grant_type=refresh_token&refresh_token=%v", login["refresh_token"])
	for name, x := range map[string]struct {
		method string
		header http.Header
		query  string
		body   string
		status int
		code   any
	}{
		"a code":                        {"GET", good, code(""), "", 200, nil},
		"a code with state":             {"GET", good, code("&state=x"), "", 200, nil},
		"a refresh token":               {"GET", good, refresh, "", 200, nil},
		"POST":                          {"POST", good, code(""), "", 405, "invalid_request"},
		"HEAD":                          {"HEAD", good, code(""), "", 405, nil},
		"a body":                        {"GET", good, code(""), "x", 400, "invalid_request"},
		"a form":                        {"GET", change("Content-Type", "application/x-www-form-urlencoded"), "", code(""), 400, "invalid_request"},
		"a Referer":                     {"GET", change("Referer", "https://example.com/"), code(""), "", 400, "invalid_request"},
		"an Authorization header":       {"GET", change("Authorization", "Basic eDp5"), code(""), "", 400, "invalid_request"},
		"a Cookie":                      {"GET", change("Cookie", "a=b"), code(""), "", 400, "invalid_request"},
		"no credentials":                {"GET", http.Header{}, code(""), "", 401, "invalid_client"},
		"no client id":                  {"GET", change("x-prism-client-id"), code(""), "", 401, "invalid_client"},
		"no client secret":              {"GET", change("x-prism-client-secret"), code(""), "", 401, "invalid_client"},
		"a wrong client id":             {"GET", change("x-prism-client-id", "x"), code(""), "", 401, "invalid_client"},
		"a wrong client secret":         {"GET", change("x-prism-client-secret", "x"), code(""), "", 401, "invalid_client"},
		"an escaped client secret":      {"GET", change("x-prism-client-secret", url.QueryEscape(s.Client().ClientSecret.Reveal())), code(""), "", 401, "invalid_client"},
		"the secret header twice":       {"GET", change("x-prism-client-secret", s.Client().ClientSecret.Reveal(), "x"), code(""), "", 401, "invalid_client"},
		"the secret in the query":       {"GET", good, code("&client_secret=x"), "", 400, "invalid_request"},
		"the secret, by its header":     {"GET", good, code("&X-Prism-Client-Secret=x"), "", 400, "invalid_request"},
		"the id in the query":           {"GET", good, code("&client_id=x"), "", 400, "invalid_request"},
		"a broken query":                {"GET", good, code("&a=%zz"), "", 400, "invalid_request"},
		"the grant type twice":          {"GET", good, code("&grant_type=authorization_code"), "", 400, "invalid_request"},
		"the code twice":                {"GET", good, code("&code=x"), "", 400, "invalid_request"},
		"no grant type":                 {"GET", good, "", "", 400, "invalid_request"},
		"another grant type":            {"GET", good, "grant_type=client_credentials", "", 400, "unsupported_grant_type"},
		"no code":                       {"GET", good, "grant_type=authorization_code&redirect_uri=" + url.QueryEscape(redirectURI), "", 400, "invalid_request"},
		"an unknown code":               {"GET", good, codeParams("x").Encode(), "", 400, "invalid_grant"},
		"no redirect URI":               {"GET", good, "grant_type=authorization_code&code=" + s.Code("user"), "", 400, "invalid_request"},
		"another redirect URI":          {"GET", good, "grant_type=authorization_code&code=" + s.Code("user") + "&redirect_uri=https://example.com/", "", 400, "invalid_grant"},
		"no refresh token":              {"GET", good, "grant_type=refresh_token", "", 400, "invalid_request"},
		"the document's slip":           {"GET", good, fmt.Sprintf("grant_type=refresh_token&_token=%v", login["refresh_token"]), "", 400, "invalid_request"},
		"an unknown refresh token":      {"GET", good, refreshParams("x").Encode(), "", 400, "invalid_grant"},
		"an access token to refresh by": {"GET", good, refreshParams(login["access_token"]).Encode(), "", 400, "invalid_grant"},
	} {
		res, fields := call(t, s, x.method, s.URL+"/prism/v1/service/oauth2/token?"+x.query, x.header, x.body)
		if res.StatusCode != x.status || fields["error"] != x.code {
			t.Errorf("%s: %d %v, want %d %v", name, res.StatusCode, fields, x.status, x.code)
		}
		if x.status == 200 && (fields["token_type"] != "bearer" || fields["expires_in"] != 3600. || fields["access_token"] == "") {
			t.Errorf("%s: %v", name, fields)
		}
		if x.status != 200 && fields["access_token"] != nil {
			t.Errorf("%s: a token beside an error: %v", name, fields)
		}
	}
}

func TestPRISMFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.NewPRISM(authtest.InMemory())
		t.Cleanup(s.Close)
		code := s.Code("user")
		s.Break(authtest.Fault{Status: 503, RetryAfter: "7", Times: 1})
		if res, fields := redeem(t, s, codeParams(code)); res.StatusCode != 503 || res.Header.Get("Retry-After") != "7" || fields["error"] != "temporarily_unavailable" {
			t.Errorf("503: %d %v", res.StatusCode, fields)
		}
		s.Break(authtest.Fault{Hang: true})
		time.AfterFunc(5*time.Second, s.Heal)
		_, login := redeem(t, s, codeParams(code))
		if login["access_token"] == nil {
			t.Fatalf("after the faults: %v", login)
		}
		s.Break(authtest.Fault{SameToken: true, Times: 1})
		time.Sleep(time.Minute)
		_, same := redeem(t, s, refreshParams(login["refresh_token"]))
		if same["access_token"] != login["access_token"] || same["expires_in"] != 3540. {
			t.Errorf("%v, want the same token with the time it has left", same)
		}
		s.RevokeAll()
		s.Break(authtest.Fault{SameToken: true, Times: 1})
		if _, fields := redeem(t, s, refreshParams(login["refresh_token"])); fields["access_token"] == login["access_token"] {
			t.Error("a revoked token was given again")
		}
		s.Break(authtest.Fault{Delay: time.Second})
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				res, err := s.Transport().RoundTrip(&http.Request{Method: "GET", URL: mustParse(t, s.URL+"/prism/v1/service/oauth2/token"), Header: http.Header{}})
				if err != nil {
					t.Error(err)
					return
				}
				_ = res.Body.Close()
			})
		}
		callers.Wait()
		if c := s.Counts(); c.Concurrent != 5 || c.TokenCalls != 9 || c.CodeCalls != 2 || c.RefreshCalls != 2 {
			t.Errorf("%+v", c)
		}
	})
}

func TestACallerThatLeftSpendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.NewPRISM(authtest.InMemory())
		t.Cleanup(s.Close)
		code := s.Code("user")
		for _, f := range []authtest.Fault{{Hang: true}, {Delay: time.Minute}} {
			s.Break(f)
			req, _ := http.NewRequest("GET", s.URL+"/prism/v1/service/oauth2/token?"+codeParams(code).Encode(), nil)
			req.Header = clientHeader(s)
			if _, err := (&http.Client{Transport: s.Transport(), Timeout: time.Second}).Do(req); err == nil {
				t.Fatal("an answer from a hang")
			}
			synctest.Wait() // the server notices
			s.Heal()
		}
		if _, fields := redeem(t, s, codeParams(code)); fields["access_token"] == nil {
			t.Fatalf("%v, want the code unspent", fields)
		}
	})
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
