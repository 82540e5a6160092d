package authtrip_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

const (
	theSecret = "S3cr3t+/=&%value"
	theToken  = "T0k3n-t0k3n-t0k3n"
	theKey    = "4ppl1c4t10n-k3y"
)

// secretForms are what must be nowhere.
func secretForms() []string {
	var all []string
	for _, s := range []string{theSecret, theToken, theKey, "id:" + theSecret} {
		all = append(all, s, url.QueryEscape(s), url.PathEscape(s),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(s)), "="), base64.RawURLEncoding.EncodeToString([]byte(s)),
			fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), fmt.Sprint([]byte(s)))
	}
	return all
}

func wantNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, form := range secretForms() {
		if strings.Contains(text, form) {
			t.Fatalf("%s shows a secret: %.300q", where, text)
		}
	}
}

// print prints v in every way that fmt, JSON and slog have.
func everyPrint(v any) map[string]string {
	out := map[string]string{}
	for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
		for _, flag := range []string{"", "+", "#", "0", "-", " ", "+#", "10.3"} {
			f := "%" + flag + string(verb)
			out[f] = fmt.Sprintf(f, v)
		}
	}
	out["print"], out["println"] = fmt.Sprint(v), fmt.Sprintln(v)
	b, err := json.Marshal(v)
	out["json"] = fmt.Sprint(string(b), err)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("x", "v", v, slog.Group("g", "v", v))
		out[name] = b.String()
	}
	return out
}

func TestI14_NoTypePrintsASecret(t *testing.T) {
	reg := registration()
	reg.ClientSecret = authtrip.NewSecret(theSecret)
	reg.HostHeaders = map[string]map[string]authtrip.Secret{"api.example": keys("X-App-Key", theKey)}
	mgr, err := authtrip.NewManager([]authtrip.Registration{reg}, authtrip.WithTokenTransport(&replies{
		bodies: []string{fmt.Sprintf(`{"access_token":%q}`, theToken)},
	}))
	if err != nil {
		t.Fatal(err)
	}
	src := source(t, mgr, "test")
	tok, err := src.Token(t.Context())
	if err != nil || tok.AccessToken() != theToken {
		t.Fatalf("%v", err)
	}
	creds := nhn.Credentials{UserAccessKeyID: "id", SecretAccessKey: authtrip.NewSecret(theSecret)}
	keyOption := nhn.AppKey("rds-mysql", authtrip.NewSecret(theKey))
	type hidden struct {
		secret authtrip.Secret
		tok    authtrip.Token
		creds  nhn.Credentials
		reg    authtrip.Registration
		src    *authtrip.Source
	}
	values := map[string]any{
		"Secret": reg.ClientSecret, "*Secret": &reg.ClientSecret, "Token": tok, "*Token": &tok,
		"Registration": reg, "*Registration": &reg, "Source": src, "Manager": mgr,
		"Transport": authtrip.Transport{Source: src}, "*Transport": &authtrip.Transport{Source: mgr},
		"Credentials": creds, "*Credentials": &creds,
		"HostHeaders": reg.HostHeaders, "nhn.Registration": nhn.Registration(creds, keyOption), "nhn.Option": keyOption,
		"nhn.Authenticator": nhn.Authenticator{Source: src}, "*nhn.Authenticator": &nhn.Authenticator{Source: src},
		"slice": []any{reg.ClientSecret, tok}, "map": map[string]any{"s": reg.ClientSecret, "t": tok},
		"under unexported fields": hidden{reg.ClientSecret, tok, creds, reg, src},
		"pointer to such":         &hidden{reg.ClientSecret, tok, creds, reg, src},
		"array":                   [1]hidden{{secret: reg.ClientSecret, tok: tok}},
		"reflect.Value":           reflect.ValueOf(hidden{secret: reg.ClientSecret, tok: tok}),
	}
	for name, v := range values {
		for how, text := range everyPrint(v) {
			wantNoSecret(t, name+" by "+how, text)
		}
	}
}

func TestI14_NoErrorShowsASecret(t *testing.T) {
	echo := func(r *http.Request) string { // all that a hostile server or proxy knows
		_ = r.ParseForm()
		id, secret, _ := r.BasicAuth()
		return fmt.Sprint(r.Header, r.Form, id, secret, url.QueryEscape(secret))
	}
	for name, rt := range map[string]roundTripFunc{
		"transport error": func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: "https://proxy/?" + echo(r), Err: errors.New(echo(r))}
		},
		"description": func(r *http.Request) (*http.Response, error) {
			b, _ := json.Marshal(map[string]string{"error": "invalid_client", "error_description": echo(r)})
			return (&replies{bodies: []string{string(b)}, status: 400}).RoundTrip(r)
		},
		"code": func(r *http.Request) (*http.Response, error) {
			b, _ := json.Marshal(map[string]string{"error": echo(r)})
			return (&replies{bodies: []string{string(b)}, status: 400}).RoundTrip(r)
		},
		"html": func(r *http.Request) (*http.Response, error) {
			return (&replies{bodies: []string{"<p>" + echo(r)}}).RoundTrip(r)
		},
		"broken json": func(r *http.Request) (*http.Response, error) {
			return (&replies{bodies: []string{`{"a":"` + echo(r)}}).RoundTrip(r)
		},
		"bad token": func(r *http.Request) (*http.Response, error) {
			b, _ := json.Marshal(map[string]string{"access_token": theToken + "\n" + echo(r)})
			return (&replies{bodies: []string{string(b)}}).RoundTrip(r)
		},
		"token beside an error": func(r *http.Request) (*http.Response, error) {
			b, _ := json.Marshal(map[string]string{"access_token": theToken, "error": "server_error"})
			return (&replies{bodies: []string{string(b)}}).RoundTrip(r)
		},
		"panic": func(r *http.Request) (*http.Response, error) { panic(echo(r)) },
	} {
		t.Run(name, func(t *testing.T) {
			reg := registration()
			reg.ClientSecret = authtrip.NewSecret(theSecret)
			reg.HostHeaders = map[string]map[string]authtrip.Secret{"api.example": keys("X-App-Key", theKey)}
			src := newSource(t, reg, authtrip.WithTokenTransport(rt))
			client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: newStub()}}
			for range 7 { // fresh, remembered, circuit open
				_, err := client.Get("https://api.example/")
				attached := src.Attach(mustRequest(t, http.MethodGet, "https://api.example/", nil))
				if err == nil || attached == nil {
					t.Fatal("no error")
				}
				for _, err := range []error{err, attached} {
					for e := err; e != nil; e = errors.Unwrap(e) {
						for how, text := range everyPrint(e) {
							wantNoSecret(t, how, text)
						}
					}
				}
			}
		})
	}
}

func TestI14_WhatHidesASecretFromASearchIsDroppedFirst(t *testing.T) {
	for _, hidden := range []string{"s3cret\u0000-s3cret", "s3cret-\u200bs3cret", "\u202es3cret-s3cret", "s3cret-s3cre\u001b\ufefft"} {
		body, _ := json.Marshal(map[string]string{"error": "x", "error_description": hidden})
		src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{string(body)}, status: 400}))
		_, err := src.Token(t.Context())
		if err == nil || strings.Contains(err.Error(), "s3cret-s3cret") || !strings.Contains(err.Error(), "[redacted]") {
			t.Errorf("%q became %v", hidden, err)
		}
	}
}

func TestI14_AnOddSpellingOfASecretIsNotShown(t *testing.T) {
	for _, odd := range []string{"p%2fq%3Dr%2bstuvw", "p%2Fq=r%2Bstuvw", "p/q=r&#43;stuvw", `p\/q=r+stuvw`} {
		r := registration()
		r.ClientSecret = authtrip.NewSecret("p/q=r+stuvw")
		src := newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(*http.Request) (*http.Response, error) {
			return nil, errors.New("proxy said no to " + odd)
		})))
		if _, err := src.Token(t.Context()); err == nil || strings.Contains(err.Error(), "stuvw") {
			t.Errorf("%s became %v", odd, err)
		}
	}
}

func TestI14_AShortSecretLeavesTheErrorOfUse(t *testing.T) {
	r := registration()
	r.ClientSecret = authtrip.NewSecret("e")
	src := newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(*http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("proxy: %w", io.ErrUnexpectedEOF)
	})))
	_, err := src.Token(t.Context())
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(err.Error()) > 400 {
		t.Fatalf("%d characters: %v", len(err.Error()), err)
	}
}

func TestI14_DescriptionsAreBoundedAndStripped(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	b, _ := json.Marshal(map[string]string{"error": "invalid_scope", "error_description": "\x1b[31mred\r\nnext\u202e" + long})
	src := newSource(t, registration(), authtrip.WithTokenTransport(&replies{bodies: []string{string(b)}, status: 400}))
	_, err := src.Token(t.Context())
	var said *authtrip.ServerError
	if !errors.As(err, &said) {
		t.Fatalf("got %v", err)
	}
	if strings.ContainsAny(said.Description, "\x1b\r\n\u202e") || len([]rune(said.Description)) > 201 {
		t.Fatalf("description %q", said.Description)
	}
}

func TestI14_ResponsesDoNotCarryTheToken(t *testing.T) {
	t.Run("as it is", func(t *testing.T) { responsesWithoutToken(t, newWorld(t)) })
	t.Run("over a base that copies requests", func(t *testing.T) {
		w := newWorld(t)
		base := w.srv.Transport()
		w.client.Transport.(*authtrip.Transport).Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return base.RoundTrip(r.Clone(r.Context()))
		})
		responsesWithoutToken(t, w)
	})
}

func responsesWithoutToken(t *testing.T, w *world) {
	t.Helper()
	tok := w.token()
	for range 2 { // as it is, and after a replay
		res, err := w.client.Get(w.srv.APIURL + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if text := fmt.Sprintf("%+v %+v", res, res.Request); strings.Contains(text, tok) || strings.Contains(text, w.token()) {
			t.Fatal("the response's Request shows the token")
		}
		w.srv.RevokeAll()
	}
}

// Whether they were accepted, replayed, or rejected and handed on; a context
// is printed too.
func TestI14_ResponsesDoNotCarryHostHeaders(t *testing.T) {
	for _, status := range []int{200, 302, 401} {
		for _, noReplay := range []bool{false, true} {
			reg := registration()
			reg.HostHeaders = map[string]map[string]authtrip.Secret{"api.example": keys("X-App-Key", theKey)}
			carried := 0
			rt := &authtrip.Transport{NoReplay: noReplay, Source: newSource(t, reg, issuing(theToken, theToken+"2")), Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				if r.Header.Get("X-App-Key") == theKey {
					carried++
				}
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r.Clone(r.Context())}, nil
			})}
			res, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
			if err != nil || carried == 0 {
				t.Fatalf("%v, carried %d times", err, carried)
			}
			for _, v := range []any{res, *res, res.Request, *res.Request, res.Request.Header, res.Request.Context(), rt, *rt} {
				for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
					wantNoSecret(t, format, fmt.Sprintf(format, v))
				}
			}
		}
	}
}

func TestI14_TheEmulatorShowsNoValues(t *testing.T) {
	w := newWorld(t)
	tok := w.token()
	w.mustGet()
	_ = w.src.Revoke(context.Background())
	for _, text := range []string{fmt.Sprintf("%+v", w.srv.Requests()), w.srv.String(), fmt.Sprintf("%v", w.srv)} {
		if strings.Contains(text, tok) || strings.Contains(text, w.srv.Credentials().SecretAccessKey.Reveal()) {
			t.Fatalf("shows a secret: %s", text)
		}
	}
	var names []string
	for _, r := range w.srv.Requests() {
		names = append(names, r.Server+" "+r.Method+" "+r.Path)
	}
	if got, want := strings.Join(names, ", "), "auth POST /oauth2/token/create, api GET /v1/organizations, auth POST /oauth2/token/revoke"; got != want {
		t.Fatalf("recorded %s, want %s", got, want)
	}
}

func TestI14_APasswordInAnOriginIsNotRepeated(t *testing.T) {
	for _, bad := range []string{"https://u:CANARY@a.example", "u:CANARY@a.example", "http://CANARY@[::1", "CANARY@a.example:x"} {
		r := registration()
		r.Origins, r.AllowHTTP = []string{bad}, []string{bad}
		r.Envelopes = map[string]authtrip.Envelope{bad: {Code: "c", Rejected: []string{"1"}}}
		r.TokenEndpoint.URL, r.RevocationEndpoint.URL = "https://u:CANARY@a.example", "https://CANARY@[::1"
		_, err := authtrip.NewSource(r)
		wantAll(t, err, "user information")
		if strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%v", err)
		}
	}
}
