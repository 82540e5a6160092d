package leak

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"unicode/utf16"
)

// spellings are how a text may be written so that it can be read again.
func spellings(text string) map[string]string {
	quoted, _ := json.Marshal(text)
	inJSON := strings.Trim(string(quoted), `"`)
	twice, _ := json.Marshal(inJSON)
	var percent, unicode strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&percent, "%%%02x", c)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&unicode, `\u%04x`, u)
	}
	query := url.QueryEscape(text)
	all := map[string]string{
		"plain":                      text,
		"quoted":                     unquoted(fmt.Sprintf("%q", text)),
		"quoted twice":               unquoted(fmt.Sprintf("%q", unquoted(fmt.Sprintf("%q", text)))),
		"JSON":                       inJSON,
		"JSON in JSON":               strings.Trim(string(twice), `"`),
		"HTML":                       html.EscapeString(text),
		"escaped query":              query,
		"escaped path":               url.PathEscape(text),
		"escaped query, lower case":  lowerEscapes(query),
		"escaped path, lower case":   lowerEscapes(url.PathEscape(text)),
		"escaped twice":              url.QueryEscape(query),
		"every byte escaped":         percent.String(),
		"every byte escaped, upper":  strings.ToUpper(percent.String()),
		"every character in Unicode": unicode.String(),
		"hex":                        hex.EncodeToString([]byte(text)),
		"upper-case hex":             strings.ToUpper(hex.EncodeToString([]byte(text))),
		"hex with spaces":            fmt.Sprintf("% x", text),
		"upper-case hex with spaces": fmt.Sprintf("% X", text),
		"bytes":                      strings.Trim(fmt.Sprint([]byte(text)), "[]"),
		"bytes, Go syntax":           strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(text)), "[]byte{"), "}"),
		"bytes, JSON":                strings.ReplaceAll(strings.Trim(fmt.Sprint([]byte(text)), "[]"), " ", ","),
	}
	// Base64 of a longer text holds the secret's at one of three places, but
	// for the ends, which its neighbours have a part in.
	for shift := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			coded := enc.EncodeToString(append(make([]byte, shift), text...))
			from, to := (shift*8+5)/6, (shift+len(text))*8/6
			all[fmt.Sprintf("%s at %d", name, shift)] = coded[from:to]
			all[fmt.Sprintf("%s at %d, escaped", name, shift)] = url.QueryEscape(coded[from:to])
		}
	}
	return all
}

// hashes are what a short secret can be guessed from. Their beginnings tell as
// well: 8 bytes are not there by chance.
func hashes(text string) map[string]string {
	all := map[string]string{}
	md, s1, s256, s512 := md5.Sum([]byte(text)), sha1.Sum([]byte(text)), sha256.Sum256([]byte(text)), sha512.Sum512([]byte(text))
	for name, sum := range map[string][]byte{"MD5": md[:], "SHA-1": s1[:], "SHA-256": s256[:], "SHA-512": s512[:]} {
		all[name] = hex.EncodeToString(sum[:8])
		all[name+", upper-case hex"] = strings.ToUpper(hex.EncodeToString(sum[:8]))
		all[name+", base64"] = base64.RawStdEncoding.EncodeToString(sum[:9])
		all[name+", base64url"] = base64.RawURLEncoding.EncodeToString(sum[:9])
		all[name+", bytes"] = strings.Trim(fmt.Sprint(sum[:8]), "[]")
	}
	return all
}

func unquoted(quoted string) string {
	if len(quoted) < 2 {
		return quoted
	}
	return quoted[1 : len(quoted)-1]
}

// lowerEscapes spells %2F as %2f.
func lowerEscapes(text string) string {
	b := []byte(text)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}
