package faultmatrix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/internal/leak"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
)

const (
	ownSecret = "cs.5Hq2/+Wn8Zr4Kx7Tv9"
	ownCode   = "code/7Rf3Lm+Pz6Yd1Bs"
)

// breaking is a token endpoint, and a program's Store, that fail as a test says.
type breaking struct {
	authtrip.Store
	call func(*http.Request) (*http.Response, error) // nil: it works
	save func(value []byte) error                    // nil: it works
	made []string
}

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.call != nil {
		return b.call(r)
	}
	token, refresh := fmt.Sprintf("at.Gk5Xw9Qm2Nc-%d", len(b.made)), fmt.Sprintf("rt.Dj8Uf4Ye6Va/%d", len(b.made))
	b.made = append(b.made, token, refresh)
	body := fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"expires_in":3600}`, token, refresh)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (b *breaking) Save(ctx context.Context, key string, value []byte, version string, d time.Duration) (string, error) {
	if b.save != nil && strings.Contains(string(value), `refresh_token":"`) {
		return "", b.save(value)
	}
	return b.Store.Save(ctx, key, value, version, d)
}

// A transport, or a Store, that tells all it was given.
func TestI14_WhatAProgramsOwnCodeTellsIsNotShown(t *testing.T) {
	dump := func(r *http.Request) string {
		b, _ := httputil.DumpRequestOut(r, true)
		return string(b)
	}
	calls := map[string]func(*http.Request) (*http.Response, error){
		"an error with the URL": func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: io.ErrUnexpectedEOF}
		},
		"an error with the request":          func(r *http.Request) (*http.Response, error) { return nil, errors.New(dump(r)) },
		"an error with the headers":          func(r *http.Request) (*http.Response, error) { return nil, fmt.Errorf("%v %v", r.URL, r.Header) },
		"an error with the query, unescaped": func(r *http.Request) (*http.Response, error) { return nil, fmt.Errorf("%v", r.URL.Query()) },
		"an error that wraps such":           func(r *http.Request) (*http.Response, error) { return nil, fmt.Errorf("x: %w", errors.New(dump(r))) },
		"an error that joins such":           func(r *http.Request) (*http.Response, error) { return nil, errors.Join(io.EOF, errors.New(dump(r))) },
		"a body that fails with it":          func(r *http.Request) (*http.Response, error) { return answerThatFails(r, errors.New(dump(r))), nil },
		"a panic with text":                  func(r *http.Request) (*http.Response, error) { panic(dump(r)) },
		"a panic with an error":              func(r *http.Request) (*http.Response, error) { panic(errors.New(dump(r))) },
		"a panic with the request":           func(r *http.Request) (*http.Response, error) { panic(r) },
		"neither a response nor an error":    func(*http.Request) (*http.Response, error) { return nil, nil },
		"a response and an error":            func(r *http.Request) (*http.Response, error) { return answerThatFails(r, nil), errors.New(dump(r)) },
	}
	for name, call := range calls {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+", "+method, func(t *testing.T) {
				b := &breaking{Store: authtrip.NewMemoryStore(0), call: call}
				useOwn(t, b, method, func(error) bool { return true }, 2) // a revocation succeeds with every 200
			})
		}
	}
	stores := map[string]func([]byte) error{
		"text":        func(v []byte) error { return fmt.Errorf("cannot write %s", v) },
		"quoted":      func(v []byte) error { return fmt.Errorf("cannot write %q", v) },
		"with a type": func(v []byte) error { return &url.Error{Op: "Put", URL: "redis://x/" + string(v), Err: io.EOF} },
		"escaped":     func(v []byte) error { return errors.New(url.QueryEscape(string(v))) },
		"panic":       func(v []byte) error { panic(string(v)) },
	}
	for name, save := range stores {
		t.Run("a Store's record, "+name, func(t *testing.T) {
			b := &breaking{Store: authtrip.NewMemoryStore(0), save: save}
			useOwn(t, b, http.MethodPost, func(err error) bool {
				return strings.Contains(err.Error(), "Store") || strings.Contains(err.Error(), "panic")
			}, 1)
		})
	}
}

func answerThatFails(r *http.Request, err error) *http.Response {
	body := io.MultiReader(strings.NewReader("{"), errorReader{err})
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), Request: r}
}

type errorReader struct{ error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.error }

// useOwn redeems a code, asks for a token and revokes it, and searches what was
// said; at least so many errors must be as wanted.
func useOwn(t *testing.T, b *breaking, method string, wanted func(error) bool, least int) {
	var said []string
	n := 0
	hear := func(err error) {
		if err != nil && wanted(err) {
			n++
			said = append(said, leak.PrintError(err)...)
		}
	}
	reg := prism.Registration(prism.Client{ServiceAPIDomain: "https://service.example", ClientID: "id", ClientSecret: authtrip.NewSecret(ownSecret)})
	reg.TokenEndpoint.Method, reg.RevocationEndpoint = method, authtrip.Endpoint{URL: "https://service.example/revoke", Method: method}
	reg.RefreshToken = func(context.Context, string) (authtrip.Secret, error) {
		return authtrip.NewSecret("rt.Given/0Kd7Ms3"), nil
	}
	var heard []error
	m, err := authtrip.NewManager([]authtrip.Registration{reg}, authtrip.WithTokenTransport(b), authtrip.WithPlaintextStore(b),
		authtrip.Hooks{StoreFailed: func(_ string, err error) { heard = append(heard, err) }})
	if err != nil {
		t.Fatal(err)
	}
	src, err := m.Source("prism")
	if err != nil {
		t.Fatal(err)
	}
	hear(src.ExchangeCode(t.Context(), ownCode, nil))
	_, err = src.Token(t.Context())
	hear(err)
	hear(src.Revoke(t.Context()))
	hear(m.Close())
	for _, err := range heard {
		hear(err)
	}
	if n < least {
		t.Errorf("%d errors, want %d", n, least)
	}
	for _, found := range leak.Find([]string{strings.Join(said, "\n")}, append(b.made, ownSecret, ownCode, "rt.Given/0Kd7Ms3")) {
		t.Error(found)
	}
}

// What a Registration has wrong is told without what may be a password.
func TestI14_AFaultyRegistrationIsToldWithoutItsSecrets(t *testing.T) {
	key := authtrip.NewSecret(ownSecret + " with a space")
	for name, change := range map[string]func(*authtrip.Registration){
		"an endpoint's user":       func(r *authtrip.Registration) { r.TokenEndpoint.URL = "https://u:" + ownCode + "@as.example" },
		"an endpoint that is none": func(r *authtrip.Registration) { r.TokenEndpoint.URL = "https://u:" + ownCode + "@[::1" },
		"another endpoint's user":  func(r *authtrip.Registration) { r.RevocationEndpoint.URL = "https://u:" + ownCode + "@as.example" },
		"an endpoint's query": func(r *authtrip.Registration) {
			r.TokenEndpoint.URL = "https://as.example/?code=" + url.QueryEscape(ownCode)
		},
		"an origin's user": func(r *authtrip.Registration) { r.Origins = []string{"https://u:" + ownCode + "@api.example"} },
		"a redirect URI":   func(r *authtrip.Registration) { r.RedirectURI = "https://u:" + ownCode + "@[::1" },
		"a key of several words": func(r *authtrip.Registration) {
			r.HostHeaders = map[string]map[string]authtrip.Secret{"api.example": {"X-Key": key}}
		},
		"a secret beside none": func(r *authtrip.Registration) { r.ClientAuth = authtrip.ClientAuthNone },
		"two of a kind": func(r *authtrip.Registration) {
			r.Credentials = func(context.Context) (string, authtrip.Secret, error) { return "", key, nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := authtrip.Registration{
				ID: "x", ClientID: "id", ClientSecret: authtrip.NewSecret(ownSecret), TokenEndpoint: authtrip.Endpoint{URL: "https://as.example"}, Grant: authtrip.AuthorizationCode,
			}
			change(&r)
			_, err := authtrip.NewSource(r)
			if err == nil {
				t.Fatal("no error")
			}
			for _, found := range leak.Find(leak.PrintError(err), []string{ownSecret, ownCode}) {
				t.Error(found)
			}
		})
	}
	_, err := nhn.NewSource(nhn.Credentials{SecretAccessKey: key}, nhn.AppKey(ownSecret+" ", key), nhn.AuthServer("https://u:"+ownCode+"@as.example"))
	for _, found := range leak.Find(leak.PrintError(err), []string{ownSecret, ownCode}) {
		t.Error(found)
	}
	if err == nil {
		t.Error("no error of nhn's")
	}
}
