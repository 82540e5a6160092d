package authtrip

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
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
	c.envelopes = map[string]Envelope{}
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
		e.Rejected = slices.Clone(e.Rejected)
		c.envelopes[origin(u)] = e
	}
}

var errUndecided = errors.New("the envelope could not be judged: taken for accepted")

// envelopeOf returns the rule for res, if it is to be looked into.
func (c *client) envelopeOf(res *http.Response, req *http.Request) (Envelope, bool) {
	if len(c.envelopes) == 0 || res.StatusCode != http.StatusOK || res.Body == http.NoBody || req.Method == http.MethodHead {
		return Envelope{}, false
	}
	if !isJSON(res.Header.Get("Content-Type")) {
		return Envelope{}, false
	}
	rule, ok := c.envelopes[origin(req.URL)]
	return rule, ok
}

// isJSON reads no more than the media type: its parameters may be broken.
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = lower(strings.TrimSpace(media))
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// openEnvelope judges res by rule. The response it returns is a copy of res
// with what was read put back. When ctx ends it is not waited for: the caller's
// Read tells.
func openEnvelope(ctx context.Context, res *http.Response, rule Envelope, within time.Duration) (*http.Response, Verdict, error) {
	verdict, err := TokenAccepted, errUndecided // unless the body's Read panics
	encoding := res.Header.Get("Content-Encoding")
	res, head := readAhead(res, func(body io.Reader) { verdict, err = rule.read(body, encoding) })
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-head.done: // and so verdict and err are written
		return res, verdict, err
	case <-ctx.Done():
		return res, TokenAccepted, fmt.Errorf("%w: the request's context ended", errUndecided)
	case <-timer.C:
		return res, TokenAccepted, fmt.Errorf("%w: it had not come within %v", errUndecided, within)
	}
}

// read judges a body that is encoded as encoding says.
func (e Envelope) read(body io.Reader, encoding string) (Verdict, error) {
	body = io.LimitReader(body, envelopeLimit)
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
	case "gzip", "x-gzip":
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return TokenAccepted, fmt.Errorf("%w: it is no gzip", errUndecided)
		}
		body = io.LimitReader(unzipped, envelopeLimit)
	default:
		return TokenAccepted, fmt.Errorf("%w: it has a Content-Encoding other than gzip", errUndecided)
	}
	text := newJSONText(body)
	if _, err := text.Peek(1); err == io.EOF {
		return TokenAccepted, nil // nothing is no envelope
	}
	verdict, err := e.judge(text)
	if err != nil {
		return TokenAccepted, fmt.Errorf("%w: it is broken JSON, broke off, or does not come in the first %d bytes", errUndecided, envelopeLimit)
	}
	return verdict, nil
}

// judge reads JSON until it is decided. An error means that it is not.
func (e Envelope) judge(text *jsonText) (Verdict, error) {
	dec := json.NewDecoder(text)
	dec.UseNumber()
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return TokenAccepted, err // an array or a scalar is no envelope
	}
	text.open = true
	success, code := splitPath(e.Success), splitPath(e.Code)
	failed, coded := success == nil, false // what is known so far
	path := []string{""}                   // of the member that is read: the last step is its name
	for {
		name, err := dec.Token()
		if err != nil {
			return TokenAccepted, err
		}
		if name == json.Delim('}') {
			path = path[:len(path)-1] // of the object that has ended
			if len(path) == 0 || holds(path, code) && (success == nil || holds(path, success)) {
				return TokenAccepted, nil
			}
			continue
		}
		path[len(path)-1] = name.(string)
		value, err := dec.Token()
		if err != nil {
			return TokenAccepted, err
		}
		switch value {
		case json.Delim('{'):
			path = append(path, "")
			continue
		case json.Delim('['):
			if err := skipArray(dec); err != nil {
				return TokenAccepted, err
			}
			continue
		}
		if slices.Equal(path, success) {
			if failed = value == false; !failed {
				return TokenAccepted, nil
			}
		}
		if slices.Equal(path, code) {
			if coded = e.rejects(value); !coded {
				return TokenAccepted, nil
			}
		}
		if failed && coded {
			return TokenRejected, nil
		}
	}
}

// holds reports whether the object at path has the member at member.
func holds(path, member []string) bool {
	return len(path) == len(member)-1 && slices.Equal(path, member[:len(path)])
}

// rejects reports whether a code, as JSON has it, is one of Rejected.
func (e Envelope) rejects(value json.Token) bool {
	switch value := value.(type) {
	case json.Number:
		// Java writes 401100003 as 4.01100003E8 once it went through a double.
		if f, err := value.Float64(); err == nil && math.Abs(f) < 1<<53 {
			return e.lists(strconv.FormatFloat(f, 'f', -1, 64))
		}
		return e.lists(value.String())
	case string:
		return e.lists(strings.TrimSpace(value))
	}
	return false
}

func (e Envelope) lists(code string) bool {
	return slices.ContainsFunc(e.Rejected, func(r string) bool {
		prefix, open := strings.CutSuffix(r, "*")
		return code == r || open && strings.HasPrefix(code, prefix)
	})
}

func splitPath(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, ".")
}

// skipArray reads to the end of the array that dec has just begun.
func skipArray(dec *json.Decoder) error {
	for depth := 1; depth > 0; {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return nil
}

// jsonText is what an envelope is read from.
type jsonText struct {
	*bufio.Reader
	open bool // a value has begun that is not at its end
}

// newJSONText drops a byte order mark, which JSON must not have and some
// servers send (RFC 8259 §8.1).
func newJSONText(r io.Reader) *jsonText {
	text := &jsonText{Reader: bufio.NewReader(r)}
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	return text
}

// Read implements [io.Reader]. It ends in an error where a value is open, lest
// a json.Decoder takes the beginning of a number for the number.
func (t *jsonText) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if err == io.EOF && t.open {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
