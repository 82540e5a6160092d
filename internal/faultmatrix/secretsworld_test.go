package faultmatrix

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/internal/leak"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/prism"
	"github.com/go-resty/resty/v2"
)

// users is a world of users whose logins an authorization server has, which then
// breaks; and all that is said meanwhile.
type users struct {
	t      *testing.T
	fault  Fault
	server *AuthServer
	api    *api
	base   *http.Transport
	reg    authtrip.Registration
	store  authtrip.Store

	mu      sync.Mutex
	secrets []string        // guarded by mu; besides those that the server made
	said    map[string]bool // guarded by mu
	failed  map[string]bool // guarded by mu; what was done and brought an error
}

// newUsers has the clients prove themselves by auth; a GET endpoint is PRISM's.
func newUsers(t *testing.T, trusted *authority, f Fault, method string, auth authtrip.ClientAuth) *users {
	l := newLedger(lifetime)
	server, err := NewAuthServer(l, trusted)
	if err != nil {
		t.Fatal(err)
	}
	u := &users{t: t, fault: f, server: server, api: newAPI(l), store: authtrip.NewMemoryStore(0), said: map[string]bool{}, failed: map[string]bool{}}
	roots := x509.NewCertPool()
	roots.AddCert(trusted.cert)
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.names.conn.LocalAddr().String())
	}}
	u.base = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, CurvePreferences: []tls.CurveID{tls.X25519}}, DialContext: (&net.Dialer{Resolver: resolver}).DialContext, DisableKeepAlives: true,
	}
	t.Cleanup(func() {
		u.api.server.CloseClientConnections()
		u.api.server.Close()
		server.Close()
	})
	secret := u.secret("cs." + rand.Text() + "/+&=" + rand.Text())
	at := fmt.Sprintf("https://%s:%d", serverName, server.port())
	u.reg = prism.Registration(prism.Client{ServiceAPIDomain: at, ClientID: "matrix", ClientSecret: authtrip.NewSecret(secret), ServiceID: "s"}, prism.SendState())
	u.reg.Headers, u.reg.RawToken, u.reg.Origins = nil, false, []string{u.api.server.URL}
	u.reg.TokenEndpoint.Method = method
	u.reg.RevocationEndpoint = authtrip.Endpoint{URL: at + revocationPath, Method: method}
	u.reg.NoPKCE = method == http.MethodGet
	if auth != authtrip.ClientSecretHeaders {
		u.reg.ClientAuth, u.reg.ClientIDHeader, u.reg.ClientSecretHeader = auth, "", ""
	}
	if auth == "" {
		u.reg.Authenticate = func(_ context.Context, id string, s authtrip.Secret, header http.Header, params url.Values) error {
			header.Set("X-Proof", "Proof "+s.Reveal())
			params.Set("client_id", id)
			params.Set("client_assertion", u.secret("ca."+rand.Text()))
			return nil
		}
	}
	return u
}

// secret is text that must not be shown.
func (u *users) secret(text string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.secrets = append(u.secrets, text)
	return text
}

func (u *users) note(texts ...string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, text := range texts {
		u.said[text] = true
	}
}

// hear keeps what an error says, and that there was one.
func (u *users) hear(doing string, err error) {
	if err == nil {
		return
	}
	u.note(leak.PrintError(err)...)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed[doing] = true
}

func (u *users) manager(p authtrip.Policy) *authtrip.Manager {
	m, err := authtrip.NewManager([]authtrip.Registration{u.reg}, authtrip.WithPlaintextStore(u.store), authtrip.WithTokenTransport(u.base), p, authtrip.Hooks{
		NotReplayed:    func(_ context.Context, _ string, why error) { u.hear("replay", why) },
		Undecided:      func(_ context.Context, _ string, why error) { u.hear("envelope", why) },
		StoreFailed:    func(_ string, err error) { u.hear("store", err) },
		StoreChanged:   func(err error) { u.hear("store changed", err) },
		CircuitChanged: func(server, from, to string) { u.note(server + from + to) },
		TokenCallDone: func(_ context.Context, call authtrip.TokenCall) {
			u.hear("token call", call.Err)
			u.note(fmt.Sprintf("%+v %#v", call, call))
		},
		Waited:     func(_ context.Context, _ string, _ time.Duration, err error) { u.hear("wait", err) },
		ReplayDone: func(_ context.Context, _ string, _ bool, err error) { u.hear("second sending", err) },
	}, authtrip.WithLogger(slog.New(slog.NewTextHandler(noting{u}, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if err != nil {
		u.t.Fatal(err)
	}
	return m
}

func (u *users) of(m *authtrip.Manager, principal string) *authtrip.Source {
	src, err := m.SourceFor(u.reg.ID, principal)
	if err != nil {
		u.t.Error(err)
	}
	return src
}

// logIn has the users log in while all is well: one's token has ended by now,
// the others' the API does not take any more.
func (u *users) logIn() {
	m := u.manager(authtrip.Policy{})
	for _, name := range []string{"revoked", "rejected", "resty", "invalidated", "expired"} {
		if name == "expired" {
			u.server.ledger.mu.Lock()
			u.server.ledger.lifetime = 10 * time.Millisecond
			u.server.ledger.mu.Unlock()
		}
		if err := u.of(m, name).ExchangeCode(u.t.Context(), u.secret("code/"+rand.Text()), nil); err != nil {
			u.t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		u.t.Fatal(err)
	}
	u.server.ledger.endAll()
	time.Sleep(10 * time.Millisecond)
}

// use does all that a program can do, each with a login of its own, at once.
func (u *users) use() {
	p := authtrip.Policy{FetchTimeout: 5 * time.Second, BreakerFailures: 1000}
	if u.fault.Slow {
		p.FetchTimeout = 500 * time.Millisecond
	}
	m := u.manager(p)
	p.BreakerFailures = 1
	broken := u.manager(p) // whose circuit opens at once
	ctx := u.t.Context()
	var wg sync.WaitGroup
	for doing, f := range map[string]func() error{
		"exchange": func() error {
			src := u.of(m, "new")
			to, flow, err := src.AuthCodeURL(ctx)
			if err != nil {
				return err
			}
			at, _ := url.Parse(to)
			text, _ := flow.MarshalText()
			u.note(fmt.Sprintf("%v %+v %#v %x", flow, &flow, flow, flow))
			return src.Exchange(ctx, flow, url.Values{"state": {u.secret(at.Query().Get("state"))}, "code": {u.secret("code/" + rand.Text())}, "x": {u.secret(string(text))}})
		},
		"exchange code": func() error {
			return u.of(m, "other").ExchangeCode(ctx, u.secret("code/"+rand.Text()), url.Values{"code_verifier": {u.secret("cv." + rand.Text())}})
		},
		"token": func() error { _, err := u.of(m, "expired").Token(ctx); return err },
		"attach": func() error {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, u.api.server.URL, nil)
			defer func() { u.note(fmt.Sprintf("%+v", req)) }()
			return u.of(m, "expired").Attach(req)
		},
		"get":      func() error { return u.send(m, "expired", nil) },
		"post":     func() error { return u.send(m, "expired", bytes.NewReader(make([]byte, 100))) },
		"rejected": func() error { return u.send(m, "rejected", bytes.NewReader(make([]byte, 100))) },
		"resty, expired": func() error {
			return u.resty(m, "expired")
		},
		"resty, rejected": func() error { return u.resty(m, "resty") },
		"invalidated": func() error {
			src := u.of(m, "invalidated")
			tok, err := src.Token(ctx)
			if err != nil {
				return errors.Join(errors.New("it should come from the Store"), err)
			}
			src.Suspect(tok)
			_, err = src.Token(ctx)
			u.hear("suspected", err)
			src.Invalidate(tok)
			_, err = src.Token(ctx)
			u.note(fmt.Sprintf("%+v %#v", tok, src))
			return err
		},
		"revoke": func() error {
			src := u.of(m, "revoked")
			if _, err := src.Token(ctx); err != nil {
				return err
			}
			return src.Revoke(ctx)
		},
		"circuit": func() error {
			_ = u.of(broken, "x").ExchangeCode(ctx, u.secret("code/"+rand.Text()), nil)
			return u.of(broken, "y").ExchangeCode(ctx, u.secret("code/"+rand.Text()), nil)
		},
	} {
		wg.Go(func() { u.hear(doing, f()) })
	}
	wg.Wait()
	u.note(fmt.Sprintf("%+v %#v %s", m, m, broken))
	for _, m := range []*authtrip.Manager{m, broken} {
		u.hear("close", m.Close())
		_, err := u.of(m, "expired").Token(ctx)
		u.hear("closed", err)
	}
}

// send sends a request through a Transport and keeps what it shows afterwards.
func (u *users) send(m *authtrip.Manager, principal string, body *bytes.Reader) error {
	client := &http.Client{Transport: &authtrip.Transport{Source: u.of(m, principal)}}
	method, reader := http.MethodGet, bytes.NewReader(nil)
	if body != nil {
		method, reader = http.MethodPost, body
	}
	req, err := http.NewRequestWithContext(u.t.Context(), method, u.api.server.URL+"/x?y=z", reader)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	u.note(fmt.Sprintf("%+v %v", req, req.Context()))
	if err != nil {
		return err
	}
	u.note(fmt.Sprintf("%+v %+v %+v %v", res.Header, res.Request, client, res.Request.Context()))
	return res.Body.Close()
}

// resty does as send does, with all that Resty logs.
func (u *users) resty(m *authtrip.Manager, principal string) error {
	client := resty.New().SetDebug(true).SetLogger(logTo{u}).EnableTrace().SetRetryCount(1).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
	defer client.GetClient().CloseIdleConnections()
	if err := middleware.Install(client, u.of(m, principal)); err != nil {
		return err
	}
	res, err := client.R().SetBody("a body").Post(u.api.server.URL + "/x")
	if res != nil && res.RawResponse != nil {
		u.note(fmt.Sprintf("%+v %+v %+v %+v", res, res.Header(), res.Request, res.RawResponse.Request))
	}
	return err
}

// logTo is a Resty logger.
type logTo struct{ *users }

func (l logTo) Errorf(format string, v ...any) { l.note(fmt.Sprintf("error "+format, v...)) }
func (l logTo) Warnf(format string, v ...any)  { l.note(fmt.Sprintf("warn "+format, v...)) }
func (l logTo) Debugf(format string, v ...any) { l.note(fmt.Sprintf("debug "+format, v...)) }

// check searches what was said, and wants an error of each thing that was done.
func (u *users) check(doing ...string) {
	u.t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, d := range doing {
		if !u.failed[d] {
			u.t.Errorf("%s brought no error", d)
		}
	}
	said := strings.Join(slices.Sorted(maps.Keys(u.said)), "\n")
	secrets := append(u.server.ledger.tokens(), u.secrets...)
	for _, found := range leak.Find([]string{said}, secrets) {
		u.t.Error(found)
	}
	// And the search would have found it.
	if len(leak.Find([]string{said + secrets[0]}, secrets[:1])) == 0 {
		u.t.Error("a secret would not have been found")
	}
}

// noting notes what a logger writes.
type noting struct{ u *users }

func (n noting) Write(p []byte) (int, error) {
	n.u.note(string(p))
	return len(p), nil
}
