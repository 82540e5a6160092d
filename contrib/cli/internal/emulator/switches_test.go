package emulator_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestTheSwitchesDoWhatTheySay(t *testing.T) {
	x := given(t, "nhn")
	throws := func(action string, form url.Values, says string) {
		t.Helper()
		if status, text := x.throw(action, form, http.Header{"Accept": {"text/html"}}); status != http.StatusSeeOther {
			t.Errorf("%s: %d %s", action, status, text)
		}
		if page := x.page(); !strings.Contains(page, says) {
			t.Errorf("after %s there is no %q in\n%s", action, says, page)
		}
	}

	throws("unavailable", url.Values{"retry_after": {""}}, "The token endpoint answers 503.")
	if res, _ := x.issue(); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "" {
		t.Errorf("unavailable: %s %q", res.Status, res.Header)
	}
	throws("unavailable", url.Values{"retry_after": {"30"}}, "The token endpoint answers 503 with Retry-After: 30.")
	if res, _ := x.issue(); res.Header.Get("Retry-After") != "30" {
		t.Errorf("unavailable for 30 s: %s %q", res.Status, res.Header)
	}
	throws("heal", nil, "The token endpoint is healed.")
	if res, _ := x.issue(); res.StatusCode != http.StatusOK {
		t.Errorf("healed: %s", res.Status)
	}

	throws("slow", url.Values{"delay": {"0.1"}}, "it answers after 0.1 s.")
	began := time.Now()
	if res, _ := x.issue(); res.StatusCode != http.StatusOK || time.Since(began) < 100*time.Millisecond {
		t.Errorf("slow: %s after %v", res.Status, time.Since(began))
	}

	throws("lifetime", url.Values{"lifetime": {"90"}}, "New tokens live 1 min 30 s.")
	if _, reply := x.issue(); !strings.Contains(reply, `"expires_in":90,`) {
		t.Errorf("a lifetime of 90 s: %s", reply)
	}
	throws("revoke-all", nil, "All tokens are revoked.")
	if page := x.page(); !strings.Contains(page, "None. The first call that needs one gets one.") {
		t.Errorf("tokens are in force:\n%s", page)
	}
}

func TestACallThatHangsIsSeenAndEndsWithTheFault(t *testing.T) {
	x := given(t, "nhn")
	news := x.watch()
	x.throw("hang", nil, nil)
	answered := make(chan int, 1)
	go func() {
		res, _ := x.issue()
		answered <- res.StatusCode
	}()
	news.until("no answer yet")
	x.throw("heal", nil, nil)
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the call ends with %d", status)
	}
	news.until("token issued")

	x.throw("hang", nil, nil)
	ctx, leave := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.base+"/oauth2/token/create", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		_, err := plain.Do(req) //nolint:bodyclose // there is none
		gone <- err
	}()
	news.until("no answer yet")
	leave()
	if err := <-gone; err == nil {
		t.Error("the caller that left has an answer")
	}
	news.until("dropped")
}

func TestAFormWithAnotherValueChangesNothing(t *testing.T) {
	x := given(t, "nhn", "--lifetime", "1h")
	for action, form := range map[string]url.Values{
		"slow":        {"delay": {"0"}},
		"slow?":       {"delay": {"NaN"}},
		"slow??":      {"delay": {"61"}},
		"slow???":     {},
		"unavailable": {"retry_after": {"-1"}},
		"lifetime":    {"lifetime": {"1e99"}},
		"lifetime?":   {"lifetime": {"<b>"}},
	} {
		if status, text := x.throw(action, form, nil); status != http.StatusBadRequest || !strings.Contains(text, " wants seconds, from ") {
			t.Errorf("%s %v: %d %s", action, form, status, text)
		}
	}
	if status, text := x.throw("explode", nil, nil); status != http.StatusNotFound {
		t.Errorf("a switch that there is not: %d %s", status, text)
	}
	if status, text := x.throw("slow", url.Values{"delay": {strings.Repeat("1", 5000)}}, nil); status != http.StatusBadRequest {
		t.Errorf("a long form: %d %s", status, text)
	}
	if res, reply := x.issue(); res.StatusCode != http.StatusOK || !strings.Contains(reply, `"expires_in":3600,`) {
		t.Errorf("%s %s", res.Status, reply)
	}
	if page := x.page(); !strings.Contains(page, "Healthy") || strings.Contains(page, `class="done"`) {
		t.Errorf("something was done:\n%s", page)
	}
}

func TestTheSwitchesOfPRISM(t *testing.T) {
	x := given(t, "prism", "--redirect-uri", "http://127.0.0.1:8080/callback")
	visit := func() string {
		t.Helper()
		res, _ := x.get("/oauth/authorize?"+url.Values{
			"response_type": {"code"}, "client_id": {"emulated-client-id"}, "redirect_uri": {"http://127.0.0.1:8080/callback"},
		}.Encode(), nil)
		return res.Header.Get("Location")
	}
	if back := visit(); !strings.Contains(back, "code=") {
		t.Errorf("the page sends to %q", back)
	}
	x.throw("decline", nil, nil)
	if back := visit(); !strings.Contains(back, "error=access_denied") {
		t.Errorf("declining, the page sends to %q", back)
	}
	page := x.page()
	for _, want := range []string{
		"sent back to 127.0.0.1:8080 with a code", "sent back to 127.0.0.1:8080 with access_denied", "The authorization page declines.",
		`action="decline" class="own on"`, `action="keep" class="own on"`, `action="approve" class="own"`,
		"token issued for a code, with refresh token", "<td class=\"kind\">code</td>", "<td class=\"kind\">refresh</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("there is no %q in\n%s", want, page)
		}
	}
	client := x.client()
	x.throw("rotate", nil, nil)
	x.send(client, http.MethodGet, "/prism/v1/service/user", nil, "")
	if page := x.page(); !strings.Contains(page, "token issued for a refresh token, with refresh token") {
		t.Errorf("the refresh token was not replaced:\n%s", page)
	}
	x.throw("end-logins", nil, nil)
	if page := x.page(); strings.Contains(page, "<td class=\"kind\">refresh</td>") {
		t.Errorf("a refresh token is in force:\n%s", page)
	}
}
