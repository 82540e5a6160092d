// Package leak looks for secrets in what a program said, in every form in which
// they may have got there.
package leak

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Find returns where secrets are in texts, once for each secret: in which form,
// and the text before it, without any secret. No secret in it may be shorter
// than 8 bytes: such are found everywhere. Of one of 16 bytes or more its first
// and its last 12 count as well: a secret that was cut short tells enough.
func Find(texts, secrets []string) (found []string) {
	var forms []form
	for n, secret := range secrets {
		forms = append(forms, formsOf(n, secret)...)
	}
	// A form is looked for where its first 8 bytes are.
	byStart := map[uint64][]int{}
	for i, f := range forms {
		start := binary.BigEndian.Uint64([]byte(f.text))
		byStart[start] = append(byStart[start], i)
	}
	known := map[int]bool{} // secrets
	for _, text := range texts {
		var start uint64
		for i := range len(text) {
			if start = start<<8 | uint64(text[i]); i < 7 {
				continue
			}
			for _, n := range byStart[start] {
				f := forms[n]
				if !known[f.secret] && strings.HasPrefix(text[i-7:], f.text) {
					known[f.secret] = true
					found = append(found, fmt.Sprintf("secret %d%s after %q", f.secret, f.name, hide(text[max(0, i-207):i-7], forms)))
				}
			}
		}
	}
	return found
}

// hide takes all forms out of text.
func hide(text string, forms []form) string {
	for _, f := range forms {
		text = strings.ReplaceAll(text, f.text, "…")
	}
	return text
}

// form is one way in which a secret may be written.
type form struct {
	secret     int // which
	name, text string
}

// formsOf are those of a secret and of its ends.
func formsOf(n int, secret string) (all []form) {
	const end = 12
	parts := []form{{name: "", text: secret}}
	if len(secret) >= 16 {
		parts = append(parts,
			form{name: ", its beginning", text: strings.ToValidUTF8(secret[:end], "")},
			form{name: ", its end", text: strings.ToValidUTF8(secret[len(secret)-end:], "")})
	}
	for _, part := range parts {
		spelled := spellings(part.text)
		if part.name == "" {
			maps.Copy(spelled, hashes(secret))
		}
		for _, how := range slices.Sorted(maps.Keys(spelled)) {
			if len(spelled[how]) >= 8 {
				all = append(all, form{n, part.name + ", " + how, spelled[how]})
			}
		}
	}
	return all
}
