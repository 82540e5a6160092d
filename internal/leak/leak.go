// Package leak looks for secrets in what a program said, in every form in which
// they may have got there.
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
	"net/url"
	"strings"
)

// Find returns the forms of secrets that are in texts, each once, with what
// stands before it and without the secret itself. No secret may be shorter than
// 8 bytes: such are found everywhere.
func Find(texts, secrets []string) (found []string) {
	for n, secret := range secrets {
		for form, written := range forms(secret) {
			for _, text := range texts {
				if at := strings.Index(text, written); at >= 0 {
					found = append(found, fmt.Sprintf("secret %d, %s, after %q", n, form, text[max(0, at-100):at]))
					break
				}
			}
		}
	}
	return found
}

// forms is how a secret may be written. Hashes count: who has a short secret's
// hash can guess it.
func forms(secret string) map[string]string {
	quoted, _ := json.Marshal(secret)
	all := map[string]string{
		"plain":            secret,
		"quoted":           strings.Trim(fmt.Sprintf("%q", secret), `"`),
		"JSON":             strings.Trim(string(quoted), `"`),
		"escaped query":    url.QueryEscape(secret),
		"escaped path":     url.PathEscape(secret),
		"escaped twice":    url.QueryEscape(url.QueryEscape(secret)),
		"hex":              hex.EncodeToString([]byte(secret)),
		"upper-case hex":   strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"bytes":            strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		"bytes, Go syntax": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(secret)), "[]byte{"), "}"),
	}
	// Base64 of a longer text holds the secret's at one of three places, but
	// for the ends, which its neighbours have a part in.
	for shift := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString(append(make([]byte, shift), secret...))
			from, to := (shift*8+5)/6, (shift+len(secret))*8/6
			all[fmt.Sprintf("%s at %d", name, shift)] = text[from:to]
		}
	}
	md, s1, s256, s512 := md5.Sum([]byte(secret)), sha1.Sum([]byte(secret)), sha256.Sum256([]byte(secret)), sha512.Sum512([]byte(secret))
	for name, sum := range map[string][]byte{"MD5": md[:], "SHA-1": s1[:], "SHA-256": s256[:], "SHA-512": s512[:]} {
		// A part of a hash tells as well; 8 bytes are not there by chance.
		all[name] = hex.EncodeToString(sum[:8])
		all[name+", upper-case hex"] = strings.ToUpper(hex.EncodeToString(sum[:8]))
		all[name+", base64"] = base64.RawStdEncoding.EncodeToString(sum[:9])
		all[name+", base64url"] = base64.RawURLEncoding.EncodeToString(sum[:9])
	}
	return all
}
