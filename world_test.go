package authtrip_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// world is an emulator with a client that gets its tokens from it.
type world struct {
	t      *testing.T
	srv    *authtest.NHN
	src    *authtrip.Source
	client *http.Client

	revokeOnIssue atomic.Bool  // the authorization server ends old tokens when it issues one
	delayReply    atomic.Int64 // how long its replies are on their way

	mu         sync.Mutex
	notReplays []error // guarded by mu
}

type worldOption func(*worldSetup)

type worldSetup struct {
	emulator []authtest.Option
	source   []authtrip.Option
	change   func(*authtrip.Registration)
}

func serving(h http.HandlerFunc) worldOption {
	return func(s *worldSetup) { s.emulator = append(s.emulator, authtest.API(h)) }
}

func with(o ...authtrip.Option) worldOption {
	return func(s *worldSetup) { s.source = append(s.source, o...) }
}

func changed(f func(*authtrip.Registration)) worldOption {
	return func(s *worldSetup) { s.change = f }
}

// newWorld starts an emulator on loopback.
func newWorld(t *testing.T, options ...worldOption) *world {
	t.Helper()
	var set worldSetup
	for _, o := range options {
		o(&set)
	}
	w := &world{t: t, srv: authtest.NewNHN(set.emulator...)}
	t.Cleanup(w.srv.Close)
	reg := nhn.Registration(w.srv.Credentials(), w.srv.Options()...)
	if set.change != nil {
		set.change(&reg)
	}
	token := w.srv.Transport().Clone()
	token.DisableKeepAlives = true
	var err error
	w.src, err = authtrip.NewSource(reg, append([]authtrip.Option{
		authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if w.revokeOnIssue.Load() {
				w.srv.RevokeAll()
			}
			delay := time.Duration(w.delayReply.Load())
			res, err := token.RoundTrip(r)
			time.Sleep(delay)
			return res, err
		})),
		authtrip.Hooks{NotReplayed: w.notReplayed},
	}, set.source...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.src.Close() })
	w.client = &http.Client{Transport: &authtrip.Transport{Source: w.src, Base: w.srv.Transport()}}
	return w
}

// inBubble runs f with an emulator in memory and time that passes only while
// all wait.
func inBubble(t *testing.T, f func(*testing.T, *world), options ...worldOption) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, newWorld(t, append(options, func(s *worldSetup) { s.emulator = append(s.emulator, authtest.InMemory()) })...))
	})
}

func (w *world) notReplayed(_ context.Context, _ string, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notReplays = append(w.notReplays, why)
}

func (w *world) whyNotReplayed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.notReplays...)
}

// get sends a GET and returns its status, or 0 and the error.
func (w *world) get() (int, error) { return w.getWithin(context.Background()) }

func (w *world) getWithin(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.srv.APIURL+"/v1/organizations", nil)
	if err != nil {
		return 0, err
	}
	return w.send(req)
}

func (w *world) send(req *http.Request) (int, error) {
	res, err := w.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// mustGet expects a 200.
func (w *world) mustGet() {
	w.t.Helper()
	if status, err := w.get(); status != 200 || err != nil {
		w.t.Fatalf("GET: status %d, error %v; want 200", status, err)
	}
}

// mustNotFail expects any answer: it is for servers that end tokens at will.
func (w *world) mustNotFail() {
	w.t.Helper()
	if _, err := w.get(); err != nil {
		w.t.Errorf("GET: %v", err)
	}
}

// all sends n GETs at once and returns how many ended with each status.
func (w *world) all(n int) map[int]int {
	statuses := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			status, _ := w.get()
			mu.Lock()
			statuses[status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	return statuses
}

func (w *world) wantCounts(want authtest.Counts) {
	w.t.Helper()
	got := w.srv.Counts()
	want.Concurrent = got.Concurrent
	if got != want {
		w.t.Fatalf("the servers counted %+v, want %+v", got, want)
	}
}

func (w *world) wantTokenCalls(n int) {
	w.t.Helper()
	if got := w.srv.Counts().TokenCalls; got != n {
		w.t.Fatalf("%d token calls, want %d", got, n)
	}
}

func (w *world) token() string {
	w.t.Helper()
	tok, err := w.src.Token(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return tok.AccessToken()
}

// replies is a token endpoint that answers with bodies in turn, then with the
// last again and again. It counts its calls.
type replies struct {
	mu     sync.Mutex
	bodies []string // guarded by mu
	status int
	header http.Header
	calls  int // guarded by mu
}

func (r *replies) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	body := r.bodies[min(r.calls, len(r.bodies)-1)]
	r.calls++
	res := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}
	if r.status != 0 {
		res.StatusCode = r.status
	}
	if r.header != nil {
		res.Header = r.header
	}
	return res, nil
}

// registration is a plain one, at a server that is never dialed.
func registration() authtrip.Registration {
	return authtrip.Registration{
		ID: "test", ClientID: "id", ClientSecret: authtrip.NewSecret("s3cret-s3cret"),
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example/token"},
	}
}

func newSource(t *testing.T, r authtrip.Registration, o ...authtrip.Option) *authtrip.Source {
	t.Helper()
	src, err := authtrip.NewSource(r, o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return src
}
