package fake

import (
	"net/http"
	"testing"
	"time"
)

func get(t *testing.T, rt http.RoundTripper, url, token string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// Over loopback as in memory, for some peers are measured over the one and some
// over the other.
func TestTokenCallsThatAreToFailDo(t *testing.T) {
	for name, carrier := range map[string]func(*Auth) http.RoundTripper{"loopback": (*Auth).Transport, "memory": (*Auth).InMemory} {
		t.Run(name, func(t *testing.T) {
			auth := &Auth{Lifetime: time.Hour, Fails: func(n int64) bool { return n == 1 }}
			auth.Start()
			defer auth.Close()
			rt := carrier(auth)
			for i, want := range []int{200, 503, 200} {
				if got := get(t, rt, auth.TokenURL(), ""); got != want {
					t.Errorf("call %d: status %d, want %d", i, got, want)
				}
			}
			if auth.Attempts() != 3 || auth.Served() != 3 {
				t.Errorf("counted %d sent and %d served", auth.Attempts(), auth.Served())
			}
		})
	}
}

func TestTheAPIJudgesTokens(t *testing.T) {
	auth := &Auth{Lifetime: time.Hour}
	auth.Start()
	defer auth.Close()
	const refused = "https://api.example.test/refused"
	api := &API{Auth: auth, Refuses: func(r *http.Request) bool { return r.URL.String() == refused }}
	token := auth.Issue()
	auth.Lifetime = -time.Second
	expired := auth.Issue()
	for _, c := range []struct {
		url, token string
		want       int
		verdict    Verdict
	}{
		{"https://api.example.test/v1", token, 200, Valid},
		{refused, token, 401, Valid},
		{"https://api.example.test/v1", "", 401, Missing},
		{"https://api.example.test/v1", "made up", 401, Unknown},
		{"https://api.example.test/v1", expired, 401, Expired},
	} {
		before := api.Verdicts[c.verdict].Load()
		if got := get(t, api, c.url, c.token); got != c.want || api.Verdicts[c.verdict].Load() != before+1 {
			t.Errorf("%+v: status %d", c, got)
		}
	}
	auth.RevokeAll()
	if got := get(t, api, "https://api.example.test/v1", token); got != 401 || api.Verdicts[Revoked].Load() != 1 {
		t.Errorf("revoked: status %d", got)
	}
}
