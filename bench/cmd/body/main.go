// Command body posts a body of 1 MiB with a token that has been revoked and
// shows what the API receives when the peer sends it again, and what the caller
// gets.
//
// The body can be had again (getbody: net/http knows how, or the peer is given
// the bytes), or it is a stream that can be read once, of a length that is known
// or not.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

const size = 1 << 20

var peers = []string{
	"authtrip", "authtrip-resty", "x-oauth2", "google-async", "azcore", "azcore-challenge",
	"smithy-bearer", "aws-credscache", "gophercloud", "ghinstallation", "msal",
}

func main() { harness.Main(peers, scenario()) }

func scenario() harness.Scenario {
	s := harness.Scenario{
		Title: "POST of 1 MiB with a revoked token",
		Cases: harness.Cross("getbody", "stream", "stream+length"),
		Run:   run,
	}
	for _, variant := range []string{"getbody", "stream", "stream+length"} {
		for _, name := range []string{"authtrip", "authtrip-resty"} {
			received, got, calls := "whole(401), then whole(200)", "200 OK", 1.
			if variant != "getbody" && name == "authtrip" {
				// Nobody could send it again: the caller gets the 401 itself. Resty
				// can, for it keeps what it reads.
				received, got, calls = "whole(401)", "401 Unauthorized", 0
			}
			c := name + "/" + variant
			s.Goals = append(s.Goals,
				harness.Goal{Case: c, Cell: "the API received", Is: received},
				harness.Goal{Case: c, Cell: "the caller got", Is: got},
				harness.Goal{Case: c, Cell: "token requests", AtMost: calls},
			)
		}
	}
	return s
}

// onlyReader hides every method but Read.
type onlyReader struct{ r io.Reader }

func (o onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }

// receiver is the API: it notes what became of each body.
type receiver struct {
	auth *fake.Auth
	want [sha256.Size]byte

	mu   sync.Mutex
	seen []string // guarded by mu
}

func (s *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	status := http.StatusOK
	if s.auth.Check(r.Header) != fake.Valid {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	if r.Method == http.MethodPost {
		what := fmt.Sprintf("%d bytes", len(b))
		switch {
		case err != nil:
			what += " then " + err.Error()
		case sha256.Sum256(b) == s.want:
			what = "whole"
		}
		s.mu.Lock()
		s.seen = append(s.seen, fmt.Sprintf("%s(%d)", what, status))
		s.mu.Unlock()
	}
	w.WriteHeader(status)
}

func (s *receiver) received() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.seen, ", then ")
}

func run(name string) ([]harness.Row, error) {
	name, variant, _ := strings.Cut(name, "/")
	p, err := peer.ByName(name)
	if err != nil {
		return nil, err
	}
	auth := &fake.Auth{Lifetime: time.Hour, TokenLen: 64}
	auth.Start()
	payload := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	api := &receiver{auth: auth, want: sha256.Sum256(payload)}
	srv := httptest.NewServer(api)
	d, err := p.NewClient(peer.Config{
		TokenURL: auth.TokenURL(), ClientID: "id", ClientSecret: "secret", Base: &http.Transport{},
		TokenTransport: auth.Transport(), TokenTimeout: 10 * time.Second, AllowHTTP: true, Origin: srv.URL,
	})
	if err != nil {
		return nil, err
	}
	req, _ := http.NewRequest(http.MethodGet, srv.URL, nil)
	if res, err := d.Do(req); err != nil || res.StatusCode != 200 {
		return nil, errors.New("no token to begin with")
	}
	auth.RevokeAll()
	before := auth.Attempts()
	got := post(d, srv.URL, variant, payload)
	return harness.One(
		harness.Text("the API received", api.received()),
		harness.Text("the caller got", got),
		harness.N("token requests", auth.Attempts()-before),
	), nil
}

// post sends the payload and says what came back.
func post(d peer.Doer, url, variant string, payload []byte) string {
	var body io.Reader = bytes.NewReader(payload)
	if variant != "getbody" {
		body = onlyReader{body}
	}
	req, err := http.NewRequest(http.MethodPost, url, body)
	if err != nil {
		return err.Error()
	}
	if variant == "stream+length" {
		req.ContentLength = int64(len(payload))
	}
	res, err := d.Do(req)
	if err == nil {
		return res.Status
	}
	text := "error: " + strings.ReplaceAll(strings.ReplaceAll(err.Error(), url, "URL"), "\n", " ")
	if len(text) > 110 {
		text = text[:110] + "..."
	}
	return text
}
