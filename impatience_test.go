package authtrip_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// A request waits a second for the successor of a token that may work; when
// that token is gone, it waits like any other.
func TestI06_ASuspectThatIsDroppedMeanwhileEndsNobodysPatience(t *testing.T) {
	for name, gone := range map[string]func(*world, authtrip.Token){
		"invalidated": func(w *world, tok authtrip.Token) { w.src.Invalidate(tok) },
		"revoked":     func(w *world, _ authtrip.Token) { _ = w.src.Revoke(w.t.Context()) },
		"expired":     func(*world, authtrip.Token) { time.Sleep(500 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.srv.SetLifetime(2 * time.Second)
				tok, err := w.src.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(1200 * time.Millisecond) // usable for 600 ms more
				w.src.Suspect(tok)
				w.srv.Break(authtest.Fault{Delay: 2 * time.Second, Times: 1})
				got := make(chan error)
				go func() {
					_, err := w.get()
					got <- err
				}()
				synctest.Wait()
				gone(w, tok)
				if err := <-got; err != nil {
					t.Errorf("%v, want the next token's response", err)
				}
			})
		})
	}
}

// Closing takes no longer than its caller has.
func TestI02_ARejectedResponseThatGoesOnHoldsNoLeavingCaller(t *testing.T) {
	for name, tokens := range map[string]*replies{
		"while a token is awaited": {bodies: []string{`{"access_token":"a"}`, "hang"}},
		"while it is drained":      {bodies: []string{`{"access_token":"a"}`, `{"access_token":"b"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				src := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
					res, err := tokens.RoundTrip(r)
					if strings.HasPrefix(name, "while a") && tokens.calls > 1 {
						<-r.Context().Done()
						return nil, r.Context().Err()
					}
					return res, err
				})))
				rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
					body := &oddly{read: func([]byte) (int, error) { <-release; return 0, io.EOF }, close: func() {}}
					if err := r.Context().Err(); err != nil {
						return nil, err
					}
					return &http.Response{StatusCode: 401, Header: http.Header{}, Body: body, Request: r}, nil
				})}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				start := time.Now()
				_, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil).WithContext(ctx))
				if took := time.Since(start); took != 10*time.Millisecond || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v after %v, want its own time-out after 10 ms", err, took)
				}
				close(release)
			})
		})
	}
}

// Nobody need give them a deadline.
func TestI02_RevokeAndAuthCodeURLHaveTheFetchTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hang{deaf: true}
		revoking := hangingClient(t, h, nil)
		primed(t, revoking)
		asking := of(t, newServer().managerOf(t, []authtrip.Registration{user(asking(h))}), "ann")
		h.set()
		for name, call := range map[string]func() error{
			"Revoke":      func() error { return revoking.Revoke(context.Background()) },
			"AuthCodeURL": func() error { _, _, err := asking.AuthCodeURL(context.Background()); return err },
		} {
			start := time.Now()
			err := call()
			if took := time.Since(start); took != 10*time.Second || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v after %v, want a time-out after 10 s", name, err, took)
			}
		}
		h.lift()
	})
}

// Patience that ends in the moment of Close is no time-out of the caller's.
func TestI02_CloseWhilePatienceEndsIsErrClosed(t *testing.T) {
	for range 60 {
		inBubble(t, func(t *testing.T, w *world) {
			w.mustGet()
			tok, err := w.src.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.src.Suspect(tok)
			w.srv.Break(authtest.Fault{Hang: true})
			got := make(chan error)
			go func() {
				_, err := w.get()
				got <- err
			}()
			time.Sleep(time.Second) // as long as it is patient
			_ = w.src.Close()
			if err := <-got; err != nil && !errors.Is(err, authtrip.ErrClosed) {
				t.Errorf("%v, want ErrClosed", err)
			}
		})
	}
}
