package authtrip

import (
	"net/http"
	"strings"
)

// Verdict is what a response says about the token that was sent with its
// request.
type Verdict int

const (
	// TokenAccepted: the response does not reject the token, whatever else it
	// says. It is handed to the caller.
	TokenAccepted Verdict = iota
	// TokenRejected: another token may be accepted where this one was not.
	TokenRejected
)

// RejectBearer is the rule of RFC 6750 §3: a 401 rejects the token when it has
// no challenge, or a Bearer challenge with error="invalid_token" or without an
// error. Another error, such as insufficient_scope, does not, nor do
// challenges of other schemes alone. All WWW-Authenticate lines are read, and
// all challenges in each.
func RejectBearer(res *http.Response) Verdict {
	if res.StatusCode != http.StatusUnauthorized {
		return TokenAccepted
	}
	found := false
	for _, line := range res.Header["Www-Authenticate"] {
		for _, c := range challenges(line) {
			found = true
			if !strings.EqualFold(c.scheme, "Bearer") {
				continue
			}
			if code, ok := c.params["error"]; !ok || code == "invalid_token" {
				return TokenRejected
			}
		}
	}
	if found {
		return TokenAccepted
	}
	return TokenRejected
}

// challenge is one of a WWW-Authenticate line (RFC 9110 §11.6.1). Parameter
// names are in lower case.
type challenge struct {
	scheme string
	params map[string]string
}

// challenges reads a line leniently: what it cannot read it skips up to the
// next comma, and a quoted string without an end goes to the line's end.
func challenges(line string) []challenge {
	var all []challenge
	for rest := line; ; {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			return all
		}
		word, after := cutToken(rest)
		if word == "" {
			rest = skipToComma(rest)
			continue
		}
		if value, ok := strings.CutPrefix(strings.TrimLeft(after, " \t"), "="); ok && len(all) > 0 && !strings.HasPrefix(value, "=") {
			value, rest = cutValue(strings.TrimLeft(value, " \t"))
			params := all[len(all)-1].params
			if name := lower(word); params[name] == "" {
				params[name] = value
			}
			continue
		}
		all = append(all, challenge{scheme: word, params: map[string]string{}})
		rest = skipToken68(after)
	}
}

// cutToken cuts a token (RFC 9110 §5.6.2) off the front of s.
func cutToken(s string) (token, rest string) {
	end := len(s)
	for i := range len(s) {
		if !isToken(s[i : i+1]) {
			end = i
			break
		}
	}
	return s[:end], s[end:]
}

// cutValue cuts a token or a quoted string off the front of s.
func cutValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest = cutToken(s)
		return value, skipToComma(rest)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), skipToComma(s[i+1:])
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// skipToken68 skips the token68 that may follow a scheme, as in
// "Negotiate a87421000492aa874209af8bc028==".
func skipToken68(s string) string {
	trimmed := strings.TrimLeft(s, " \t")
	end := strings.IndexAny(trimmed, ", \t")
	if end < 0 {
		end = len(trimmed)
	}
	word := trimmed[:end]
	next := strings.TrimLeft(trimmed[end:], " \t")
	if word == "" || strings.HasPrefix(next, "=") {
		return s
	}
	if name := strings.TrimRight(word, "="); strings.Contains(name, "=") || strings.Contains(name, `"`) {
		return s // name=value
	} else if name != word && next != "" && next[0] != ',' {
		return s // name= value
	}
	return trimmed[end:]
}

func skipToComma(s string) string {
	if i := strings.IndexByte(s, ','); i >= 0 {
		return s[i:]
	}
	return ""
}
