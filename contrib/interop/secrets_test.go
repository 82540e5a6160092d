package interop_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
)

// chatty is a token transport that fails, and says in its error all that it was
// given.
type chatty struct{ seen *seen }

func (c chatty) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	c.seen.secret("code", form.Get("code"))
	c.seen.secret("code verifier", form.Get("code_verifier"))
	c.seen.secret("client secret", strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
	return nil, fmt.Errorf("proxy: %s %s %v %s", r.Method, r.URL, r.Header, body)
}

func TestErrorsShowNoSecretWhateverFails(t *testing.T) {
	for name, client := range map[string]oauthClient{"Basic, with what must be encoded": odd, "POST body": post, "public": public} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.source(w.manager(client.users(w)), client.id, "1001")
			w.login(ada, "ada")
			w.mustGet(ada, "ada")
			first := w.auth.tokenCalls("")[0]

			failing := func(what string, err error) {
				if w.noting(err) == nil {
					t.Errorf("%s: no error", what)
				}
			}

			// A code twice, and what comes of it.
			failing("a code twice", ada.ExchangeCode(t.Context(), first.form.Get("code"), url.Values{"code_verifier": first.form["code_verifier"]}))
			w.giveUp(ada)
			failing("a dead refresh token", w.get(ada).err)

			// A transport that tells all it was given.
			store := newRecordingStore()
			bob := w.source(w.manager(client.users(w), authtrip.WithPlaintextStore(store)), client.id, "1002")
			w.login(bob, "bob")
			behind := w.source(w.manager(client.users(w), authtrip.WithPlaintextStore(store), authtrip.WithTokenTransport(chatty{w.seen})), client.id, "1002")
			w.giveUp(behind) // that of the Store
			failing("a refresh through a chatty proxy", w.get(behind).err)
			flow, callback := w.begin(behind, "bob")
			failing("an exchange through it", behind.Exchange(t.Context(), flow, callback))
			failing("a revocation through it", behind.Revoke(t.Context()))

			// No server at all.
			cy := w.source(w.manager(client.users(w)), client.id, "1003")
			w.login(cy, "cy")
			flow, callback = w.begin(ada, "ada")
			w.auth.Close()
			failing("an exchange without a server", ada.Exchange(t.Context(), flow, callback))
			w.giveUp(cy)
			failing("a refresh without a server", w.get(cy).err)

			for _, kind := range []string{"client secret", "code", "code verifier", "refresh token", "access token"} {
				if !w.seen.has(kind) && !(kind == "client secret" && client.secret == "") {
					t.Errorf("the server saw no %s", kind)
				}
			}
		})
	}
}
