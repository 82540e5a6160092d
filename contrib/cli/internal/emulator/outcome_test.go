package emulator

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

func TestWhyATokenIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := nhnProvider{authtest.NewNHN(authtest.InMemory()), false}
		defer p.Close()
		p.SetLifetime(time.Minute)
		j := newJournal()
		h := watcher{j, &knownTokens{}, p.token}.watch("", p)
		last := func(r *http.Request) (call, string) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			calls, _ := j.since(0)
			return calls[len(calls)-1], w.Body.String()
		}
		issue := func() string {
			r := httptest.NewRequest(http.MethodPost, "/oauth2/token/create", strings.NewReader("grant_type=client_credentials"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(p.Credentials().UserAccessKeyID, p.Credentials().SecretAccessKey.Reveal())
			c, body := last(r)
			_, token, _ := strings.Cut(body, `"access_token":"`)
			token, _, _ = strings.Cut(token, `"`)
			if c.Says != "token issued" || c.Result != good || c.Token != token[:6]+"…" {
				t.Errorf("%+v", c)
			}
			return token
		}
		use := func(token string, result result, says string) {
			t.Helper()
			r := httptest.NewRequest(http.MethodGet, "/v1/x", nil)
			if token != "" {
				r.Header.Set("x-nhn-authorization", "Bearer "+token)
			}
			if c, _ := last(r); c.Result != result || c.Says != says {
				t.Errorf("%q, %q, want %q, %q", c.Result, c.Says, result, says)
			}
		}
		token := issue()
		use(token, good, "token accepted")
		use("", refused, "token rejected: there is none")
		use("one-of-another-server", refused, "token rejected: it was not issued here")
		p.RevokeAll()
		use(token, refused, "token rejected: it was revoked")
		token = issue()
		time.Sleep(time.Minute)
		use(token, refused, "token rejected: it has expired")

		p.Break(authtest.Fault{Reset: true})
		c, _ := func() (c call, _ string) {
			defer func() {
				_ = recover() // a handler's way to drop a connection
				calls, _ := j.since(0)
				c = calls[len(calls)-1]
			}()
			return last(httptest.NewRequest(http.MethodPost, "/oauth2/token/create", nil))
		}()
		if c.Result != broke || c.Status != 0 {
			t.Errorf("a connection that was dropped: %+v", c)
		}
	})
}

func TestDurationsInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 0: "0 s", 100 * time.Millisecond: "0.1 s", 1500 * time.Millisecond: "1.5 s", 59*time.Second + 900*time.Millisecond: "59 s",
		time.Minute: "1 min", 90 * time.Second: "1 min 30 s", time.Hour + 59*time.Second: "1 h", 25 * time.Hour: "1 d 1 h", maxLifetime: "365 d",
	} {
		if got := words(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestATokensStartIsNeverTheToken(t *testing.T) {
	for token, want := range map[string]string{"": "", "a": "…", "ab": "a…", "abcdef": "abc…", "abcdefghijklmno": "abcdef…", "\x1b[31m\u202e쓰기쓰기쓰기": "�[31m�…"} {
		if got := abbreviated(token); got != want {
			t.Errorf("%q becomes %q, want %q", token, got, want)
		}
	}
}
