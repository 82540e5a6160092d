package authtest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// emulator is any of them.
type emulator interface{ Transport() *http.Transport }

// call sends one request and returns status, header and body.
func call(t *testing.T, s emulator, method, url string, header http.Header, body string) (*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := (&http.Client{Transport: s.Transport()}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if len(bytes.TrimSpace(b)) > 0 {
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	}
	return res, fields
}

func goodHeader(s *authtest.NHN) http.Header {
	c := s.Credentials()
	proof := base64.StdEncoding.EncodeToString([]byte(c.UserAccessKeyID + ":" + c.SecretAccessKey.Reveal()))
	return http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Basic " + proof}}
}

func TestTheAuthorizationServerIsStrict(t *testing.T) {
	s := authtest.NewNHN()
	defer s.Close()
	c := s.Credentials()
	escaped := url.QueryEscape(c.UserAccessKeyID) + ":" + url.QueryEscape(c.SecretAccessKey.Reveal())
	change := func(name, value string) http.Header {
		h := goodHeader(s)
		if h[name] = []string{value}; value == "" {
			delete(h, name)
		}
		return h
	}
	for name, x := range map[string]struct {
		method string
		header http.Header
		body   string
		status int
		code   any
	}{
		"good":                  {"POST", goodHeader(s), "grant_type=client_credentials", 200, nil},
		"charset":               {"POST", change("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8"), "grant_type=client_credentials", 200, nil},
		"GET":                   {"GET", goodHeader(s), "", 405, "invalid_request"},
		"JSON":                  {"POST", change("Content-Type", "application/json"), "{}", 400, "invalid_request"},
		"no content type":       {"POST", change("Content-Type", ""), "grant_type=client_credentials", 400, "invalid_request"},
		"no credentials":        {"POST", change("Authorization", ""), "grant_type=client_credentials", 401, "invalid_client"},
		"wrong":                 {"POST", change("Authorization", "Basic eDp5"), "grant_type=client_credentials", 401, "invalid_client"},
		"escaped":               {"POST", change("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(escaped))), "grant_type=client_credentials", 401, "invalid_client"},
		"no grant type":         {"POST", goodHeader(s), "", 400, "invalid_request"},
		"other grant type":      {"POST", goodHeader(s), "grant_type=password", 400, "unsupported_grant_type"},
		"grant type twice":      {"POST", goodHeader(s), "grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"},
		"broken form":           {"POST", goodHeader(s), "grant_type=%zz", 400, "invalid_request"},
		"credentials in a body": {"POST", change("Authorization", ""), "grant_type=client_credentials&client_id=x&client_secret=y", 401, "invalid_client"},
	} {
		res, fields := call(t, s, x.method, s.AuthURL+"/oauth2/token/create", x.header, x.body)
		if res.StatusCode != x.status || fields["error"] != x.code {
			t.Errorf("%s: %d %v, want %d %v", name, res.StatusCode, fields, x.status, x.code)
		}
		if x.status == 200 && (fields["token_type"] != "Bearer" || fields["expires_in"] != 86400. || fields["access_token"] == "") {
			t.Errorf("%s: %v", name, fields)
		}
	}
	if res, _ := call(t, s, "POST", s.AuthURL+"/oauth2/token/revoke", goodHeader(s), ""); res.StatusCode != 400 {
		t.Errorf("revoking nothing: %d", res.StatusCode)
	}
	if res, _ := call(t, s, "POST", s.AuthURL+"/oauth2/token/revoke", goodHeader(s), "token=unknown"); res.StatusCode != 200 {
		t.Errorf("revoking an unknown token: %d", res.StatusCode)
	}
}

// issue gets a token by hand.
func issue(t *testing.T, s *authtest.NHN) string {
	t.Helper()
	_, fields := call(t, s, "POST", s.AuthURL+"/oauth2/token/create", goodHeader(s), "grant_type=client_credentials")
	token, _ := fields["access_token"].(string)
	return token
}

func TestTheAPITakesOneValidTokenInItsOwnHeaders(t *testing.T) {
	s := authtest.NewNHN()
	defer s.Close()
	good := issue(t, s)
	for name, x := range map[string]struct {
		header http.Header
		status int
	}{
		"first header":       {http.Header{"X-Nhn-Authentication": {"Bearer " + good}}, 200},
		"second header":      {http.Header{"X-Nhn-Authorization": {"Bearer " + good}}, 200},
		"both":               {http.Header{"X-Nhn-Authorization": {"Bearer " + good}, "X-Nhn-Authentication": {"Bearer " + good}}, 200},
		"they differ":        {http.Header{"X-Nhn-Authorization": {"Bearer " + good}, "X-Nhn-Authentication": {"Bearer x"}}, 401},
		"raw":                {http.Header{"X-Nhn-Authorization": {good}}, 401},
		"plain":              {http.Header{"Authorization": {"Bearer " + good}}, 401},
		"none":               {http.Header{}, 401},
		"unknown":            {http.Header{"X-Nhn-Authorization": {"Bearer x"}}, 401},
		"doubled, different": {http.Header{"X-Nhn-Authorization": {"Bearer " + good, "Bearer x"}}, 401},
	} {
		res, fields := call(t, s, "GET", s.APIURL+"/v1/organizations", x.header, "")
		if res.StatusCode != x.status {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, x.status)
		}
		if x.status == 401 && authtrip.RejectBearer(res) != authtrip.TokenRejected || fields["header"] == nil {
			t.Errorf("%s: %v %v", name, res.Header, fields)
		}
	}
	s.Revoke(good)
	if res, _ := call(t, s, "GET", s.APIURL+"/", http.Header{"X-Nhn-Authorization": {"Bearer " + good}}, ""); res.StatusCode != 401 {
		t.Errorf("a revoked token is accepted")
	}
}

func TestTokensReallyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.NewNHN(authtest.InMemory())
		t.Cleanup(s.Close)
		s.SetLifetime(time.Minute)
		h := http.Header{"X-Nhn-Authorization": {"Bearer " + issue(t, s)}}
		time.Sleep(time.Minute - time.Nanosecond)
		if res, _ := call(t, s, "GET", s.APIURL+"/", h, ""); res.StatusCode != 200 {
			t.Fatal("expired early")
		}
		time.Sleep(time.Nanosecond)
		if res, _ := call(t, s, "GET", s.APIURL+"/", h, ""); res.StatusCode != 401 {
			t.Fatal("did not expire")
		}
	})
}

func TestFaults(t *testing.T) {
	for _, memory := range []bool{false, true} {
		var options []authtest.Option
		if memory {
			options = append(options, authtest.InMemory())
		}
		s := authtest.NewNHN(options...)
		defer s.Close()
		post := func(f authtest.Fault) (*http.Response, error) {
			s.Break(f)
			req, _ := http.NewRequest("POST", s.AuthURL+"/oauth2/token/create", strings.NewReader("grant_type=client_credentials"))
			req.Header = goodHeader(s)
			res, err := (&http.Client{Transport: s.Transport(), Timeout: 200 * time.Millisecond}).Do(req)
			if err == nil {
				defer func() { _ = res.Body.Close() }()
			}
			return res, err
		}
		if res, err := post(authtest.Fault{Status: 503, RetryAfter: "7"}); err != nil || res.StatusCode != 503 || res.Header.Get("Retry-After") != "7" {
			t.Errorf("503: %v %v", res, err)
		}
		if res, err := post(authtest.Fault{Status: 429}); err != nil || res.StatusCode != 429 {
			t.Errorf("429: %v %v", res, err)
		}
		if res, err := post(authtest.Fault{Body: "<html>"}); err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html" {
			t.Errorf("body: %v %v", res, err)
		}
		if _, err := post(authtest.Fault{Reset: true}); err == nil || !memory && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("reset: %v", err)
		}
		var timeout interface{ Timeout() bool }
		if _, err := post(authtest.Fault{Hang: true}); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("hang: %v", err)
		}
		s.Heal()
		if first, second := issue(t, s), issue(t, s); first == second || first == "" {
			t.Error("tokens are not new")
		}
		s.Break(authtest.Fault{SameToken: true, Times: 1})
		s.Break(authtest.Fault{SameToken: true, Times: 2})
		if a, b, c := issue(t, s), issue(t, s), issue(t, s); a != b || b == c {
			t.Error("SameToken, twice: want the first two alike")
		}
	}
}

func TestACallerThatLeftGetsNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.NewNHN(authtest.InMemory())
		t.Cleanup(s.Close)
		s.Break(authtest.Fault{Hang: true})
		req, _ := http.NewRequest("POST", s.AuthURL+"/oauth2/token/create", strings.NewReader("grant_type=client_credentials"))
		req.Header = goodHeader(s)
		if _, err := (&http.Client{Transport: s.Transport(), Timeout: time.Second}).Do(req); err == nil {
			t.Fatal("an answer from a hang")
		}
		synctest.Wait() // the server notices
		s.Heal()
		issue(t, s)
		if c := s.Counts(); c.Issued != 1 || c.TokenCalls != 2 || c.Concurrent != 1 {
			t.Fatalf("%+v, want 1 token issued, and one call at a time", c)
		}
	})
}

func TestNilOptionsAreNothing(t *testing.T) {
	s := authtest.NewNHN(nil)
	defer s.Close()
	if _, err := nhn.NewSource(s.Credentials(), append(s.Options(), nil, nhn.With(nil))...); err != nil {
		t.Fatal(err)
	}
}

func TestHealEndsAHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.NewNHN(authtest.InMemory())
		t.Cleanup(s.Close)
		s.Break(authtest.Fault{Hang: true})
		time.AfterFunc(time.Hour, s.Heal)
		if issue(t, s) == "" {
			t.Fatal("no token after Heal")
		}
	})
}

func TestTLS(t *testing.T) {
	s := authtest.NewNHN(authtest.TLS())
	defer s.Close()
	src, err := nhn.NewSource(s.Credentials(), s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: s.Transport()}}
	res, err := client.Get(s.APIURL + "/v1/organizations")
	if err != nil || res.StatusCode != 200 || !strings.HasPrefix(s.APIURL, "https://") {
		t.Fatalf("%v, %v", res, err)
	}
	_ = res.Body.Close()
}

func TestRequestsAreRecordedByNameAndBounded(t *testing.T) {
	s := authtest.NewNHN(authtest.InMemory())
	defer s.Close()
	call(t, s, "GET", s.APIURL+"/x?secret=1", http.Header{"X-One": {"CANARY"}}, "")
	got := s.Requests()
	if len(got) != 1 || got[0].Path != "/x" || !slices.Contains(got[0].Headers, "X-One") || strings.Contains(fmt.Sprint(got), "CANARY") {
		t.Fatalf("%+v", got)
	}
	for range 30 {
		call(t, s, "GET", s.APIURL+"/", http.Header{}, "")
	}
	if n := len(s.Requests()); n != 31 {
		t.Fatalf("%d requests", n)
	}
}

func TestCloseTwice(t *testing.T) {
	s := authtest.NewNHN()
	s.Close()
	s.Close()
}
