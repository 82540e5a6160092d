package xoauth2_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/authtrip/authtrip"
)

// errorsOf asks ts n times, and how often it was asked in turn.
func errorsOf(t *testing.T, n int, err error) (asked int64, last error) {
	t.Helper()
	var count atomic.Int64
	src := newSource(t, mustFrom(t, "vendor", tokenFunc(func() (*oauth2.Token, error) { count.Add(1); return nil, err })))
	for range n {
		_, last = src.Token(t.Context())
	}
	return count.Load(), last
}

func from(status int, retryAfter string) *http.Response {
	res := &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {"text/html"}}}
	if retryAfter != "" {
		res.Header.Set("Retry-After", retryAfter)
	}
	return res
}

func TestARetrieveErrorIsSeenAsTheReplyThatItWas(t *testing.T) {
	const leak = "<p>the secret is " + theRefreshToken
	for name, c := range map[string]struct {
		err   error
		want  authtrip.ServerError
		asked int64 // by five callers
		open  bool  // the circuit
	}{
		"a refused client": {
			err:   &oauth2.RetrieveError{Response: from(401, ""), ErrorCode: "invalid_client", ErrorDescription: "who?", Body: []byte(leak)},
			want:  authtrip.ServerError{Status: 401, Code: "invalid_client", Description: "who?"},
			asked: 1,
		},
		"in another error": {
			err:   fmt.Errorf("vendor: %w", &oauth2.RetrieveError{Response: from(400, ""), ErrorCode: "invalid_grant", Body: []byte(leak)}),
			want:  authtrip.ServerError{Status: 400, Code: "invalid_grant"},
			asked: 1,
		},
		"with 200": {
			err:   &oauth2.RetrieveError{Response: from(200, ""), ErrorCode: "invalid_scope"},
			want:  authtrip.ServerError{Status: 200, Code: "invalid_scope"},
			asked: 1,
		},
		"too many requests": {
			err:   &oauth2.RetrieveError{Response: from(429, "30"), Body: []byte(leak)},
			want:  authtrip.ServerError{Status: 429, RetryAfter: 30 * time.Second, Description: "too many requests"},
			asked: 1,
		},
		"unavailable": {
			err:   &oauth2.RetrieveError{Response: from(503, "20"), Body: []byte(leak)},
			want:  authtrip.ServerError{Status: 503, RetryAfter: 20 * time.Second, Description: "the server failed and gave no OAuth error"},
			asked: 1,
		},
		"down": {
			err:   &oauth2.RetrieveError{Response: from(500, ""), Body: []byte(leak)},
			asked: 5, open: true,
		},
		"a page": {
			err:   &oauth2.RetrieveError{Response: from(404, ""), Body: []byte(leak)},
			want:  authtrip.ServerError{Status: 404, Description: "the reply is neither a JSON object nor a form; is the token endpoint's URL right?"},
			asked: 1,
		},
		"not read by who made it": {
			err:   &oauth2.RetrieveError{Response: from(400, ""), Body: []byte(`{"error":"invalid_grant","error_description":"Invalid JWT"}`)},
			want:  authtrip.ServerError{Status: 400, Code: "invalid_grant", Description: "Invalid JWT"},
			asked: 1,
		},
		"a success that was none": {
			err:   &oauth2.RetrieveError{Response: from(200, ""), Body: []byte(`{"access_token":"` + theRefreshToken + `"}`)},
			want:  authtrip.ServerError{Status: 200, Description: "the reply has no access_token"},
			asked: 1,
		},
		"no response": {
			err:   &oauth2.RetrieveError{ErrorCode: "access_denied"},
			want:  authtrip.ServerError{Status: 400, Code: "access_denied"},
			asked: 1,
		},
		"nothing at all": {
			err:   &oauth2.RetrieveError{},
			want:  authtrip.ServerError{Status: 400, Description: "the reply is empty"},
			asked: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			asked, err := errorsOf(t, 5, c.err)
			if asked != c.asked {
				t.Errorf("asked %d times, want %d", asked, c.asked)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), theRefreshToken) {
				t.Errorf("the body shows: %v", err)
			}
			if c.open {
				if !errors.Is(err, authtrip.ErrCircuitOpen) {
					t.Error(err)
				}
				return
			}
			said, ok := errors.AsType[*authtrip.ServerError](err)
			if !ok {
				t.Fatal(err)
			}
			c.want.Registration, c.want.Server = "vendor", "https://vendor.tokensource.invalid:443"
			if said.Error() != c.want.Error() || said.RetryAfter != c.want.RetryAfter {
				t.Errorf("%v\nwant %v", said, &c.want)
			}
			if _, ok := authtrip.RetryAfter(err); !ok {
				t.Errorf("it is not remembered: %v", err)
			}
		})
	}
}

// As Google's service accounts do it, whose errors hold a body that nobody read.
func TestAnErrorOfAJWTConfigIsSeenToo(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	cfg := &jwt.Config{
		Email: "me", TokenURL: w.auth.URL,
		PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}
	src := newSource(t, mustFrom(t, "google", cfg.TokenSource(context.Background())))
	w.answers(http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)
	_, err = src.Token(t.Context())
	if said, ok := errors.AsType[*authtrip.ServerError](err); !ok || said.Code != "invalid_grant" || said.Description != "Invalid JWT Signature." {
		t.Fatal(err)
	}
}

func TestAnotherErrorIsHandledAsTheNetworks(t *testing.T) {
	vendors := errors.New("vendor: the card is not in the reader")
	asked, err := errorsOf(t, 1, fmt.Errorf("%w, %w", vendors, syscall.ECONNREFUSED))
	if asked != 3 || !errors.Is(err, vendors) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("asked %d times: %v", asked, err)
	}
	if asked, err = errorsOf(t, 5, vendors); asked != 5 || !errors.Is(err, authtrip.ErrCircuitOpen) {
		t.Fatalf("asked %d times: %v", asked, err)
	}
	_, err = errorsOf(t, 1, context.DeadlineExceeded)
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); !ok || !timeout.Timeout() {
		t.Fatal(err)
	}
}
