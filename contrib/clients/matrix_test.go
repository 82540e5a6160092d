package clients_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// The matrix: the same scenarios through every kind of client. What a cell
// says is what was seen, and the table of docs/clients.md must say the same.

// content is the body of a request, in the kinds that clients take.
type content string

const (
	noBody    content = "none"
	inMemory  content = "bytes or a string"
	asJSON    content = "a value, as JSON"
	asForm    content = "a form"
	fromFile  content = "a file"
	stream    content = "a reader that cannot go back"
	multipart content = "multipart, of such a reader"
)

// payload is what the server must get of every body; JSON and forms have it in
// quotes or escaped.
const payload = "the-whole-body"

// caller sends one request and returns its status and body.
type caller func(ctx context.Context, method, url string, body content) (int, string, error)

// kind is a column: how such a client is made over a Source, and whether it
// sends a rejected request again by itself.
type kind struct {
	name  string
	again string
	make  func(t *testing.T, src *authtrip.Source) caller
}

var kinds = []kind{
	{"net/http", "✓", netHTTP},
	{"Resty v2, `Install`", "✓", restyInstall},
	{"Resty v2, `BeforeRequest`", "✓ by Resty's retry", restyHook},
	{"Resty v3, `Install`", "✓", restyV3},
}

// scenario is a row: it returns what the cell says.
type scenario struct {
	name string
	play func(*stage) string
}

var scenarios = []scenario{
	{"100 requests at once, no token yet: 1 token call", (*stage).coldStart},
	{"300 requests of 20 workers, the token revoked meanwhile: all served, 1 reissue", (*stage).revocation},
	{"a token rejected with HTTP 200: served", (*stage).envelope},
	{"authorization server down, token valid: nobody notices", (*stage).outageWithToken},
	{"the same, no token: `ErrCircuitOpen`, 6 token calls at most for 100 requests", (*stage).outageWithout},
	{"redirect to another host: no token goes there", (*stage).redirect},
	{"sent again whole: no body", sentAgain(noBody)},
	{"sent again whole: bytes or a string", sentAgain(inMemory)},
	{"sent again whole: a value, as JSON", sentAgain(asJSON)},
	{"sent again whole: a form", sentAgain(asForm)},
	{"sent again whole: a file", sentAgain(fromFile)},
	{"sent again whole: a reader that cannot go back", sentAgain(stream)},
	{"sent again whole: multipart of such a reader", sentAgain(multipart)},
}

const notRun = "was not run"

// stage is one scenario's emulator and client.
type stage struct {
	*testing.T
	kind  kind
	cloud *authtest.NHN
	src   *authtrip.Source
	call  caller
}

func TestTheSameHoldsForEveryClient(t *testing.T) {
	var table strings.Builder
	table.WriteString("| scenario |")
	for _, k := range kinds {
		table.WriteString(" " + k.name + " |")
	}
	table.WriteString("\n|" + strings.Repeat("---|", len(kinds)+1) + "\n")
	for _, sc := range scenarios {
		table.WriteString("| " + sc.name + " |")
		for _, k := range kinds {
			cell := notRun
			t.Run(sc.name+"/"+k.name, func(t *testing.T) { cell = sc.play(newStage(t, k)) })
			table.WriteString(" " + cell + " |")
		}
		table.WriteString("\n")
	}
	if strings.Contains(table.String(), notRun) {
		return // some were left out with -run
	}
	document, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(document), table.String()) {
		t.Errorf("the matrix of docs/clients.md is not what was seen:\n%s", table.String())
	}
}

func newStage(t *testing.T, k kind) *stage {
	s := &stage{T: t, kind: k, cloud: authtest.NewNHN(authtest.Services(), authtest.API(http.HandlerFunc(serve)))}
	t.Cleanup(s.cloud.Close)
	var err error
	if s.src, err = nhn.NewSource(s.cloud.Credentials(), s.cloud.Options()...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.src.Close() })
	s.call = k.make(t, s.src)
	return s
}

// serve redirects to where it is told, or answers with what it got.
func serve(rw http.ResponseWriter, r *http.Request) {
	if to := r.URL.Query().Get("to"); to != "" {
		http.Redirect(rw, r, to, http.StatusTemporaryRedirect)
		return
	}
	got, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	rw.Header().Set("Content-Type", "text/plain")
	_, _ = rw.Write(got)
}

// get sends a GET and says why it was not served.
func (s *stage) get(url string) error {
	status, _, err := s.call(s.Context(), http.MethodGet, url, noBody)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	return err
}

// all sends n GETs at once and returns how many were not served, and one error.
func (s *stage) all(n int) (failed int, err error) {
	var count atomic.Int32
	var one atomic.Value
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := s.get(s.cloud.APIURL + "/x"); err != nil {
				count.Add(1)
				one.Store(fmt.Errorf("%w", err)) // one type, as Value wants
			}
		})
	}
	wg.Wait()
	err, _ = one.Load().(error)
	return int(count.Load()), err
}

func (s *stage) coldStart() string {
	failed, err := s.all(100)
	if c := s.cloud.Counts(); failed > 0 || c.TokenCalls != 1 || c.Rejected > 0 {
		s.Errorf("%d failed (%v), %+v", failed, err, c)
	}
	return "✓"
}

// revocation comes in the middle of 300 requests of 20 workers.
func (s *stage) revocation() string {
	var sent, failed atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for n := sent.Add(1); n <= 300; n = sent.Add(1) {
				if n == 100 {
					s.cloud.RevokeAll()
				}
				if err := s.get(s.cloud.APIURL + "/x"); err != nil {
					failed.Add(1)
					s.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if c := s.cloud.Counts(); failed.Load() > 0 || c.TokenCalls != 2 || c.Accepted != 300 || c.Rejected == 0 {
		s.Errorf("%d failed, %+v", failed.Load(), c)
	}
	return s.kind.again
}

func (s *stage) envelope() string {
	url := s.cloud.Service(authtest.APIGateway) + "/x"
	if err := s.get(url); err != nil {
		s.Fatal(err)
	}
	s.cloud.RevokeAll()
	_, body, err := s.call(s.Context(), http.MethodGet, url, noBody)
	if err != nil || !strings.Contains(body, `"isSuccessful":true`) {
		s.Errorf("%v: %s", err, body)
	}
	return s.kind.again
}

// outageWithToken is with a token that is to be renewed from its first moment,
// so that requests do have to do with the server that is down.
func (s *stage) outageWithToken() string {
	src, err := nhn.NewSource(s.cloud.Credentials(), append(s.cloud.Options(), nhn.With(authtrip.Policy{RenewAt: 1e-9}))...)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = src.Close() })
	s.call = s.kind.make(s.T, src)
	if err := s.get(s.cloud.APIURL); err != nil {
		s.Fatal(err)
	}
	s.cloud.Break(authtest.Fault{Status: http.StatusServiceUnavailable})
	before := s.cloud.Counts().TokenCalls
	if failed, err := s.all(100); failed > 0 {
		s.Errorf("%d failed: %v", failed, err)
	}
	for s.cloud.Counts().TokenCalls == before { // until a renewal behind them has failed
		if err := s.get(s.cloud.APIURL); err != nil {
			s.Fatal(err)
		}
	}
	return "✓"
}

func (s *stage) outageWithout() string {
	begun := time.Now()
	s.cloud.Break(authtest.Fault{Status: http.StatusServiceUnavailable})
	var err error
	for range 5 { // until the circuit is open
		if err = s.get(s.cloud.APIURL); errors.Is(err, authtrip.ErrCircuitOpen) {
			break
		}
	}
	failed, err := s.all(95)
	probes := int(time.Since(begun) / time.Second) // a machine that is slow sees more than one
	if c := s.cloud.Counts(); failed != 95 || !errors.Is(err, authtrip.ErrCircuitOpen) || c.TokenCalls > 6+probes || c.Accepted+c.Rejected > 0 {
		s.Errorf("%d failed with %v, %+v", failed, err, c)
	}
	return "✓"
}

func (s *stage) redirect() string {
	if err := s.get(s.cloud.APIURL + "/x?to=" + s.cloud.ThirdPartyURL + "/"); err != nil {
		s.Error(err)
	}
	if c := s.cloud.Counts(); c.Leaked != 0 || c.Accepted != 1 {
		s.Errorf("%+v", c)
	}
	return "✓"
}

// sentAgain is a request whose token is rejected: the cell says whether it was
// sent again whole, or handed back with the next one served.
func sentAgain(body content) func(*stage) string {
	return func(s *stage) string {
		if err := s.get(s.cloud.APIURL); err != nil {
			s.Fatal(err)
		}
		s.cloud.RevokeAll()
		status, got, err := s.call(s.Context(), http.MethodPost, s.cloud.APIURL+"/x", body)
		if err != nil {
			s.Fatal(err)
		}
		want := payload
		if body == noBody {
			want = ""
		}
		c := s.cloud.Counts()
		switch {
		case status == http.StatusOK && strings.Contains(got, want) && c.Accepted == 2 && c.Rejected == 1:
			return s.kind.again
		case status == http.StatusUnauthorized && c.Accepted == 1 && c.Rejected == 1:
			if err := s.get(s.cloud.APIURL); err != nil {
				s.Errorf("the next request: %v", err)
			}
			return "its 401; the next is served"
		}
		s.Errorf("status %d, the server got %q, %+v", status, got, c)
		return "lost"
	}
}

// cannotGoBack hides what else a reader can do.
type cannotGoBack struct{ io.Reader }

func bodyReader() io.Reader { return cannotGoBack{bytes.NewReader([]byte(payload))} }

// file is a real one.
func file(t *testing.T) *os.File {
	t.Helper()
	path := t.TempDir() + "/body"
	if err := os.WriteFile(path, []byte(payload), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// retryWait is that of clients that retry by themselves.
const retryWait = time.Millisecond
