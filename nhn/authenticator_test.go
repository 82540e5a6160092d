package nhn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// What SDKs ask for, and get by value.
var (
	_ interface{ Authenticate(*http.Request) error } = nhn.Authenticator{}
	_ interface{ GetBearerToken() (string, error) }  = nhn.Authenticator{}
	_ interface{ Authenticate(*http.Request) error } = &nhn.Authenticator{}
	_ interface{ GetBearerToken() (string, error) }  = &nhn.Authenticator{}
)

// offline is an Authenticator whose Source needs no network.
func offline(t *testing.T, options ...nhn.Option) nhn.Authenticator {
	t.Helper()
	tokens := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return answer(r, `{"access_token":"a","token_type":"Bearer","expires_in":86400}`)
	})
	src, err := nhn.NewSource(someone, append(options, nhn.With(authtrip.WithTokenTransport(tokens)))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return nhn.Authenticator{Source: src}
}

func TestAnAuthenticatorPutsTokenAndKeyOnItsHostsOnly(t *testing.T) {
	auth := offline(t, nhn.AppKey("rds-mysql", authtrip.NewSecret(rdsKey)))
	own := http.Header{"X-Own": {"1"}, "X-Auth-Token": {"keystone's"}}
	token := http.Header{"X-Own": {"1"}, "X-Auth-Token": {"keystone's"}, "X-Nhn-Authentication": {"Bearer a"}, "X-Nhn-Authorization": {"Bearer a"}}
	withKey := token.Clone()
	withKey.Set(nhn.HeaderRDSAppKey, rdsKey)
	for url, want := range map[string]http.Header{
		"https://kr1-rds-mysql.api.nhncloudservice.com/v4.0/db-instances": withKey,
		"https://kr1-ncr.api.nhncloudservice.com/":                        token,
		"https://core.api.nhncloudservice.com/v1/organizations":           token,
		"https://api-identity-infrastructure.nhncloudservice.com/v2.0":    own,
		"https://kr1-abcdef.api.nhncloudservice.com/":                     own,
		"https://kr1-rds-mysql.api.nhncloudservice.com:8443/":             own,
		"https://evil.example/":                                           own,
	} {
		req, _ := http.NewRequest(http.MethodGet, url, nil)
		req.Header = own.Clone()
		if err := auth.Authenticate(req); err != nil || !reflect.DeepEqual(req.Header, want) {
			t.Errorf("%s: %v; header %v, want %v", url, err, req.Header, want)
		}
	}
	plain, _ := http.NewRequest(http.MethodGet, "http://core.api.nhncloudservice.com/", nil)
	if err := auth.Authenticate(plain); !errors.Is(err, authtrip.ErrInsecure) || len(plain.Header) != 0 {
		t.Errorf("plain http: %v, header %v", err, plain.Header)
	}
	if tok, err := auth.GetBearerToken(); tok != "a" || err != nil {
		t.Errorf("GetBearerToken: %q, %v", tok, err)
	}
}

func TestAnAuthenticatorWithoutASourceSaysSo(t *testing.T) {
	for name, auth := range map[string]nhn.Authenticator{"zero": {}, "a zero Source": {Source: new(authtrip.Source)}} {
		req, _ := http.NewRequest(http.MethodGet, "https://core.api.nhncloudservice.com/", nil)
		tok, tokenErr := auth.GetBearerToken()
		for _, err := range []error{auth.Authenticate(req), tokenErr} {
			if err == nil || !strings.Contains(err.Error(), "NewSource") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if auth.Authenticate(nil) == nil || tok != "" || len(req.Header) != 0 {
			t.Errorf("%s: a token %q, header %v, or no error for no request", name, tok, req.Header)
		}
	}
}

func TestAnAuthenticatorsErrorsAreTheSources(t *testing.T) {
	auth := offline(t)
	_ = auth.Source.Close()
	req, _ := http.NewRequest(http.MethodGet, "https://core.api.nhncloudservice.com/", nil)
	if _, err := auth.GetBearerToken(); !errors.Is(err, authtrip.ErrClosed) || !errors.Is(auth.Authenticate(req), authtrip.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

// Neither waits for ever: the one for its request, the other for the Source.
func TestAnAuthenticatorIsNotHeldUpByAServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := authtest.NewNHN(authtest.InMemory())
		defer cloud.Close()
		cloud.Break(authtest.Fault{Hang: true})
		src, err := nhn.NewSource(cloud.Credentials(), append(cloud.Options(), nhn.With(authtrip.Policy{FetchTimeout: 6 * time.Second}))...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = src.Close() }()
		auth, start := nhn.Authenticator{Source: src}, time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, cloud.APIURL, nil)
		if err := auth.Authenticate(req); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second || len(req.Header) != 0 {
			t.Errorf("%v after %v, header %v", err, time.Since(start), req.Header)
		}
		if tok, err := auth.GetBearerToken(); tok != "" || err == nil || time.Since(start) > 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// An SDK that sends what it had authenticated, at the real thing.
func TestAnAuthenticatorAtTheServices(t *testing.T) {
	cloud := authtest.NewNHN(authtest.Services())
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), append(cloud.Options(), nhn.HostHeader(cloud.Service(authtest.RDS), nhn.HeaderRDSAppKey, authtrip.NewSecret(rdsKey)))...)
	if err != nil {
		t.Fatal(err)
	}
	auth := nhn.Authenticator{Source: src}
	for range 3 {
		for _, url := range []string{cloud.Service(authtest.RDS), cloud.Service(authtest.Framework), cloud.ThirdPartyURL} {
			req, _ := http.NewRequest(http.MethodGet, url, nil)
			if err := auth.Authenticate(req); err != nil {
				t.Fatal(err)
			}
			res, err := cloud.Transport().RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
		}
	}
	if c := cloud.Counts(); c.TokenCalls != 1 || c.Accepted != 6 || c.Rejected != 0 || c.Leaked != 0 {
		t.Errorf("%+v, want 6 requests accepted with one token, and none leaked", c)
	}
}

// A client of an SDK that takes something with an Authenticate method.
func ExampleAuthenticator() {
	cloud := authtest.NewNHN(authtest.Services())
	defer cloud.Close()
	rds := cloud.Service(authtest.RDS)
	// In a program: nhn.NewSource(creds, nhn.AppKey("rds-mysql", appKey))
	src, err := nhn.NewSource(cloud.Credentials(), append(cloud.Options(),
		nhn.HostHeader(rds, nhn.HeaderRDSAppKey, authtrip.NewSecret("my-app-key")))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil

	var auth interface{ Authenticate(*http.Request) error } = nhn.Authenticator{Source: src}

	req, err := http.NewRequest(http.MethodGet, rds+"/v4.0/db-instances", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := auth.Authenticate(req); err != nil {
		fmt.Println(err)
		return
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	fmt.Println(res.StatusCode, strings.Contains(string(body), `"isSuccessful":true`), err)
	// Output: 200 true <nil>
}
