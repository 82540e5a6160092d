package authtrip_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestClosingABodyWhoseEnvelopeIsAwaitedLeavesNothing(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"as it is": piecewise("application/json", refused[:30], time.Hour),
		"unzipped": func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			piecewise("application/json", zipped(refused)[:20], time.Hour)(rw, r)
		},
		"nothing yet": piecewise("application/json", time.Hour),
	} {
		for _, header := range []http.Header{{}, askedGzip} {
			t.Run(fmt.Sprint(name, header), func(t *testing.T) {
				inBubble(t, func(t *testing.T, w *world) { // which ends only when all goroutines have
					req := mustRequest(t, http.MethodGet, w.srv.APIURL+"/", nil)
					req.Header = header.Clone()
					res, err := w.client.Do(req)
					if err != nil {
						t.Fatal(err)
					}
					reading := make(chan error, 1)
					go func() {
						_, err := io.ReadAll(res.Body)
						reading <- err
					}()
					synctest.Wait()
					_ = res.Body.Close()
					if err := <-reading; err == nil {
						t.Error("a Read under way ended without an error")
					}
				}, judging(inHeader), serving(answer))
			})
		}
	}
}

func TestAClosedBodyGivesNothingThatWasReadAhead(t *testing.T) {
	for name, body := range map[string]string{"all of it": fine, "some of it": large[:1<<16], "undecided": refused[:30]} {
		base, url := serve(t, "HTTP/1.1", func(rw http.ResponseWriter, _ *http.Request) { says(rw, body) })
		rt, _ := watching(t, base, url, 10*time.Second)
		var errs [2]error
		for i, rt := range []http.RoundTripper{base, rt} {
			res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, url, nil))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			var n int
			if n, errs[i] = res.Body.Read(make([]byte, 9)); n != 0 {
				t.Errorf("%s: %d bytes after Close", name, n)
			}
		}
		if errs[0] == nil || errs[1] != errs[0] {
			t.Errorf("%s: after Close %v, want %v as without us", name, errs[1], errs[0])
		}
	}
}

// oddly is a body whose Read does what it is told.
type oddly struct {
	read  func([]byte) (int, error)
	close func()
}

func (b *oddly) Read(p []byte) (int, error) { return b.read(p) }

func (b *oddly) Close() error {
	b.close()
	return nil
}

// opened sends a request whose answer has body.
func opened(t *testing.T, body io.ReadCloser) io.ReadCloser {
	t.Helper()
	rt, _ := watching(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
		res := jsonResponse("")
		res.Request, res.Body = r, body
		return res, nil
	}), "api.example", 100*ms)
	res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
	if err != nil {
		t.Fatal(err)
	}
	return res.Body
}

func TestABodysErrorIsNotReadAway(t *testing.T) {
	broke := errors.New("broken pipe")
	for encoding, text := range map[string]string{"": "{", "gzip": zipped(refused)[:20]} {
		reads := 0
		rt, _ := watching(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
			res := jsonResponse("")
			res.Header.Set("Content-Encoding", encoding)
			res.Request, res.Body = r, &oddly{close: func() {}, read: func(p []byte) (int, error) {
				if reads++; reads == 1 { // its error comes once, beside bytes
					return copy(p, text), broke
				}
				return 0, io.EOF
			}}
			return res, nil
		}), "api.example", 10*time.Second)
		res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(res.Body); string(got) != text || err != broke || reads != 1 {
			t.Fatalf("%q: read %q, %v, in %d Reads; want the body's own error", encoding, got, err, reads)
		}
	}
}

func TestWhatComesAfterCloseIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		wasClosed := errors.New("closed")
		late := []byte("late")
		body := opened(t, &oddly{close: func() { close(closed) }, read: func(p []byte) (int, error) {
			<-closed
			n := copy(p, late)
			late = late[n:]
			if n == 0 {
				return 0, wasClosed
			}
			return n, nil
		}})
		_ = body.Close()
		if n, err := body.Read(make([]byte, 9)); n != 0 || err != wasClosed {
			t.Fatalf("%d bytes and %v after Close", n, err)
		}
	})
}

func TestTheTrailerIsTheReadersAlone(t *testing.T) {
	// While the envelope is still read ahead, the caller looks at the trailer's
	// names, as a reverse proxy does before it copies the body.
	inBubble(t, func(t *testing.T, w *world) {
		res, err := w.client.Get(w.srv.APIURL + "/")
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			for name, values := range res.Trailer {
				if name != "X-Sum" || values != nil {
					t.Fatalf("trailer %s: %q before the body was read", name, values)
				}
			}
			time.Sleep(ms)
		}
		if _, err := io.ReadAll(res.Body); err != nil || res.Trailer.Get("X-Sum") != "7" {
			t.Fatalf("trailer %v, %v", res.Trailer, err)
		}
		_ = res.Body.Close()
	}, judging(inHeader), serving(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Trailer", "X-Sum")
		piecewise("application/json", refused[:30], 200*ms)(rw, r)
		rw.Header().Set("X-Sum", "7")
	}))
}

func TestOfALongBodyNoMoreThanTheLimitIsReadAhead(t *testing.T) {
	for name, text := range map[string]string{"undecided": `{"list":[`, "no envelope": `[{`, "accepted": fine, "gzip": bomb()} {
		want := text + strings.Repeat(" ", 11<<20)
		read := &counting{Reader: strings.NewReader(want)}
		res := jsonResponse("")
		if name == "gzip" {
			res.Header.Set("Content-Encoding", "gzip")
		}
		res.Body = read
		rt, _ := watching(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
			res.Request = r
			return res, nil
		}), "api.example", 10*time.Second)
		got, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
		if err != nil {
			t.Fatal(err)
		}
		if n := read.n.Load(); n > 4<<10 {
			t.Errorf("%s: %d bytes were read before the caller read", name, n)
		}
		if body, err := io.ReadAll(got.Body); string(body) != want || err != nil {
			t.Errorf("%s: read %d bytes, %v; want all %d as they are", name, len(body), err, len(want))
		}
		_ = got.Body.Close()
	}
}

// counting is a body that counts what was read.
type counting struct {
	io.Reader
	n atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *counting) Close() error { return nil }

func TestABodyThatPanicsWhileItIsJudgedIsUndecided(t *testing.T) {
	rt, verdict := watching(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
		res := jsonResponse("")
		res.Request, res.Body = r, io.NopCloser(panicking{})
		return res, nil
	}), "api.example", 10*time.Second)
	res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
	if err != nil || *verdict != "undecided" {
		t.Fatalf("judged %q, %v", *verdict, err)
	}
	_, err = io.ReadAll(res.Body)
	wantAll(t, err, "panic", "Read")
}
