package middleware

import (
	"net/http"
	"reflect"
	"regexp"

	"github.com/go-resty/resty/v2"
)

const redacted = "[redacted]"

// RedactRequestLog is a callback for OnRequestLog: it takes the values of
// headers that carry credentials out of Resty's debug log, and tokens and
// client secrets out of bodies. [Install] sets it where no other is set; call
// it from your own. Resty's curl commands (EnableGenerateCurlOnDebug) pass no
// callback: they show what you put in headers and bodies yourself.
func RedactRequestLog(log *resty.RequestLog) error {
	redactHeader(log.Header)
	log.Body = redactText(log.Body)
	return nil
}

// RedactResponseLog is a callback for OnResponseLog that does as
// [RedactRequestLog] does.
func RedactResponseLog(log *resty.ResponseLog) error {
	redactHeader(log.Header)
	log.Body = redactText(log.Body)
	return nil
}

// setLogCallbacks sets both where the client has none. Resty gives no other way
// to see that than to look, and setting one replaces what was there.
func setLogCallbacks(client *resty.Client) {
	if none(client, "requestLog") {
		client.OnRequestLog(RedactRequestLog)
	}
	if none(client, "responseLog") {
		client.OnResponseLog(RedactResponseLog)
	}
}

func none(client *resty.Client, callback string) bool {
	f := reflect.ValueOf(client).Elem().FieldByName(callback)
	return f.Kind() == reflect.Func && f.IsNil()
}

var (
	// secretHeader matches names as they are in use: Authorization,
	// X-Nhn-Authorization, X-Prism-Access-Token, X-Tc-App-Key, Set-Cookie, …
	secretHeader = regexp.MustCompile(`(?i)auth|token|secret|cookie|password|api-?key|app-?key|access-?key|session|signature`)
	// secretText matches what follows a name of RFC 6749 in JSON or a form, and
	// what follows "Bearer" or "Basic" and is too long for a word.
	secretText = regexp.MustCompile(`(?i)((?:access_token|refresh_token|id_token|client_secret|client_assertion|code_verifier)["']?\s*[:=]\s*["']?)[^\s"'&,<>{}]+|(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}`)
)

// redactHeader replaces values in h, and leaves their slices, which are the
// request's own.
func redactHeader(h http.Header) {
	for name, values := range h {
		out := make([]string, len(values))
		for i, v := range values {
			out[i] = redactText(v)
			if secretHeader.MatchString(name) {
				out[i] = redacted
			}
		}
		h[name] = out
	}
}

func redactText(text string) string { return secretText.ReplaceAllString(text, "${1}${2}"+redacted) }
