package authtrip_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
)

// watched is a request body that knows whether it was closed.
type watched struct {
	io.Reader
	closed atomic.Int32
}

func (b *watched) Close() error {
	b.closed.Add(1)
	return nil
}

func TestI12_WithoutATokenNothingIsSent(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.srv.Break(authtest.Fault{Reset: true})
		body := &watched{Reader: strings.NewReader("x")}
		req := mustRequest(t, http.MethodPost, w.srv.APIURL+"/", body)
		if _, err := w.client.Do(req); err == nil {
			t.Fatal("sent without a token")
		}
		if body.closed.Load() == 0 {
			t.Fatal("the body is not closed")
		}
		if c := w.srv.Counts(); c.Accepted+c.Rejected != 0 {
			t.Fatalf("%+v; the API was called", c)
		}
	})
}

func TestI12_MisuseIsRefusedWithWhatToDo(t *testing.T) {
	none := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	two, err := authtrip.NewManager([]authtrip.Registration{registration(), func() authtrip.Registration {
		r := registration()
		r.ID = "other"
		return r
	}()})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		source authtrip.Authorizer
		says   string
	}{
		"no source":           {nil, "set it to a *Source"},
		"nil source":          {(*authtrip.Source)(nil), "NewSource"},
		"zero source":         {new(authtrip.Source), "NewSource"},
		"nil manager":         {(*authtrip.Manager)(nil), "NewManager"},
		"zero manager":        {new(authtrip.Manager), "NewManager"},
		"manager of several":  {two, `"other", "test"`},
		"base without answer": {none, "neither a response nor an error"},
	} {
		t.Run(name, func(t *testing.T) {
			body := &watched{Reader: strings.NewReader("x")}
			rt := &authtrip.Transport{Source: c.source, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				_ = r.Body.Close()
				if name != "base without answer" {
					t.Error("sent")
				}
				return nil, nil
			})}
			_, err := rt.RoundTrip(mustRequest(t, http.MethodPost, "https://api.example/", body))
			wantAll(t, err, c.says)
			if body.closed.Load() == 0 {
				t.Error("the body is not closed")
			}
		})
	}
	for _, m := range []*authtrip.Manager{nil, new(authtrip.Manager)} {
		if _, err := m.Source("x"); err == nil || m.Close() != nil {
			t.Errorf("a Manager that is nil or zero: %v", err)
		}
	}
	for _, s := range []*authtrip.Source{nil, new(authtrip.Source)} {
		s.Invalidate(authtrip.Token{})
		_, err := s.Token(t.Context())
		if err := errors.Join(err, s.Revoke(t.Context()), s.Close()); err == nil {
			t.Error("no error from a Source that is nil or zero")
		}
	}
}

func TestI12_ATransportThatWouldCallItselfSaysSo(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	http.DefaultTransport = &authtrip.Transport{Source: src}
	_, err := http.DefaultTransport.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
	wantAll(t, err, "set Base")
	http.DefaultClient.CloseIdleConnections()
}

func TestManagerOfOneNeedsNoChoice(t *testing.T) {
	srv := authtest.NewNHN()
	t.Cleanup(srv.Close)
	mgr := tenants(t, srv, "only")
	client := &http.Client{Transport: &authtrip.Transport{Source: mgr}}
	res, err := client.Get(srv.APIURL + "/v1/organizations")
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	_ = res.Body.Close()
	handle := source(t, mgr, "only")
	if err := handle.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := handle.Token(t.Context()); !errors.Is(err, authtrip.ErrClosed) {
		t.Fatalf("a closed handle gave %v", err)
	}
	if _, err := source(t, mgr, "only").Token(t.Context()); err != nil {
		t.Fatalf("closing a handle ended the Manager: %v", err)
	}
	_, err = mgr.Source("unknown")
	wantAll(t, err, `"unknown"`, `"only"`)
}

func TestI16_TheCallersRequestIsNotChanged(t *testing.T) {
	w := newWorld(t)
	w.token()
	w.srv.RevokeAll() // a replay must not change it either
	req := mustRequest(t, http.MethodPost, w.srv.APIURL+"/", strings.NewReader("body"))
	req.Header.Set("X-Nhn-Authorization", "the caller's")
	req.Header["x-nhn-authentication"] = []string{"the caller's, too"}
	before := req.Clone(req.Context())
	body := req.Body
	res, err := w.client.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if !reflect.DeepEqual(req.Header, before.Header) || req.Body != body || req.ContentLength != before.ContentLength {
		t.Fatalf("the request's header became %v", slices.Sorted(maps.Keys(req.Header)))
	}
	if res.Request != req {
		t.Fatal("the response's Request is not the caller's: it would show the token")
	}
}

func TestI16_ACallersTokenHeaderIsReplacedInAnySpelling(t *testing.T) {
	var seen http.Header
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		seen = r.Header
		return newStub().RoundTrip(r)
	})}
	req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
	req.Header["authorization"] = []string{"one"}
	req.Header["AUTHORIZATION"] = []string{"two"}
	req.Header["Authorization"] = []string{"three", "four"}
	if _, err := rt.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if want := (http.Header{"Authorization": {"Bearer a"}}); !reflect.DeepEqual(seen, want) {
		t.Fatalf("sent %v, want %v", seen, want)
	}
}

func TestI16_AResponseOrAnErrorNeverBoth(t *testing.T) {
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	body := &watched{Reader: strings.NewReader("x")}
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: body}, io.ErrUnexpectedEOF
	})}
	res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
	if res != nil || !errors.Is(err, io.ErrUnexpectedEOF) || body.closed.Load() != 1 {
		t.Fatalf("got %v and %v, body closed %d times", res, err, body.closed.Load())
	}
}

func TestI16_ARejectThatPanicsLeavesNoResponseOpen(t *testing.T) {
	r := registration()
	r.Reject = func(*http.Response) authtrip.Verdict { panic("the user's") }
	src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	body := &watched{Reader: strings.NewReader("x")}
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, Request: r}, nil
	})}
	defer func() {
		if p := recover(); p != "the user's" || body.closed.Load() != 1 {
			t.Fatalf("recovered %v, body closed %d times", p, body.closed.Load())
		}
	}()
	_, _ = rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
}

func TestI16_ANilBodyBecomesAnEmptyOne(t *testing.T) {
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 401, Header: http.Header{}, Request: r}, nil
	})}
	res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
	if err != nil || res.Body == nil {
		t.Fatalf("%v, %v", res, err)
	}
}

func TestI16_NilHeaderAndNilURLDoNotPanic(t *testing.T) {
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`}}))
	rt := &authtrip.Transport{Source: src, Base: newStub()}
	req := mustRequest(t, http.MethodGet, "https://api.example/", nil)
	req.Header = nil
	if _, err := rt.RoundTrip(req); err != nil || req.Header != nil {
		t.Fatalf("%v; header %v", err, req.Header)
	}
	if _, err := (&authtrip.Transport{Source: src}).RoundTrip(&http.Request{}); err == nil {
		t.Fatal("no error for a request without URL")
	}
}

func TestI16_CloseIdleConnectionsIsForwarded(t *testing.T) {
	base := &idle{}
	(&http.Client{Transport: &authtrip.Transport{Base: base}}).CloseIdleConnections()
	if !base.closed {
		t.Fatal("not forwarded")
	}
	(&authtrip.Transport{Base: newStub()}).CloseIdleConnections() // cannot, and does not panic
}

type idle struct {
	stub
	closed bool
}

func (b *idle) CloseIdleConnections() { b.closed = true }

func TestI16_ASwitchedProtocolsBodyIsLeftAlone(t *testing.T) {
	w := newWorld(t, serving(func(rw http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = buf.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = buf.Flush()
		line, _ := buf.ReadString('\n')
		_, _ = buf.WriteString(line)
		_ = buf.Flush()
	}))
	req := mustRequest(t, http.MethodGet, w.srv.APIURL+"/", nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	res, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	rw, ok := res.Body.(io.ReadWriteCloser)
	if res.StatusCode != 101 || !ok {
		t.Fatalf("%d with a %T", res.StatusCode, res.Body)
	}
	if _, err := io.WriteString(rw, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(rw); string(got) != "hello\n" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestI16_RoundTripAllocatesAsLittleAsItMay(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector allocates: the copies are still made, only not counted")
		return
	}
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a","expires_in":3600}`}}))
	rt := &authtrip.Transport{Source: src, Base: newStub()}
	req := benchRequest()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := rt.RoundTrip(req); err != nil {
			t.Fatal(err)
		}
	}); n > 3 {
		t.Fatalf("%v allocations per request, want the request's copy and its header map: 3", n)
	}
}
