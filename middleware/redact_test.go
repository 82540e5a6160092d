package middleware_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
)

// echoing answers with the token it was sent, in headers and body, as a server
// that is being debugged may.
func echoing(rw http.ResponseWriter, r *http.Request) {
	token := r.Header.Get(nhn.HeaderAuthorization)
	rw.Header().Set("X-Nhn-Authorization", token)
	rw.Header().Set("X-Seen", token)
	rw.Header().Set("Set-Cookie", "session=CANARY")
	rw.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(rw, `{"seen": %q, "access_token": %q, "kept": "words, e.g. basic information"}`, token, strings.TrimPrefix(token, "Bearer "))
}

func TestI14_ADebugLogShowsNoToken(t *testing.T) {
	for name, add := range map[string]func(*world){
		"install": func(w *world) { must(t, middleware.Install(w.client, w.src)) },
		"hook":    func(w *world) { w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)) },
		"hook, callbacks": func(w *world) {
			w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)).OnRequestLog(middleware.RedactRequestLog).OnResponseLog(middleware.RedactResponseLog)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(echoing)
			if name == "hook" { // has no callback for what a server repeats
				h = func(http.ResponseWriter, *http.Request) {}
			}
			w := newWorld(t, authtest.API(h))
			add(w)
			w.client.SetCookieJar(nil) // curl commands, which pass no callback, would show the cookie
			w.client.SetDebug(true).EnableGenerateCurlOnDebug().SetRetryCount(1).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
			first := w.token()
			w.mustGet(w.client.R(), "/x")
			w.cloud.RevokeAll()
			w.mustGet(w.client.R(), "/x")
			second := w.token()
			w.cloud.Break(authtest.Fault{Status: 500})
			w.cloud.RevokeAll()
			_, _ = w.client.R().Get("/x")
			log := w.log.String()
			if !strings.Contains(log, "~~~ REQUEST(CURL) ~~~") || !strings.Contains(log, "RESPONSE") {
				t.Fatalf("no debug log: %s", log)
			}
			if h := strings.Contains(log, "basic information"); name != "hook" && !h {
				t.Error("the log lost what is no secret")
			}
			for _, secret := range []string{first, second, "CANARY", w.cloud.Credentials().SecretAccessKey.Reveal()} {
				if strings.Contains(log, secret) {
					t.Errorf("the log shows a secret: %s", strings.ReplaceAll(log, secret, "<<SECRET>>"))
				}
			}
		})
	}
}

func TestI14_WhatCallersPutInHeadersAndBodiesIsRedacted(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	open := newSeen(t, func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, `{"refresh_token" : "CANARY-1"}`)
	})
	w.client.SetDebug(true).SetAuthToken("CANARY-2")
	res, err := w.client.R().SetHeader(nhn.HeaderRDSAppKey, "CANARY-3").SetHeader("X-Plain", "plain").
		SetFormData(map[string]string{"grant_type": "refresh_token", "refresh_token": "CANARY-4", "client_secret": "CANARY-5"}).Post(open.URL)
	must(t, err)
	if log := w.log.String(); strings.Contains(log, "CANARY") || !strings.Contains(log, "plain") || !strings.Contains(log, "grant_type=refresh_token&") {
		t.Errorf("the log is %s", log)
	}
	if h := open.all()[0]; h.Get(nhn.HeaderRDSAppKey) != "CANARY-3" || h.Get("Authorization") != "Bearer CANARY-2" || !strings.Contains(res.String(), "CANARY-1") {
		t.Error("what was sent and received is redacted too, not only the log")
	}
}

func TestI14_BodiesAreRedactedUnderTheNamesOfOAuth(t *testing.T) {
	for body, want := range map[string]string{
		"token=CANARY&token_type_hint=access_token":                                                                        "token=[redacted]&token_type_hint=access_token",
		"grant_type=authorization_code&code=CANARY&code_verifier=CANARY":                                                   "grant_type=authorization_code&code=[redacted]&code_verifier=[redacted]",
		"assertion=CANARY&client_assertion=CANARY&password=CANARY":                                                         "assertion=[redacted]&client_assertion=[redacted]&password=[redacted]",
		`{"token": "CANARY", "accessToken":"CANARY", 'apiKey': 'CANARY'}`:                                                  `{"token": "[redacted]", "accessToken":"[redacted]", 'apiKey': '[redacted]'}`,
		`{"code": 400, "tokens": 3, "passwordless": true, "encode": "plain"}`:                                              `{"code": 400, "tokens": 3, "passwordless": true, "encode": "plain"}`,
		"--x\r\nContent-Disposition: form-data; name=\"client_secret\"\r\nContent-Type: text/plain\r\n\r\nCANARY\r\n--x--": "--x\r\nContent-Disposition: form-data; name=\"client_secret\"\r\nContent-Type: text/plain\r\n\r\n[redacted]\r\n--x--",
		`{"password": "it's-CANARY", "client_secret": "a\"CANARY", "kept": "x"}`:                                           `{"password": "[redacted]", "client_secret": "[redacted]", "kept": "x"}`,
		`{"body": "{\"access_token\": \"CANARY\", \"kept\": 1}"}`:                                                          `{"body": "{\"access_token\": \"[redacted]\", \"kept\": 1}"}`,
		`{"body": "grant_type=x\u0026refresh_token=CANARY\u0026kept=1"}`:                                                   `{"body": "grant_type=x\u0026refresh_token=[redacted]\u0026kept=1"}`,
		`Location: https://h/cb#access_token=CANARY&a=1;refresh_token=CANARY`:                                              `Location: https://h/cb#access_token=[redacted]&a=1;refresh_token=[redacted]`,
		`client_secret=CAN\ARY-CANARY&kept=1`:                                                                              `client_secret=[redacted]&kept=1`,
		`{"a": "{\"b\": \"{\\\"access_token\\\": \\\"CANARY\\\"}\"}"}`:                                                     `{"a": "{\"b\": \"{\\\"access_token\\\": \\\"[redacted]\\\"}\"}"}`,
		"Bearer of good news, basic information":                                                                           "Bearer of good news, basic information",
	} {
		request, response := &resty.RequestLog{Body: body}, &resty.ResponseLog{Body: body}
		must(t, middleware.RedactRequestLog(request))
		must(t, middleware.RedactResponseLog(response))
		if request.Body != want || response.Body != want {
			t.Errorf("%q became %q and %q, want %q", body, request.Body, response.Body, want)
		}
	}
	must(t, middleware.RedactRequestLog(nil))
	must(t, middleware.RedactResponseLog(nil))
}

func TestInstallLeavesLogCallbacksThatAreThere(t *testing.T) {
	w := newWorld(t)
	requests, responses := 0, 0
	w.client.OnRequestLog(func(*resty.RequestLog) error { requests++; return nil }).
		OnResponseLog(func(*resty.ResponseLog) error { responses++; return nil })
	must(t, middleware.Install(w.client, w.src))
	w.mustGet(w.client.SetDebug(true).R(), "/v1/organizations")
	if requests != 1 || responses != 1 || strings.Contains(w.log.String(), "Overwriting") {
		t.Errorf("the callbacks were called %d and %d times; log: %s", requests, responses, w.log)
	}
}
