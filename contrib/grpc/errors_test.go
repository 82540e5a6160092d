package authgrpc_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAnRPCThatCannotGetATokenIsNotSentAndSaysWhy(t *testing.T) {
	isServerError := func(err error) bool {
		_, ok := errors.AsType[*authtrip.ServerError](err)
		return ok
	}
	is := func(target error) func(error) bool {
		return func(err error) bool { return errors.Is(err, target) }
	}
	for name, c := range map[string]struct {
		fault  http.HandlerFunc
		change func(*authtrip.Registration)
		before func(*world)
		code   codes.Code
		is     func(error) bool
	}{
		"a 5xx":                     {fault: down, code: codes.Unavailable, is: isServerError},
		"a 503 with an error":       {fault: oauthError(503, "temporarily_unavailable"), code: codes.Unavailable, is: isServerError},
		"a 429":                     {fault: oauthError(429, "slow_down"), code: codes.Unavailable, is: isServerError},
		"a bare 429":                {fault: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(429) }, code: codes.Unavailable, is: isServerError},
		"a reply that is none":      {fault: func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>")) }, code: codes.Unavailable, is: isServerError},
		"invalid_client":            {fault: oauthError(401, "invalid_client"), code: codes.Unauthenticated, is: isServerError},
		"invalid_scope":             {fault: oauthError(400, "invalid_scope"), code: codes.Unauthenticated, is: isServerError},
		"an error in a 200":         {fault: oauthError(200, "unauthorized_client"), code: codes.Unauthenticated, is: isServerError},
		"a bare 401":                {fault: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(401) }, code: codes.Unauthenticated, is: isServerError},
		"nobody there":              {change: func(r *authtrip.Registration) { r.TokenEndpoint.URL = "http://127.0.0.1:1/token" }, code: codes.Unavailable},
		"credentials not to be had": {change: noCredentials, code: codes.Unavailable, is: is(errVault)},
		"a user who granted nothing": {change: func(r *authtrip.Registration) {
			r.Grant = authtrip.AuthorizationCode
			r.AuthorizationEndpoint.URL = r.TokenEndpoint.URL
		}, code: codes.Unauthenticated, is: is(authtrip.ErrAuthorizationRequired)},
		"a Source that was closed": {before: func(w *world) { _ = w.src.Close() }, code: codes.Canceled, is: is(authtrip.ErrClosed)},
		"an open circuit": {fault: down, before: func(w *world) {
			for range 3 {
				_ = w.check()
			}
		}, code: codes.Unavailable, is: is(authtrip.ErrCircuitOpen)},
	} {
		for way, dial := range installed {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel() // they wait most of the time
				var options []func(*setup)
				if c.change != nil {
					options = append(options, registered(c.change))
				}
				w := newWorld(t, append(options, by(dial))...)
				w.auth.answers(c.fault)
				if c.before != nil {
					c.before(w)
				}
				err := w.check()
				w.wantCode(err, c.code)
				if c.is != nil && !c.is(err) {
					t.Errorf("the error is not in the chain of %v", err)
				}
				if got := status.Convert(err).Message(); !strings.HasPrefix(got, `authtrip: registration "cloud"`) {
					t.Errorf("the status says %q, want the error's text", got)
				}
				for _, s := range secrets {
					if strings.Contains(err.Error(), s) {
						t.Errorf("%v shows a secret", err)
					}
				}
				w.wantSends(0)
			})
		}
	}
}

var errVault = errors.New("the vault is sealed")

func noCredentials(r *authtrip.Registration) {
	r.ClientID, r.ClientSecret = "", authtrip.Secret{}
	r.Credentials = func(context.Context) (string, authtrip.Secret, error) { return "", authtrip.Secret{}, errVault }
}

func TestAnErrorSaysWhenToComeBack(t *testing.T) {
	w := newWorld(t)
	w.auth.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Retry-After", "7")
		oauthError(429, "slow_down")(rw, r)
	})
	if wait, ok := authtrip.RetryAfter(w.check()); !ok || wait != 7*time.Second {
		t.Fatalf("come back in %v, %v; want 7s", wait, ok)
	}
}

func TestI14_ATokenIsInNoErrorOfARejectedRPC(t *testing.T) {
	w := newWorld(t)
	w.mustCheck()
	w.auth.revokeAll()
	w.auth.answers(down)
	err := w.check()
	w.wantCode(err, codes.Unauthenticated)
	for _, hidden := range secrets {
		if strings.Contains(err.Error(), hidden) || strings.Contains(errors.Join(w.notReplayed...).Error(), hidden) {
			t.Fatalf("%v or %v shows a secret", err, w.notReplayed)
		}
	}
}
