package nhn

import (
	"context"
	"net/http"

	"github.com/authtrip/authtrip"
)

// Authenticator is for SDKs that do not take an [http.Client] but something
// with Authenticate, and perhaps GetBearerToken, methods:
//
//	src, err := nhn.NewSource(creds, nhn.AppKey("rds-mysql", appKey))
//	client := sdk.NewClient("kr1-rds-mysql.api.nhncloudservice.com", nhn.Authenticator{Source: src})
//
// It cannot send a rejected request again, nor see that it was rejected, which
// is for [authtrip.Source.Suspect] to be told; nor does it follow a redirect:
// headers go along, as Attach says. Where an SDK takes an http.Client, give it one
// with an [authtrip.Transport].
//
// An Authenticator is safe for concurrent use.
type Authenticator struct {
	// Source gives the tokens. Required.
	Source *authtrip.Source
}

// Authenticate puts the token and the host's application key on req, when its
// host is one that takes them, and leaves any other request as it is; see
// [authtrip.Source.Attach] for errors, and for what becomes of the headers in
// a redirect.
func (a Authenticator) Authenticate(req *http.Request) error { return a.Source.Attach(req) }

// GetBearerToken returns a valid access token, without "Bearer" before it. It
// waits no longer than the Source's FetchTimeout. Whoever takes it decides where
// it goes: prefer Authenticate.
func (a Authenticator) GetBearerToken() (string, error) {
	tok, err := a.Source.Token(context.Background())
	if err != nil {
		return "", err
	}
	return tok.AccessToken(), nil
}
