package authtest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
)

// ask calls the service API with a token.
func ask(t *testing.T, s *authtest.PRISM, token any) (*http.Response, map[string]any) {
	t.Helper()
	h := http.Header{}
	h.Set("x-prism-access-token", fmt.Sprint(token))
	return call(t, s, "GET", s.URL+"/prism/v1/service/user", h, "")
}

func TestThePRISMAPITakesTheTokenRaw(t *testing.T) {
	s := authtest.NewPRISM()
	defer s.Close()
	_, login := redeem(t, s, codeParams(s.Code("user-42")))
	token := fmt.Sprint(login["access_token"])
	for name, x := range map[string]struct {
		header http.Header
		status int
	}{
		"raw":           {http.Header{"X-Prism-Access-Token": {token}}, 200},
		"bearer":        {http.Header{"X-Prism-Access-Token": {"Bearer " + token}}, 401},
		"twice":         {http.Header{"X-Prism-Access-Token": {token, token}}, 401},
		"plain":         {http.Header{"Authorization": {"Bearer " + token}}, 401},
		"refresh token": {http.Header{"X-Prism-Access-Token": {fmt.Sprint(login["refresh_token"])}}, 401},
		"none":          {http.Header{}, 401},
	} {
		res, fields := call(t, s, "GET", s.URL+"/prism/v1/service/user", x.header, "")
		if res.StatusCode != x.status || fields["success"] != (x.status == 200) || len(fields) != 5 {
			t.Errorf("%s: %d %v, want %d", name, res.StatusCode, fields, x.status)
		}
	}
	if c := s.Counts(); c.Accepted != 1 || c.Rejected != 5 {
		t.Errorf("%+v", c)
	}
}

func TestThePRISMEnvelope(t *testing.T) {
	s := authtest.NewPRISM()
	defer s.Close()
	_, login := redeem(t, s, codeParams(s.Code("user-42")))
	token := fmt.Sprint(login["access_token"])
	text := func(method, path, token, body string) string {
		req, _ := http.NewRequest(method, s.URL+path, strings.NewReader(body))
		req.Header.Set("X-Prism-Access-Token", token)
		res, err := s.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, _ := io.ReadAll(res.Body)
		return fmt.Sprintf("%d %s", res.StatusCode, strings.TrimSpace(string(b)))
	}
	for got, want := range map[string]string{
		text("GET", "/prism/v1/service/user", token, ""):         `200 {"success":true,"errorCode":0,"errorName":null,"message":null,"data":{"userId":"user-42"}}`,
		text("PUT", "/prism/v1/service/lives/7", token, "hello"): `200 {"success":true,"errorCode":0,"errorName":null,"message":null,"data":{"length":5,"method":"PUT","path":"/prism/v1/service/lives/7","sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}}`,
		text("GET", "/prism/v1/service/user", "x", ""):           `401 {"success":false,"errorCode":401,"errorName":"UNAUTHORIZED","message":"the token is not valid","data":null}`,
		text("GET", "/prism/v2/user", token, ""):                 "404 404 page not found",
	} {
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	s.SetRejectedCode(4010)
	want := `200 {"success":false,"errorCode":4010,"errorName":"UNAUTHORIZED","message":"the token is not valid","data":null}`
	if got := text("GET", "/prism/v1/service/user", "x", ""); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestAnAPIOfOnesOwnIsAskedWithAValidTokenOnly(t *testing.T) {
	asked := 0
	s := authtest.NewPRISM(nil, authtest.API(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.WriteHeader(http.StatusNoContent)
	})))
	defer s.Close()
	_, login := redeem(t, s, codeParams(s.Code("user")))
	if res, _ := ask(t, s, "x"); res.StatusCode != 401 || asked != 0 {
		t.Errorf("%d, asked %d times with a bad token", res.StatusCode, asked)
	}
	if res, _ := ask(t, s, login["access_token"]); res.StatusCode != 204 || asked != 1 {
		t.Errorf("%d, asked %d times with a good token", res.StatusCode, asked)
	}
}
