package clients_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// Two transports in a row are in one order or the other. The tests in the files
// named ordering… say what each order means, and which one to choose.

// ordering is an emulator, a Source of its tokens, and the wire to it, which
// goes at the bottom of whatever order.
type ordering struct {
	t     *testing.T
	cloud *authtest.NHN
	src   *authtrip.Source
	wire  *wire
}

func newOrdering(t *testing.T, emulator []authtest.Option, source ...authtrip.Option) *ordering {
	t.Helper()
	o := &ordering{t: t, cloud: authtest.NewNHN(emulator...)}
	t.Cleanup(o.cloud.Close)
	o.wire = &wire{base: o.cloud.Transport()}
	var err error
	o.src, err = nhn.NewSource(o.cloud.Credentials(), append(o.cloud.Options(), nhn.With(source...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.src.Close() })
	return o
}

// inOrder runs f in a bubble, with an API of its own if api is not nil.
func inOrder(t *testing.T, api http.HandlerFunc, f func(*testing.T, *ordering)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		emulator := []authtest.Option{authtest.InMemory()}
		if api != nil {
			emulator = append(emulator, authtest.API(api))
		}
		f(t, newOrdering(t, emulator))
	})
}

// over is a Transport with base inside.
func (o *ordering) over(base http.RoundTripper) *authtrip.Transport {
	return &authtrip.Transport{Source: o.src, Base: base}
}

// withToken gets the first token, so that what follows counts from there.
func (o *ordering) withToken() string {
	o.t.Helper()
	tok, err := o.src.Token(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	return tok.AccessToken()
}

// breakServer takes the authorization server down while there is no token.
func (o *ordering) breakServer() {
	o.t.Helper()
	tok, err := o.src.Token(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	o.src.Invalidate(tok)
	o.cloud.Break(authtest.Fault{Status: 503})
}

// openCircuit does, until it is not called any more.
func (o *ordering) openCircuit() {
	o.t.Helper()
	o.breakServer()
	var err error
	for range 10 {
		if _, err = o.src.Token(context.Background()); errors.Is(err, authtrip.ErrCircuitOpen) {
			return
		}
	}
	o.t.Fatalf("the circuit does not open; the tenth caller got %v", err)
}

func (o *ordering) request(ctx context.Context, method, body string) *http.Request {
	o.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, o.cloud.APIURL+"/v1/things", r)
	if err != nil {
		o.t.Fatal(err)
	}
	return req
}

// get sends a GET through rt and returns status and body, or the error.
func (o *ordering) get(rt http.RoundTripper) (int, string, error) {
	return read((&http.Client{Transport: rt}).Do(o.request(context.Background(), http.MethodGet, "")))
}

func read(res *http.Response, err error) (int, string, error) {
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

// wantSends expects what went over the wire to the API, by the answers.
func (o *ordering) wantSends(statuses ...int) {
	o.t.Helper()
	if got := o.wire.statuses(); !slices.Equal(got, statuses) {
		o.t.Errorf("the API answered %v, want %v", got, statuses)
	}
}

func (o *ordering) wantTokenCalls(n int) {
	o.t.Helper()
	if got := o.cloud.Counts().TokenCalls; got != n {
		o.t.Errorf("%d token calls, want %d", got, n)
	}
}

// wire notes what is sent.
type wire struct {
	base http.RoundTripper

	mu    sync.Mutex
	sends []sent // guarded by mu
}

type sent struct {
	header http.Header
	status int // 0: no answer
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	s := sent{header: req.Header.Clone()}
	res, err := w.base.RoundTrip(req)
	if err == nil {
		s.status = res.StatusCode
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sends = append(w.sends, s)
	return res, err
}

func (w *wire) all() []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sends)
}

func (w *wire) statuses() (statuses []int) {
	for _, s := range w.all() {
		statuses = append(statuses, s.status)
	}
	return statuses
}

// through is a RoundTripper made of a func.
type through func(*http.Request) (*http.Response, error)

func (f through) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
