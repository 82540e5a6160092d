package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip/nhn"
)

// ledger knows every token there is, from below the library: what the
// authorization server issued, and what became of it at the API. By it the
// program judges whether a rejection or a failure had a reason.
type ledger struct {
	lifetime time.Duration
	findings *findings

	proven     atomic.Pointer[record] // the latest that the API accepted
	rejections atomic.Int64
	unclosed   atomic.Int64 // response bodies that the library was given and did not close

	mu         sync.Mutex
	records    map[string]*record // guarded by mu; the last maxRecords
	order      []string           // guarded by mu; their texts, oldest first
	ended      time.Time          // guarded by mu; tokens asked for before are revoked
	dropped    time.Time          // guarded by mu; or were invalidated here
	lastCallOK bool               // guarded by mu
	calling    int                // guarded by mu
}

const (
	maxRecords = 256
	lateness   = 20 * time.Millisecond
)

// record is one token.
type record struct {
	text     string
	askedAt  time.Time
	provenAt atomic.Int64 // Unix nanoseconds; 0: the API has not accepted it
	again    atomic.Bool  // the server gave it more than once
}

func newLedger(lifetime time.Duration, f *findings) *ledger {
	return &ledger{lifetime: lifetime, findings: f, records: map[string]*record{}}
}

// usablePart is how much of a short token's lifetime it is used for.
const usablePart = 0.9

// ending is run around what ends all tokens at the server.
func (l *ledger) ending(f func() error) error { return during(l, &l.ended, f) }

// dropping is run around what has the library drop its token.
func (l *ledger) dropping(f func() bool) bool { return during(l, &l.dropped, f) }

// during holds every token for ended while f runs, and those asked for before
// its end from then on.
func during[T any](l *ledger, until *time.Time, f func() T) T {
	set := func(t time.Time) {
		l.mu.Lock()
		defer l.mu.Unlock()
		*until = t
	}
	set(time.Now().Add(time.Hour))
	done := f()
	set(time.Now())
	return done
}

// served reports whether a request that ran from start until now had a valid
// token at its service all that time: one that the API had accepted before,
// that was neither revoked nor dropped, and is not near its end.
func (l *ledger) served(start, now time.Time) bool {
	return l.younger(usablePart-0.05, start, now) != nil
}

// younger returns the token that served reports, if it has less than a part of
// its lifetime behind it.
func (l *ledger) younger(part float64, start, now time.Time) *record {
	r := l.proven.Load()
	if r == nil || start.UnixNano() < r.provenAt.Load() || now.Sub(r.askedAt) > time.Duration(part*float64(l.lifetime)) {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !r.askedAt.After(l.ended) || !r.askedAt.After(l.dropped) {
		return nil
	}
	return r
}

// fresh reports whether nobody had a reason for a token call from start until
// now: the token in use was too young to be renewed.
func (l *ledger) fresh(start, now time.Time) bool {
	r := l.younger(renewAt, start, now)
	return r != nil && !r.again.Load()
}

// healthy reports whether nothing is amiss: a valid token has been in use for a
// while, and the last token call brought one, so that no circuit is open and no
// failure remembered.
func (l *ledger) healthy() bool {
	now := time.Now()
	l.mu.Lock()
	ok := l.lastCallOK
	l.mu.Unlock()
	return ok && l.served(now.Add(-100*time.Millisecond), now)
}

// idle reports whether no token call is under way.
func (l *ledger) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calling == 0
}

// tokenCalls is the transport of token calls: it reads along.
type tokenCalls struct {
	base   http.RoundTripper
	ledger *ledger
}

func (t tokenCalls) RoundTrip(req *http.Request) (*http.Response, error) {
	l := t.ledger
	l.mu.Lock()
	l.calling++
	l.mu.Unlock()
	askedAt, text := time.Now(), ""
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.calling--
		l.lastCallOK = text != ""
		if text != "" {
			l.issued(text, askedAt)
		}
	}()
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = l.counted(io.NopCloser(bytes.NewReader(body)))
	var reply struct {
		Token string `json:"access_token"`
	}
	if json.Unmarshal(body, &reply) == nil {
		text = reply.Token
	}
	return res, nil
}

// issued is told of a token that the server gave. l.mu is held.
func (l *ledger) issued(text string, askedAt time.Time) {
	if r := l.records[text]; r != nil {
		r.again.Store(true)
		return
	}
	if len(l.order) == maxRecords {
		delete(l.records, l.order[0])
		l.order = append(l.order[:0], l.order[1:]...)
	}
	l.records[text] = &record{text: text, askedAt: askedAt}
	l.order = append(l.order, text)
}

// counted is body, counted until it is closed.
func (l *ledger) counted(body io.ReadCloser) io.ReadCloser {
	l.unclosed.Add(1)
	return &countedBody{ReadCloser: body, ledger: l}
}

type countedBody struct {
	io.ReadCloser
	ledger *ledger
	once   sync.Once
}

// Close implements [io.Closer].
func (b *countedBody) Close() error {
	b.once.Do(func() { b.ledger.unclosed.Add(-1) })
	return b.ReadCloser.Close()
}

// apiCalls is under the library: it sees every request with its token, and the
// response to it.
type apiCalls struct {
	base   http.RoundTripper
	ledger *ledger
}

// sends is how often one request was sent; it is in its context, under its own
// zero value.
type sends struct{ all, rejected int }

// brokenConnection is an error of the API's side.
type brokenConnection struct{ error }

func (e brokenConnection) Unwrap() error { return e.error }

func (t apiCalls) RoundTrip(req *http.Request) (*http.Response, error) {
	l := t.ledger
	text := req.Header.Get(nhn.HeaderAuthentication)
	text = text[min(len("Bearer "), len(text)):]
	sent, isOurs := req.Context().Value(sends{}).(*sends)
	if !isOurs {
		sent = new(sends)
	}
	if sent.all++; sent.all > 2 {
		l.findings.add("a request was sent more than twice")
	}
	sentAt := time.Now()
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, brokenConnection{err}
	}
	res.Body = l.counted(res.Body)
	r := l.proven.Load()
	if r == nil || r.text != text {
		l.mu.Lock()
		r = l.records[text]
		l.mu.Unlock()
	}
	switch {
	case r == nil:
		l.findings.add("a request carried a token that was not issued")
	case res.StatusCode == http.StatusUnauthorized:
		sent.rejected++
		if l.rejections.Add(1)%4 == 0 {
			<-time.After(lateness) // so that some rejections come when another token is in use
		}
		l.rejected(r, sentAt)
	case res.StatusCode == http.StatusOK && r.provenAt.CompareAndSwap(0, time.Now().UnixNano()):
		if p := l.proven.Load(); p == nil || p.askedAt.Before(r.askedAt) {
			l.proven.Store(r)
		}
	}
	return res, nil
}

// CloseIdleConnections lets the client's own through.
func (t apiCalls) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// rejected looks for the reason why the API rejected r, which was sent at
// sentAt.
func (l *ledger) rejected(r *record, sentAt time.Time) {
	l.mu.Lock()
	revoked := !r.askedAt.After(l.ended)
	l.mu.Unlock()
	switch {
	case revoked:
	case time.Since(r.askedAt) < l.lifetime:
		l.findings.add(noReason)
	case sentAt.Sub(r.askedAt) >= l.lifetime && !r.again.Load():
		// One that the server gave again when asked for another is used on the
		// server's word; one that ended on its way was sent in good time.
		l.findings.add("a token was sent after its end")
	}
}
