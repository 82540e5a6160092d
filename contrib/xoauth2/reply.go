package xoauth2

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

// tokenReply is tok as a token endpoint's success (RFC 6749 §5.1), without its
// refresh token, which is the TokenSource's own affair. What is wrong with tok
// is left to who reads replies. A nil tok is an empty one.
func tokenReply(req *http.Request, tok *oauth2.Token) *http.Response {
	if tok == nil {
		tok = &oauth2.Token{}
	}
	fields := map[string]any{"access_token": tok.AccessToken}
	if tok.TokenType != "" {
		fields["token_type"] = tok.TokenType
	}
	if !tok.Expiry.IsZero() {
		// By the wall clock: the other stands still while a laptop sleeps.
		fields["expires_in"] = max(0, time.Until(tok.Expiry.Round(0))).Seconds()
	}
	return jsonReply(req, http.StatusOK, http.Header{}, fields)
}

// errorReply is the reply that said came from. Its body is handed on only where
// it was not read yet, as x/oauth2/jwt does not: the core looks for the error in
// it, and shows nothing else of it.
func errorReply(req *http.Request, said *oauth2.RetrieveError) *http.Response {
	status, header := http.StatusBadRequest, http.Header{}
	if res := said.Response; res != nil {
		status = res.StatusCode
		for _, name := range []string{"Content-Type", "Retry-After"} {
			header.Set(name, res.Header.Get(name))
		}
	}
	switch {
	case said.ErrorCode != "":
		return jsonReply(req, status, header, map[string]any{"error": said.ErrorCode, "error_description": said.ErrorDescription})
	case status/100 == 2: // its body may hold a token
		return jsonReply(req, status, header, map[string]any{})
	}
	return reply(req, status, header, said.Body)
}

func jsonReply(req *http.Request, status int, header http.Header, fields map[string]any) *http.Response {
	body, _ := json.Marshal(fields) // texts and a number
	header.Set("Content-Type", "application/json")
	return reply(req, status, header, body)
}

func reply(req *http.Request, status int, header http.Header, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Header: header, Request: req,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}
