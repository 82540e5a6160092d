package authtest_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/prism"
)

// visit is a browser that goes to the page and not where that sends it.
func visit(t *testing.T, s *authtest.PRISM, method, page string) (status int, location *url.URL) {
	t.Helper()
	req, err := http.NewRequest(method, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if location, err = res.Location(); err != nil {
		location = nil
	}
	return res.StatusCode, location
}

func TestThePageIsStrict(t *testing.T) {
	s := authtest.NewPRISM(authtest.RedirectURIs("https://example.com/back?a=b"))
	defer s.Close()
	page := func(responseType, clientID, redirectURI, more string) string {
		return s.URL + "/oauth/authorize?response_type=" + responseType + "&client_id=" + clientID + "&redirect_uri=" + url.QueryEscape(redirectURI) + more
	}
	id := s.Client().ClientID
	for name, x := range map[string]struct {
		method, url string
		status      int
		error       string
	}{
		"good":                     {"GET", page("code", id, redirectURI, "&state=s"), 302, ""},
		"without state":            {"GET", page("code", id, redirectURI, ""), 302, ""},
		"what it does not know":    {"GET", page("code", id, redirectURI, "&state=s&prompt=none"), 302, ""},
		"POST":                     {"POST", page("code", id, redirectURI, "&state=s"), 405, ""},
		"no client":                {"GET", page("code", "", redirectURI, "&state=s"), 400, ""},
		"another client":           {"GET", page("code", "x", redirectURI, "&state=s"), 400, ""},
		"the client twice":         {"GET", page("code", id, redirectURI, "&client_id="+id), 400, ""},
		"no redirect URI":          {"GET", page("code", id, "", "&state=s"), 400, ""},
		"another redirect URI":     {"GET", page("code", id, "https://evil.example/", "&state=s"), 400, ""},
		"more than the registered": {"GET", page("code", id, redirectURI+"/x", "&state=s"), 400, ""},
		"the redirect URI twice":   {"GET", page("code", id, redirectURI, "&redirect_uri=https://evil.example/"), 400, ""},
		"a broken query":           {"GET", page("code", id, redirectURI, "&a=%zz"), 400, ""},
		"no response type":         {"GET", page("", id, redirectURI, "&state=s"), 302, "invalid_request"},
		"another response type":    {"GET", page("token", id, redirectURI, "&state=s"), 302, "unsupported_response_type"},
		"the response type twice":  {"GET", page("code", id, redirectURI, "&state=s&response_type=code"), 302, "invalid_request"},
		"the state twice":          {"GET", page("code", id, redirectURI, "&state=s&state=s"), 302, "invalid_request"},
	} {
		status, location := visit(t, s, x.method, x.url)
		if status != x.status || (location != nil) != (x.status == 302) {
			t.Errorf("%s: %d to %v, want %d", name, status, location, x.status)
			continue
		}
		if location == nil {
			continue
		}
		wantState := []string{"s"}
		if asked := mustParse(t, x.url).Query()["state"]; len(asked) != 1 {
			wantState = nil
		}
		q := location.Query()
		if q.Get("error") != x.error || q.Has("code") != (x.error == "") || len(q["state"]) != len(wantState) || wantState != nil && q.Get("state") != "s" ||
			location.Scheme+"://"+location.Host+location.Path != redirectURI {
			t.Errorf("%s: sent to %v", name, location)
		}
	}

	_, location := visit(t, s, "GET", page("code", id, "https://example.com/back?a=b", "&state=s"))
	q := location.Query()
	if q.Get("a") != "b" || !q.Has("code") {
		t.Fatalf("sent to %v, want the redirect URI's own query too", location)
	}
	params := url.Values{"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {redirectURI}}
	if _, fields := redeem(t, s, params); fields["error"] != "invalid_grant" {
		t.Errorf("PRISM's own redirect URI for a code sent to another: %v", fields)
	}
	params.Set("redirect_uri", "https://example.com/back?a=b")
	params.Set("state", "x")
	if _, fields := redeem(t, s, params); fields["error"] != "invalid_grant" {
		t.Errorf("another state: %v", fields)
	}
	params.Set("state", "s")
	if _, fields := redeem(t, s, params); fields["access_token"] == nil {
		t.Errorf("%v, want tokens", fields)
	}
}

func TestAUserComesBackFromThePage(t *testing.T) {
	s := authtest.NewPRISM()
	defer s.Close()
	src := prismSource(t, s, "user-42", prism.SendState())
	come := func() (err error) {
		page, flow, err := src.AuthCodeURL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		status, location := visit(t, s, "GET", page)
		if status != http.StatusFound {
			t.Fatal(status)
		}
		return src.Exchange(t.Context(), flow, location.Query())
	}
	s.SetUser("")
	if err := come(); err == nil {
		t.Fatal("a user who declined has tokens")
	}
	s.SetUser("user-42")
	if err := come(); err != nil {
		t.Fatal(err)
	}
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, fields := ask(t, s, tok.AccessToken())
	if data, _ := fields["data"].(map[string]any); data["userId"] != "user-42" {
		t.Fatalf("%v, want user-42's", fields)
	}
}
