package restyv3

import (
	"net/http"
	"reflect"
	"regexp"

	"resty.dev/v3"
)

const redacted = "[redacted]"

// RedactDebugLog is a callback for OnDebugLog. Resty takes most credentials out
// of the headers it logs; this does the rest: cookies, app keys and the like in
// headers and curl commands, tokens and client secrets in bodies and URLs.
// [Install] sets it where no other is set; call it from your own.
func RedactDebugLog(log *resty.DebugLog) {
	if req := log.Request; req != nil {
		redactHeader(req.Header)
		req.URI = redactText(req.URI)
		req.Body = redactText(req.Body)
		req.CurlCmd = redactText(redactCurl(req.CurlCmd))
	}
	if res := log.Response; res != nil {
		redactHeader(res.Header)
		res.Body = redactText(res.Body)
	}
}

// setDebugCallback sets it where the client has none. Resty gives no other way
// to see that than to look, and setting one replaces what was there.
func setDebugCallback(client *resty.Client) {
	f := reflect.ValueOf(client).Elem().FieldByName("debugLogCallback")
	if f.Kind() == reflect.Func && f.IsNil() {
		client.OnDebugLog(RedactDebugLog)
	}
}

var (
	// secretHeader matches names as they are in use: Authorization,
	// X-Nhn-Authorization, X-Prism-Access-Token, X-Tc-App-Key, Set-Cookie, …
	secretHeader = regexp.MustCompile(`(?i)auth|token|secret|cookie|password|api-?key|app-?key|access-?key|session|signature`)
	// secretText matches what follows a name of RFC 6749 in JSON or a form, and
	// what follows "Bearer" or "Basic" and is too long for a word.
	secretText = regexp.MustCompile(`(?i)((?:access_token|refresh_token|id_token|client_secret|client_assertion|code_verifier)["']?\s*[:=]\s*["']?)[^\s"'&,<>{}]+|(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}`)
	// curlHeader matches a header of a curl command, which is quoted: it has a
	// space. A quote in it is written '"'"'.
	curlHeader = regexp.MustCompile(`-H '([^':]+): ((?:[^']|'"'"')*)'`)
)

// redactHeader writes to a copy that Resty made for its log.
func redactHeader(h http.Header) {
	for name, values := range h {
		for i, v := range values {
			values[i] = redactText(v)
			if secretHeader.MatchString(name) {
				values[i] = redacted
			}
		}
	}
}

func redactCurl(command string) string {
	return curlHeader.ReplaceAllStringFunc(command, func(header string) string {
		name := curlHeader.FindStringSubmatch(header)[1]
		if !secretHeader.MatchString(name) {
			return header
		}
		return "-H '" + name + ": " + redacted + "'"
	})
}

func redactText(text string) string { return secretText.ReplaceAllString(text, "${1}${2}"+redacted) }
