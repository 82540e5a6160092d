package interop_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
)

// browse has a user open an authorization URL in a browser that is signed in,
// and returns the query that the browser would bring to the callback. The
// callback's host does not exist: the last redirect is not followed.
func browse(t *testing.T, user, authCodeURL string) url.Values {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, authCodeURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.AddCookie(&http.Cookie{Name: "user", Value: user})
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	location, err := res.Location()
	if err != nil || !strings.HasPrefix(location.String(), callbackURL+"?") {
		t.Fatalf("the server answered %d and sent the browser to %v (%v), want %s", res.StatusCode, location, err, callbackURL)
	}
	return location.Query()
}

// begin sends a user through the authorization page.
func (w *world) begin(src *authtrip.Source, user string) (authtrip.Flow, url.Values) {
	w.t.Helper()
	to, flow, err := src.AuthCodeURL(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return flow, browse(w.t, user, to)
}

// login has a user log in to a Source.
func (w *world) login(src *authtrip.Source, user string) {
	w.t.Helper()
	flow, callback := w.begin(src, user)
	if err := w.noting(src.Exchange(w.t.Context(), flow, callback)); err != nil {
		w.t.Fatal(err)
	}
}
