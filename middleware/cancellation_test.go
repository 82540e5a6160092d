package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/go-resty/resty/v2"
)

// patience is an authorization server that gives no answer while it is down,
// and an API that rejects its first token once that was revoked.
type patience struct {
	src     *authtrip.Source
	lifted  atomic.Pointer[chan struct{}]
	revoked atomic.Bool
	issued  atomic.Int32
}

func newPatience(t *testing.T) *patience {
	p := new(patience)
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "test", ClientID: "id", ClientSecret: authtrip.NewSecret("secret"), TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example/token"},
	}, authtrip.WithTokenTransport(answering(func(r *http.Request) (*http.Response, error) {
		if lifted := p.lifted.Load(); lifted != nil {
			<-*lifted // deaf to its context
		}
		return p.answer(r, 200, fmt.Sprintf(`{"access_token":"token-%d","expires_in":600}`, p.issued.Add(1))), nil
	})))
	must(t, err)
	t.Cleanup(func() { _ = src.Close() })
	p.src = src
	return p
}

func (p *patience) answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// hang has the server give no answer from now on, until lift.
func (p *patience) hang() { lifted := make(chan struct{}); p.lifted.Store(&lifted) }
func (p *patience) lift() { close(*p.lifted.Swap(nil)) }

// RoundTrip is the API.
func (p *patience) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	if err := r.Context().Err(); err != nil { // as net/http does
		return nil, err
	}
	if p.revoked.Load() && r.Header.Get("Authorization") == "Bearer token-1" {
		return p.answer(r, 401, ""), nil
	}
	return p.answer(r, 200, ""), nil
}

// Through Resty too callers leave in the moment their context ends, or their
// client's time-out, and the error is net/http's own with theirs in it: Resty
// wraps it in nothing, and retries nothing for those who are gone.
func TestI02_EveryCallerLeavesInTheMomentItsContextEnds(t *testing.T) {
	const after = 200 * time.Millisecond
	why := errors.New("the user pressed stop")
	waits := map[string]func(*testing.T, *patience, *resty.Client){
		"a cold request": func(*testing.T, *patience, *resty.Client) {},
		"an expired token": func(t *testing.T, p *patience, _ *resty.Client) {
			_, err := p.src.Token(t.Context())
			must(t, err)
			time.Sleep(time.Hour)
		},
		"a rejected token": func(t *testing.T, p *patience, c *resty.Client) {
			_, err := c.R().Get("https://api.example/")
			must(t, err)
			p.revoked.Store(true)
		},
		"a suspect token": func(t *testing.T, p *patience, _ *resty.Client) {
			tok, err := p.src.Token(t.Context())
			must(t, err)
			p.src.Suspect(tok)
		},
	}
	leaves := map[string]struct {
		in      func(context.Context, *resty.Client) (context.Context, context.CancelFunc)
		is      []error
		timeout bool
	}{
		"deadline": {func(ctx context.Context, _ *resty.Client) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, after, why)
		}, []error{context.DeadlineExceeded, why}, true},
		"cancel": {func(ctx context.Context, _ *resty.Client) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(after, func() { cancel(why) })
			return ctx, func() { cancel(nil) }
		}, []error{context.Canceled, why}, false},
		"SetTimeout": {func(ctx context.Context, c *resty.Client) (context.Context, context.CancelFunc) {
			c.SetTimeout(after)
			return context.WithCancel(ctx)
		}, []error{context.DeadlineExceeded}, true},
	}
	for name, arrange := range waits {
		for how, leave := range leaves {
			for way, add := range ways {
				for _, retries := range []int{0, 3} {
					if way == "a hook" && name == "a rejected token" || retries > 0 && how == "SetTimeout" {
						continue // it hands the 401 on; each try has a time-out of its own
					}
					t.Run(fmt.Sprintf("%s, %s, %s, %d retries", name, how, way, retries), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							p := newPatience(t)
							client := resty.New().SetTransport(p).SetLogger(new(logged)).SetRetryCount(retries)
							add(t, client, p.src)
							arrange(t, p, client)
							p.hang()
							ctx, cancel := leave.in(t.Context(), client)
							defer cancel()
							body := &closing{Reader: strings.NewReader("body")}
							r := client.R().SetContext(ctx)
							method := http.MethodGet
							if name != "a rejected token" { // a reader is not sent again
								method = http.MethodPost
								r.SetBody(io.Reader(body))
							}
							start := time.Now()
							_, err := r.Execute(method, "https://api.example/")
							if took := time.Since(start); took != after {
								t.Errorf("left after %v, want %v", took, after)
							}
							for _, is := range leave.is {
								if !errors.Is(err, is) {
									t.Errorf("%v is not %q", err, is)
								}
							}
							if u, ok := err.(*url.Error); !ok || u.Timeout() != leave.timeout {
								t.Errorf("%#v: want a *url.Error with Timeout %v", err, leave.timeout)
							}
							if method == http.MethodPost && !body.closed {
								t.Error("the body was not closed")
							}
							p.lift()
							synctest.Wait()
							client.SetTimeout(0)
							if res, err := client.R().Get("https://api.example/"); err != nil || res.StatusCode() != 200 {
								t.Errorf("the next caller got %v, %v", status(res), err)
							}
						})
					})
				}
			}
		}
	}
}

func TestI02_EveryCallerLeavesInTheMomentOfClose(t *testing.T) {
	for way, add := range ways {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPatience(t)
				client := resty.New().SetTransport(p).SetLogger(new(logged))
				add(t, client, p.src)
				p.hang()
				time.AfterFunc(time.Second, func() { _ = p.src.Close() })
				body := &closing{Reader: strings.NewReader("body")}
				start := time.Now()
				_, err := client.R().SetBody(io.Reader(body)).Post("https://api.example/")
				if took := time.Since(start); !errors.Is(err, authtrip.ErrClosed) || took != time.Second || !body.closed {
					t.Errorf("%v after %v, body closed: %v", err, took, body.closed)
				}
				p.lift()
			})
		})
	}
}
