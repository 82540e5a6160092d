package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// echo answers with the body, while it comes.
func echo(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).EnableFullDuplex()
	_, _ = io.Copy(w, r.Body)
}

func TestASmallRequestIsSentAgainWithAnotherToken(t *testing.T) {
	w := newWorld(t, serving(echo))
	body := strings.Repeat("x", 64<<10)
	w.mustGet("/")
	for i, method := range []string{"POST", "PUT", "DELETE", "GET"} {
		w.cloud.RevokeAll()
		text := body
		if method == "GET" {
			text = ""
		}
		res, got := read(t, w.send(w.request(method, "/", strings.NewReader(text))))
		if res.StatusCode != 200 || got != text {
			t.Fatalf("%s: %s with %d bytes, want 200 with %d", method, res.Status, len(got), len(text))
		}
		w.wantTokenCalls(2 + i)
	}
}

func TestARequestThatIsNotKeptGetsTheRejectionOnce(t *testing.T) {
	for name, c := range map[string]struct {
		body io.Reader
		args []string
	}{
		"longer than the limit":     {strings.NewReader(strings.Repeat("x", 64<<10+1)), nil},
		"longer than another limit": {strings.NewReader("12345"), []string{"--replay-limit", "4"}},
		"no limit at all":           {strings.NewReader("1"), []string{"--replay-limit=0"}},
		"of unknown length":         {io.MultiReader(strings.NewReader("1")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, serving(echo), args(c.args...))
			w.mustGet("/")
			w.cloud.RevokeAll()
			res, text := read(t, w.send(w.request("POST", "/", c.body)))
			if res.StatusCode != 401 || !strings.Contains(text, "80007") {
				t.Fatalf("%s %s; want the API's own 401", res.Status, text)
			}
			if _, own := res.Header["Authtrip-Error"]; own {
				t.Fatal("the 401 is the API's, and marked as the proxy's")
			}
			if res, text := w.post("/", "again"); res.StatusCode != 200 || text != "again" {
				t.Fatalf("the next request: %s %s", res.Status, text)
			}
		})
	}
}

func TestARejectionWithStatus200IsSentAgainToo(t *testing.T) {
	rejected := true
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if rejected {
			rejected = false
			_, _ = io.WriteString(w, `{"header":{"isSuccessful":false,"resultCode":80007}}`)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}), func(s *setup) {
		s.config = "    envelopes: {\"%API%\": {success: header.isSuccessful, code: header.resultCode, rejected: [80007]}}\n"
	})
	if _, text := w.post("/", `{"header":{"isSuccessful":true}}`); text != `{"header":{"isSuccessful":true}}` {
		t.Fatal(text)
	}
	w.wantTokenCalls(2)
}

func TestLargeBodiesAreWholeBothWays(t *testing.T) {
	w := newWorld(t, serving(echo))
	const size = 24 << 20
	for name, known := range map[string]bool{"of known length": true, "chunked": false} {
		sent, got := sha256.New(), sha256.New()
		req := w.request("POST", "/", io.TeeReader(io.LimitReader(pattern{}, size), sent))
		if known {
			req.ContentLength = size
		}
		res := w.send(req)
		n, err := io.Copy(got, res.Body)
		if err != nil || n != size || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
			t.Fatalf("%s: %d bytes came back, %v", name, n, err)
		}
	}
}

type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i * 7)
	}
	return len(p), nil
}

func TestWhatTheAPISendsComesAtOnce(t *testing.T) {
	for name, header := range map[string][2]string{
		"server-sent events":     {"Content-Type", "text/event-stream"},
		"a body of known length": {"Content-Length", "27"},
	} {
		t.Run(name, func(t *testing.T) { sendsAtOnce(t, header[0], header[1]) })
	}
}

func sendsAtOnce(t *testing.T, name, value string) {
	next := make(chan struct{})
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}))
	lines := bufio.NewReader(w.send(w.request("GET", "/", nil)).Body)
	for i := range 3 {
		line, err := lines.ReadString('\n') // the next is not sent before this came
		if err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("%q, %v", line, err)
		}
		_, _ = lines.ReadString('\n')
		next <- struct{}{}
	}
}

func TestBothWaysStreamAtTheSameTime(t *testing.T) {
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		_ = rc.Flush()
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			_, _ = fmt.Fprintf(w, "%s back\n", lines.Text())
			_ = rc.Flush()
		}
	}))
	r, pipe := io.Pipe()
	res := w.send(w.request("POST", "/", r))
	lines := bufio.NewReader(res.Body)
	for i := range 3 {
		_, _ = fmt.Fprintf(pipe, "%d\n", i)
		if line, err := lines.ReadString('\n'); line != fmt.Sprintf("%d back\n", i) {
			t.Fatalf("%q, %v", line, err)
		}
	}
	_ = pipe.Close()
	if rest, err := io.ReadAll(lines); len(rest) != 0 || err != nil {
		t.Fatalf("%q, %v", rest, err)
	}
}

func TestTrailersGoBothWays(t *testing.T) {
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		n, _ := io.Copy(w, r.Body)
		w.Header().Set("X-Sum", fmt.Sprintf("%d bytes, %s", n, r.Trailer.Get("X-Of-Client")))
	}))
	req := w.request("POST", "/", io.MultiReader(strings.NewReader("body")))
	req.Trailer = http.Header{"X-Of-Client": {"said"}}
	res, text := read(t, w.send(req))
	if got := res.Trailer.Get("X-Sum"); text != "body" || got != "4 bytes, said" {
		t.Fatalf("%q with the trailer %q", text, got)
	}
}

func TestAClientThatAsksWhetherToGoOnIsAnsweredByTheAPI(t *testing.T) {
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusForbidden)
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintf(w, "%d bytes, asked: %t", n, r.Header.Get("Expect") != "")
	}), args("--verbose"))
	w.mustGet("/") // has the token
	const size = 100_000
	ask := func(path string, size int) (conn net.Conn, r *bufio.Reader) {
		c, r := w.dial()
		write(t, c, "POST "+path+" HTTP/1.1", "Host: "+w.host(), fmt.Sprintf("Content-Length: %d", size), "Expect: 100-continue", "", "")
		return c, r
	}
	conn, r := ask("/refuse", size)
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, " 403 ") {
		t.Fatalf("the API refused before the body was sent, and the client hears %q, %v", line, err)
	}
	_ = conn.Close()
	for _, size := range []int{size, 1000} { // streamed, and kept
		conn, r := ask("/accept", size)
		if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
			t.Fatalf("%d bytes: %q, %v; want 100 Continue", size, line, err)
		}
		_, _ = r.ReadString('\n')
		_, _ = conn.Write(bytes.Repeat([]byte("x"), size))
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, text := read(t, res); res.StatusCode != 200 || text != fmt.Sprintf("%d bytes, asked: %t", size, size > 64<<10) {
			t.Fatalf("%d bytes: %s %q", size, res.Status, text)
		}
	}
	w.mustStop()
	if n := strings.Count(w.log.String(), "path=/accept status=200"); n != 2 {
		t.Fatalf("the two answers are not in the log:\n%s", w.log)
	}
}

func TestAClientIsToldToGoOnOnce(t *testing.T) {
	const size = 100_000
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") == "" {
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // its end
		_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		_, _ = io.CopyN(io.Discard, rw, size)
		_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
	}))
	w.mustGet("/") // has the token
	conn, r := w.dial()
	write(t, conn, "POST / HTTP/1.1", "Host: "+w.host(), fmt.Sprintf("Content-Length: %d", size), "Expect: 100-continue", "", "")
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 204 No Content\r\n"} {
		line, err := r.ReadString('\n')
		if err != nil || line != want {
			t.Fatalf("%q, %v; want %q", line, err, want)
		}
		if line == "\r\n" {
			_, _ = conn.Write(make([]byte, size))
		}
	}
}

func TestAnEarlyAnswerComesThroughWhileTheBodyIsOnItsWay(t *testing.T) {
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, "too large")
	}))
	conn, r := w.dial()
	write(t, conn, "POST / HTTP/1.1", "Host: "+w.host(), "Content-Length: 1000000", "", "the beginning")
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, text := read(t, res); res.StatusCode != 413 || text != "too large" {
		t.Fatalf("%s %q", res.Status, text)
	}
}

func TestABodyThatBreaksOffReachesNobodyAsWhole(t *testing.T) {
	broken := make(chan error, 1)
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		broken <- err
	}))
	conn, _ := w.dial()
	write(t, conn, "POST / HTTP/1.1", "Host: "+w.host(), "Content-Length: 200000", "", "the beginning")
	_ = conn.Close()
	if err := <-broken; err == nil {
		t.Fatal("the API read a whole body")
	}
	conn, r := w.dial() // and one that is kept is not begun
	write(t, conn, "POST / HTTP/1.1", "Host: "+w.host(), "Content-Length: 20", "", "the beginning")
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, text := read(t, res)
	wantFault(t, res, text, 400, "bad_request", "broke off")
	if got := len(w.cloud.Requests()); got != 2 { // the token, and the long one
		t.Fatalf("%d requests arrived", got)
	}
	w.mustStop()
	if strings.Contains(w.log.String(), "WARN") {
		t.Fatalf("a client that leaves is no warning:\n%s", w.log)
	}
}
