package authtrip

import (
	"context"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"
)

const (
	// headStart is how much of a rejecting response is read while another
	// token is fetched, so that a server's write time-out cuts nothing small.
	headStart = 64 << 10
	// drainTime bounds how long a response that was given up is read, for the
	// sake of its connection.
	drainTime = 50 * time.Millisecond
)

// ahead is a response with a body of which some is read before its reader asks.
// A Read may block for ever and RoundTrip may not: so another goroutine, the
// filler, reads into head; while it does, nobody else reads body.
//
// All of it is one allocation of 320 bytes, for there is one for each response
// that may have an envelope.
type ahead struct {
	// The base may share one response among all requests, and at its end a body
	// writes the trailer of the response it came with, from whatever goroutine
	// reads it. So the reader has a copy of that response, whose trailer is
	// written when the reader comes to the end.
	to   http.Response
	from *http.Response
	body io.ReadCloser

	mu      sync.Mutex
	head    []byte        // guarded by mu; what was read and not yet asked for
	err     error         // guarded by mu; the first that body.Read returned
	wake    chan struct{} // guarded by mu; who waits for what is found
	done    chan struct{} // guarded by mu; see ending
	filling bool          // guarded by mu
	enough  bool          // guarded by mu; the filler is to end after its Read
	closed  bool          // guarded by mu
	found   finding       // guarded by mu; in the end, what the filler found

	first [80]byte // where head begins; what does not fit in goes elsewhere
}

// newAhead returns a copy of res that nobody fills.
func newAhead(res *http.Response) *ahead {
	a := &ahead{to: *res, from: res, body: res.Body}
	a.to.Trailer = maps.Clone(res.Trailer)
	a.to.Body = a
	return a
}

// readAhead returns a copy of res, of whose body the head start is read.
func readAhead(res *http.Response) (*http.Response, *ahead) {
	if res.Body == http.NoBody {
		return res, &ahead{body: res.Body}
	}
	a := newAhead(res)
	a.filling = true
	go (&filler{a: a}).run()
	return &a.to, a
}

// more is the filler's Read: it returns text, which is all that it read until
// now, with what comes next. It ends in an error at the limit, too.
func (a *ahead) more(text []byte, limit int) ([]byte, error) {
	switch {
	case a.err != nil: // only the filler writes it while it fills
		return text, a.err
	case len(text) == limit:
		return text, io.EOF
	case text == nil:
		text = a.first[:0]
	case len(text) == cap(text):
		text = append(make([]byte, 0, min(limit, max(512, 4*len(text)))), text...)
	}
	free := text[len(text):cap(text)] // which is at the limit or before
	for range 100 {                   // as long as package bufio is patient
		n, err := a.body.Read(free)
		if n == 0 && err == nil {
			continue
		}
		text = text[:len(text)+len(free[:n])]
		return text, a.put(text, n, err)
	}
	return text, io.ErrNoProgress
}

// put makes the last n bytes of text the last of head.
func (a *ahead) put(text []byte, n int, err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.head = text[len(text)-len(a.head)-n:]
	}
	a.err = err
	if err == nil && a.enough {
		return io.ErrClosedPipe // which the filler keeps to itself
	}
	return err
}

// ending returns a channel that is closed when the filler ends, nil when it
// has. It is called with mu locked.
func (a *ahead) ending() <-chan struct{} {
	if a.filling && a.done == nil {
		a.done = make(chan struct{})
	}
	if !a.filling {
		return nil
	}
	return a.done
}

// giveUp closes the body, at its end if that is near, unless the manager is
// closed before, which it reports.
func (a *ahead) giveUp(caller, manager context.Context) (done bool) {
	a.mu.Lock()
	ending := a.ending()
	a.mu.Unlock()
	if ending != nil {
		t := time.NewTimer(drainTime)
		defer t.Stop()
		select {
		case <-ending:
		case <-t.C:
		case <-caller.Done():
		case <-manager.Done():
		}
	}
	if manager.Err() != nil && caller.Err() == nil {
		return false
	}
	_ = a.body.Close()
	return true
}

// Read implements [io.Reader].
func (a *ahead) Read(p []byte) (int, error) {
	n, err, ok := a.fromHead(p)
	if !ok {
		n, err = a.body.Read(p)
	}
	if err == io.EOF {
		a.copyTrailer()
	}
	return n, err
}

// copyTrailer is called on the reader's goroutine, at the body's end.
func (a *ahead) copyTrailer() {
	if a.to.Trailer == nil { // none was announced
		a.to.Trailer = a.from.Trailer
		return
	}
	maps.Copy(a.to.Trailer, a.from.Trailer)
}

// fromHead reads what was read ahead, or waits for it; ok is false when the
// body itself is to be read.
func (a *ahead) fromHead(p []byte) (n int, err error, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.head) == 0 && a.filling {
		a.enough = true // from here on its reader reads
		ending := a.ending()
		a.mu.Unlock()
		<-ending
		a.mu.Lock()
	}
	if len(a.head) > 0 {
		n = copy(p, a.head)
		a.head = a.head[n:]
		return n, nil, true
	}
	return 0, a.err, a.err != nil && !a.closed
}

// Close implements [io.Closer]. It ends a Read that is under way, and with it
// the filling; what a Read gets from then on is the body's to say.
func (a *ahead) Close() error {
	err := a.body.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.head, a.closed, a.enough = nil, true, true
	return err
}
