package interop_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
)

// world is an authorization server, a resource server that trusts it, and what
// was seen of both.
type world struct {
	t    *testing.T
	auth *server
	api  *httptest.Server
	seen *seen
}

func newWorld(t *testing.T) *world { return newWorldOf(t, false) }

func newWorldOf(t *testing.T, lenient bool) *world {
	w := &world{t: t, seen: &seen{secrets: map[string]string{}}}
	w.auth = newServer(t, w.seen, lenient)
	w.api = newResource(t, w.auth)
	t.Cleanup(func() {
		for _, fault := range w.seen.shown() {
			t.Error(fault)
		}
	})
	return w
}

// manager has one registration. It is closed before the servers.
func (w *world) manager(r authtrip.Registration, options ...authtrip.Option) *authtrip.Manager {
	w.t.Helper()
	hooks := authtrip.Hooks{
		NotReplayed: func(_ context.Context, _ string, why error) { w.seen.error(why) },
		StoreFailed: func(_ string, err error) { w.seen.error(err); w.t.Errorf("the Store failed: %v", err) },
	}
	m, err := authtrip.NewManager([]authtrip.Registration{r}, append([]authtrip.Option{hooks}, options...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := w.noting(m.Close()); err != nil {
			w.t.Error(err)
		}
	})
	return m
}

// source is the handle on one user's token in m, or on the client's own.
func (w *world) source(m *authtrip.Manager, id, principal string) *authtrip.Source {
	w.t.Helper()
	src, err := m.SourceFor(id, principal)
	if principal == "" {
		src, err = m.Source(id)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return src
}

// noting returns err, which is noted.
func (w *world) noting(err error) error {
	w.seen.error(err)
	return err
}

// answer is what a caller got.
type answer struct {
	status int
	body   string
	err    error
}

// get asks the resource server, with a token of src.
func (w *world) get(src authtrip.Authorizer) answer { return w.getWithin(context.Background(), src) }

func (w *world) getWithin(ctx context.Context, src authtrip.Authorizer) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.api.URL+"/notes", nil)
	if err != nil {
		return answer{err: err}
	}
	res, err := (&http.Client{Transport: &authtrip.Transport{Source: src}}).Do(req)
	if err != nil {
		return answer{err: w.noting(err)}
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, string(body), err}
}

// mustGet expects that the resource server takes the caller for subject.
func (w *world) mustGet(src authtrip.Authorizer, subject string) {
	w.t.Helper()
	if got := w.get(src); got != (answer{200, subject, nil}) {
		w.t.Fatalf("the caller got %+v, want 200 and %q", got, subject)
	}
}

// mustGetAtOnce expects it n times, for requests that are sent together.
func (w *world) mustGetAtOnce(n int, src authtrip.Authorizer, subject string) {
	w.t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if got := w.get(src); got != (answer{200, subject, nil}) {
				w.t.Errorf("a caller got %+v, want 200 and %q", got, subject)
			}
		})
	}
	wg.Wait()
}

// wantTokenCalls expects that many calls so far, of all grants or one.
func (w *world) wantTokenCalls(grant string, n int) {
	w.t.Helper()
	if got := len(w.auth.tokenCalls(grant)); got != n {
		w.t.Fatalf("%d token calls (%s), want %d", got, grant, n)
	}
}
