package faultmatrix

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// carried are the secrets that a call brought.
func carried(r *http.Request) (all []string) {
	_ = r.ParseForm()
	for _, name := range []string{"code", "refresh_token", "token", "code_verifier", "client_secret", "client_assertion"} {
		all = append(all, r.Form[name]...)
	}
	for name, prefix := range map[string]string{"X-Prism-Client-Secret": "", "Authorization": "Basic ", "X-Proof": "Proof "} {
		if v, ok := strings.CutPrefix(r.Header.Get(name), prefix); ok && v != "" {
			all = append(all, v)
		}
	}
	if _, secret, ok := r.BasicAuth(); ok {
		all = append(all, secret)
		if decoded, err := url.QueryUnescape(secret); err == nil && strings.Contains(secret, "%") {
			all = append(all, decoded)
		}
	}
	return all
}

// echo answers with what the call brought, each as write has it.
func echo(write func(string) string, answer func(w http.ResponseWriter, text string)) func(context.Context, http.ResponseWriter, *http.Request) {
	return func(_ context.Context, w http.ResponseWriter, r *http.Request) {
		var all []string
		for _, s := range carried(r) {
			all = append(all, write(s))
		}
		answer(w, strings.Join(all, " "))
	}
}

func asIs(s string) string { return s }

// refusal is an OAuth error with text in its description.
func refusal(w http.ResponseWriter, text string) {
	fields(http.StatusBadRequest, "error", "invalid_request", "error_description", text)(w, "")
}

// fields answers with JSON; an empty value is the text.
func fields(status int, pairs ...any) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, text string) {
		all := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			if all[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == "" {
				all[pairs[i].(string)] = text
			}
		}
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(all)
	}
}

// withHeader answers with status and text in a header.
func withHeader(status int, name string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, text string) {
		w.Header().Set(name, text)
		w.WriteHeader(status)
	}
}

// raw answers with bytes that need be no HTTP; %s is the text.
func raw(format string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, text string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(conn, strings.ReplaceAll(format, "%s", text))
		if secure, ok := conn.(*tls.Conn); ok {
			_ = secure.CloseWrite()
		}
		_ = conn.Close()
	}
}

// echoes are servers that repeat what they were sent.
func echoes() (all []Fault) {
	for how, write := range map[string]func(string) string{
		"as they are": asIs, "escaped": url.QueryEscape, "escaped for a path": url.PathEscape, "in HTML": html.EscapeString,
		"escaped in lower case":   lowerEscaped,
		"in base64":               func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"in base64 for URLs":      func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"with slashes escaped":    func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
		"with characters between": func(s string) string { return strings.Join(strings.Split(s, ""), "\u200b") },
	} {
		all = append(all, Fault{Title: "a description that has secrets " + how, Answer: echo(write, refusal)})
	}
	for title, answer := range map[string]func(http.ResponseWriter, string){
		"a code":                     fields(400, "error", ""),
		"an error_uri":               fields(400, "error", "invalid_grant2", "error_uri", ""),
		"an error that is no string": fields(400, "error", map[string]string{"a": "secret"}, "b", ""),
		"HTML": func(w http.ResponseWriter, text string) {
			status(500, "", "<p>"+text+"</p>")(context.Background(), w, nil)
		},
		"broken JSON":                  raw("HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n{\"a\":\"%s"),
		"Location":                     withHeader(302, "Location"),
		"WWW-Authenticate":             withHeader(401, "WWW-Authenticate"),
		"Retry-After":                  withHeader(429, "Retry-After"),
		"the reason":                   raw("HTTP/1.1 400 %s\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"),
		"the status":                   raw("HTTP/1.1 %s\r\n\r\n"),
		"no HTTP":                      raw("%s\r\n\r\n"),
		"a header's name":              raw("HTTP/1.1 400 Bad\r\n%s: x\r\n\r\n"),
		"a header without a colon":     raw("HTTP/1.1 400 Bad\r\n%s\r\n\r\n"),
		"Content-Length":               raw("HTTP/1.1 400 Bad\r\nContent-Length: %s\r\n\r\n"),
		"Transfer-Encoding":            raw("HTTP/1.1 400 Bad\r\nTransfer-Encoding: %s\r\n\r\n"),
		"a chunk's length":             raw("HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n"),
		"a token of several words":     fields(400, "access_token", ""),
		"expires_in":                   fields(400, "access_token", "good", "expires_in", ""),
		"a token beside an error":      fields(400, "access_token", "", "refresh_token", "", "error", "server_error"),
		"a refresh_token of no string": fields(400, "access_token", "good", "refresh_token", []string{""}),
	} {
		all = append(all, Fault{Title: title + " that has secrets", Answer: echo(asIs, answer)})
	}
	return all
}

// What a hostile or talkative server repeats is not passed on.
func TestI14_WhatAServerRepeatsIsNotShown(t *testing.T) {
	var cells []secretsCell
	for i, f := range echoes() {
		doing := append([]string{"revoke"}, always...)
		c := secretsCell{f, http.MethodPost, proofs[i%len(proofs)], doing}
		if i%2 == 0 {
			c.method, c.auth = http.MethodGet, proofs[i/2%(len(proofs)-1)]
		}
		cells = append(cells, c)
	}
	runSecrets(t, cells)
}

func lowerEscaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}
