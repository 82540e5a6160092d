package leak_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/internal/leak"
)

func TestASecretIsFoundInEveryForm(t *testing.T) {
	const secret = "s3cret/with+all \"of\" <it> & 한글"
	quoted, _ := json.Marshal(map[string]string{"a": secret})
	sum := sha256.Sum256([]byte(secret))
	for name, text := range map[string]string{
		"plain":      "before " + secret + " after",
		"quoted":     fmt.Sprintf("%q", "x"+secret+"x"),
		"JSON":       string(quoted),
		"query":      "https://example/?" + url.Values{"secret": {secret}}.Encode(),
		"path":       "https://example/" + url.PathEscape(secret),
		"Basic, 0":   base64.StdEncoding.EncodeToString([]byte("abc" + secret + "ab")),
		"Basic, 1":   base64.StdEncoding.EncodeToString([]byte("abcd" + secret + "a")),
		"Basic, 2":   base64.StdEncoding.EncodeToString([]byte("abcde" + secret)),
		"base64url":  base64.RawURLEncoding.EncodeToString([]byte("id:" + secret)),
		"hex":        fmt.Sprintf("%x", secret),
		"bytes":      fmt.Sprint([]byte("x" + secret + "x")),
		"Go syntax":  fmt.Sprintf("%#v", []byte("x"+secret+"x")),
		"hash":       hex.EncodeToString(sum[:]),
		"hash, half": strings.ToUpper(hex.EncodeToString(sum[:12])),
		"hash, b64":  base64.StdEncoding.EncodeToString(sum[:]),
		"escaped":    "x%73%33%63%72%65%74%2f%77%69%74%68%2b%61%6c%6c%20x",
		"lower case": strings.ReplaceAll(url.QueryEscape(secret), "%2F", "%2f"),
		"HTML":       "<p>" + html.EscapeString(secret) + "</p>",
		"beginning":  "cut short: " + secret[:13] + "…",
		"end":        base64.StdEncoding.EncodeToString([]byte("…" + secret[len(secret)-14:])),
		"unicode":    `\u0073\u0033\u0063\u0072\u0065\u0074\u002f\u0077\u0069\u0074\u0068\u002b`,
	} {
		t.Run(name, func(t *testing.T) {
			found := leak.Find([]string{"nothing", text}, []string{"another-secret", secret})
			if len(found) == 0 {
				t.Errorf("not found in %q", text)
			}
			if strings.Contains(fmt.Sprint(found), secret) {
				t.Errorf("what was found shows the secret: %q", found)
			}
		})
	}
	if found := leak.Find([]string{"s3cret/with", "of it 한글", ""}, []string{secret}); found != nil {
		t.Errorf("found %q where there is nothing", found)
	}
}
