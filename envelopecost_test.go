package authtrip_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// answering is a base with one shared response, whose body begins anew with
// each request.
type answering struct {
	text string
	body strings.Reader
	res  http.Response
}

func newAnswering(text string) *answering {
	b := &answering{text: text}
	b.res = http.Response{
		StatusCode: 200, ContentLength: int64(len(text)), Body: io.NopCloser(&b.body),
		Header: http.Header{"Content-Type": {"application/json;charset=UTF-8"}, "Date": {"Thu, 01 Jan 2026 00:00:00 GMT"}},
	}
	return b
}

func (b *answering) RoundTrip(*http.Request) (*http.Response, error) {
	b.body.Reset(b.text)
	return &b.res, nil
}

// envelopeCost returns what sends one request, which is answered with text, and
// reads the answer: with a rule for its envelope or without.
func envelopeCost(tb testing.TB, text string, with bool) (send func()) {
	tb.Helper()
	r := registration()
	r.Origins = []string{"core.api.nhncloudservice.com"}
	if with {
		r.Envelopes = map[string]authtrip.Envelope{"core.api.nhncloudservice.com": inHeader}
	}
	tokens := roundTripFunc(func(*http.Request) (*http.Response, error) {
		return jsonResponse(`{"access_token":"a","token_type":"Bearer","expires_in":86400}`), nil
	})
	src, err := authtrip.NewSource(r, authtrip.WithTokenTransport(tokens),
		authtrip.Policy{EnvelopeWait: time.Minute}, // a busy machine decides nothing here
		authtrip.Hooks{Undecided: func(_ context.Context, _ string, why error) { tb.Error(why) }})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = src.Close() })
	rt := &authtrip.Transport{Source: src, Base: newAnswering(text)}
	ctx, cancel := context.WithCancel(context.Background())
	tb.Cleanup(cancel)
	req, page := benchRequest().WithContext(ctx), make([]byte, 8<<10)
	send = func() {
		res, err := rt.RoundTrip(req)
		if err != nil {
			tb.Fatal(err)
		}
		read := 0
		for err == nil {
			var n int
			n, err = res.Body.Read(page[read:])
			read += n
		}
		if err != io.EOF || string(page[:read]) != text {
			tb.Fatalf("read %q, %v", page[:read], err)
		}
		_ = res.Body.Close()
	}
	send()
	return send
}

// answers are JSON replies of about 200 B and of 4 KiB, with the header first.
var answers = []struct{ name, text string }{
	{"200B", fine[:len(fine)-1] + `,"body":"` + strings.Repeat("x", 120) + `"}`},
	{"4KiB", fine[:len(fine)-1] + `,"body":"` + strings.Repeat("x", 4<<10-82) + `"}`},
}

// BenchmarkEnvelope is a request whose answer has an envelope, over a stub base,
// without and with a rule for it: the difference is what the look costs.
func BenchmarkEnvelope(b *testing.B) {
	for _, answer := range answers {
		for how, with := range []bool{false, true} {
			b.Run(answer.name+"/"+[]string{"unjudged", "judged"}[how], func(b *testing.B) {
				send := envelopeCost(b, answer.text, with)
				b.ReportAllocs()
				for b.Loop() {
					send()
				}
			})
		}
	}
}
