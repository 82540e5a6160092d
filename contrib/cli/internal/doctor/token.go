package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// checkToken makes a real token call, or uses what a user granted, and reports
// whether there is a token.
func (d *Doctor) checkToken(ctx context.Context, reachable bool) bool {
	if !reachable {
		d.add("token", Skip, "the server cannot be reached", "")
		d.add("lifetime", Skip, "there is no token", "")
		return false
	}
	s, err := d.Open(authtrip.WithTokenTransport(d.tokens))
	if err != nil {
		d.add("token", Fail, err.Error(), "")
		d.add("lifetime", Skip, "there is no token", "")
		return false
	}
	d.session = s
	if d.Code != "" {
		err = s.Source.ExchangeCode(ctx, d.Code, nil)
	}
	var tok authtrip.Token
	if err == nil {
		tok, err = s.Source.Token(ctx)
	}
	if err != nil {
		d.add("token", Fail, strings.TrimPrefix(err.Error(), "authtrip: "), d.adviceToken(err))
		d.add("lifetime", Skip, "there is no token", "")
		d.checkReply(ctx)
		return false
	}
	if d.tokens.reply() == nil {
		d.add("token", Pass, "one from the cache", "")
	} else {
		d.add("token", Pass, fmt.Sprintf("issued in %d ms", max(1, d.tokens.reply().took.Milliseconds())), "")
	}
	d.checkLifetime(tok)
	d.checkReply(ctx)
	return true
}

// adviceToken says what to do about a token call that failed; the error says
// what it was.
func (d *Doctor) adviceToken(err error) string {
	said, isSaid := errors.AsType[*authtrip.ServerError](err)
	switch {
	case errors.Is(err, authtrip.ErrAuthorizationRequired) && d.Registration.Grant == authtrip.AuthorizationCode:
		return "run authtrip login " + d.Args + ", or give --code"
	case errors.Is(err, authtrip.ErrAuthorizationRequired):
		return "the refresh token has ended: give another in the configuration"
	case !isSaid && d.tokens.reply() == nil:
		return "the server gives no HTTP answer to a token call: see that an HTTP server is at that port, and what it waits for"
	case !isSaid:
		return "see the checks above; does token_uri answer?"
	case said.Code == "invalid_client":
		return d.adviceClient()
	case said.Code == "invalid_scope":
		return "ask for other scopes: scope in the configuration"
	case said.Code == "unauthorized_client":
		return "allow the client the grant " + d.grant() + " at the server, or set authorization_grant_type"
	case said.Code == "unsupported_grant_type", said.Status == 404, said.Status == 405:
		return "check token_uri and token_method"
	case said.Status >= 500:
		return "the server fails: try again later, and tell its operators"
	case said.Code == "":
		return "what answers is no token endpoint: check token_uri"
	}
	return "the server's documents say what it wants"
}

// adviceClient is about invalid_client: a wrong secret, or a right one that was
// sent in another way than the server looks for it.
func (d *Doctor) adviceClient() string {
	how := d.Registration.ClientAuth
	switch {
	case how == authtrip.ClientSecretHeaders:
		return "check client_id and client_secret, and that the service reads them from " + d.Registration.ClientIDHeader + " and " + d.Registration.ClientSecretHeader
	case how == authtrip.ClientSecretBasicRaw && d.isNHN():
		return "check client_id (the User Access Key ID) and client_secret (its Secret Access Key): was the key stopped, or its secret re-issued?"
	case how == authtrip.ClientSecretPost:
		return "check client_id and client_secret; if they are right, try client_authentication_method: client_secret_basic"
	}
	return "check client_id and client_secret; if they are right, try client_authentication_method: client_secret_post"
}

// checkLifetime says what follows from the server's figure.
func (d *Doctor) checkLifetime(tok authtrip.Token) {
	reply := d.tokens.reply()
	switch {
	case reply != nil && zero(reply.expiresIn):
		d.add("lifetime", Warn, "the server says expires_in "+reply.expiresIn+", which is taken for none: a token is used until an API rejects it", "have the server send the seconds that a token lasts, or leave expires_in out")
	case tok.Expiry().IsZero():
		d.add("lifetime", Pass, "the server gives none: a token is used until an API rejects it", "")
	case reply == nil || reply.expiresIn == "":
		d.add("lifetime", Pass, fmt.Sprintf("used for another %v", round(time.Until(tok.Expiry()))), "")
	default:
		seconds, err := time.ParseDuration(reply.expiresIn + "s")
		if err != nil {
			d.add("lifetime", Pass, fmt.Sprintf("used for another %v", round(time.Until(tok.Expiry()))), "")
			return
		}
		end := seconds - min(10*time.Second, seconds/10)
		d.add("lifetime", Pass, fmt.Sprintf("%v; renewed behind requests after about %v, and no longer used after %v", seconds, round(seconds*2/3), round(end)), "")
	}
}

// zero reports whether a lifetime is there and is none.
func zero(expiresIn string) bool {
	seconds, err := strconv.ParseFloat(expiresIn, 64)
	return err == nil && seconds <= 0
}

// round is a time that nobody needs to the nanosecond.
func round(t time.Duration) time.Duration {
	if t > time.Minute {
		return t.Round(time.Second)
	}
	return t.Round(100 * time.Millisecond)
}

// checkUse says how the token goes on requests, and where to.
func (d *Doctor) checkUse() {
	value := "Bearer <token>"
	if d.Registration.RawToken {
		value = "<token>"
	}
	var lines []string
	for _, name := range d.headers() {
		lines = append(lines, name+": "+value)
	}
	d.add("header", Pass, strings.Join(lines, ", "), "")
	if len(d.Registration.Origins) == 0 {
		d.add("origins", Warn, "none are listed: the token goes wherever a program sends a request", "list them: origins: [api.example.com]")
		return
	}
	origins := ownFirst(d.Registration.Origins)
	shown := origins[:min(3, len(origins))]
	more := ""
	if n := len(origins) - len(shown); n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	d.add("origins", Pass, strings.Join(shown, ", ")+more, "")
}

// ownFirst are origins, with those that the configuration adds to NHN Cloud's
// before these: they are what its writer wants to see.
func ownFirst(origins []string) []string {
	presets := append(nhn.Registration(nhn.Credentials{}).Origins, nhn.Registration(nhn.Credentials{}, nhn.Government()).Origins...)
	isPresets := func(origin string) bool { return slices.Contains(presets, origin) }
	own := slices.DeleteFunc(slices.Clone(origins), isPresets)
	return append(own, slices.DeleteFunc(slices.Clone(origins), func(o string) bool { return !isPresets(o) })...)
}

func (d *Doctor) headers() []string {
	if len(d.Registration.Headers) == 0 {
		return []string{"Authorization"}
	}
	return d.Registration.Headers
}

// isNHN reports whether the registration is the preset's for NHN Cloud.
func (d *Doctor) isNHN() bool {
	return slices.ContainsFunc(d.Registration.Headers, func(name string) bool { return strings.HasPrefix(strings.ToLower(name), "x-nhn-auth") })
}
