package xoauth2_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/xoauth2"
)

// nowhere stands for a server that is not called.
var nowhere = &httptest.Server{URL: "https://nowhere.invalid"}

const (
	oddID     = "sh:op+ /&=%é"
	oddSecret = `p:w+ /&=%"한글~*`
)

func TestTheTokenEndpointSeesTheSameFromAConfigAndItsRegistration(t *testing.T) {
	plain := func(*clientcredentials.Config) {}
	odd := func(c *clientcredentials.Config) { c.ClientID, c.ClientSecret = oddID, oddSecret }
	for name, style := range map[string]struct {
		style  oauth2.AuthStyle
		change func(*clientcredentials.Config)
	}{
		"header":                {oauth2.AuthStyleInHeader, plain},
		"params":                {oauth2.AuthStyleInParams, plain},
		"detected":              {oauth2.AuthStyleAutoDetect, plain},
		"header, escaped":       {oauth2.AuthStyleInHeader, odd},
		"params, escaped":       {oauth2.AuthStyleInParams, odd},
		"params, public client": {oauth2.AuthStyleInParams, func(c *clientcredentials.Config) { c.ClientSecret = "" }},
		"neither scopes nor params": {oauth2.AuthStyleInHeader, func(c *clientcredentials.Config) {
			c.Scopes, c.EndpointParams = nil, nil
		}},
		"two scopes in one text":  {oauth2.AuthStyleInHeader, func(c *clientcredentials.Config) { c.Scopes = []string{"pay refund", "read"} }},
		"a parameter with two":    {oauth2.AuthStyleInHeader, func(c *clientcredentials.Config) { c.EndpointParams["resource"] = []string{"a b", "c&d"} }},
		"a query in the endpoint": {oauth2.AuthStyleInParams, func(c *clientcredentials.Config) { c.TokenURL += "?tenant=1" }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			cfg := w.config()
			cfg.AuthStyle = style.style
			style.change(cfg)
			if _, err := cfg.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := newSource(t, xoauth2.FromClientCredentials("shop", cfg)).Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			calls, _ := w.calls()
			if len(calls) != 2 || calls[0] != calls[1] {
				t.Fatalf("the token endpoint saw\n%q", calls)
			}
		})
	}
}

// Where x/oauth2 tries both styles, a wrong secret is sent once here.
func TestDetectionTriesNothing(t *testing.T) {
	w := newWorld(t)
	w.answers(http.StatusUnauthorized, `{"error":"invalid_client"}`)
	cfg := w.config()
	cfg.AuthStyle = oauth2.AuthStyleAutoDetect
	if _, err := cfg.Token(t.Context()); err == nil {
		t.Fatal("no error")
	}
	theirs, _ := w.calls()
	if _, err := newSource(t, xoauth2.FromClientCredentials("shop", cfg)).Token(t.Context()); err == nil {
		t.Fatal("no error")
	}
	ours, _ := w.calls()
	if len(theirs) != 2 || len(ours) != 1 || !strings.HasPrefix(ours[0].authorization, "Basic ") {
		t.Fatalf("x/oauth2 made %d calls, authtrip %q", len(theirs), ours)
	}
}

func TestAPublicClientIsFoundOut(t *testing.T) {
	cfg := (&world{auth: nowhere}).config()
	cfg.ClientSecret = ""
	for style, want := range map[oauth2.AuthStyle]authtrip.ClientAuth{
		oauth2.AuthStyleAutoDetect: authtrip.ClientAuthNone,
		oauth2.AuthStyleInParams:   authtrip.ClientAuthNone,
		oauth2.AuthStyleInHeader:   authtrip.ClientSecretBasic, // and NewSource asks for the secret
	} {
		cfg.AuthStyle = style
		reg := xoauth2.FromClientCredentials("shop", cfg)
		_, err := authtrip.NewSource(reg)
		if reg.ClientAuth != want || (err == nil) != (want == authtrip.ClientAuthNone) {
			t.Errorf("style %d became %q, and NewSource said %v", style, reg.ClientAuth, err)
		}
	}
}

func webConfig(w *world) *oauth2.Config {
	return &oauth2.Config{
		ClientID: oddID, ClientSecret: oddSecret,
		Endpoint: oauth2.Endpoint{
			AuthURL: w.auth.URL + "/authorize?prompt=consent", TokenURL: w.auth.URL + "/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
		RedirectURL: "https://app.example.com/callback?x=1", Scopes: []string{"photos", "profile"},
	}
}

func TestTheAuthorizationPageSeesTheSame(t *testing.T) {
	cfg := webConfig(&world{auth: nowhere})
	page, _, err := newSource(t, xoauth2.FromConfig("photos", cfg)).AuthCodeURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := parse(t, page), parse(t, cfg.AuthCodeURL("their-state", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	for _, made := range []string{"state", "code_challenge"} { // at random
		if ours.Get(made) == "" || !theirs.Has(made) {
			t.Errorf("no %s", made)
		}
		delete(ours, made)
		delete(theirs, made)
	}
	if ours.Encode() != theirs.Encode() {
		t.Fatalf("the page sees\n%s, and from x/oauth2\n%s", ours.Encode(), theirs.Encode())
	}
}

func parse(t *testing.T, text string) url.Values {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestTheTokenEndpointSeesTheSameCodesAndRefreshTokens(t *testing.T) {
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInParams, oauth2.AuthStyleInHeader} {
		w := newWorld(t)
		w.lifetime = `,"refresh_token":"` + theRefreshToken + `"`
		cfg := webConfig(w)
		cfg.Endpoint.AuthStyle = style
		saved, err := cfg.Exchange(t.Context(), "c+de")
		if err != nil {
			t.Fatal(err)
		}
		saved.AccessToken = "" // as good as expired
		if _, err := cfg.TokenSource(t.Context(), saved).Token(); err != nil {
			t.Fatal(err)
		}
		theirs, _ := w.calls()

		reg := xoauth2.FromConfig("photos", cfg)
		if err := newSource(t, reg).ExchangeCode(t.Context(), "c+de", nil); err != nil {
			t.Fatal(err)
		}
		reg.RefreshToken = func(context.Context, string) (authtrip.Secret, error) {
			return authtrip.NewSecret(saved.RefreshToken), nil
		}
		if _, err := newSource(t, reg).Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		ours, _ := w.calls()
		if len(ours) != 2 || !slices.Equal(ours, theirs) {
			t.Fatalf("the token endpoint saw\n%q, and from x/oauth2\n%q", ours, theirs)
		}
	}
}

func TestAConfigThatChangesLaterDoesNotChangeItsRegistration(t *testing.T) {
	w := newWorld(t)
	cfg := w.config()
	reg := xoauth2.FromClientCredentials("shop", cfg)
	reg.Params.Set("audience", "museum")
	reg.Scopes[0] = "look"
	if cfg.EndpointParams.Get("audience") != "bank" || cfg.Scopes[0] != "pay" {
		t.Fatalf("the Config has %v and %v", cfg.EndpointParams, cfg.Scopes)
	}
}

func TestWhatAConfigLacksIsSaidByNewSource(t *testing.T) {
	for name, reg := range map[string]authtrip.Registration{
		"no clientcredentials.Config": xoauth2.FromClientCredentials("shop", nil),
		"an empty one":                xoauth2.FromClientCredentials("shop", &clientcredentials.Config{}),
		"no oauth2.Config":            xoauth2.FromConfig("shop", nil),
	} {
		_, err := authtrip.NewSource(reg)
		if err == nil || !strings.Contains(err.Error(), "ClientID is empty") || !strings.Contains(err.Error(), "TokenEndpoint.URL: is empty") {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := (&world{auth: nowhere}).config()
	cfg.EndpointParams.Set("grant_type", "password")
	if _, err := authtrip.NewSource(xoauth2.FromClientCredentials("shop", cfg)); err == nil || !strings.Contains(err.Error(), "grant_type") {
		t.Errorf("another grant_type: %v", err)
	}
}
