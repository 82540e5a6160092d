package authtrip_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// failing is a Source whose token calls fail with err, and a client's secret.
func failing(t *testing.T, secret string, err error) *authtrip.Source {
	r := registration()
	r.ClientSecret = authtrip.NewSecret(secret)
	return newSource(t, r, authtrip.WithTokenTransport(roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, err })))
}

func tokenError(t *testing.T, src *authtrip.Source) error {
	t.Helper()
	_, err := src.Token(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	return err
}

// What shows no secret is in the chain, however it is written.
func TestAnErrorOfTheNetworkCanBeFound(t *testing.T) {
	name := x509.HostnameError{Certificate: &x509.Certificate{DNSNames: strings.Fields(strings.Repeat("some.cdn.example ", 60))}, Host: "auth.example"}
	down := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	many := error(down)
	for range 20 {
		many = errors.Join(many, errors.New("and another"))
	}
	for what, err := range map[string]error{
		"many":          many,
		"long":          name,
		"two":           errors.Join(down, errors.New("and another")),
		"no-break":      fmt.Errorf("n\u00b0\u00a01: %w", down),
		"malformed":     fmt.Errorf("x509: malformed certificate: %w", down),
		"a short token": fmt.Errorf("no route: %w", down),
	} {
		t.Run(what, func(t *testing.T) {
			got := tokenError(t, failing(t, "s3cret-s3cret", err))
			_, isName := errors.AsType[x509.HostnameError](got)
			_, isOp := errors.AsType[*net.OpError](got)
			if !isName && !isOp {
				t.Errorf("neither is in the chain of %q", got)
			}
			if text := got.Error(); len(text) > 800 || strings.Contains(text, "\n") || isName && !strings.Contains(text, "not auth.example") {
				t.Errorf("it says %q", text)
			}
		})
	}
}

// An error whose own text is clean may wrap one that is not.
func TestI14_AnErrorThatWrapsASecretIsNotInTheChain(t *testing.T) {
	inner := &url.Error{Op: "Post", URL: "https://proxy/?secret=s3cret-s3cret", Err: context.DeadlineExceeded}
	err := tokenError(t, failing(t, "s3cret-s3cret", &quiet{inner}))
	if e, ok := errors.AsType[*url.Error](err); ok {
		t.Errorf("errors.As finds %v", e)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is no time-out any more", err)
	}
}

type quiet struct{ err error }

func (q *quiet) Error() string { return "giving up after 3 attempts" }
func (q *quiet) Unwrap() error { return q.err }

// Nor is one in which a secret is cut by what is not shown.
func TestI14_WhatHidesASecretInATransportsErrorIsDroppedFirst(t *testing.T) {
	for _, hidden := range []string{"s3cret-\u200bs3cret", "s3cret-\x00s3cret", "s3cret-\u00ads3cret"} {
		err := tokenError(t, failing(t, "s3cret-s3cret", errors.New("bad thing "+hidden+" end")))
		if text := err.Error(); strings.Contains(text, "s3cret-s3cret") || !strings.Contains(text, "bad thing") {
			t.Errorf("it says %q", text)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), hidden) {
				t.Errorf("in the chain is %q", e)
			}
		}
	}
}

// How a server may write what it was sent: as it is, cut short, trimmed.
func TestI14_ASecretIsFoundHoweverItIsRepeated(t *testing.T) {
	for what, c := range map[string]struct{ secret, says, shows string }{
		"cut short":                {"0123456789abcdefghij", "invalid 0123456789abcdefg.", "789ab"},
		"cut short, among others":  {"0123456789abcdefghij", "invalid 0123456789abXYZ and 0123456789ab", "XYZ"},
		"cut short, of many words": {"correct horse battery staple", "not 'correct horse battery stapl'", "battery"},
		"bytes, cut short":         {"0123456789abcdefghij", "[48 49 50 51 52 53 54 55 56 57 97", "54 55"},
		"with a line's end":        {"hunter2\n", "no 'hunter2'", "hunter2"},
		"with a tab":               {"pa\tss w0rd!", "no \"pass w0rd!\"", "pass w0rd"},
		"cut short, with a quote":  {"abcdefghijklmno'PQRSTUVWXYZ0123456789abc", "wrong abcdefghijklmno'PQRSTUVWXYZ01234567", "PQRST"},
		"hex in pairs":             {"s3cret-s3cret", "73 33 63 72 65 74 2d 73 33 63 72 65 74", "33 63 72"},
		"escaped twice":            {"s3cret/+s3cret", "s3cret%252F%252Bs3cret", "%252F"},
		"far into a long text":     {"0123456789abcdefghij", strings.Repeat("x", 180) + " 0123456789abcdefghij", "01234"},
	} {
		t.Run(what, func(t *testing.T) {
			body, _ := json.Marshal(map[string]string{"error": "invalid_request", "error_description": c.says})
			r := registration()
			r.ClientSecret = authtrip.NewSecret(c.secret)
			err := tokenError(t, newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{string(body)}, status: 400})))
			if text := err.Error(); strings.Contains(text, c.shows) || !strings.Contains(text, "invalid_request") {
				t.Errorf("it says %q", text)
			}
		})
	}
}

// A token such as tests have is no reason to hide an error.
func TestAShortTokenLeavesErrorsAsTheyAre(t *testing.T) {
	for _, token := range []string{"a", "t", "test", "red"} {
		tokens := &replies{bodies: []string{`{"access_token":"` + token + `"}`, `{"error":"invalid_scope","error_description":"the test has ended"}`}}
		src := newSource(t, registration(), authtrip.WithTokenTransport(tokens))
		tok, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		src.Invalidate(tok)
		wantAll(t, tokenError(t, src), "the test has ended", "https://auth.example")
	}
}

// Whoever chooses text and secret, or the text alone, does not choose how long
// it takes to clean it.
func TestCleaningATextTakesNoTimeOfItsAuthorsChoosing(t *testing.T) {
	const mib = 1 << 20
	src := of(t, newServer().managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) { r.Issuer = "https://auth.example" })}), "ann")
	for what, c := range map[string]struct{ code, text string }{
		"beginnings":    {"abcdefghijklmnopqrstuvwxyz", strings.Repeat("abcdefghijkl ", mib/13)},
		"self-similar":  {strings.Repeat("a", mib/2) + "b", strings.Repeat("a", mib)},
		"all of it":     {strings.Repeat("code", mib/4), strings.Repeat("code", mib/4)},
		"percent signs": {"%%%%%%%%%%%%%%%%", strings.Repeat("%25", mib/3)},
	} {
		t.Run(what, func(t *testing.T) {
			flow, q := begin(t, src)
			start := time.Now()
			for _, name := range []string{"error_description", "iss", "error"} {
				callback := url.Values{"state": q["state"], "code": {c.code}, "iss": {"https://auth.example"}, "error": {"x"}}
				callback.Set(name, c.text)
				if err := src.Exchange(t.Context(), flow, callback); err == nil || len(err.Error()) > 2000 {
					t.Errorf("%.100q", err)
				}
			}
			// Quadratic time took minutes; a slow machine takes a fraction of this.
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A failure that another Source's caller left with is a failure like any other.
func TestI06_AnothersImpatienceIsNotOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := newSource(t, registration(), authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})))
		asked := 0
		r := registration()
		r.ID = "asks another"
		r.Authenticate = func(ctx context.Context, _ string, _ authtrip.Secret, header http.Header, _ url.Values) error {
			if asked++; asked == 1 {
				return nil
			}
			ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			_, err := hangs.Token(ctx)
			return err
		}
		src := newSource(t, r, authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"first-token","expires_in":10}`}}))
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // it has expired, and is there still
		start := time.Now()
		err := tokenError(t, src)
		if took := time.Since(start); took > time.Second || asked != 2 {
			t.Errorf("%v after %v, asked %d times", err, took, asked)
		}
		wantAll(t, err, "Authenticate", "waiting for a token")
	})
}

// A server may repeat what it was sent.
func TestI14_ACallbacksErrorShowsNeitherCodeNorStateNorSecret(t *testing.T) {
	s := newServer()
	src := of(t, s.managerOf(t, []authtrip.Registration{user(func(r *authtrip.Registration) { r.Issuer = "https://auth.example" })}), "ann")
	for _, name := range []string{"iss", "error", "error_description"} {
		flow, q := begin(t, src)
		for _, secret := range []string{q.Get("state"), "c-CANARY-code", "s3cret-s3cret"} {
			callback := url.Values{"state": q["state"], "code": {"c-CANARY-code"}, "iss": {"https://auth.example"}, "error": {"access_denied"}}
			callback.Set(name, "what was sent is "+url.QueryEscape(secret)+" and "+secret)
			err := src.Exchange(t.Context(), flow, callback)
			if text := fmt.Sprintf("%v %#v", err, err); err == nil || strings.Contains(text, secret) || !strings.Contains(text, "what was sent is") {
				t.Errorf("%s: %q", name, text)
			}
		}
	}
}
