package xoauth2_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/xoauth2"
)

// servers are an authorization server and an API for the examples.
func servers() (auth, api *httptest.Server) {
	auth = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("token call: %s %q\n", r.PostFormValue("grant_type"), r.PostFormValue("scope"))
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600})
	}))
	api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer a-token" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	return auth, api
}

func show(res *http.Response, err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = res.Body.Close()
	fmt.Println(res.Status)
}

// A library that takes nothing but a TokenSource.
func ExampleTokenSource() {
	auth, api := servers()
	defer auth.Close()
	defer api.Close()
	src, err := authtrip.NewSource(authtrip.Registration{
		ID: "payments", ClientID: "shop", ClientSecret: authtrip.NewSecret("from a safe place"),
		TokenEndpoint: authtrip.Endpoint{URL: auth.URL + "/token"}, Scopes: []string{"pay"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil

	ctx, cancel := context.WithCancel(context.Background())
	ts := xoauth2.TokenSource(ctx, src)
	cancel() // not heard
	client := &http.Client{Transport: &oauth2.Transport{Source: ts}}
	show(client.Get(api.URL))
	show(client.Get(api.URL))
	// Output:
	// token call: client_credentials "pay"
	// 200 OK
	// 200 OK
}

// A program that has a Config.
func ExampleFromClientCredentials() {
	auth, api := servers()
	defer auth.Close()
	defer api.Close()
	cfg := &clientcredentials.Config{
		ClientID: "shop", ClientSecret: "from a safe place", TokenURL: auth.URL + "/token", Scopes: []string{"pay"},
	}

	reg := xoauth2.FromClientCredentials("payments", cfg)
	reg.Origins = []string{api.URL}
	src, err := authtrip.NewSource(reg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil
	client := &http.Client{Transport: &authtrip.Transport{Source: src}}
	show(client.Get(api.URL))
	// Output:
	// token call: client_credentials "pay"
	// 200 OK
}

// A user who logged in while the program was x/oauth2's.
func ExampleFromConfig() {
	auth, api := servers()
	defer auth.Close()
	defer api.Close()
	cfg := &oauth2.Config{
		ClientID: "shop", ClientSecret: "from a safe place",
		Endpoint: oauth2.Endpoint{AuthURL: auth.URL + "/authorize", TokenURL: auth.URL + "/token"},
	}
	saved := map[string]*oauth2.Token{"user-42": {RefreshToken: "that was saved"}}

	reg := xoauth2.FromConfig("photos", cfg)
	reg.Origins = []string{api.URL}
	reg.RefreshToken = func(_ context.Context, principal string) (authtrip.Secret, error) {
		if tok := saved[principal]; tok != nil {
			return authtrip.NewSecret(tok.RefreshToken), nil
		}
		return authtrip.Secret{}, nil
	}
	mgr, err := authtrip.NewManager([]authtrip.Registration{reg})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer mgr.Close() //nolint:errcheck // nothing is revoked
	src, err := mgr.SourceFor("photos", "user-42")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &authtrip.Transport{Source: src}}
	show(client.Get(api.URL))
	// Output:
	// token call: refresh_token ""
	// 200 OK
}

// A vendor's TokenSource, of which no Config is known.
func ExampleFromTokenSource() {
	auth, api := servers()
	defer auth.Close()
	defer api.Close()
	ts := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "a-token", Expiry: time.Now().Add(time.Hour)})

	reg, err := xoauth2.FromTokenSource("google", ts)
	if err != nil {
		fmt.Println(err)
		return
	}
	reg.Origins = []string{api.URL}
	src, err := authtrip.NewSource(reg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil
	client := &http.Client{Transport: &authtrip.Transport{Source: src}}
	show(client.Get(api.URL))
	// Output: 200 OK
}

// What a TokenSource's server said is found as of any other registration.
func ExampleFromTokenSource_errors() {
	reg, err := xoauth2.FromTokenSource("google", refusedSource{})
	if err != nil {
		fmt.Println(err)
		return
	}
	src, err := authtrip.NewSource(reg)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = src.Token(context.Background())
	fmt.Println(err)
	// Output: authtrip: registration "google" at https://google.tokensource.invalid:443: invalid_client: the key was deleted (HTTP 401); check the client id and secret
}

type refusedSource struct{}

func (refusedSource) Token() (*oauth2.Token, error) {
	return nil, &oauth2.RetrieveError{
		Response:  &http.Response{StatusCode: http.StatusUnauthorized},
		ErrorCode: "invalid_client", ErrorDescription: "the key was deleted", Body: []byte("not shown"),
	}
}
