package authtrip_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// What belongs to a test's bubble ends the whole program when it is used
// outside, or in another.
func TestNothingMadeInABubbleIsUsedOutside(t *testing.T) {
	look := func(t *testing.T) {
		body := opened(t, io.NopCloser(strings.NewReader(fine)))
		if got, err := io.ReadAll(body); string(got) != fine || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	}
	bubble := func(age time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(age)
			look(t)
		})
	}
	for range 50 {
		look(t)
		bubble(0)
		bubble(0)
		bubble(200 * 365 * 24 * time.Hour)
		look(t)
	}
}

// stuttering is a body in pieces of all sizes, between which others run.
type stuttering struct {
	text   string
	piece  int
	closed atomic.Bool
}

func (b *stuttering) Read(p []byte) (int, error) {
	switch {
	case b.closed.Load():
		return 0, errors.New("closed")
	case b.text == "":
		return 0, io.EOF
	}
	for range b.piece % 3 {
		runtime.Gosched()
	}
	clear(p) // which a Reader may use as it likes
	b.piece = b.piece*7%97 + 1
	n := copy(p, b.text[:min(len(b.text), b.piece)])
	b.text = b.text[n:]
	return n, nil
}

func (b *stuttering) Close() error {
	b.closed.Store(true)
	return nil
}

// TestManyAtOnceEachReadTheirOwn has requests looked into at once, some too
// late, some closed early, so that all that is used again is.
func TestManyAtOnceEachReadTheirOwn(t *testing.T) {
	for name, wait := range map[string]time.Duration{"in time": time.Minute, "too late": time.Nanosecond} {
		t.Run(name, func(t *testing.T) {
			r := withEnvelope("api.example", inHeader)
			src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}), authtrip.Policy{EnvelopeWait: wait})
			body := func(id string) string {
				return `{"id":"` + id + `","list":"` + strings.Repeat(id, 10+len(id)*40) + `",` + fine[1:]
			}
			rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				id := strings.TrimPrefix(r.URL.Path, "/")
				res, text := jsonResponse(""), body(id)
				if len(id)%2 == 0 {
					text = zipped(text)
					res.Header.Set("Content-Encoding", "gzip")
				}
				res.Body = &stuttering{text: text, piece: len(text) % 89}
				return res, nil
			})}
			var all sync.WaitGroup
			for worker := range 8 {
				all.Go(func() {
					for i := range 40 {
						id := fmt.Sprintf("%d-%d", worker, i*i*i*16)
						res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/"+id, nil))
						if err != nil {
							t.Error(err)
							return
						}
						if i%5 == 4 {
							all.Go(func() { _, _ = io.ReadAll(res.Body) })
							_ = res.Body.Close()
							continue
						}
						want := body(id)
						if len(id)%2 == 0 {
							want = zipped(want)
						}
						if got, err := io.ReadAll(res.Body); string(got) != want || err != nil {
							t.Errorf("%s: read %.60q…, %v; want %.60q…", id, got, err, want)
							return
						}
						_ = res.Body.Close()
					}
				})
			}
			all.Wait()
		})
	}
}

func TestARejectionIsReadWhileItIsStillReadAhead(t *testing.T) {
	var long bytes.Buffer
	for i := range 9000 {
		fmt.Fprintf(&long, "%d,", i)
	}
	for round := range 20 {
		src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"error":"invalid_scope"}`}}))
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 401, Header: http.Header{}, Body: &stuttering{text: long.String(), piece: round}, Request: r}, nil
		})}
		res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		page := make([]byte, 1+round*5)
		for err == nil {
			var n int
			n, err = res.Body.Read(page)
			got.Write(page[:n])
			runtime.Gosched()
		}
		if err != io.EOF || got.String() != long.String() {
			t.Fatalf("read %d bytes, %v; want all %d as they are", got.Len(), err, long.Len())
		}
		_ = res.Body.Close()
	}
}

// drop is a body that gives a byte a second.
type drop struct{ reads atomic.Int32 }

func (d *drop) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	d.reads.Add(1)
	return copy(p, "{"), nil
}

func (d *drop) Close() error { return nil }

func TestOnceNobodyWaitsNoMoreIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &drop{}
		body := opened(t, slow) // after 100 ms
		time.Sleep(10 * time.Second)
		if n := slow.reads.Load(); n != 1 {
			t.Fatalf("%d Reads, want the one that was under way", n)
		}
		for want := range 3 {
			if n, err := body.Read(make([]byte, 9)); n != 1 || err != nil || int(slow.reads.Load()) != want+1 {
				t.Fatalf("read %d bytes, %v, with %d Reads", n, err, slow.reads.Load())
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		slow := &drop{}
		body := opened(t, slow)
		start := time.Now()
		if n, err := body.Read(make([]byte, 9)); n != 1 || err != nil || time.Since(start) != 900*ms {
			t.Fatalf("read %d bytes, %v, after %v; want them as soon as they come", n, err, time.Since(start))
		}
		_ = body.Close()
		time.Sleep(10 * time.Second)
		if n := slow.reads.Load(); n != 1 {
			t.Fatalf("%d Reads after Close", n)
		}
	})
}

func TestOfARejectionThatIsClosedNoMoreIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &drop{}
		src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"error":"invalid_scope"}`}}))
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 401, Header: http.Header{}, Body: slow, Request: r}, nil
		})}
		res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2500 * ms)
		_ = res.Body.Close()
		time.Sleep(10 * time.Second)
		if n := slow.reads.Load(); n != 3 {
			t.Fatalf("%d Reads, want two and the one that was under way", n)
		}
	})
}

func TestABodyThatReadsNothingForLongIsUndecided(t *testing.T) {
	for empty, want := range map[int]string{99: "rejected", 100: "undecided", 150: "undecided"} {
		reads := 0
		rt, verdict := watching(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
			res := jsonResponse("")
			res.Request, res.Body = r, &oddly{close: func() {}, read: func(p []byte) (int, error) {
				if reads++; reads <= empty {
					return 0, nil
				}
				n := copy(p, refused[min(len(refused), max(0, reads-empty-1)*60):])
				return n, map[bool]error{true: io.EOF}[n == 0]
			}}
			return res, nil
		}), "api.example", 10*time.Second)
		res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
		if err != nil || *verdict != want {
			t.Errorf("after %d empty Reads judged %q (%v), want %q", empty, *verdict, err, want)
		}
		_ = res.Body.Close()
	}
}

func TestAllWhoReadGoOnWhenTheFillingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := opened(t, &drop{})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _, _ = body.Read(make([]byte, 9)) })
		}
		all.Wait()
	})
}

func TestABodyThatReadsMoreThanItMayIsBroken(t *testing.T) {
	for _, n := range []int{81, 1 << 20, -1} {
		body := opened(t, &oddly{close: func() {}, read: func([]byte) (int, error) { return n, nil }})
		_, err := io.ReadAll(body)
		wantAll(t, err, "panic", "Read")
	}
}
