package faultmatrix

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/internal/leak"
)

const (
	besideSecret = `cs.4Qz"X9\w7T2mPv8>>>??`
	newToken     = "at.Hb6Rn3Wc9Kq2Zx5Tf"
)

// What a call did not bring, or what is spelled in another way, or what the
// program's own code tells of a secret that the library holds.
func TestI14_WhatComesFromBesideTheCallIsNotShownEither(t *testing.T) {
	inJSON, _ := json.Marshal(besideSecret)
	for name, text := range map[string]string{
		"JSON": string(inJSON), "quoted": fmt.Sprintf("%q", besideSecret), "hex": fmt.Sprintf("%x", "x="+besideSecret),
		"base64 without padding": base64.RawStdEncoding.EncodeToString([]byte(besideSecret)),
		"base64 of more":         base64.StdEncoding.EncodeToString([]byte("client_secret=" + besideSecret + "&x")),
		"bytes":                  fmt.Sprint([]byte(besideSecret)),
	} {
		t.Run("a description, "+name, func(t *testing.T) {
			b := &breaking{call: says(400, map[string]string{"error": "x", "error_description": text})}
			_, err := ownSource(t, b, nil).Token(t.Context())
			wantHidden(t, err)
		})
	}
	t.Run("a token_type", func(t *testing.T) {
		b := &breaking{call: says(200, map[string]string{"access_token": "good-token", "token_type": besideSecret})}
		_, err := ownSource(t, b, nil).Token(t.Context())
		wantHidden(t, err)
	})
	for name, answer := range map[string]string{
		"a new token and no status line": `{"access_token":"` + newToken + `"}` + "\r\n",
		"a new token and no empty line":  "HTTP/1.1 200 OK\r\n" + `{"access_token":"` + newToken + `"}` + "\r\n\r\n",
		"a new token for a status":       "HTTP/1.1 2" + newToken + " OK\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ownSource(t, nil, func(r *authtrip.Registration) { r.TokenEndpoint.URL = speaking(t, answer) }).Token(t.Context())
			wantHidden(t, err)
		})
	}
	t.Run("the token in use", func(t *testing.T) {
		b := &breaking{}
		src := ownSource(t, b, nil)
		tok, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		src.Invalidate(tok)
		b.call = says(400, map[string]string{"error": "x", "error_description": tok.AccessToken() + " has ended"})
		_, err = src.Token(t.Context())
		wantHidden(t, err, tok.AccessToken())
	})
	t.Run("an error of Authenticate", func(t *testing.T) {
		_, err := ownSource(t, &breaking{}, func(r *authtrip.Registration) {
			r.Authenticate = func(_ context.Context, _ string, s authtrip.Secret, _ http.Header, _ url.Values) error {
				return errors.New("no key for " + s.Reveal())
			}
		}).Token(t.Context())
		wantHidden(t, err)
	})
	t.Run("a callback", func(t *testing.T) {
		src := ownSource(t, &breaking{}, func(r *authtrip.Registration) {
			r.Grant, r.AuthorizationEndpoint.URL = authtrip.AuthorizationCode, "https://as.example/authorize"
		})
		to, flow, err := src.AuthCodeURL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at, _ := url.Parse(to)
		state := at.Query().Get("state")
		wantHidden(t, src.Exchange(t.Context(), flow, url.Values{"state": {state}, "code": {ownCode}, "error": {"x"}, "error_description": {ownCode}}), ownCode)
		wantHidden(t, src.Exchange(t.Context(), flow, url.Values{"state": {state}, "error": {state}}), state)
	})
	t.Run("a state sent with the code", func(t *testing.T) {
		b := &breaking{Store: authtrip.NewMemoryStore(0)}
		src := ownSource(t, b, func(r *authtrip.Registration) {
			r.Grant, r.AuthorizationEndpoint.URL, r.SendState = authtrip.AuthorizationCode, "https://as.example/authorize", true
		})
		to, flow, err := src.AuthCodeURL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at, _ := url.Parse(to)
		state := at.Query().Get("state")
		b.call = says(400, map[string]string{"error": "x", "error_description": "state " + state})
		wantHidden(t, src.Exchange(t.Context(), flow, url.Values{"state": {state}, "code": {ownCode}}), state)
	})
}

func ownSource(t *testing.T, b *breaking, change func(*authtrip.Registration)) *authtrip.Source {
	r := authtrip.Registration{ID: "x", ClientID: "id", ClientSecret: authtrip.NewSecret(besideSecret), TokenEndpoint: authtrip.Endpoint{URL: "https://as.example/token"}}
	if change != nil {
		change(&r)
	}
	var options []authtrip.Option
	if b != nil {
		options = append(options, authtrip.WithTokenTransport(b))
	}
	src, err := authtrip.NewSource(r, options...)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func wantHidden(t *testing.T, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, found := range leak.Find(leak.PrintError(err), append(secrets, besideSecret, newToken)) {
		t.Error(found)
	}
}

func says(status int, fields map[string]string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		b, err := json.Marshal(fields)
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(b))), Request: r}, err
	}
}

// speaking is a server's URL that answers with text, whatever it is asked.
func speaking(t *testing.T, text string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String() + "/token"
}
