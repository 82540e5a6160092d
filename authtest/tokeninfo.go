package authtest

import (
	"cmp"
	"slices"
	"time"
)

// TokenInfo is a token in force, or a code that was not used, without its text.
type TokenInfo struct {
	Kind            string    // "access", "refresh" or "code"
	Start           string    // the text's first six characters
	Holder          string    // of an NHN the User Access Key ID, of a PRISM the user
	Issued, Expires time.Time // Expires is zero when it never does
}

const startLength = 6

// Tokens returns the tokens in force, the latest first.
func (s *NHN) Tokens() []TokenInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var all []TokenInfo
	for text, g := range s.tokens {
		if !g.revoked && now.Before(g.expiry) {
			all = append(all, TokenInfo{"access", text[:startLength], s.userAccessKeyID, g.issued, g.expiry})
		}
	}
	return latestFirst(all)
}

// Tokens returns the access and refresh tokens in force and the codes that can
// be redeemed, the latest first.
func (s *PRISM) Tokens() []TokenInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var all []TokenInfo
	for text, a := range s.access {
		if a.valid(now) {
			all = append(all, TokenInfo{"access", text[:startLength], a.login.user, a.issued, a.expiry})
		}
	}
	for text, t := range s.refresh {
		if !t.spent && !t.login.ended {
			all = append(all, TokenInfo{"refresh", text[:startLength], t.login.user, t.issued, time.Time{}})
		}
	}
	for text, c := range s.codes {
		if c.login == nil && now.Before(c.expiry) {
			all = append(all, TokenInfo{"code", text[:startLength], c.user, c.issued, c.expiry})
		}
	}
	return latestFirst(all)
}

func latestFirst(all []TokenInfo) []TokenInfo {
	slices.SortFunc(all, func(a, b TokenInfo) int {
		return cmp.Or(b.Issued.Compare(a.Issued), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Start, b.Start))
	})
	return all
}
