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

const (
	// shortest is how many characters of a secret are too many to show, when
	// what repeats it cut it short.
	shortest = 12
	// longest is how much is looked at of what others say: the time that takes
	// must not be theirs to choose.
	longest = 4 << 10
)

// scrub replaces the secrets in text: as they are, as they may be written, and
// their beginnings. Of a long text it returns the first part.
func scrub(text string, secrets []string) string {
	whole := len(text) <= longest
	if !whole {
		text = strings.ToValidUTF8(text[:longest], "")
	}
	var forms []string
	for _, s := range secrets {
		forms = append(forms, spellings(s)...)
	}
	// Longest first: what stands first is replaced where two would fit.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		if len(f) <= len(text) {
			pairs = append(pairs, f, redacted)
		}
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	decoded := html.UnescapeString(strings.ReplaceAll(unescape(strings.ReplaceAll(text, redacted, "\x00")), `\/`, "/"))
	for _, s := range secrets {
		if s != "" && strings.Contains(decoded, s) {
			return redacted + " (it showed a secret)" // in a spelling that is hard to find
		}
	}
	text = withoutBeginnings(text, forms)
	if !whole { // it may end in a beginning that was too short to find
		text = strings.ToValidUTF8(text[:max(0, len(text)-shortest)], "")
	}
	return text
}

// spellings are the ways in which secret may be written by whoever repeats it:
// as it was on the wire, trimmed, quoted, or as bytes.
func spellings(secret string) (forms []string) {
	if len(secret) > longest {
		secret = secret[:longest] // more than that is not looked for
	}
	for _, s := range []string{secret, strings.TrimSpace(secret), printable(secret), strings.ToValidUTF8(secret, "")} {
		if s == "" || len(forms) > 0 && s == secret {
			continue
		}
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s), url.QueryEscape(url.QueryEscape(s)))
	}
	if secret == "" {
		return forms
	}
	bytes := []byte(secret)
	quoted, _ := json.Marshal(secret)
	forms = append(forms, strings.Trim(strconv.Quote(secret), `"`), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString(bytes), base64.URLEncoding.EncodeToString(bytes))
	if len(secret) < shortest/2 {
		return forms // two digits, say, are found in texts that have nothing to do with it
	}
	inHex := hex.EncodeToString(bytes)
	forms = append(forms, inHex, strings.ToUpper(inHex), fmt.Sprintf("% x", bytes), strings.Trim(fmt.Sprint(bytes), "[]"))
	// Base64 of a longer text has that of the secret at one of three places,
	// but for the ends, which have a part of their neighbours in them.
	for shift := range 3 {
		from, to := (8*shift+5)/6, 8*(shift+len(bytes))/6
		shifted := append(make([]byte, shift), bytes...)
		forms = append(forms, base64.RawStdEncoding.EncodeToString(shifted)[from:to], base64.RawURLEncoding.EncodeToString(shifted)[from:to])
	}
	return forms
}

// withoutBeginnings replaces what begins like one of forms, up to the next blank
// after the most that is the same.
func withoutBeginnings(text string, forms []string) string {
	for _, f := range forms {
		if len(f) <= shortest || !strings.Contains(text, f[:shortest]) {
			continue
		}
		var b strings.Builder
		for {
			before, rest, found := strings.Cut(text, f[:shortest])
			b.WriteString(before)
			if !found {
				break
			}
			b.WriteString(redacted)
			same := 0
			for _, g := range forms {
				if after, ok := strings.CutPrefix(g, f[:shortest]); ok {
					same = max(same, common(rest, after))
				}
			}
			text = rest[same:]
			if blank := strings.IndexAny(text, " \t\r\n\"'<>"); blank >= 0 {
				text = text[blank:]
			} else {
				text = ""
			}
		}
		text = b.String()
	}
	return text
}

// common is how many bytes at the beginning of a and b are the same.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// printable is text without what a terminal or a log might act upon.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
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

// beginning is as much of text as is worth looking at.
func beginning(text string) string { return text[:min(len(text), 2*longest)] }

// said is text from a server, fit for an error: without what a terminal or a
// log might act upon, without secrets (which such characters may have hidden),
// and cut to limit characters.
func said(text string, secrets []string, limit int) string {
	text = scrub(printable(beginning(text)), secrets)
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

// withoutReply cuts off what net/http repeats of an answer that is no HTTP: a
// token may be in it.
func withoutReply(text string) string {
	for _, before := range []string{"malformed HTTP", "malformed MIME", "malformed chunked", "bad Content-Length", "Content-Length header", "transfer encoding"} {
		if _, rest, found := strings.Cut(text, before); found {
			if at := strings.IndexAny(rest, "\":{"); at >= 0 {
				text = text[:len(text)-len(rest)+at] + " " + redacted
			}
		}
	}
	return text
}

// withoutRecord cuts out what a Store's error repeats of records, written as
// they are, quoted, in hex, as bytes or in base64.
func withoutRecord(text string) string {
	for _, written := range []struct{ begins, goesOn string }{
		{`{"form"`, ""}, {`{\"form\"`, ""},
		{"7b22666f726d22", hexDigits}, {"7B22666F726D22", hexDigits}, {"123 34 102 111 114 109 34", "0123456789 "},
		{"eyJmb3Jt", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/-_="},
	} {
		var b strings.Builder
		for {
			before, rest, found := strings.Cut(text, written.begins)
			b.WriteString(before)
			if !found {
				break
			}
			b.WriteString(redacted)
			text = strings.TrimLeft(rest, written.goesOn)
			if written.goesOn == "" { // up to the last brace, if the record was not cut
				text = rest[strings.LastIndexByte(rest, '}')+1:]
				if strings.Contains(text, `:"`) || strings.Contains(text, `:\"`) {
					text = ""
				}
			}
		}
		text = b.String()
	}
	return text
}

const hexDigits = "0123456789abcdefABCDEF"
