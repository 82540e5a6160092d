package authtrip_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// received is all that a caller can see of a response.
type received struct {
	Status, Proto    string
	Header           http.Header
	ContentLength    int64
	TransferEncoding []string
	Uncompressed     bool
	Announced        []string // trailers, before the body's end
	Trailer          http.Header
	Body, Err        string
}

// receive sends a request and reads what comes back, in pieces that
// are small at first.
func receive(t *testing.T, rt http.RoundTripper, method, url string, header http.Header) received {
	t.Helper()
	req := mustRequest(t, method, url, nil)
	if header != nil {
		req.Header = header.Clone()
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	got := received{
		Status: res.Status, Proto: res.Proto, Header: res.Header, ContentLength: res.ContentLength,
		TransferEncoding: res.TransferEncoding, Uncompressed: res.Uncompressed,
	}
	for name, values := range res.Trailer {
		got.Announced = append(got.Announced, fmt.Sprint(name, values))
	}
	slices.Sort(got.Announced)
	var body strings.Builder
	for piece := make([]byte, 7); err == nil; piece = make([]byte, min(2*len(piece), 1<<16)) {
		var n int
		n, err = res.Body.Read(piece)
		body.Write(piece[:n])
	}
	if _, again := res.Body.Read(make([]byte, 7)); again != err {
		t.Errorf("the body ended with %v and then with %v", err, again)
	}
	numbers := regexp.MustCompile(`\d+`) // of ports and streams
	got.Err = fmt.Sprint(err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), numbers.ReplaceAllString(err.Error(), ""))
	got.Body, got.Trailer = body.String(), res.Trailer
	if res.Body.Close() != nil {
		t.Error("Close failed")
	}
	delete(got.Header, "Date")
	return got
}

func says(rw http.ResponseWriter, text string) { _, _ = io.WriteString(rw, text) }

// byByte sends text in one chunk for each byte.
func byByte(rw http.ResponseWriter, text string) {
	for i := range len(text) {
		says(rw, text[i:i+1])
		_ = http.NewResponseController(rw).Flush()
	}
}

// hijacked sends text as it is, head included, and closes or resets.
func hijacked(rw http.ResponseWriter, text string, reset bool) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, text)
	if reset {
		time.AfterFunc(20*time.Millisecond, func() { // once the text was read, for a reset may overtake it
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		})
		return
	}
	_ = conn.Close()
}

const rawJSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Two: a\r\nX-Two: b\r\n"

var (
	askedGzip = http.Header{"Accept-Encoding": {"gzip"}}
	// late is an envelope after a megabyte of something else, large is one
	// before as much.
	late  = `{"list":"` + strings.Repeat("0123456789", 100_000) + `",` + refused[1:]
	large = refused[:len(refused)-1] + `,"list":"` + strings.Repeat("0123456789", 100_000) + `"}`
	// bomb is one after 10 MB, in 10 kB.
	bomb = sync.OnceValue(func() string { return zipped(`{"list":"` + strings.Repeat("0", 10<<20) + `",` + refused[1:]) })
)

// TestTheCallerGetsWhatTheServerSent compares what comes through a Transport,
// which gets no second token, with what comes without one.
func TestTheCallerGetsWhatTheServerSent(t *testing.T) {
	const rejected, undecided = "rejected", "undecided"
	half := refused[:30]
	for name, c := range map[string]struct {
		verdict string // empty: accepted, without doubt
		method  string
		header  http.Header // of the request
		answer  func(http.ResponseWriter, *http.Request)
		http1   bool // the answer is written to the connection
	}{
		"accepted":     {answer: func(rw http.ResponseWriter, _ *http.Request) { says(rw, fine+" \n") }},
		"rejected":     {verdict: rejected, answer: func(rw http.ResponseWriter, _ *http.Request) { says(rw, refused) }},
		"invalid JSON": {verdict: undecided, answer: func(rw http.ResponseWriter, _ *http.Request) { says(rw, `{"header":{"isSuccessful":nope}}`) }},
		"mark":         {verdict: rejected, answer: func(rw http.ResponseWriter, _ *http.Request) { says(rw, "\ufeff"+refused) }},
		"late":         {verdict: undecided, answer: func(rw http.ResponseWriter, _ *http.Request) { says(rw, late) }},
		"large":        {verdict: rejected, answer: func(rw http.ResponseWriter, _ *http.Request) { says(rw, large) }},
		"nested":       {verdict: undecided, answer: func(rw http.ResponseWriter, _ *http.Request) { says(rw, strings.Repeat(`{"header":`, 10_000)) }},
		"with length": {verdict: rejected, answer: func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", fmt.Sprint(len(large)))
			says(rw, large)
		}},
		"byte by byte":                     {verdict: rejected, answer: func(rw http.ResponseWriter, _ *http.Request) { byByte(rw, refused) }},
		"byte by byte, undecided":          {verdict: undecided, answer: func(rw http.ResponseWriter, _ *http.Request) { byByte(rw, refused[:50]) }},
		"byte by byte, accepted":           {answer: func(rw http.ResponseWriter, _ *http.Request) { byByte(rw, "\ufeff"+fine) }},
		"empty":                            {answer: func(http.ResponseWriter, *http.Request) {}},
		"empty in chunks":                  {answer: func(rw http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(rw).Flush() }},
		"HEAD":                             {method: http.MethodHead, answer: func(rw http.ResponseWriter, _ *http.Request) { says(rw, refused) }},
		"204":                              {answer: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(204) }},
		"trailers, announced":              {verdict: rejected, answer: trailing(refused, true)},
		"trailers, announced, accepted":    {answer: trailing(fine, true)},
		"trailers, announced, undecided":   {verdict: undecided, answer: trailing("{", true)},
		"trailers, announced, large":       {verdict: rejected, answer: trailing(large, true)},
		"trailers, unannounced":            {verdict: rejected, answer: trailing(refused, false)},
		"trailers, unannounced, accepted":  {answer: trailing(fine, false)},
		"trailers, unannounced, undecided": {verdict: undecided, answer: trailing("{", false)},
		"trailers, unannounced, late":      {verdict: undecided, answer: trailing(late, false)},
		"gzip that the caller asked for":   {verdict: rejected, header: askedGzip, answer: gzipping(refused)},
		"the same, accepted":               {header: askedGzip, answer: gzipping(fine)},
		"the same, large":                  {verdict: rejected, header: askedGzip, answer: gzipping(large)},
		"gzip of net/http's":               {verdict: rejected, answer: gzipping(refused)},
		"gzip of net/http's, accepted":     {answer: gzipping(fine)},
		"gzip bomb":                        {verdict: undecided, header: askedGzip, answer: zippedAlready(bomb())},
		"gzip bomb of net/http's":          {verdict: undecided, answer: zippedAlready(bomb())},
		"no gzip": {verdict: undecided, header: askedGzip, answer: func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			says(rw, refused)
		}},
		"br": {verdict: undecided, header: http.Header{"Accept-Encoding": {"br, deflate"}}, answer: func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "br")
			says(rw, refused)
		}},
		"gzip, cut": {verdict: undecided, header: askedGzip, answer: func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			says(rw, zipped(refused)[:40])
		}},
		"gzip of net/http's, cut": {verdict: undecided, http1: true, answer: func(rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, rawJSON+"Content-Encoding: gzip\r\nContent-Length: 900\r\n\r\n"+zipped(refused)[:40], false)
		}},
		"aborted in the envelope": {verdict: undecided, answer: func(rw http.ResponseWriter, _ *http.Request) {
			says(rw, half)
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}},
		"cut in the envelope": {verdict: undecided, http1: true, answer: func(rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, rawJSON+"Content-Length: 900\r\n\r\n"+half, false)
		}},
		"cut after it": {verdict: rejected, http1: true, answer: func(rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, rawJSON+"Content-Length: 900\r\n\r\n"+refused, false)
		}},
		"cut before it": {verdict: undecided, http1: true, answer: func(rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, rawJSON+"Content-Length: 900\r\n\r\n", false)
		}},
		"cut in a chunk": {verdict: undecided, http1: true, answer: func(rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, rawJSON+"Transfer-Encoding: chunked\r\n\r\nff\r\n"+half, false)
		}},
		"a broken chunk": {verdict: undecided, http1: true, answer: func(rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, rawJSON+"Transfer-Encoding: chunked\r\n\r\n1e\r\n"+half+"\r\nxyz\r\n", false)
		}},
		"reset in the envelope": {verdict: undecided, http1: true, answer: func(rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, rawJSON+"Content-Length: 900\r\n\r\n"+half, true)
		}},
		"reset after it": {verdict: rejected, http1: true, answer: func(rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, rawJSON+"Content-Length: 900\r\n\r\n"+refused, true)
		}},
		"until the connection's end": {verdict: rejected, http1: true, answer: func(rw http.ResponseWriter, _ *http.Request) {
			hijacked(rw, rawJSON+"\r\n"+refused+"\n", false)
		}},
	} {
		for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
			if c.http1 && proto == "HTTP/2.0" {
				continue
			}
			t.Run(name+", "+proto, func(t *testing.T) {
				base, url := serve(t, proto, c.answer)
				method := http.MethodGet
				if c.method != "" {
					method = c.method
				}
				rt, verdict := watching(t, base, url, 10*time.Second) // a slow machine decides nothing here
				want, got := receive(t, base, method, url, c.header), receive(t, rt, method, url, c.header)
				if want.Proto != proto {
					t.Fatalf("spoke %s", want.Proto)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got  %.500s\nwant %.500s", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
				}
				if *verdict != c.verdict {
					t.Errorf("judged %q, want %q", *verdict, c.verdict)
				}
			})
		}
	}
}

// trailing answers with body and a trailer.
func trailing(body string, announced bool) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		name := http.TrailerPrefix + "X-Sum"
		if announced {
			name = "X-Sum"
			rw.Header().Set("Trailer", "X-Sum, X-Other")
		}
		says(rw, body)
		_ = http.NewResponseController(rw).Flush()
		rw.Header().Set(name, "7")
	}
}

func gzipping(body string) http.HandlerFunc {
	return zippedAlready(zipped(body))
}

func zippedAlready(text string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			panic("not asked for gzip")
		}
		rw.Header().Set("Content-Encoding", "gzip")
		says(rw, text)
	}
}

// serve starts a server that answers with JSON, and returns what reaches it.
func serve(t *testing.T, proto string, answer http.HandlerFunc) (*http.Transport, string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		answer(rw, r)
	}))
	if srv.EnableHTTP2 = proto == "HTTP/2.0"; srv.EnableHTTP2 {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	base := srv.Client().Transport.(*http.Transport)
	if base.TLSClientConfig == nil {
		base.TLSClientConfig = new(tls.Config)
	}
	return base, srv.URL + "/"
}

// watching is a Transport over base for one token, with what it made of the
// last response.
func watching(t *testing.T, base http.RoundTripper, host string, wait time.Duration) (rt *authtrip.Transport, verdict *string) {
	t.Helper()
	verdict = new(string)
	src := newSource(t, withEnvelope(host, inHeader),
		authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"error":"invalid_scope"}`}}),
		authtrip.Policy{EnvelopeWait: wait},
		authtrip.Hooks{
			NotReplayed: func(context.Context, string, error) { *verdict = "rejected" },
			Undecided:   func(context.Context, string, error) { *verdict = "undecided" },
		})
	return &authtrip.Transport{Source: src, Base: base}, verdict
}
