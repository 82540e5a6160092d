package restyv3_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"github.com/authtrip/authtrip/nhn"
	"resty.dev/v3"
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
		"install":          func(w *world) { w.add("install") },
		"attach":           func(w *world) { w.add("attach") },
		"attach, callback": func(w *world) { w.add("attach"); w.client.OnDebugLog(restyv3.RedactDebugLog) },
		"install, as JSON": func(w *world) { w.add("install"); w.client.SetDebugLogFormatter(resty.DebugLogJSONFormatter) },
	} {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(echoing)
			if name == "attach" { // has no callback for what a server repeats
				h = func(http.ResponseWriter, *http.Request) {}
			}
			w := newWorld(t, authtest.API(h))
			add(w)
			w.client.SetDebug(true).SetCurlCmdGenerate(true).SetCurlCmdDebugLog(true).
				SetRetryCount(1).SetRetryWaitTime(time.Millisecond).AddRetryConditions(restyv3.RetryRejected)
			first := w.token()
			w.mustGet(w.client.R(), "/x")
			w.cloud.RevokeAll()
			w.mustGet(w.client.R(), "/x")
			second := w.token()
			w.cloud.Break(authtest.Fault{Status: 500})
			w.cloud.RevokeAll()
			_, _ = w.client.R().Get("/x")
			log := w.log.String()
			if !strings.Contains(log, "curl -X GET") || !strings.Contains(strings.ToUpper(log), "RESPONSE") {
				t.Fatalf("no debug log: %s", log)
			}
			if h := strings.Contains(log, "basic information"); name != "attach" && !h {
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
	must(t, restyv3.Install(w.client, w.src))
	open := newSeen(t, func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, `{"refresh_token" : "CANARY-1"}`)
	})
	w.client.SetDebug(true).SetCurlCmdGenerate(true).SetCurlCmdDebugLog(true).SetAuthToken("CANARY-2")
	w.client.SetCookie(&http.Cookie{Name: "c", Value: "CANARY-9"})
	res, err := w.client.R().SetHeader(nhn.HeaderRDSAppKey, `CANARY-3 it's`).SetHeader("X-Prism-Access-Token", "CANARY-6").SetHeader("X-Plain", "plain").
		SetQueryParam("access_token", "CANARY-7").SetQueryParam("page", "1").
		SetFormData(map[string]string{"grant_type": "refresh_token", "refresh_token": "CANARY-4", "client_secret": "CANARY-5"}).Post(open.URL)
	must(t, err)
	log := w.log.String()
	for _, kept := range []string{"plain", "grant_type=refresh_token&", "page=1", "-H 'X-Plain: plain'", "-d '", "curl -X POST"} {
		if !strings.Contains(log, kept) {
			t.Errorf("the log lost %q", kept)
		}
	}
	if strings.Contains(log, "CANARY") {
		t.Errorf("the log is %s", log)
	}
	h := open.all()[0]
	if h.Get(nhn.HeaderRDSAppKey) != "CANARY-3 it's" || h.Get("Authorization") != "Bearer CANARY-2" || !strings.Contains(res.String(), "CANARY-1") {
		t.Error("what was sent and received is redacted too, not only the log")
	}
}

func TestInstallLeavesADebugCallbackThatIsThere(t *testing.T) {
	w := newWorld(t)
	calls := 0
	w.client.OnDebugLog(func(*resty.DebugLog) { calls++ })
	must(t, restyv3.Install(w.client, w.src))
	w.mustGet(w.client.SetDebug(true).R(), "/v1/organizations")
	if calls != 1 || strings.Contains(w.log.String(), "Overwriting") {
		t.Errorf("the callback was called %d times; log: %s", calls, w.log)
	}
	restyv3.RedactDebugLog(&resty.DebugLog{}) // which Resty does not make
	restyv3.RedactDebugLog(nil)
}

func TestI14_TextsAreRedactedUnderTheNamesOfOAuth(t *testing.T) {
	for text, want := range map[string]string{
		// Forms, queries and fragments.
		"token=CANARY&token_type_hint=access_token":                                   "token=[redacted]&token_type_hint=access_token",
		"grant_type=authorization_code&code=CANARY&code_verifier=CANARY":              "grant_type=authorization_code&code=[redacted]&code_verifier=[redacted]",
		"assertion=CANARY&client_assertion=CANARY&password=CANARY":                    "assertion=[redacted]&client_assertion=[redacted]&password=[redacted]",
		"/callback?code=CANARY&state=1#access_token=CANARY&expires_in=1":              "/callback?code=[redacted]&state=1#access_token=[redacted]&expires_in=1",
		`{"next": "https://x.test/?page=2\u0026token=CANARY", "form": "code=CANARY"}`: `{"next": "https://x.test/?page=2\u0026token=[redacted]", "form": "code=[redacted]"}`,
		"https://user:CANARY@x.test:8080/?at=a@b":                                     "https://user:[redacted]@x.test:8080/?at=a@b",
		// JSON, JSON in it, JSON in that.
		`{"token": "CANARY", "accessToken":"CANARY", 'apiKey': 'CANARY'}`:         `{"token": "[redacted]", "accessToken":"[redacted]", 'apiKey': '[redacted]'}`,
		`{"client_secret": "it's \"CANARY\" \/CANARY", "kept": "a"}`:              `{"client_secret": "[redacted]", "kept": "a"}`,
		`{"message": "{\"refresh_token\": \"CANARY\", \"kept\":\"a\"}"}`:          `{"message": "{\"refresh_token\": \"[redacted]\", \"kept\":\"a\"}"}`,
		`"{\"id_token\":\"a\\/CANARY\\\"CANARY\u0026CANARY\",\"kept\":\"a\"}"`:    `"{\"id_token\":\"[redacted]\",\"kept\":\"a\"}"`,
		`"{\"m\":\"{\\\"secretKey\\\":\\\"CANARY\\\",\\\"kept\\\":\\\"a\\\"}\"}"`: `"{\"m\":\"{\\\"secretKey\\\":\\\"[redacted]\\\",\\\"kept\\\":\\\"a\\\"}\"}"`,
		// Multipart, and a header's value.
		"--x\r\nContent-Disposition: form-data; name=\"client_secret\"\r\nContent-Type: text/plain\r\n\r\nCANARY\r\n--x--": "--x\r\nContent-Disposition: form-data; name=\"client_secret\"\r\nContent-Type: text/plain\r\n\r\n[redacted]\r\n--x--",
		"seen: Bearer CANARY-CANARY-CANARY, then": "seen: Bearer [redacted], then",
		// What is none of them.
		`{"code": 400, "code": "E1", "tokens": 3, "passwordless": true, "encode": "plain"}`: `{"code": 400, "code": "E1", "tokens": 3, "passwordless": true, "encode": "plain"}`,
		"Bearer of good news, basic information, http://x.test:8080/a@b":                    "Bearer of good news, basic information, http://x.test:8080/a@b",
		"page_token=1&zipcode=2": "page_token=1&zipcode=2",
	} {
		quoted, wantQuoted := "curl -d '"+strings.ReplaceAll(text, "'", `'"'"'`)+"' x", "curl -d '"+strings.ReplaceAll(want, "'", `'"'"'`)+"' x"
		log := &resty.DebugLog{
			Request:  &resty.DebugLogRequest{URI: text, Body: text, CurlCmd: quoted, Header: http.Header{"X-Plain": {text}}},
			Response: &resty.DebugLogResponse{Body: text, Header: http.Header{"X-Plain": {text}}},
		}
		restyv3.RedactDebugLog(log)
		for place, got := range map[string]string{
			"URI": log.Request.URI, "request body": log.Request.Body, "response body": log.Response.Body,
			"request header": log.Request.Header.Get("X-Plain"), "response header": log.Response.Header.Get("X-Plain"),
		} {
			if got != want {
				t.Errorf("%s: %s became %s, want %s", place, text, got, want)
			}
		}
		if log.Request.CurlCmd != wantQuoted {
			t.Errorf("curl: %s became %s, want %s", quoted, log.Request.CurlCmd, wantQuoted)
		}
	}
}
