package authtrip_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

func TestI08_WithoutAnotherTokenTheFirstResponseComesBackWhole(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 20_000) // 320 kB: more than is read ahead
	for _, body := range []string{"", "short", long} {
		w := newWorld(t, serving(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Server", "yes")
			rw.Header().Set("WWW-Authenticate", "Bearer")
			rw.WriteHeader(401)
			_, _ = io.WriteString(rw, body)
		}))
		w.token()
		w.srv.Break(authtest.Fault{Status: 400})
		res, err := w.client.Get(w.srv.APIURL + "/")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		if err != nil || res.Body.Close() != nil {
			t.Fatalf("reading %d bytes: %v", len(body), err)
		}
		if res.StatusCode != 401 || res.Header.Get("X-Server") != "yes" || string(got) != body {
			t.Fatalf("got %d, %d bytes; want the server's 401 with %d", res.StatusCode, len(got), len(body))
		}
		wantAll(t, w.whyNotReplayed(), "invalid_request", "HTTP 400")
	}
}

func TestI08_AServersWriteTimeoutTruncatesNothingSmall(t *testing.T) {
	// The API gives up writing after 300 ms; the reissue takes longer. What is
	// not read meanwhile stays in the sockets' buffers, so the body is sent in
	// two parts with the second just before the time is over.
	const size = 60 << 10
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(401)
		_, _ = rw.Write(make([]byte, size))
	}))
	api.Listener = smallBuffers{api.Listener}
	api.Config.WriteTimeout = 300 * time.Millisecond
	api.Start()
	defer api.Close()

	release := make(chan struct{})
	tokens := &replies{bodies: []string{`{"access_token":"a"}`, `{"error":"invalid_scope"}`}}
	r := registration()
	src := newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		res, err := tokens.RoundTrip(r)
		if tokens.calls == 2 {
			<-release
		}
		return res, err
	})))
	time.AfterFunc(600*time.Millisecond, func() { close(release) })
	dial := (&net.Dialer{}).DialContext
	base := &http.Transport{ReadBufferSize: 1 << 10, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4 << 10)
		}
		return c, err
	}}
	defer base.CloseIdleConnections()
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: base}}
	res, err := client.Get(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if got, err := io.ReadAll(res.Body); len(got) != size || err != nil {
		t.Fatalf("read %d bytes, %v; want %d", len(got), err, size)
	}
}

// smallBuffers makes a server block in Write unless its client reads.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4 << 10)
	}
	return c, err
}

func TestI08_TheCallersOwnEndGivesItsError(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.token()
		w.srv.Break(authtest.Fault{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := w.getWithin(ctx)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > time.Second+50*time.Millisecond {
			t.Fatalf("%v after %v, want its own time-out at once", err, took)
		}
	}, serving(unauthorized))
}

func TestI08_AGetBodyThatFailsGivesTheFirstResponse(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		req, _ := http.NewRequest(http.MethodPost, w.srv.APIURL+"/", strings.NewReader("body"))
		req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("the file is gone") }
		if status, err := w.send(req); status != 401 || err != nil {
			t.Fatalf("got %d, %v; want the server's 401", status, err)
		}
		wantAll(t, w.whyNotReplayed(), "the file is gone")
	}, serving(unauthorized))
}

func TestI08_AGetBodyWithoutABodyGivesTheFirstResponse(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		req, _ := http.NewRequest(http.MethodPost, w.srv.APIURL+"/", strings.NewReader("body"))
		req.GetBody = func() (io.ReadCloser, error) { return nil, nil }
		if status, err := w.send(req); status != 401 || err != nil {
			t.Fatalf("got %d, %v; want the server's 401", status, err)
		}
	}, serving(unauthorized))
}

func TestI08_ALongBodyIsReadAheadForItsFirst64KiBOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &counted{left: 1 << 20}
		release := make(chan struct{})
		tokens := &replies{bodies: []string{`{"access_token":"a"}`, `{"error":"invalid_scope"}`}}
		src := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if tokens.calls == 1 {
				<-release
			}
			return tokens.RoundTrip(r)
		})))
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 401, Header: http.Header{}, Body: body, Request: r}, nil
		})}
		go func() {
			synctest.Wait() // all waits for the reissue, and nothing reads
			if n := body.read.Load(); n != 64<<10 {
				t.Errorf("%d bytes read ahead, want 64 KiB", n)
			}
			close(release)
		}()
		res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, res.Body); n != 1<<20 || err != nil {
			t.Fatalf("read %d bytes, %v; want all", n, err)
		}
		_ = res.Body.Close()
	})
}

// counted is a body of zeros that counts what was read.
type counted struct {
	left int
	read atomic.Int64
}

func (b *counted) Read(p []byte) (int, error) {
	n := min(len(p), b.left)
	if n == 0 {
		return 0, io.EOF
	}
	b.left -= n
	b.read.Add(int64(n))
	return n, nil
}

func (b *counted) Close() error { return nil }

func TestI16_APanicInABodyThatIsReadAheadIsAnError(t *testing.T) {
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"error":"invalid_scope"}`}}))
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 401, Header: http.Header{}, Body: io.NopCloser(panicking{}), Request: r}, nil
	})}
	res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(res.Body)
	wantAll(t, err, "panic", "Read")
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("a broken reader") }

func TestI09_BodiesAreReplayedByteForByte(t *testing.T) {
	payload := bytes.Repeat([]byte("payload!"), 40_000)
	sum := sha256.Sum256(payload)
	for name, body := range map[string]func() io.Reader{
		"bytes.Buffer":   func() io.Reader { return bytes.NewBuffer(bytes.Clone(payload)) },
		"bytes.Reader":   func() io.Reader { return bytes.NewReader(payload) },
		"strings.Reader": func() io.Reader { return strings.NewReader(string(payload)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.token()
			w.srv.RevokeAll()
			req, _ := http.NewRequest(http.MethodPut, w.srv.APIURL+"/upload", body())
			res, err := w.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			var got struct {
				Length int64
				SHA256 string
			}
			if err := json.NewDecoder(res.Body).Decode(&got); err != nil || res.StatusCode != 200 {
				t.Fatalf("%d, %v", res.StatusCode, err)
			}
			if got.Length != int64(len(payload)) || got.SHA256 != hex.EncodeToString(sum[:]) {
				t.Fatalf("the server got %+v, want %d bytes as they are", got, len(payload))
			}
			w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 1, Rejected: 1})
		})
	}
}

func TestI09_ContentLengthIsKeptOnReplay(t *testing.T) {
	for name, length := range map[string]int64{"known": 4, "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			var lengths []int64
			src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"access_token":"b"}`}}))
			// A base that, unlike net/http's, rewinds nothing by itself.
			rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				lengths = append(lengths, r.ContentLength)
				body, err := io.ReadAll(r.Body)
				if err != nil || r.Body.Close() != nil || string(body) != "body" {
					t.Errorf("the server got %q, %v", body, err)
				}
				status := map[bool]int{true: 401, false: 200}[r.Header.Get("Authorization") == "Bearer a"]
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			})}
			req := mustRequest(t, http.MethodPost, "https://api.example/", strings.NewReader("body"))
			req.ContentLength = length
			if res, err := rt.RoundTrip(req); err != nil || res.StatusCode != 200 {
				t.Fatalf("got %v, %v", res, err)
			}
			if len(lengths) != 2 || lengths[0] != length || lengths[1] != length {
				t.Fatalf("sent with ContentLength %v, want %d twice", lengths, length)
			}
		})
	}
}

func TestI09_WhatCannotBeReplayedComesBackAndTheNextHasANewToken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.token()
		w.srv.RevokeAll()
		req, _ := http.NewRequest(http.MethodPost, w.srv.APIURL+"/", io.MultiReader(strings.NewReader("once")))
		res, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 401 || err != nil || !strings.Contains(string(body), "80007") {
			t.Fatalf("got %d, %q, %v; want the server's 401 whole", res.StatusCode, body, err)
		}
		wantAll(t, w.whyNotReplayed(), "GetBody")
		w.wantTokenCalls(1) // the next request asks
		w.mustGet()
		w.wantCounts(authtest.Counts{TokenCalls: 2, Issued: 2, Accepted: 1, Rejected: 1})
	})
}

func TestI09_TrailersAreNotReplayed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.token()
		w.srv.RevokeAll()
		req, _ := http.NewRequest(http.MethodPost, w.srv.APIURL+"/", strings.NewReader("body"))
		req.ContentLength = -1
		req.Trailer = http.Header{"X-Sum": nil}
		if status, err := w.send(req); status != 401 || err != nil {
			t.Fatalf("got %d, %v; want the server's 401", status, err)
		}
	})
}

func TestI09_TheFirstResponseIsDrainedAndItsConnectionServesAgain(t *testing.T) {
	w := newWorld(t)
	dialed := 0
	tr := w.srv.Transport().Clone()
	tr.MaxConnsPerHost = 1 // a replay before the close would wait for ever
	dial := (&net.Dialer{}).DialContext
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dialed++
		return dial(ctx, network, addr)
	}
	defer tr.CloseIdleConnections()
	w.client.Transport.(*authtrip.Transport).Base = tr
	w.token()
	w.srv.RevokeAll()
	w.mustGet()
	if dialed != 1 {
		t.Fatalf("%d connections, want the first one used again", dialed)
	}
}

func TestI09_ABodyThatNeverEndsDelaysTheReplayByFiftyMilliseconds(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		body := &endless{closed: make(chan struct{})}
		first := true
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if first {
				first = false
				return &http.Response{StatusCode: 401, Header: http.Header{}, Body: body, Request: r}, nil
			}
			return w.srv.Transport().RoundTrip(r)
		})
		w.token()
		start := time.Now()
		w.mustGet()
		if took := time.Since(start); took != 50*time.Millisecond {
			t.Fatalf("took %v, want 50ms", took)
		}
		<-body.closed
	})
}

// endless is a body whose Read blocks until it is closed.
type endless struct{ closed chan struct{} }

func (b *endless) Read([]byte) (int, error) {
	<-b.closed
	return 0, errors.New("read on closed body")
}

func (b *endless) Close() error {
	close(b.closed)
	return nil
}

func TestI09_A401ThatStaysOpenIsNotHeldUp(t *testing.T) {
	// The first part of a streamed 401 is there for its reader at once when no
	// token can be had; the rest when it comes.
	inBubble(t, func(t *testing.T, w *world) {
		w.token()
		w.srv.Break(authtest.Fault{Status: 400})
		res, err := w.client.Get(w.srv.APIURL + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		lines, start := bufio.NewScanner(res.Body), time.Now()
		for i := range 3 {
			if !lines.Scan() || time.Since(start) != time.Duration(i)*time.Second || lines.Text() != fmt.Sprint("line ", i) {
				t.Fatalf("line %d after %v: %q, %v", i, time.Since(start), lines.Text(), lines.Err())
			}
		}
		settle(time.Second) // the server's last pause
	}, serving(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(401)
		for i := range 3 {
			_, _ = fmt.Fprintln(rw, "line", i)
			_ = http.NewResponseController(rw).Flush()
			time.Sleep(time.Second)
		}
	}))
}

func TestI16_ClosingABodyThatIsReadAheadLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &endless{closed: make(chan struct{})}
		src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{
			bodies: []string{`{"access_token":"a"}`, `{"error":"invalid_scope"}`},
		}))
		rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 401, Header: http.Header{}, Body: body, Request: r}, nil
		})}
		res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // the bubble ends only when the reader has
	})
}

func mustRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}
