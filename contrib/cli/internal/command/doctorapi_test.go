package command_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
)

// api is an API of the test's own at an origin that takes the emulator's token.
// Handler is told whether the token is a real one.
func (w *world) api(handler func(rw http.ResponseWriter, isReal bool)) (address string) {
	w.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		check, err := http.NewRequest(http.MethodGet, w.cloud.APIURL, nil) //nolint:noctx // the emulator is the test's own
		if err != nil {
			w.t.Error(err)
			return
		}
		check.Header.Set("x-nhn-authorization", r.Header.Get("x-nhn-authorization"))
		res, err := http.DefaultClient.Do(check)
		if err != nil {
			w.t.Error(err)
			return
		}
		_ = res.Body.Close()
		handler(rw, res.StatusCode == http.StatusOK)
	}))
	w.t.Cleanup(server.Close)
	w.configure("    more_origins: ["+server.URL+"]", "    reject_status: [419]")
	return server.URL
}

func (w *world) answers(status int, body string) func(http.ResponseWriter) {
	return func(rw http.ResponseWriter) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_, _ = fmt.Fprint(rw, body)
	}
}

func TestDoctorFindsARejectionThatTheRuleDoesNotSee(t *testing.T) {
	const leaves = "not seen as a rejection: a token that ended early would not be replaced → "
	for name, c := range map[string]struct {
		status int
		body   string
		code   int
		wants  string
	}{
		"a 401":                         {401, `{}`, 0, "\npass|rejection|a made-up token gets HTTP 401, which is seen as a rejection\n"},
		"a status that is listed":       {419, `{}`, 0, "\npass|rejection|a made-up token gets status 419, which is seen as a rejection\n"},
		"another status":                {403, `{"error":{"code":"BAD_TOKEN"}}`, codeFound, leaves + "if the API says so of nothing else, write reject_status: [403]"},
		"an envelope of NHN Cloud's":    {200, `{"header":{"isSuccessful":false,"resultCode":80401,"resultMessage":"CANARY"}}`, codeFound, leaves + `if that code means that the token is not valid, write envelopes: {"ORIGIN": {success: header.isSuccessful, code: header.resultCode, rejected: ["80401"]}}`},
		"an envelope of PRISM's":        {200, `{"success":false,"errorCode":"E-1","message":"CANARY"}`, codeFound, `envelopes: {"ORIGIN": {success: success, code: errorCode, rejected: ["E-1"]}}`},
		"a code alone":                  {200, `{"code":17,"text":"CANARY"}`, codeFound, `envelopes: {"ORIGIN": {code: code, rejected: ["17"]}}`},
		"a code that may be a secret":   {200, `{"success":false,"errorCode":"CANARY CANARY"}`, codeFound, "find out from the API's documents where its JSON says so"},
		"a long one":                    {200, `{"success":false,"errorCode":"CANARY` + strings.Repeat("A", 60) + `"}`, codeFound, "find out from the API's documents where its JSON says so"},
		"nothing, for it is not looked": {200, `{"header":{"isSuccessful":true,"resultCode":0}}`, codeFound, "as the real one → is that a public URL?"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.secrets = append(w.secrets, "CANARY")
			address := w.api(func(rw http.ResponseWriter, isReal bool) {
				if isReal {
					w.answers(200, `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"CANARY"}}`)(rw)
					return
				}
				w.answers(c.status, c.body)(rw)
			})
			w.has(w.examined(c.code, "doctor nhn --call "+address), "\npass|call|", strings.ReplaceAll(c.wants, "ORIGIN", address))
		})
	}
}

// What doctor says to write makes the rejection seen.
func TestDoctorsAdviceOnEnvelopesWorks(t *testing.T) {
	w := newWorld(t)
	rds := w.cloud.Service(authtest.RDS)
	more := []string{"    more_origins: [" + rds + "]", `    host_headers: {"` + rds + `": {X-TC-APP-KEY: key}}`}
	w.configure(more...)
	report := w.examined(codeFound, "doctor nhn --call "+rds)
	_, advice, found := strings.Cut(report, "write envelopes: ")
	if !found {
		t.Fatal(report)
	}
	advice, _, _ = strings.Cut(advice, "\n")
	w.configure(append(more, "    envelopes: "+advice)...)
	w.has(w.examined(0, "doctor nhn --call "+rds), "\npass|rejection|a made-up token gets HTTP 200, header.resultCode 80401, which is seen as a rejection\n")
}

func TestDoctorsCall(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		code   int
		wants  string
	}{
		"rejected":        {401, ``, codeRejected, "HTTP 401: the API does not accept the token → check that it is an API of the same environment"},
		"forbidden":       {403, `{"error":"forbidden"}`, codeFound, "HTTP 403, error forbidden: the token is accepted, and the call is not"},
		"an envelope":     {200, `{"header":{"isSuccessful":false,"resultCode":-8}}`, codeFound, "HTTP 200, header.resultCode -8: the token is accepted, and the call is not"},
		"not found":       {404, ``, 0, "\nwarn|call|"},
		"a redirect":      {302, ``, 0, "a redirect, which was not followed"},
		"a failure":       {500, ``, codeFound, "HTTP 500: the API fails"},
		"success, no use": {204, ``, codeFound, "as the real one"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			address := w.api(func(rw http.ResponseWriter, isReal bool) { w.answers(c.status, c.body)(rw) })
			w.has(w.examined(c.code, "doctor nhn --call "+address), c.wants)
		})
	}
}

func TestDoctorsCallThatCannotBeMade(t *testing.T) {
	w := newWorld(t)
	third := w.cloud.ThirdPartyURL
	w.has(w.examined(codeFound, "doctor nhn --call "+third), "\nFAIL|call|", "went without the token", "→ add it: more_origins: ["+third+"]", "\nskip|rejection|there was no call with a token")
	if n := w.cloud.Counts().Leaked; n != 0 {
		t.Errorf("%d tokens went to the third party", n)
	}
	nobody := "http://" + freeAddress(t)
	w.configure("    more_origins: [" + nobody + ", api.invalid]")
	w.secrets = append(w.secrets, "CANARY")
	w.has(w.examined(codeFound, "doctor nhn --call "+nobody+"?key=CANARY"), "\nFAIL|call|"+nobody+":", "→ check the URL")
	w.configure("    more_origins: ['http://api.invalid']")
	w.examined(codeFound, "doctor nhn --call http://api.invalid")
}
