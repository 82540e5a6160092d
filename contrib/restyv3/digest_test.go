package restyv3_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"resty.dev/v3"
)

// digested is an API behind the emulator's tokens that wants a digest too.
func digested(rw http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), `Digest username="user"`) {
		rw.Header().Set("WWW-Authenticate", `Digest realm="api", nonce="1", qop="auth", algorithm=MD5`)
		rw.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = io.Copy(rw, r.Body)
}

// TestSetDigestAuthRightAfterInstallWorks beside a token that has a header of
// its own.
func TestSetDigestAuthRightAfterInstallWorks(t *testing.T) {
	for name, then := range map[string]func(*world){
		"":                      func(*world) {},
		", then SetHedging":     func(w *world) { w.client.SetHedging(resty.NewHedging()) },
		", then Install again":  func(w *world) { must(t, restyv3.Install(w.client, w.src)) },
		", then another Source": func(w *world) { must(t, restyv3.Install(w.client, newWorld(t).src)) },
	} {
		t.Run("after"+name, func(t *testing.T) {
			w := newWorld(t, authtest.API(http.HandlerFunc(digested)))
			must(t, restyv3.Install(w.client, w.src))
			w.client.SetDigestAuth("user", "password")
			then(w)
			for range 2 {
				res, err := w.client.R().SetBody("whole body").Post("/x")
				if err != nil || res.StatusCode() != 200 || res.String() != "whole body" {
					t.Fatalf("%v, %v: %s; want 200", status(res), err, res)
				}
				w.cloud.RevokeAll() // the next is rejected, and its token replaced
			}
			if c := w.cloud.Counts(); c.TokenCalls != 2 || c.Rejected != 1 {
				t.Errorf("%+v; want 2 token calls and one rejected request", c)
			}
			restyv3.Uninstall(w.client)
			w.mustGet(w.client.R(), "/x") // the digest's transport, which stays, has Install's inside
		})
	}
}

// TestI12_SetDigestAuthInTheWayIsRefused: what it sends need not come through
// the socket, or it takes the 401 of a rejected token for its own.
func TestI12_SetDigestAuthInTheWayIsRefused(t *testing.T) {
	w := newWorld(t)
	w.client.SetDigestAuth("user", "password")
	mustSay(t, restyv3.Install(w.client, w.src), "SetDigestAuth", "after Install")
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	for range 2 {
		_, err := w.client.R().Get("/v1/organizations")
		mustSay(t, err, "SetDigestAuth", "after Install")
	}

	hedged := newWorld(t)
	must(t, restyv3.Install(hedged.client, hedged.src))
	hedged.client.SetHedging(resty.NewHedging()).SetDigestAuth("user", "password")
	_, err := hedged.client.R().Get("/v1/organizations")
	mustSay(t, err, "SetDigestAuth", "before SetHedging")

	elsewhere := newWorld(t)
	must(t, restyv3.Install(elsewhere.client, elsewhere.src))
	elsewhere.client.SetTransport(&http.Transport{}).SetDigestAuth("user", "password")
	_, err = elsewhere.client.R().Get("/v1/organizations")
	mustSay(t, err, "SetDigestAuth")
	for _, w := range []*world{w, hedged, elsewhere} {
		if c := w.cloud.Counts(); c.Accepted+c.Rejected != 0 {
			t.Errorf("%+v; want no request", c)
		}
	}
}

// TestSetDigestAuthAfterAttach is the one order that cannot be told from the
// other in time: set before the first request, it is under the socket to be.
func TestSetDigestAuthAfterAttach(t *testing.T) {
	w := newWorld(t, authtest.API(http.HandlerFunc(digested)))
	w.client.AddRequestMiddleware(restyv3.Attach(w.src))
	w.client.SetDigestAuth("user", "password")
	_, err := w.client.R().Get("/x")
	mustSay(t, err, "SetDigestAuth")

	after := newWorld(t, authtest.API(http.HandlerFunc(digested)))
	after.client.AddRequestMiddleware(restyv3.Attach(after.src))
	open := newSeen(t, nil)
	after.mustGet(after.client.R(), open.URL)
	after.client.SetDigestAuth("user", "password")
	after.mustGet(after.client.R(), "/x")
}
