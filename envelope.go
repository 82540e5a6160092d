package authtrip

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Envelope is how a service that answers 200 whatever happens says in the
// response's JSON that it rejects the token:
//
//	{"header": {"isSuccessful": false, "resultCode": 80007}, …}
//
// is Envelope{Success: "header.isSuccessful", Code: "header.resultCode",
// Rejected: []string{"80007"}}.
//
// Looked into is a response with status 200 to another method than HEAD, whose
// media type is application/json or ends in +json, as it is or compressed with
// gzip. Before RoundTrip returns, its body is read until Success and Code are
// known or the object that holds them has ended, 4 KiB were read, the body has
// ended, Policy.EnvelopeWait has passed or the request's context has ended,
// whichever comes first. What was read stands before the rest when the caller
// reads: nothing is lost or changed. What could not be decided by then is
// accepted, and Hooks.Undecided is told.
type Envelope struct {
	// Success is the path of a boolean, from the top of the JSON, its steps
	// joined by dots. Only where it is false is the token rejected. Empty: Code
	// alone decides.
	Success string
	// Code is the path of the result's code, a number or a string. A number
	// counts for its value: 8.0007e4 is 80007. Required.
	Code string
	// Rejected are the codes that reject the token: another may be accepted.
	// One that ends in "*" stands for all that begin so. Codes that deny a
	// permission do not belong here.
	Rejected []string
}

// envelopeLimit is how much of a body is read for an envelope's sake, before
// and after it is decompressed.
const envelopeLimit = 4 << 10

func (c *client) checkEnvelopes(fault func(string, ...any)) {
	if len(c.Envelopes) == 0 {
		return
	}
	c.envelopes = map[string]*envelopeRule{}
	spelled := map[string]string{}
	for _, host := range slices.Sorted(maps.Keys(c.Envelopes)) {
		e := c.Envelopes[host]
		u, err := parseOrigin("https", host)
		if err != nil {
			fault("Envelopes: %w", err)
			continue
		}
		if e.Code == "" || len(e.Rejected) == 0 {
			fault("Envelopes: that of %q needs Code and Rejected", host)
		}
		for _, path := range []string{e.Success, e.Code} {
			if path != "" && slices.Contains(strings.Split(path, "."), "") {
				fault("Envelopes: that of %q has the path %q: join the members' names by single dots", host, path)
			}
		}
		if slices.Contains(e.Rejected, "") || slices.Contains(e.Rejected, "*") {
			fault("Envelopes: that of %q has a code in Rejected that every response has", host)
		}
		if other, twice := spelled[origin(u)]; twice {
			fault("Envelopes: %q and %q are the same host: make them one", other, host)
		}
		spelled[origin(u)] = host
		c.envelopes[origin(u)] = e.rule()
		if host := lower(u.Hostname()); usual(host) && origin(u) == "https://"+host+":443" {
			c.envelopes[host] = c.envelopes[origin(u)]
		}
	}
}

// envelopeRule is an Envelope that is ready for use. It never changes.
type envelopeRule struct{ success, code, rejected []string }

func (e Envelope) rule() *envelopeRule {
	r := &envelopeRule{code: strings.Split(e.Code, "."), rejected: slices.Clone(e.Rejected)}
	if e.Success != "" {
		r.success = strings.Split(e.Success, ".")
	}
	return r
}

// envelopeOf returns the rule for res, if it is to be looked into.
func (c *client) envelopeOf(res *http.Response, req *http.Request) (*envelopeRule, bool) {
	if len(c.envelopes) == 0 || res.StatusCode != http.StatusOK || res.Body == http.NoBody || req.Method == http.MethodHead {
		return nil, false
	}
	if !isJSON(first(res.Header["Content-Type"])) {
		return nil, false
	}
	if req.URL.Scheme == "https" {
		if rule, ok := c.envelopes[req.URL.Host]; ok || usual(req.URL.Host) {
			return rule, ok
		}
	}
	rule, ok := c.envelopes[origin(req.URL)]
	return rule, ok
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// usual reports whether the host of an https URL is as most write it: so it
// need not be brought into another form to be looked up.
func usual(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool { return r == ':' || 'A' <= r && r <= 'Z' })
}

// isJSON reads no more than the media type: its parameters may be broken.
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.TrimSpace(media)
	if media == "application/json" {
		return true
	}
	media = lower(media)
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// finding is what looking into a response found.
type finding uint8

const (
	findingNone finding = iota // nothing yet, or never: the body's Read panicked
	findingAccepted
	findingRejected
	findingBroken
	findingNoGzip
)

var (
	errUndecided  = errors.New("the envelope could not be judged: taken for accepted")
	errBroken     = fmt.Errorf("%w: it is broken JSON, broke off, or does not come in the first %d bytes", errUndecided, envelopeLimit)
	errNoGzip     = fmt.Errorf("%w: it is no gzip", errUndecided)
	errOtherCoded = fmt.Errorf("%w: it has a Content-Encoding other than gzip", errUndecided)
)

// verdict returns what follows; an error says that it was not decided.
func (f finding) verdict() (Verdict, error) {
	switch f {
	case findingAccepted:
		return TokenAccepted, nil
	case findingRejected:
		return TokenRejected, nil
	case findingBroken:
		return TokenAccepted, errBroken
	case findingNoGzip:
		return TokenAccepted, errNoGzip
	}
	return TokenAccepted, errUndecided
}

// openEnvelope judges res by rule. The response it returns is a copy of res
// with what was read put back. When ctx ends it is not waited for: the caller's
// Read tells.
func openEnvelope(ctx context.Context, res *http.Response, rule *envelopeRule, within time.Duration) (*http.Response, Verdict, error) {
	zipped := false
	switch lower(strings.TrimSpace(first(res.Header["Content-Encoding"]))) {
	case "", "identity":
	case "gzip", "x-gzip":
		zipped = true
	default:
		return res, TokenAccepted, errOtherCoded
	}
	a := newAhead(res)
	found, err := a.find(ctx, rule, zipped, within)
	if err != nil {
		return &a.to, TokenAccepted, err
	}
	verdict, err := found.verdict()
	return &a.to, verdict, err
}

// look judges a text that more returns with each call a bit more of, until an
// error.
func (s *search) look(more func([]byte) ([]byte, error)) finding {
	for text, err := []byte(nil), error(nil); ; {
		text, err = more(text)
		ended := err == io.EOF || len(text) == envelopeLimit
		if ended && len(bytes.TrimPrefix(text, byteOrderMark)) == 0 {
			return findingAccepted // nothing is no envelope
		}
		if found := s.read(text, ended); found != findingNone {
			return found
		}
		if ended || err != nil {
			return findingBroken
		}
	}
}

// unzipper unzips what begins a body. It is large and used again: it lets go of
// the body, and what it unzipped nobody but the search is given.
type unzipper struct {
	gzip.Reader
	from zipped
	text [envelopeLimit]byte
}

var unzippers = sync.Pool{New: func() any { return new(unzipper) }}

// unzip judges a body that is compressed.
func (s *search) unzip(a *ahead) finding {
	u := unzippers.Get().(*unzipper)
	u.from = zipped{a: a}
	found := findingNoGzip
	if u.Reset(&u.from) == nil {
		found = s.look(func(text []byte) ([]byte, error) {
			n, err := u.Read(u.text[len(text):])
			return u.text[:len(text)+n], err
		})
	}
	u.from = zipped{}
	unzippers.Put(u) // but for a panic, after which it is not what it was
	return found
}

// zipped reads a body by its filler. It is an [io.ByteReader] so that package
// gzip reads no further than it needs.
type zipped struct {
	a    *ahead
	text []byte
	at   int
	err  error // which came with the last of text: no Read is to follow it
}

func (z *zipped) Read(p []byte) (int, error) {
	for z.at == len(z.text) {
		if z.err != nil {
			return 0, z.err
		}
		z.text, z.err = z.a.more(z.text, envelopeLimit)
	}
	n := copy(p, z.text[z.at:])
	z.at += n
	return n, nil
}

func (z *zipped) ReadByte() (byte, error) {
	var p [1]byte
	_, err := z.Read(p[:])
	return p[0], err
}
