package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
)

// A client of NHN Cloud's public API. The server ends the token in between, and
// the caller does not notice.
func Example() {
	cloud := authtest.NewNHN() // an emulator, in NHN Cloud's place
	defer cloud.Close()
	client, err := nhn.NewClient(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		res, err := client.Get(cloud.APIURL + "/v1/organizations")
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = res.Body.Close()
		fmt.Println(res.Status)
		cloud.RevokeAll()
	}
	fmt.Println(cloud.Counts().TokenCalls, "token calls")
	// Output:
	// 200 OK
	// 200 OK
	// 2 token calls
}

// Wrap a client that exists: its time-out, its transport, its redirect policy
// stay as they are.
func ExampleTransport() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil

	client := &http.Client{Timeout: 5 * time.Second}
	client.Transport = &authtrip.Transport{Source: src, Base: client.Transport}

	res, err := client.Get(cloud.APIURL + "/v1/organizations")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close() //nolint:errcheck // an example
	fmt.Println(res.StatusCode)
	// Output: 200
}

// Any server with the client credentials grant needs four fields.
func ExampleNewSource() {
	src, err := authtrip.NewSource(authtrip.Registration{
		ID:            "payments",
		ClientID:      "my-client",
		ClientSecret:  authtrip.NewSecret("from a safe place"),
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example.com/oauth2/token"},
	})
	fmt.Println(src, err)
	// Output: authtrip.Source("payments") <nil>
}

// All faults of a registration are in one error.
func ExampleNewSource_faults() {
	_, err := authtrip.NewSource(authtrip.Registration{
		ID:            "payments",
		ClientID:      "my-client",
		TokenEndpoint: authtrip.Endpoint{URL: "http://auth.example.com/oauth2/token"},
	})
	fmt.Println(err)
	// Output:
	// authtrip: registration "payments": ClientSecret is empty: set it, or Credentials
	// authtrip: registration "payments": TokenEndpoint.URL: refused: plain http would show the token to the network; use https, or name the host in Registration.AllowHTTP
}

// For programs that attach tokens themselves.
func ExampleSource_Token() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	tok, err := src.Token(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	header := "Bearer " + tok.AccessToken()
	fmt.Println(tok, len(header) > 20, time.Until(tok.Expiry()) > 23*time.Hour)
	// Output: [redacted] true true
}

// For hooks that are handed a request which another sends. Over a Transport of
// the same Source the token is replaced too when it is rejected, and does not
// go along when a redirect leads elsewhere.
func ExampleSource_Attach() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil

	for _, url := range []string{cloud.APIURL + "/v1/organizations", "https://elsewhere.example/"} {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := src.Attach(req); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(req.Header), "headers")
	}
	// Output:
	// 2 headers
	// 0 headers
}

// For a layer that retries by itself: each request is sent once, and the
// response says whether its token was refused.
func ExampleRejected() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil
	client := &http.Client{Transport: &authtrip.Transport{Source: src, NoReplay: true}}

	if _, err := src.Token(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	cloud.RevokeAll() // the token in use is rejected from now on
	for again := true; again; {
		res, err := client.Get(cloud.APIURL + "/v1/organizations")
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = res.Body.Close()
		again = authtrip.Rejected(res)
		fmt.Println(res.StatusCode, again)
	}
	// Output:
	// 401 true
	// 200 false
}

// NHN Cloud's revokeToken, and what follows it.
func ExampleSource_Revoke() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	first, err := src.Token(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(src.Revoke(context.Background()), cloud.Counts().Revocations)
	second, err := src.Token(context.Background()) // the next request gets another
	fmt.Println(first.AccessToken() != second.AccessToken(), err)
	// Output:
	// <nil> 1
	// true <nil>
}

// Registrations at one authorization server share its circuit breaker.
func ExampleManager() {
	one := authtrip.Registration{
		ID: "reports", ClientID: "reports", ClientSecret: authtrip.NewSecret("a"),
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example.com/oauth2/token"},
	}
	two := one
	two.ID, two.ClientID = "payments", "payments"
	mgr, err := authtrip.NewManager([]authtrip.Registration{one, two})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer mgr.Close() //nolint:errcheck // it returns nil
	_, err = mgr.Source("invoices")
	fmt.Println(err)
	// Output: authtrip: no registration "invoices"; there are: "payments", "reports"
}

// What to do with an error.
func ExampleRetryAfter() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	cloud.Break(authtest.Fault{Status: 429, RetryAfter: "30"})
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = src.Token(context.Background())

	var said *authtrip.ServerError
	switch wait, ok := authtrip.RetryAfter(err); {
	case errors.Is(err, authtrip.ErrCircuitOpen):
		fmt.Println("the authorization server is down; next probe in", wait)
	case errors.As(err, &said) && ok:
		fmt.Println(said.Code, said.Status, "come back in", wait)
	case errors.As(err, &said):
		fmt.Println("the authorization server said:", said.Code)
	}
	// Output: slow_down 429 come back in 30s
}

// A user's token: the way through the authorization page and back, then any
// number of requests.
func ExampleSource_Exchange() {
	service := authtest.NewPRISM()
	defer service.Close()
	mgr, err := authtrip.NewManager([]authtrip.Registration{prism.Registration(service.Client())}, service.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer mgr.Close() //nolint:errcheck // nothing is revoked
	src, err := mgr.SourceFor("prism", "user-42")
	if err != nil {
		fmt.Println(err)
		return
	}

	// The handler that begins: keep flow in the user's session.
	page, flow, err := src.AuthCodeURL(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}

	// The user's browser goes to the page, and comes back with a query.
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Get(page)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = res.Body.Close()
	callback, err := res.Location()
	if err != nil {
		fmt.Println(err)
		return
	}

	// The handler of the callback.
	if err := src.Exchange(context.Background(), flow, callback.Query()); err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &authtrip.Transport{Source: src}}
	res, err = client.Get(service.URL + "/prism/v1/service/user")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = res.Body.Close()
	fmt.Println(res.StatusCode)
	// Output: 200
}

// One client for all tenants: each request's context chooses.
func ExampleWithRegistration() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	var registrations []authtrip.Registration
	for _, id := range []string{"seoul", "tokyo"} {
		r := nhn.Registration(cloud.Credentials(), cloud.Options()...)
		r.ID = id
		registrations = append(registrations, r)
	}
	mgr, err := authtrip.NewManager(registrations)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer mgr.Close() //nolint:errcheck // nothing is revoked
	client := &http.Client{Transport: &authtrip.Transport{Source: mgr}}

	ctx := authtrip.WithRegistration(context.Background(), "tokyo")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cloud.APIURL+"/v1/organizations", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = res.Body.Close()
	fmt.Println(res.StatusCode)

	_, err = mgr.Source("osaka")
	fmt.Println(err)
	// Output:
	// 200
	// authtrip: no registration "osaka"; there are: "seoul", "tokyo"
}
