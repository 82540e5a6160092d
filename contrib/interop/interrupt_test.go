package interop_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/authtrip/authtrip"
)

// moments are when a caller may leave during a token call.
var moments = []string{"before it is sent", "when the server has answered", "while the reply is read"}

// interrupter is a token transport that, once, has a caller leave at a moment,
// and goes on when that caller has left.
type interrupter struct {
	base  http.RoundTripper
	armed atomic.Pointer[interruption]
}

type interruption struct {
	moment  string
	leave   func()        // has the caller leave
	left    chan struct{} // closed when it has
	once    sync.Once
	reached atomic.Bool
}

func newInterrupter() *interrupter {
	return &interrupter{base: &http.Transport{DisableKeepAlives: true}}
}

// at arms i. What it returns is to be called when the caller has left.
func (i *interrupter) at(t *testing.T, moment string, leave func()) (left func()) {
	n := &interruption{moment: moment, leave: leave, left: make(chan struct{})}
	i.armed.Store(n)
	return func() {
		t.Helper()
		close(n.left)
		if !n.reached.Load() {
			t.Fatal("no token call came to that moment")
		}
	}
}

func (n *interruption) reach(moment string) {
	if n != nil && n.moment == moment {
		n.once.Do(func() {
			n.reached.Store(true)
			n.leave()
			<-n.left
		})
	}
}

func (i *interrupter) RoundTrip(r *http.Request) (*http.Response, error) {
	n := i.armed.Swap(nil)
	n.reach(moments[0])
	res, err := i.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	n.reach(moments[1])
	res.Body = &interruptedBody{res.Body, n}
	return res, nil
}

type interruptedBody struct {
	io.ReadCloser
	n *interruption
}

func (b *interruptedBody) Read(p []byte) (int, error) {
	b.n.reach(moments[2])
	return b.ReadCloser.Read(p)
}

func TestARotatedTokenIsNotLostWhenItsCallerLeaves(t *testing.T) {
	for _, moment := range moments {
		t.Run(moment, func(t *testing.T) {
			w := newWorld(t)
			store, through := newRecordingStore(), newInterrupter()
			ada := w.source(w.manager(basic.users(w), authtrip.WithPlaintextStore(store), authtrip.WithTokenTransport(through)), basic.id, "1001")
			w.login(ada, "ada")
			w.auth.revokeAccess()

			ctx, cancel := context.WithCancel(t.Context())
			left := through.at(t, moment, cancel)
			got := w.getWithin(ctx, ada)
			left()
			if !errors.Is(got.err, context.Canceled) {
				t.Fatalf("who left got %+v", got)
			}

			w.mustGet(ada, "ada")
			w.wantTokenCalls("refresh_token", 1)
			store.wantOnly(t, w)
			another := w.source(w.manager(basic.users(w), authtrip.WithPlaintextStore(store)), basic.id, "1001")
			w.mustGet(another, "ada")
			w.wantNoReuse()
		})
	}
}

func TestALoginIsNotLostWhenItsCallerLeaves(t *testing.T) {
	for _, moment := range moments {
		t.Run(moment, func(t *testing.T) {
			w := newWorld(t)
			store, through := newRecordingStore(), newInterrupter()
			ada := w.source(w.manager(basic.users(w), authtrip.WithPlaintextStore(store), authtrip.WithTokenTransport(through)), basic.id, "1001")
			flow, callback := w.begin(ada, "ada")

			ctx, cancel := context.WithCancel(t.Context())
			left := through.at(t, moment, cancel)
			err := w.noting(ada.Exchange(ctx, flow, callback))
			left()
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("who left got %v", err)
			}

			w.mustGet(ada, "ada")
			w.wantTokenCalls("", 1)
			store.wantOnly(t, w)
		})
	}
}

func TestARotatedTokenIsNotLostWhenTheProcessEnds(t *testing.T) {
	for _, moment := range moments {
		t.Run(moment, func(t *testing.T) {
			w := newWorld(t)
			store, through := newRecordingStore(), newInterrupter()
			m := w.manager(basic.users(w), authtrip.WithPlaintextStore(store), authtrip.WithTokenTransport(through))
			ada := w.source(m, basic.id, "1001")
			w.login(ada, "ada")
			w.auth.revokeAccess()

			closed := make(chan error)
			left := through.at(t, moment, func() { go func() { closed <- m.Close() }() })
			w.get(ada)
			left()
			if err := w.noting(<-closed); err != nil {
				t.Fatal(err)
			}

			w.wantTokenCalls("refresh_token", 1)
			store.wantOnly(t, w)
			again := w.source(w.manager(basic.users(w), authtrip.WithPlaintextStore(store)), basic.id, "1001")
			w.mustGet(again, "ada")
			w.wantNoReuse()
		})
	}
}
