package middleware

import (
	"net/http"
	"reflect"
	"regexp"

	"github.com/go-resty/resty/v2"
)

const redacted = "[redacted]"

// RedactRequestLog is a callback for OnRequestLog: it takes out of Resty's debug
// log the values of headers whose names speak of credentials, and in bodies what
// stands under the names that OAuth 2.0 gives to tokens, codes and secrets.
// [Install] sets it where no other is set; call it from your own.
//
// Request lines and curl commands (EnableGenerateCurlOnDebug) pass no callback:
// they show what you put in URLs, headers and bodies yourself.
func RedactRequestLog(log *resty.RequestLog) error {
	if log == nil {
		return nil
	}
	redactHeader(log.Header)
	log.Body = redactText(log.Body)
	return nil
}

// RedactResponseLog is a callback for OnResponseLog that does as
// [RedactRequestLog] does.
func RedactResponseLog(log *resty.ResponseLog) error {
	if log == nil {
		return nil
	}
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
	// secretTexts match what carries credentials in a body, and keep what says so.
	secretTexts = []*regexp.Regexp{
		// Names of RFC 6749, 7009, 7521 and 7636 in JSON, in JSON that is a string
		// in JSON, and in what looks like JSON.
		regexp.MustCompile(`(?i)("(?:` + inJSON + `)"\s*:\s*")(?:[^"\\]|\\.)+`),
		regexp.MustCompile(`(?i)(\\"(?:` + inJSON + `)\\"\s*:\s*\\")(?:[^"\\]|\\[^"\\]|\\\\(?:[^"\\]|\\.))+`),
		regexp.MustCompile(`(?i)(\\"(?:` + inJSON + `)\\+"\s*:\s*\\{2,}")[^"]+?(\\*"|$)`),
		regexp.MustCompile(`(?i)('(?:` + inJSON + `)'\s*:\s*')[^']+`),
		// In forms, queries and fragments; Go's JSON has \u0026 for their &.
		regexp.MustCompile(`(?i)((?:^|[?&;#\s"']|\\u0026)(?:` + inForms + `)=["']?)(?:[^&\s"'\\]|\\[^u])+`),
		regexp.MustCompile(`(?i)(name="(?:` + inForms + `)"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)[^\r\n]+`), // multipart
		// A header's value that a server repeats; shorter ones are words.
		regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}`),
	}
)

const (
	names = `(?:access|refresh|id)_?token|client_?(?:secret|assertion)|code_?verifier|password|(?:api|app|secret)_?key|secret_?access_?key`
	// A code in JSON is most often an error's.
	inJSON  = names + `|token|assertion`
	inForms = inJSON + `|code`
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

func redactText(text string) string {
	for _, re := range secretTexts {
		text = re.ReplaceAllString(text, "${1}"+redacted+"${2}")
	}
	return text
}
