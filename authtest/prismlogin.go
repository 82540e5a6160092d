package authtest

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// codeLifetime is what RFC 6749 §4.1.2 recommends at most.
const codeLifetime = 10 * time.Minute

// code is an authorization code.
type code struct {
	user        string
	redirectURI string
	state       string // empty: none is known
	issued      time.Time
	expiry      time.Time
	login       *login // what came of it; nil: not used
}

// login is what a user granted with one code: every token that came of it.
type login struct {
	user   string
	latest *accessToken
	ended  bool
}

type accessToken struct {
	text   string
	login  *login
	issued time.Time
	expiry time.Time // zero: none
}

type refreshToken struct {
	login  *login
	issued time.Time
	spent  bool // rotated away
}

// oauthRefusal is an error of RFC 6749 §5.2.
type oauthRefusal struct{ code, why string }

func (a *accessToken) valid(now time.Time) bool {
	return !a.login.ended && (a.expiry.IsZero() || now.Before(a.expiry))
}

// newCode issues c. s.mu is held.
func (s *PRISM) newCode(c *code) string {
	s.forgetOld()
	c.issued = time.Now()
	c.expiry = c.issued.Add(codeLifetime)
	text := rand.Text()
	s.codes[text] = c
	return text
}

// redeemCode is grant_type=authorization_code. PRISM's document requires the
// redirect_uri, though its example leaves it out; so does RFC 6749 §4.1.3, for
// the page requires it too.
func (s *PRISM) redeemCode(params url.Values) (map[string]any, *oauthRefusal) {
	for _, name := range []string{"code", "redirect_uri"} {
		if params.Get(name) == "" {
			return nil, &oauthRefusal{"invalid_request", name + " is missing"}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.codes[params.Get("code")]
	why := ""
	switch {
	case c == nil:
		why = "the code is not known"
	case c.login != nil: // stolen, perhaps: RFC 6749 §4.1.2
		s.counts.CodesReused++
		c.login.ended = true
		why = "the code was used already; what came of it is revoked"
	case !time.Now().Before(c.expiry):
		why = "the code has expired"
	case params.Get("redirect_uri") != c.redirectURI:
		why = "the redirect_uri is not that of the authorization request"
	case params.Has("state") && c.state != "" && params.Get("state") != c.state:
		why = "the state is not that of the authorization request"
	}
	if why != "" {
		return nil, &oauthRefusal{"invalid_grant", why}
	}
	c.login = &login{user: c.user}
	reply := s.issue(c.login, false)
	if !s.noRefresh {
		reply["refresh_token"] = s.newRefreshToken(c.login)
	}
	return reply, nil
}

// redeemRefreshToken is grant_type=refresh_token.
func (s *PRISM) redeemRefreshToken(params url.Values, same bool) (map[string]any, *oauthRefusal) {
	text := params.Get("refresh_token")
	if text == "" {
		return nil, &oauthRefusal{"invalid_request", "refresh_token is missing"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.refresh[text]
	switch {
	case t == nil:
		return nil, &oauthRefusal{"invalid_grant", "the refresh token is not known"}
	case t.spent: // stolen, perhaps: RFC 9700 §4.14.2
		s.counts.RefreshTokensReused++
		t.login.ended = true
		return nil, &oauthRefusal{"invalid_grant", "the refresh token was used already; what came of its login is revoked"}
	case t.login.ended:
		return nil, &oauthRefusal{"invalid_grant", "the login has ended"}
	}
	reply := s.issue(t.login, same)
	if s.rotates && !s.noRefresh {
		t.spent = true
		reply["refresh_token"] = s.newRefreshToken(t.login)
	}
	return reply, nil
}

// issue returns the reply with a new access token, or with the login's latest,
// if that is wanted and valid. s.mu is held.
func (s *PRISM) issue(l *login, same bool) map[string]any {
	now := time.Now()
	a := l.latest
	if !same || a == nil || s.access[a.text] == nil || !a.valid(now) {
		s.forgetOld()
		a = &accessToken{text: rand.Text() + rand.Text(), login: l, issued: now}
		if s.lifetime > 0 {
			a.expiry = now.Add(s.lifetime)
		}
		s.access[a.text], l.latest = a, a
		s.counts.Issued++
	}
	reply := map[string]any{"access_token": a.text, "token_type": "bearer"}
	if !a.expiry.IsZero() {
		reply["expires_in"] = json.Number(strconv.FormatFloat(a.expiry.Sub(now).Seconds(), 'f', -1, 64))
	}
	return reply
}

// newRefreshToken adds one to a login. s.mu is held.
func (s *PRISM) newRefreshToken(l *login) string {
	text := rand.Text() + rand.Text()
	s.refresh[text] = &refreshToken{login: l, issued: time.Now()}
	return text
}

// forgetOld keeps the sets small in long runs. A refresh token that was spent
// is kept while its login lasts, so that it is known again. s.mu is held.
func (s *PRISM) forgetOld() {
	if (len(s.codes)+len(s.access)+1)%1024 != 0 {
		return
	}
	now := time.Now()
	for text, c := range s.codes {
		if !now.Before(c.expiry) {
			delete(s.codes, text)
		}
	}
	for text, a := range s.access {
		if !a.valid(now) {
			delete(s.access, text)
		}
	}
	for text, t := range s.refresh {
		if t.login.ended {
			delete(s.refresh, text)
		}
	}
}
