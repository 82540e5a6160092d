package authtrip_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

func TestHooksHearOfRejectionsAndWhatFollows(t *testing.T) {
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		base := w.client.Transport.(*authtrip.Transport).Base
		fail := false
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if fail && !strings.HasSuffix(r.URL.Path, "organizations") {
				return nil, errors.New("no route")
			}
			return base.RoundTrip(r)
		})
		w.mustGet()
		h.lines = nil

		// An API that rejects all: the first is replaced, and its successor's
		// rejection is news; later ones are not.
		get := func(path string) {
			res, err := w.client.Get(w.srv.APIURL + path)
			if err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		}
		get("/always")
		h.want(t, "rejected 401, first true", "start rejected", "done rejected: issued, 1 attempts, nil", "waited 0s, nil",
			"replay", "rejected 401, first true", "replayed: accepted false, nil")
		get("/always")
		h.want(t, "rejected 401, first false", "not replayed")
		if s := w.src.Stats(); s.Rejections != 3 || s.Replays != 1 || s.NotReplayed != 1 || s.TokenCalls != 2 {
			t.Errorf("counted %+v", s)
		}

		// A body that cannot be sent twice.
		time.Sleep(25 * time.Hour)
		w.mustGet()
		h.lines = nil
		w.srv.RevokeAll()
		req, _ := http.NewRequest(http.MethodPost, w.srv.APIURL+"/v1/organizations", io.NopCloser(strings.NewReader("x")))
		_, _ = w.send(req)
		h.want(t, "rejected 401, first true", "not replayed")
		w.mustGet()
		h.lines = nil

		// Told by Suspect.
		tok, _ := w.src.Token(t.Context())
		time.Sleep(time.Hour)
		w.src.Suspect(tok)
		w.src.Suspect(tok)
		h.want(t, "rejected 0, first true", "rejected 0, first false")
		w.mustGet()
		h.lines = nil
		time.Sleep(time.Hour)

		// The second sending breaks.
		fail, n := true, 0
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if n++; n == 2 {
				return nil, errors.New("no route")
			}
			return base.RoundTrip(r)
		})
		w.srv.RevokeAll()
		_, err := w.get()
		if err == nil || !fail {
			t.Fatal("the second sending did not break")
		}
		h.want(t, "rejected 401, first true", "start rejected", "done rejected: issued, 1 attempts, nil", "waited 0s, nil",
			"replay", "replayed: accepted false, an error")
	}, with(h.hooks()), serving(rejecting("/always")))
}

func TestReplaysContextCarriesValuesAndItsEndIsTheRequests(t *testing.T) {
	type mark struct{}
	inBubble(t, func(t *testing.T, w *world) {
		w.mustGet()
		base, sent := w.client.Transport.(*authtrip.Transport).Base, 0
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if sent++; sent == 2 {
				if r.Context().Value(mark{}) != "again" || r.Context().Err() != nil {
					t.Errorf("the replay's context has %v and ended with %v", r.Context().Value(mark{}), r.Context().Err())
				}
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			if r.Context().Value(mark{}) != nil {
				t.Error("the first has the replay's value")
			}
			return base.RoundTrip(r)
		})
		w.srv.RevokeAll()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := w.getWithin(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second || sent != 2 {
			t.Errorf("%v after %v, sent %d times", err, time.Since(start), sent)
		}
	}, with(authtrip.Hooks{ReplayStart: func(ctx context.Context, _ string) context.Context {
		ended, cancel := context.WithCancel(context.WithValue(ctx, mark{}, "again"))
		cancel() // only values count
		return ended
	}}))
}

// News is told once for a token, however often it is rejected, and not for one
// that is not in use any more.
func TestThatATokenIsRejectedIsNewsOnce(t *testing.T) {
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		get := func() { _, _ = w.client.Get(w.srv.APIURL + "/always") }
		news := func() (n int) {
			for _, line := range h.lines {
				if strings.HasSuffix(line, "first true") {
					n++
				}
			}
			return n
		}
		for range 3600 {
			get()
			time.Sleep(time.Second)
		}
		if calls := w.srv.Counts().TokenCalls; news() > calls {
			t.Errorf("%d tokens were news %d times", calls, news())
		}
		h.lines = nil
		old, _ := w.src.Token(t.Context())
		time.Sleep(25 * time.Hour)
		w.mustGet()
		h.lines = nil
		w.src.Suspect(old)
		h.want(t, "rejected 0, first false")

		// One in the air that another replaced meanwhile.
		base, n := w.client.Transport.(*authtrip.Transport).Base, 0
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if n++; n == 1 {
				time.Sleep(25 * time.Hour)
				w.mustGet()
				h.lines = nil
			}
			return base.RoundTrip(r)
		})
		w.mustGet()
		h.want(t, "rejected 401, first false", "replay", "replayed: accepted true, nil")
	}, with(h.hooks()), serving(rejecting("/always")))
}

// A token of a pause, and one that was kept, told by Suspect.
func TestThatATokenIsSuspectIsNewsOnce(t *testing.T) {
	h := &heard{}
	inBubble(t, func(t *testing.T, w *world) {
		tok := func() authtrip.Token {
			tok, err := w.src.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return tok
		}
		w.src.Suspect(tok())
		second := tok() // reissued: a pause runs
		h.lines = nil
		w.src.Suspect(second)
		w.src.Suspect(second)
		time.Sleep(time.Hour)
		w.src.Suspect(second)
		h.want(t, "rejected 0, first true", "rejected 0, first false", "rejected 0, first false")
		w.srv.Break(authtest.Fault{Status: 400})
		kept := tok()
		h.lines = nil
		w.src.Suspect(kept)
		h.want(t, "rejected 0, first false")
	}, with(h.hooks()))
}
