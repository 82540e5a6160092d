package authtest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// always are the services that answer 200 to a token that is not valid, the
// last of them when it is asked to.
var always = []authtest.Service{authtest.Framework, authtest.Partner, authtest.RDS, authtest.APIGateway, authtest.NotificationHub}

func TestServicesTellByTheirEnvelope(t *testing.T) {
	s := authtest.NewNHN(authtest.Services())
	defer s.Close()
	good := "Bearer " + issue(t, s)
	for _, x := range []struct {
		service authtest.Service
		header  string // and its value
		token   string
		path    string
		status  int
		success bool
		code    any
	}{
		{authtest.Framework, "", good, "/", 200, true, 0.},
		{authtest.Framework, "", "Bearer x", "/", 200, false, 80007.},
		{authtest.Framework, "", "", "/forbidden", 200, false, 80007.},
		{authtest.Framework, "", good, "/forbidden", 200, false, -8.},
		{authtest.Partner, "", good, "/", 200, true, "0"},
		{authtest.Partner, "", "Bearer x", "/", 200, false, "80401"},
		{authtest.Partner, "", good, "/forbidden", 200, false, "80403"},
		{authtest.RDS, "X-TC-APP-KEY: key", good, "/", 200, true, 0.},
		{authtest.RDS, "", good, "/", 200, false, 10005.},
		{authtest.RDS, "X-TC-APP-KEY: key", "Bearer x", "/", 200, false, 80401.},
		{authtest.RDS, "X-TC-APP-KEY: key", good, "/forbidden", 200, false, 80403.},
		{authtest.APIGateway, "", good, "/", 200, true, 0.},
		{authtest.APIGateway, "", "Bearer x", "/", 200, false, 401100003.},
		{authtest.APIGateway, "", good, "/forbidden", 200, false, 403100000.},
		{authtest.NotificationHub, "X-NC-APP-KEY: key", good, "/", 200, true, 0.},
		{authtest.NotificationHub, "", good, "/", 400, false, 400001.},
		{authtest.NotificationHub, "X-NC-APP-KEY: key", "Bearer x", "/", 401, false, 401001.},
		{authtest.NotificationHub, "X-NC-APP-KEY: key", good, "/forbidden", 403, false, 403001.},
		{authtest.NotificationHub, "X-NC-APP-KEY: key\nX-NC-ALWAYS-200-OK: true", "Bearer x", "/", 200, false, 401001.},
		{authtest.NotificationHub, "X-NC-APP-KEY: key\nX-NC-ALWAYS-200-OK: true", good, "/forbidden", 200, false, 403001.},
		{authtest.NotificationHub, "X-NC-ALWAYS-200-OK: true", good, "/", 200, false, 400001.},
		{authtest.NCR, "", good, "/", 200, true, 200.},
		{authtest.NCR, "", "Bearer x", "/", 401, false, 401.},
		{authtest.NCR, "", good, "/forbidden", 200, false, 403.},
		{authtest.Deploy, "", good, "/", 200, true, "SUCCESS"},
		{authtest.Deploy, "", "Bearer x", "/", 401, false, "UNAUTHORIZED"},
		{authtest.Deploy, "", good, "/forbidden", 200, false, "FORBIDDEN"},
		{authtest.Framework, "X-NC-ALWAYS-200-OK: true", good, "/", 200, true, 0.},
		{authtest.NCR, "X-NC-ALWAYS-200-OK: true", "Bearer x", "/", 401, false, 401.},
	} {
		h := http.Header{}
		if x.token != "" {
			h.Set(nhn.HeaderAuthorization, x.token)
		}
		for line := range strings.SplitSeq(x.header, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				h.Set(name, value)
			}
		}
		res, fields := call(t, s, "GET", s.Service(x.service)+x.path, h, "")
		header, _ := fields["header"].(map[string]any)
		if res.StatusCode != x.status || header["isSuccessful"] != x.success || header["resultCode"] != x.code {
			t.Errorf("%+v: %d %v", x, res.StatusCode, fields)
		}
		if x.success != (fields["sha256"] != nil) {
			t.Errorf("%+v: %v", x, fields)
		}
	}
	_, fields := call(t, s, "GET", s.Service(authtest.Framework)+"/v1/organizations", http.Header{"X-Nhn-Authorization": {good}}, "")
	if fields["orgList"] == nil {
		t.Errorf("%v, want organizations", fields)
	}
	_, fields = call(t, s, "GET", s.Service(authtest.NCR)+"/v1/organizations", http.Header{"X-Nhn-Authorization": {good}}, "")
	if fields["orgList"] != nil {
		t.Errorf("%v: organizations of another service", fields)
	}
}

func TestOptionsNameTheServicesAndTheirCodes(t *testing.T) {
	s := authtest.NewNHN(authtest.Services(), authtest.InMemory())
	defer s.Close()
	src, err := nhn.NewSource(s.Credentials(), s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: s.Transport()}}
	get := func(url string) string {
		req, _ := http.NewRequest("GET", url, nil)
		for _, name := range []string{"X-TC-APP-KEY", "X-NC-APP-KEY", "X-NC-ALWAYS-200-OK"} {
			req.Header.Set(name, "true")
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(res.Body)
		return string(body)
	}
	get(s.APIURL)
	for i, name := range append(always, authtest.NCR, authtest.Deploy) {
		s.RevokeAll()
		if body := get(s.Service(name)); !strings.Contains(body, `"isSuccessful":true`) {
			t.Errorf("%s, after its token was revoked: %s", name, body)
		}
		if body := get(s.Service(name) + "/forbidden"); !strings.Contains(body, `"isSuccessful":false`) {
			t.Errorf("%s, a permission denied: %s", name, body)
		}
		if c := s.Counts(); c.TokenCalls != 2+i || c.Rejected != 1+i {
			t.Errorf("%s: %+v, want %d token calls", name, c, 2+i)
		}
	}
}

func TestTheThirdPartyGetsNoToken(t *testing.T) {
	s := authtest.NewNHN(authtest.Services())
	defer s.Close()
	client, err := nhn.NewClient(s.Credentials(), s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{s.Service(authtest.Framework), s.ThirdPartyURL, s.ThirdPartyURL + "/x"} {
		res, err := client.Get(url)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		_ = res.Body.Close()
	}
	if n := s.Counts().Leaked; n != 0 {
		t.Errorf("%d leaks, want none", n)
	}
	for i, name := range []string{"x-nhn-authentication", "x-nhn-authorization", "authorization"} {
		h := http.Header{}
		h.Set(name, "")
		if call(t, s, "GET", s.ThirdPartyURL, h, ""); s.Counts().Leaked != 1+i {
			t.Errorf("%s is not counted", name)
		}
	}
}

func TestServicesAreStartedWhenAskedFor(t *testing.T) {
	s := authtest.NewNHN()
	defer s.Close()
	if s.Service(authtest.RDS) != "" || s.ThirdPartyURL != "" {
		t.Error("services without the option")
	}
	with := authtest.NewNHN(authtest.Services())
	defer with.Close()
	urls := map[string]bool{with.APIURL: true, with.AuthURL: true, with.ThirdPartyURL: true}
	for _, name := range append(always, authtest.NCR, authtest.Deploy) {
		urls[with.Service(name)] = true
	}
	if len(urls) != 10 || urls[""] {
		t.Errorf("%v, want 10 origins", urls)
	}
	if with.Service("no such") != "" || strings.Contains(fmt.Sprint(with), "secret") {
		t.Error(with)
	}
}
