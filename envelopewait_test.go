package authtrip_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// piecewise is an API that answers with parts of a body, each sent at its time
// after the response's head.
func piecewise(contentType string, parts ...any) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", contentType)
		_ = http.NewResponseController(rw).Flush()
		start := time.Now()
		for _, part := range parts {
			switch part := part.(type) {
			case time.Duration:
				select {
				case <-time.After(time.Until(start.Add(part))):
				case <-r.Context().Done():
				}
			case string:
				_, _ = io.WriteString(rw, part)
				_ = http.NewResponseController(rw).Flush()
			}
		}
	}
}

const ms = time.Millisecond

// told collects what Hooks.Undecided says.
type told struct{ why error }

func (u *told) hook() worldOption {
	return with(authtrip.Hooks{Undecided: func(_ context.Context, _ string, why error) { u.why = why }})
}

func TestAResponseIsHeldUpUntilItsEnvelopeIsKnown(t *testing.T) {
	const wait = 100 * ms
	body := `,"list":[1,2,3]}`
	for name, c := range map[string]struct {
		parts  []any
		took   time.Duration
		why    string // undecided
		calls  int    // of the token endpoint
		policy authtrip.Policy
	}{
		"at once":                  {parts: []any{fine[:len(fine)-1], time.Second, body}},
		"at its object's end":      {parts: []any{`{"header":{"isSuccessful":false}`, time.Second, body}},
		"when it comes":            {parts: []any{fine[:29], 60 * ms, fine[29 : len(fine)-1], time.Second, body}, took: 60 * ms},
		"with success":             {parts: []any{fine[:len(`{"header":{"isSuccessful":true`)], time.Second, fine[len(`{"header":{"isSuccessful":true`):]}},
		"with a code":              {parts: []any{`{"header":{"resultCode":"0"`, time.Second, `,"isSuccessful":true}}`}},
		"a scalar":                 {parts: []any{`"`, 50 * ms, `"`, time.Second, "\n"}, took: 50 * ms},
		"a list":                   {parts: []any{`[`, time.Second, `]`}},
		"half a mark":              {parts: []any{"\xef", 30 * ms, "\xbb", 60 * ms, "\xbf[", time.Second, `]`}, took: 60 * ms},
		"a rejection":              {parts: []any{refused[:30], 99 * ms, refused[30:]}, took: 99 * ms, calls: 2},
		"a rejection, too late":    {parts: []any{refused[:30], 101 * ms, refused[30:]}, took: wait, why: "100ms", calls: 1},
		"nothing comes":            {parts: []any{time.Hour}, took: wait, why: "100ms"},
		"a body that does not end": {parts: []any{`{"list":[`, time.Second, "1", 2 * time.Second, "]}"}, took: wait, why: "100ms"},
		"a number that may go on":  {parts: []any{refused[:len(`{"header":{"isSuccessful":false,"resultCode":8000`)], time.Second, "7}}"}, took: wait, why: "100ms"},
		"longer, when told so":     {parts: []any{refused[:30], 3 * time.Second, refused[30:]}, policy: authtrip.Policy{EnvelopeWait: 4 * time.Second}, took: 3 * time.Second, calls: 2},
		"shorter, when told so":    {parts: []any{refused[:30], 9 * ms, refused[30:]}, policy: authtrip.Policy{EnvelopeWait: 7 * ms}, took: 7 * ms, why: "7ms"},
	} {
		t.Run(name, func(t *testing.T) {
			var undecided told
			first := true
			inBubble(t, func(t *testing.T, w *world) {
				w.token()
				start := time.Now()
				res, err := w.client.Get(w.srv.APIURL + "/")
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("held up for %v, want %v", took, c.took)
				}
				if c.why != "" {
					wantAll(t, undecided.why, c.why)
				} else if undecided.why != nil {
					t.Errorf("undecided: %v", undecided.why)
				}
				got, err := io.ReadAll(res.Body)
				want := fine
				if c.calls != 2 {
					want = ""
					for _, part := range c.parts {
						if text, ok := part.(string); ok {
							want += text
						}
					}
				}
				if string(got) != want || err != nil {
					t.Errorf("read %q, %v; want %q", got, err, want)
				}
				_ = res.Body.Close()
				w.wantTokenCalls(max(c.calls, 1)) // a late rejection is none
			}, judging(inHeader), with(c.policy), undecided.hook(), serving(func(rw http.ResponseWriter, r *http.Request) {
				if !first {
					piecewise("application/json", fine)(rw, r)
					return
				}
				first = false
				piecewise("application/json", c.parts...)(rw, r)
			}))
		})
	}
}

func TestADownloadOrAStreamIsNeverHeldUp(t *testing.T) {
	for contentType, held := range map[string]time.Duration{
		"text/event-stream": 0, "application/x-ndjson": 0, "application/octet-stream": 0, "text/html": 0,
		"application/stream+json": 100 * ms, // may have an envelope, and shows by then that it has none
	} {
		t.Run(contentType, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.token()
				start := time.Now()
				res, err := w.client.Get(w.srv.APIURL + "/")
				if took := time.Since(start); err != nil || took != held {
					t.Fatalf("%v after %v, want %v", err, took, held)
				}
				defer func() { _ = res.Body.Close() }()
				lines := bufio.NewScanner(res.Body)
				for i := range 5 {
					at := time.Duration(i) * time.Second
					if i == 0 {
						at = held
					}
					if !lines.Scan() || time.Since(start) != at || lines.Text() != fmt.Sprint(`{"line":`, i) {
						t.Fatalf("line %d after %v: %q, %v", i, time.Since(start), lines.Text(), lines.Err())
					}
				}
				if lines.Scan() || lines.Err() != nil {
					t.Fatalf("then came %q, %v", lines.Text(), lines.Err())
				}
			}, judging(inHeader), serving(piecewise(contentType, `{"line":0`+"\n", time.Second, `{"line":1`+"\n", 2*time.Second, `{"line":2`+"\n",
				3*time.Second, `{"line":3`+"\n", 4*time.Second, `{"line":4`+"\n")))
		})
	}
}

func TestACallerWhoLeavesWhileTheEnvelopeIsAwaitedLeavesAtOnce(t *testing.T) {
	patient := with(authtrip.Policy{EnvelopeWait: time.Hour})
	for name, deaf := range map[string]bool{"over net/http": false, "over a base that does not hear it": true} {
		t.Run(name, func(t *testing.T) {
			var undecided told
			inBubble(t, func(t *testing.T, w *world) {
				w.token()
				if deaf {
					w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
						res := jsonResponse("")
						res.Request, res.Body = r, &endless{closed: make(chan struct{})}
						return res, nil
					})
				}
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(30*ms, cancel)
				start := time.Now()
				req := mustRequest(t, http.MethodGet, w.srv.APIURL+"/", nil).WithContext(ctx)
				res, err := w.client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				if !deaf {
					if _, err := io.ReadAll(res.Body); !errors.Is(err, context.Canceled) {
						t.Errorf("read until %v, want the caller's own end", err)
					}
				}
				if took := time.Since(start); took != 30*ms {
					t.Errorf("left after %v, want 30ms", took)
				}
				_ = res.Body.Close()
				wantAll(t, undecided.why, "could not be judged")
			}, judging(inHeader), patient, undecided.hook(), serving(piecewise("application/json", refused[:30], 2*time.Hour)))
		})
	}
	t.Run("by the client's Timeout", func(t *testing.T) {
		inBubble(t, func(t *testing.T, w *world) {
			w.token()
			w.client.Timeout = time.Second
			start := time.Now()
			_, err := w.get()
			timeout, ok := errors.AsType[interface {
				error
				Timeout() bool
			}](err)
			if took := time.Since(start); !ok || !timeout.Timeout() || took != time.Second {
				t.Fatalf("%v after %v, want a time-out after 1s", err, took)
			}
		}, judging(inHeader), patient, serving(piecewise("application/json", refused[:30], 2*time.Hour)))
	})
}
