package emulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestOtherSitesThrowNoSwitch(t *testing.T) {
	x := given(t, "nhn")
	for name, header := range map[string]http.Header{
		"another site":                 {"Sec-Fetch-Site": {"cross-site"}},
		"another port of this machine": {"Sec-Fetch-Site": {"same-site"}},
		"another origin":               {"Origin": {"http://evil.example"}},
		"no origin to speak of":        {"Origin": {"null"}},
	} {
		if status, text := x.throw("hang", nil, header); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if page := x.page(); !strings.Contains(page, "Healthy") {
		t.Errorf("a switch was thrown:\n%s", page)
	}
	if status, text := x.throw("hang", nil, http.Header{"Origin": {x.base}, "Sec-Fetch-Site": {"same-origin"}}); status != http.StatusNoContent {
		t.Errorf("the page itself: %d %s", status, text)
	}
	if res, _ := x.get("/_emulator/hang", nil); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a GET: %s", res.Status)
	}
}

// A name of another's that points at this machine is as good as another site.
func TestForeignNamesOfThisMachine(t *testing.T) {
	x := given(t, "nhn")
	for host, want := range map[string]int{
		"evil.example": 421, "evil.example:9090": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "192.0.2.1": 421,
		"localhost:9090": 200, "LOCALHOST": 200, "127.0.0.1": 200, "127.1.2.3:1": 200, "[::1]:9090": 200, "[::1]": 200,
	} {
		for _, path := range []string{"/_emulator/", "/_emulator/page.js"} {
			if res, _ := x.get(path, http.Header{"Host": {host}}); res.StatusCode != want {
				t.Errorf("%s at %s: %s", path, host, res.Status)
			}
		}
		if res, _ := x.get("/v1/x", http.Header{"Host": {host}}); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("the API at %s: %s", host, res.Status)
		}
	}
	remote := given(t, "nhn", "--listen", "0.0.0.0:0", "--allow-remote")
	for host, want := range map[string]int{"192.0.2.1:9090": 200, "[2001:db8::1]": 200, "localhost": 200, "build.example:9090": 421} {
		if res, _ := remote.get("/_emulator/", http.Header{"Host": {host}}); res.StatusCode != want {
			t.Errorf("with --allow-remote, at %s: %s", host, res.Status)
		}
	}
}

func TestAFormThatIsTooLongIsNotRead(t *testing.T) {
	x := given(t, "nhn")
	if status, text := x.throw("hang", url.Values{"much": {strings.Repeat("x", 5<<10)}}, nil); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, text)
	}
}

func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	x := given(t, "nhn")
	for _, path := range []string{"/_emulator/", "/_emulator/page.js", "/_emulator/page.css", "/_emulator/icon.svg"} {
		res, text := x.get(path, nil)
		policy := res.Header.Get("Content-Security-Policy")
		if res.StatusCode != http.StatusOK || text == "" || !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") ||
			res.Header.Get("X-Content-Type-Options") != "nosniff" || len(res.Cookies()) > 0 {
			t.Errorf("%s: %s %v", path, res.Status, res.Header)
		}
	}
	for _, path := range []string{"/_emulator/page.html", "/_emulator/../page.go", "/_emulator/x"} {
		if res, _ := x.get(path, nil); res.StatusCode == http.StatusOK {
			t.Errorf("%s is served", path)
		}
	}
}

func TestWhatACallerSentIsText(t *testing.T) {
	x := given(t, "nhn")
	const hostile = `<script>alert("x")</script>`
	n := x.watch()
	n.next()
	x.get("/v1/%3Cscript%3Ealert(%22x%22)%3C%2Fscript%3E%00%1B%5B31m?secret=s3cr3t", http.Header{
		"User-Agent": {hostile}, "X-Nhn-Authentication": {"Bearer " + hostile + strings.Repeat("s3cr3t", 9)},
	})
	live := n.until("token rejected: it was not issued here").Calls[0].HTML
	for name, text := range map[string]string{"the page": x.page(), "the event": live} {
		if strings.Contains(text, "<script>alert") || !strings.Contains(text, "&lt;script&gt;alert") {
			t.Errorf("%s has it as it was:\n%s", name, text)
		}
		if strings.Contains(text, "s3cr3t") || strings.ContainsAny(text, "\x00\x1b") {
			t.Errorf("%s has a secret, or control characters:\n%s", name, text)
		}
	}
}

func TestNoTokenIsOnThePage(t *testing.T) {
	x := given(t, "nhn")
	_, reply := x.issue()
	_, token, _ := strings.Cut(reply, `"access_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	x.get("/v1/x", http.Header{"X-Nhn-Authentication": {"Bearer " + token}})
	page := x.page()
	if len(token) < 20 || strings.Count(page, token[:6]+"…") != 3 {
		t.Errorf("the token's start is not at token call, API call and in the table:\n%s", page)
	}
	if strings.Contains(page, token[:7]) {
		t.Errorf("the page has more of the token than its start:\n%s", page)
	}
}
