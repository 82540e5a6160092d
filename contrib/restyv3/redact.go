package restyv3

import (
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"resty.dev/v3"
)

const redacted = "[redacted]"

// RedactDebugLog is a callback for OnDebugLog. Resty takes most credentials out
// of the headers it logs; this takes the rest out of its debug log:
//
//   - the values of headers, in curl commands too, whose names speak of
//     credentials: cookies, app keys and the like;
//   - in URLs, bodies, curl commands and the other headers, what stands under a
//     name that OAuth 2.0 gives to tokens, codes and secrets (access_token,
//     accessToken, client_secret, code, …), or is a password or an API's key: in
//     a query, a fragment or a form; as a string in JSON, or in JSON that is a
//     string in JSON, but for a code, which there is most often an error's; as the
//     first line of a field of a multipart body;
//   - what follows "Bearer" or "Basic" and has 16 characters or more, and the
//     password in a URL.
//
// What has other names or other forms, XML or a nested percent-encoding for two,
// stays as it is. [Install] sets it where no other is set; call it from your own.
func RedactDebugLog(log *resty.DebugLog) {
	if log == nil {
		return
	}
	if req := log.Request; req != nil {
		redactHeader(req.Header)
		req.URI = redactText(req.URI)
		req.Body = redactText(req.Body)
		req.CurlCmd = redactCurl(req.CurlCmd)
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
	// secretTexts match what carries credentials, between what says so and what
	// ends it.
	secretTexts = []*regexp.Regexp{
		// Names of RFC 6749, 7009, 7521 and 7636 in JSON, and in JSON that is a
		// string in JSON, once and more often.
		regexp.MustCompile(`(?i)("(?:` + inJSON + `)"\s*:\s*")(?:[^"\\]|\\.)+`),
		regexp.MustCompile(`(?i)(\\"(?:` + inJSON + `)\\"\s*:\s*\\")(?:[^"\\]|\\[^"\\]|\\\\(?:[^"\\]|\\.))+`),
		regexp.MustCompile(`(?i)(\\"(?:` + inJSON + `)\\+"\s*:\s*\\{2,}")[^"]+?(\\*"|$)`),
		regexp.MustCompile(`(?i)([` + quotes + `](?:` + inJSON + `)[` + quotes + `]\s*:\s*[` + quotes + `])[^` + quotes + `]+`),
		// In forms, queries and fragments; Go's JSON has \u0026 for their &.
		regexp.MustCompile(`(?i)((?:^|[?&;#\s"` + quotes + `]|\\u0026)(?:` + inForms + `)=["` + quotes + `]?)[^&\s"` + quotes + `]+`),
		regexp.MustCompile(`(?i)(name="(?:` + inForms + `)"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)[^\r\n]+`), // multipart
		// A header's value that a server repeats; shorter ones are words.
		regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}`),
		regexp.MustCompile(`(://[^/?#\s"':@]*:)[^/?#\s"'@]+(@)`),
	}
	// curlHeader matches a header of a curl command, which is quoted: it has a
	// space.
	curlHeader = regexp.MustCompile(`-H '([^':]+): [^']*'`)
)

const (
	names = `(?:access|refresh|id)_?token|client_?(?:secret|assertion)|code_?verifier|password|(?:api|app|secret)_?key|secret_?access_?key`
	// A code in JSON is most often an error's.
	inJSON  = names + `|token|assertion`
	inForms = inJSON + `|code`
	// A single quote, and what stands for one in a curl command meanwhile.
	quotes = `'\x00`
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

// redactCurl undoes the quoting of a quote for the shell, so that values end
// where they do elsewhere.
func redactCurl(command string) string {
	const quote, mark = `'"'"'`, "\x00"
	command = curlHeader.ReplaceAllStringFunc(strings.ReplaceAll(command, quote, mark), func(header string) string {
		name := curlHeader.FindStringSubmatch(header)[1]
		if !secretHeader.MatchString(name) {
			return header
		}
		return "-H '" + name + ": " + redacted + "'"
	})
	return strings.ReplaceAll(redactText(command), mark, quote)
}

func redactText(text string) string {
	for _, re := range secretTexts {
		text = re.ReplaceAllString(text, "${1}"+redacted+"${2}")
	}
	return text
}
