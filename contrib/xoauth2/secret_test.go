package xoauth2_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/xoauth2"
)

// vendor holds what it should not show, as TokenSources do.
type vendor struct{ Secret, token string }

func (v vendor) Token() (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: v.token, RefreshToken: theRefreshToken, Expiry: time.Now().Add(time.Hour)}, nil
}

func TestI14_NothingPrintsASecret(t *testing.T) {
	const theSecret, theToken = "s3cret-s3cret", "t0ken-t0ken"
	type key struct{}
	reg := mustFrom(t, "vendor", vendor{theSecret, theToken})
	src := newSource(t, reg)
	ts := xoauth2.TokenSource(context.WithValue(t.Context(), key{}, theSecret), src)
	if _, err := ts.Token(); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(reg.TokenTransport), `xoauth2.FromTokenSource("vendor", xoauth2_test.vendor)`; got != want {
		t.Errorf("it prints as %s, want %s", got, want)
	}
	web := &oauth2.Config{ClientID: "shop", ClientSecret: theSecret}
	type hidden struct {
		reg authtrip.Registration
		rt  http.RoundTripper
		ts  oauth2.TokenSource
	}
	for name, v := range map[string]any{
		"registration": reg, "its address": &reg, "its transport": reg.TokenTransport, "the TokenSource": ts,
		"under unexported fields": hidden{reg, reg.TokenTransport, ts}, "an address of such": &hidden{reg, reg.TokenTransport, ts},
		"a list":                []any{reg, ts},
		"of client credentials": xoauth2.FromClientCredentials("shop", &clientcredentials.Config{ClientID: "shop", ClientSecret: theSecret}),
		"of a Config":           xoauth2.FromConfig("shop", web),
	} {
		var text strings.Builder
		for _, verb := range "vsdxXqTp" {
			for _, flag := range []string{"", "+", "#", "10"} {
				_, _ = fmt.Fprintf(&text, "%"+flag+string(verb)+"\n", v)
			}
		}
		b, err := json.Marshal(v)
		_, _ = fmt.Fprintln(&text, string(b), err)
		slog.New(slog.NewTextHandler(&text, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&text, nil)).Info("x", "v", v)
		for _, secret := range []string{theSecret, theToken, theRefreshToken} {
			for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret)} {
				if strings.Contains(text.String(), form) {
					t.Errorf("%s shows a secret:\n%.2000s", name, text.String())
				}
			}
		}
	}
}

func TestI14_ARefreshTokenStaysWithItsTokenSource(t *testing.T) {
	reg := mustFrom(t, "vendor", vendor{"s3cret-s3cret", "t0ken-t0ken"})
	form := strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "client_id": {"vendor"}}.Encode())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, reg.TokenEndpoint.URL, form)
	if err != nil {
		t.Fatal(err)
	}
	res, err := reg.TokenTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || !strings.Contains(string(body), "t0ken-t0ken") || strings.Contains(string(body), theRefreshToken) {
		t.Fatalf("%s, %v", body, err)
	}
}
