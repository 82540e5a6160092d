package authtrip

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// What others say, in a form that an error may show.

// shortest is how many characters of a secret are too many to show, when what
// repeats it cut it short.
const shortest = 12

// scrub replaces the secrets in text: as they are, as they may be written, and
// their beginnings.
func scrub(text string, secrets []string) string {
	var forms []string
	for _, s := range secrets {
		forms = append(forms, spellings(s)...)
	}
	// Longest first: what stands first is replaced where two would fit.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, redacted)
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	decoded := html.UnescapeString(strings.ReplaceAll(unescape(text), `\/`, "/"))
	for _, s := range secrets {
		if s != "" && strings.Contains(decoded, s) {
			return redacted + " (it showed a secret)" // in a spelling that is hard to find
		}
	}
	for _, f := range forms {
		text = withoutBeginnings(text, f)
	}
	return text
}

// spellings are the ways in which secret may be written by whoever repeats it:
// as it was on the wire, quoted, or as bytes.
func spellings(secret string) []string {
	if secret == "" {
		return nil
	}
	bytes := []byte(secret)
	quoted, _ := json.Marshal(secret)
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret),
		strings.Trim(strconv.Quote(secret), `"`), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString(bytes), base64.URLEncoding.EncodeToString(bytes),
	}
	if len(secret) < shortest/2 {
		return forms // two digits, say, are found in texts that have nothing to do with it
	}
	forms = append(forms, hex.EncodeToString(bytes), strings.ToUpper(hex.EncodeToString(bytes)), strings.Trim(fmt.Sprint(bytes), "[]"))
	// Base64 of a longer text has that of the secret at one of three places,
	// but for the ends, which have a part of their neighbours in them.
	for shift := range 3 {
		from, to := (8*shift+5)/6, 8*(shift+len(bytes))/6
		shifted := append(make([]byte, shift), bytes...)
		forms = append(forms, base64.RawStdEncoding.EncodeToString(shifted)[from:to], base64.RawURLEncoding.EncodeToString(shifted)[from:to])
	}
	return forms
}

// withoutBeginnings replaces what begins like secret, up to the next blank.
func withoutBeginnings(text, secret string) string {
	if len(secret) <= shortest {
		return text
	}
	for from := 0; ; from += len(redacted) {
		at := strings.Index(text[from:], secret[:shortest])
		if at < 0 {
			return text
		}
		from += at
		rest := text[from+shortest:]
		if blank := strings.IndexAny(rest, " \t\r\n\"'<>"); blank >= 0 {
			rest = rest[blank:]
		} else {
			rest = ""
		}
		text = text[:from] + redacted + rest
	}
}

// unescape decodes the percent-escapes in text and leaves all else.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// said is text from a server, fit for an error: without what a terminal or a
// log might act upon, without secrets (which such characters may have hidden),
// and cut to limit characters.
func said(text string, secrets []string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
	text = scrub(text, secrets)
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

// withoutReply cuts off what net/http repeats of an answer that is no HTTP: a
// token may be in it.
func withoutReply(text string) string {
	for _, before := range []string{"malformed ", "bad Content-Length", "Content-Length header", "transfer encoding"} {
		if _, rest, found := strings.Cut(text, before); found {
			if at := strings.IndexAny(rest, "\":{"); at >= 0 {
				text = text[:len(text)-len(rest)+at] + " " + redacted
			}
		}
	}
	return text
}

// withoutRecord cuts out what a Store's error repeats of a record, written as
// it is, quoted, in hex, as bytes or in base64.
func withoutRecord(text string) string {
	for begins, goesOn := range map[string]string{
		`{"form"`: "", `{\"form\"`: "",
		"7b22666f726d22": hexDigits, "7B22666F726D22": hexDigits, "123 34 102 111 114 109 34": "0123456789 ",
		"eyJmb3Jt": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/-_=",
	} {
		at := strings.Index(text, begins)
		if at < 0 {
			continue
		}
		rest := strings.TrimLeft(text[at:], goesOn)
		if goesOn == "" {
			_, after, _ := strings.Cut(text[at:], "}")
			rest = after[strings.LastIndexByte(after, '}')+1:]
		}
		text = text[:at] + redacted + rest
	}
	return text
}

const hexDigits = "0123456789abcdefABCDEF"
