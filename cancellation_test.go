package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// path is a way to wait for somebody who gives no answer.
type path struct {
	call  func(context.Context) error // waits
	next  func() error                // that of whoever comes later
	close func() error
	// caller is set where call is a request through an http.Client.
	caller *caller
	// givesBack: when the Manager is closed, the caller gets the response that it
	// waited to have replaced.
	givesBack bool
}

// paths are all the ways. Each is made with what hangs, not set yet, and sets it.
var paths = map[string]func(*testing.T, *hang) path{
	"a cold request":                                            coldRequest,
	"a request whose token expired":                             expiredRequest,
	"a request while its token is suspect":                      suspectRequest(true),
	"one that cannot be sent again, while its token is suspect": suspectRequest(false),
	"a rejected GET":                                            rejectedRequest((*caller).get, false),
	"a rejected POST":                                           rejectedRequest((*caller).post, false),
	"a GET that is rejected in 200":                             rejectedRequest((*caller).get, true),
	"a POST that is rejected in 200":                            rejectedRequest((*caller).post, true),
	"a request by way of a Manager":                             managersRequest,
	"Token":                                                     tokenOf(func(ctx context.Context, src *authtrip.Source) error { _, err := src.Token(ctx); return err }),
	"Attach": tokenOf(func(ctx context.Context, src *authtrip.Source) error {
		return src.Attach((&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "api.example"}}).WithContext(ctx))
	}),
	"Credentials":              credentials,
	"Authenticate":             authenticate,
	"Hooks.TokenCallStart":     tokenCallHook,
	"Revoke":                   clientsRevoke(false),
	"Revoke, in Credentials":   clientsRevoke(true),
	"AuthCodeURL":              authCodeURL,
	"Exchange":                 usersCall(atServer, exchange),
	"Exchange, its Store":      usersCall(atStore("save"), exchange),
	"ExchangeCode":             usersCall(atServer, exchangeCode),
	"ExchangeCode, its Load":   usersCall(atStore("load"), exchangeCode),
	"ExchangeCode, its turn":   usersCall(atTurn, exchangeCode),
	"a refresh":                usersCall(atServer, refresh),
	"a refresh, its Load":      usersCall(atStore("load"), refresh),
	"a refresh, its Save":      usersCall(atStore("save"), refresh),
	"a refresh, its turn":      usersCall(atTurn, refresh),
	"a refresh, another's":     usersCall(atIntent, refresh),
	"a logout":                 usersCall(atRevocation, logout),
	"a logout, its Store":      usersCall(atStore("load"), logout),
	"a logout, its turn":       usersCall(atTurn, logout),
	"a logout, another's":      usersCall(atIntent, logout),
	"a refresh token's origin": refreshTokenFunc,
}

var errWhy = errors.New("the user pressed stop")

// ends are how a caller's context may end, and what the caller gets.
var ends = map[string]struct {
	in      func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	is      []error
	timeout bool
}{
	"deadline": {context.WithTimeout, []error{context.DeadlineExceeded}, true},
	"deadline with a cause": {func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		return context.WithTimeoutCause(ctx, d, errWhy)
	}, []error{context.DeadlineExceeded, errWhy}, true},
	"cancel": {func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}, []error{context.Canceled}, false},
	"cancel with a cause": {func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(d, func() { cancel(errWhy) })
		return ctx, func() { cancel(nil) }
	}, []error{context.Canceled, errWhy}, false},
}

// Whatever hangs, and whoever is deaf to contexts: callers leave in the moment
// their own ends, with its error; others who wait do not notice, and nothing is
// left behind.
func TestI02_EveryCallerLeavesInTheMomentItsContextEnds(t *testing.T) {
	const after = 200 * time.Millisecond
	for name, begin := range paths {
		for how, end := range ends {
			for _, deaf := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/deaf %v", name, how, deaf), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						h := &hang{deaf: deaf}
						p := begin(t, h)
						ctx, cancel := end.in(t.Context(), after)
						defer cancel()
						start := time.Now()
						another := make(chan error, 1)
						if deaf { // and waits for the same
							time.AfterFunc(after/2, func() { another <- p.next() })
						} else {
							another <- nil
						}
						err := p.call(ctx)
						if took := time.Since(start); took != after {
							t.Errorf("left after %v, want %v", took, after)
						}
						for _, is := range end.is {
							if !errors.Is(err, is) {
								t.Errorf("%v is not %q", err, is)
							}
						}
						wantTimeout(t, err, end.timeout, p.caller != nil)
						if p.caller != nil && !deaf {
							p.caller.wantClosed(t)
						}
						p.leavesNothing(t, h)
						if err := <-another; err != nil {
							t.Errorf("another caller noticed: %v", err)
						}
					})
				})
			}
		}
	}
}

// The time-out of an http.Client is as good as a context's.
func TestI02_EveryRequestLeavesInTheMomentItsClientTimesOut(t *testing.T) {
	for name, begin := range paths {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hang{deaf: true}
				p := begin(t, h)
				if p.caller != nil {
					p.caller.client.Timeout = 200 * time.Millisecond
					start := time.Now()
					err := p.call(t.Context())
					if took := time.Since(start); took != 200*time.Millisecond || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%v after %v", err, took)
					}
					wantTimeout(t, err, true, true)
					p.caller.client.Timeout = 0
				}
				p.leavesNothing(t, h)
			})
		})
	}
}

// Whose context has ended before waits for nothing, and starts nothing.
func TestI02_WhoHasLeftAlreadyWaitsForNothing(t *testing.T) {
	for name, begin := range paths {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hang{deaf: true}
				p := begin(t, h)
				ctx, cancel := context.WithDeadline(t.Context(), time.Now())
				defer cancel()
				start, before := time.Now(), h.askedFor()
				err := p.call(ctx)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 0 {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				synctest.Wait()
				if h.askedFor() != before {
					t.Error("something was begun for it")
				}
				wantTimeout(t, err, true, p.caller != nil)
				p.leavesNothing(t, h)
			})
		})
	}
}

// Close lets callers go in the same way.
func TestI02_EveryCallerLeavesInTheMomentOfClose(t *testing.T) {
	const after = 200 * time.Millisecond
	for name, begin := range paths {
		for _, deaf := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/deaf %v", name, deaf), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := &hang{deaf: deaf}
					p := begin(t, h)
					closed := make(chan error, 1)
					time.AfterFunc(after, func() { closed <- p.close() })
					time.AfterFunc(after+time.Second, h.lift)
					start := time.Now()
					err := p.call(t.Context())
					took := time.Since(start)
					switch {
					case took != after:
						t.Errorf("left after %v, want %v", took, after)
					case p.givesBack && err != nil:
						t.Errorf("%v, want the response that there was", err)
					case !p.givesBack && !errors.Is(err, authtrip.ErrClosed):
						t.Errorf("%v, want ErrClosed", err)
					}
					<-closed
					settle(30 * time.Second)
					if p.caller != nil {
						p.caller.wantClosed(t)
					}
				})
			})
		}
	}
}

func wantTimeout(t *testing.T, err error, want, request bool) {
	t.Helper()
	if request {
		if u, ok := err.(*url.Error); !ok || u.Timeout() != want { // it asks the error it wraps, and no deeper
			t.Errorf("%#v: want a *url.Error with Timeout %v", err, want)
		}
	}
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	if ok && timeout.Timeout() != want || !ok && want {
		t.Errorf("%v: Timeout is not %v", err, want)
	}
	if err != nil && !request && !strings.HasPrefix(err.Error(), `authtrip: registration "`) {
		t.Errorf("%v does not say whose it is", err)
	}
}

// leavesNothing expects that bodies are closed and that the next caller is
// served, be it that what hung is back at once or after all has given up. That
// no goroutine is left the bubble's end tells.
func (p *path) leavesNothing(t *testing.T, h *hang) {
	t.Helper()
	if h.deaf {
		h.lift()
		settle(30 * time.Second) // of what was there to be saved
	} else {
		settle(time.Minute)
		h.lift()
		settle(time.Minute) // circuits close
	}
	if err := p.next(); err != nil {
		t.Errorf("the next caller got %v", err)
	}
	if err := p.close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if p.caller != nil {
		p.caller.wantClosed(t)
	}
}
