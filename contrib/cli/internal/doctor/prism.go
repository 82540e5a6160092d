package doctor

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/prism"
)

// What PRISM waits for an answer: it expects one within the first, and gives up
// after the second.
const expected, patience = time.Second, 3 * time.Second

// renewal is a check.
const renewal = "prism: renewal"

// isPRISM reports whether the registration is the preset's.
func (d *Doctor) isPRISM() bool {
	return strings.EqualFold(d.Registration.ClientSecretHeader, prism.HeaderClientSecret)
}

// checkContract asks a customer's service what it must refuse. It spends
// nothing: codes and tokens are made up.
func (d *Doctor) checkContract(ctx context.Context, reachable bool) {
	id, secret, err := d.credentials(ctx)
	slowest, asked := time.Duration(0), false
	code := url.Values{"grant_type": {"authorization_code"}, "code": {rand.Text()}}
	if uri := d.Registration.RedirectURI; uri != "" {
		code.Set("redirect_uri", uri)
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {rand.Text()}}
	redeemsCodes := d.Registration.Grant == authtrip.AuthorizationCode
	if !redeemsCodes {
		code = refresh
	}
	for _, c := range []struct {
		check, secret string
		params        url.Values
		wants         string
	}{
		{"prism: wrong code", secret, code, "invalid_grant"},
		{"prism: wrong refresh token", secret, refresh, "invalid_grant"},
		{"prism: wrong secret", rand.Text(), code, "invalid_client"},
		{"prism: unknown grant", secret, url.Values{"grant_type": {"password"}}, "unsupported_grant_type"},
	} {
		switch {
		case !reachable:
			d.add(c.check, Skip, "the server gives no answer", "")
			continue
		case !redeemsCodes && c.check == "prism: wrong code":
			d.add(c.check, Skip, "the registration redeems none", "")
			continue
		case err != nil:
			d.add(c.check, Skip, "there are no credentials: "+err.Error(), "")
			continue
		}
		r, err := d.get(ctx, id, c.secret, c.params)
		if err != nil {
			// Each of the others would take as long, and leave the token call no time.
			reachable = reachable && !isTimeout(err)
			d.add(c.check, Fail, err.Error(), "answer GET "+withoutQuery(d.Registration.TokenEndpoint.URL))
			continue
		}
		slowest, asked = max(slowest, r.took), true
		d.checkRefusal(c.check, r, c.wants)
	}
	if asked {
		d.checkTime(slowest)
	}
}

// credentials are the client's.
func (d *Doctor) credentials(ctx context.Context) (id, secret string, err error) {
	r := d.Registration
	if r.Credentials == nil {
		return r.ClientID, r.ClientSecret.Reveal(), nil
	}
	id, held, err := r.Credentials(ctx)
	return id, held.Reveal(), err
}

// get makes a token call as PRISM does, and follows no redirect.
func (d *Doctor) get(ctx context.Context, id, secret string, params url.Values) (*reply, error) {
	u, err := url.Parse(d.Registration.TokenEndpoint.URL)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	for name, values := range params {
		query[name] = values
	}
	u.RawQuery = query.Encode()
	limit := 2 * patience
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end)/3)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set(d.Registration.ClientIDHeader, id)
	req.Header.Set(d.Registration.ClientSecretHeader, secret)
	began := time.Now()
	res, err := newTransport().RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	r := describe(res, body)
	r.took = time.Since(began)
	return r, nil
}

func isTimeout(err error) bool {
	failed, ok := errors.AsType[net.Error](err)
	return ok && failed.Timeout()
}

// checkRefusal looks at the answer to what must be refused (RFC 6749 §5.2).
func (d *Doctor) checkRefusal(check string, r *reply, wants string) {
	found := fmt.Sprintf("HTTP %d", r.status)
	if r.errorCode != "" {
		found += " " + r.errorCode
	}
	refuse := fmt.Sprintf(`refuse it with HTTP 400 and the JSON {"error":"%s"} (RFC 6749 §5.2)`, wants)
	switch {
	case r.status == http.StatusNotFound, r.status == http.StatusMethodNotAllowed:
		d.add(check, Fail, found+": no token endpoint for GET is there", "answer GET "+withoutQuery(d.Registration.TokenEndpoint.URL))
	case r.status >= 300 && r.status < 400:
		d.add(check, Fail, found+": a redirect, which nobody follows", "answer at that address")
	case r.status >= 500:
		d.add(check, Fail, found+": it is taken for an outage, and asked again", refuse)
	case r.kinds["access_token"] != "":
		d.add(check, Fail, found+": it gave a token", refuse)
	case r.status < 300:
		d.add(check, Fail, found+": no error to a client that looks at the status", refuse)
	case !r.object:
		d.add(check, Fail, found+": the answer is no JSON object", refuse)
	case r.kinds["error"] != "string" || r.errorCode == "":
		d.add(check, Fail, found+`: the JSON has no text "error"`, refuse)
	case r.mediaType != "application/json":
		d.add(check, Fail, found+", of type "+cmp.Or(short([]byte(strconv.Quote(r.mediaType))), "none"), "send Content-Type: application/json")
	case r.status != http.StatusBadRequest && !(r.status == http.StatusUnauthorized && r.errorCode == "invalid_client"):
		d.add(check, Fail, found+": not the status of a refusal", refuse)
	case r.errorCode == "invalid_client" && wants == "invalid_grant":
		d.add(check, Fail, found+": the client's own credentials are refused", "check client_id and client_secret, and that the service reads them from "+d.Registration.ClientIDHeader+" and "+d.Registration.ClientSecretHeader)
	case r.errorCode == "invalid_grant" && wants == "invalid_client":
		d.add(check, Warn, found+": whether the secret is looked at does not show", "look at the client's credentials before the code")
	case r.errorCode != wants && !(wants == "unsupported_grant_type" && r.errorCode == "invalid_request"):
		d.add(check, Fail, found+", where "+wants+" is meant", refuse)
	default:
		d.add(check, Pass, found, "")
	}
}

func (d *Doctor) checkTime(slowest time.Duration) {
	found := fmt.Sprintf("the slowest took %v", slowest.Round(time.Millisecond))
	switch {
	case slowest > patience:
		d.add("prism: answer time", Fail, found, "answer within 1 s: PRISM gives up after 3 s")
	case slowest > expected:
		d.add("prism: answer time", Warn, found, "answer within 1 s, as PRISM expects")
	default:
		d.add("prism: answer time", Pass, "within 1 s", "")
	}
}

// checkReply looks at what the service issued, if it did just now, and renews
// it.
func (d *Doctor) checkReply(ctx context.Context) {
	if !d.isPRISM() {
		return
	}
	r := d.tokens.reply()
	if r == nil || d.session == nil || r.errorCode != "" {
		d.add("prism: token reply", Skip, "no token was issued just now", "give a code that was just issued: --code CODE")
	} else {
		d.checkFields("prism: token reply", r)
	}
	if !d.loggedIn(ctx) {
		d.add(renewal, Skip, "nobody is logged in", "give a code that was just issued: --code CODE")
		return
	}
	d.checkRenewal(ctx, r)
}

// loggedIn reports whether there is a token.
func (d *Doctor) loggedIn(ctx context.Context) bool {
	_, err := d.session.Source.Token(ctx)
	return err == nil
}

// checkFields compares a reply with the documents' table.
func (d *Doctor) checkFields(check string, r *reply) {
	var faults []string
	fault := func(wrong bool, text string) {
		if wrong {
			faults = append(faults, text)
		}
	}
	fault(r.status != http.StatusOK, fmt.Sprintf("HTTP %d instead of 200", r.status))
	fault(!r.object, "no JSON object")
	fault(r.mediaType != "application/json", "Content-Type is not application/json")
	fault(r.object && r.kinds["access_token"] != "string", "access_token is not a text at the top")
	fault(r.object && !strings.EqualFold(r.tokenType, "bearer"), `token_type is not "bearer"`)
	expires := r.kinds["expires_in"]
	fault(expires != "" && expires != "number", "expires_in is no number, but "+expires)
	if seconds, err := strconv.ParseFloat(r.expiresIn, 64); err == nil && expires == "number" {
		fault(seconds <= 0, "expires_in is not above 0")
	}
	refresh := r.kinds["refresh_token"]
	fault(refresh != "" && refresh != "string", "refresh_token is no text, but "+refresh)
	found := "expires_in " + cmp.Or(r.expiresIn, "not given")
	switch {
	case r.rotated:
		found += ", the refresh token replaced"
	case refresh != "":
		found += ", with a refresh token"
	case check == renewal:
		found += ", the refresh token stays as it is"
	default:
		found += ", without a refresh token"
	}
	switch {
	case len(faults) > 0:
		d.add(check, Fail, strings.Join(faults, "; "), `send {"access_token":"…","token_type":"bearer","expires_in":3600,"refresh_token":"…"}, the last two or none`)
	case !r.noStore:
		d.add(check, Warn, found+", without Cache-Control: no-store", "send it, so that no proxy keeps a token (RFC 6749 §5.1)")
	default:
		d.add(check, Pass, found, "")
	}
}

// checkRenewal has the refresh token redeemed. The library keeps what comes of
// it.
func (d *Doctor) checkRenewal(ctx context.Context, before *reply) {
	tok, err := d.session.Source.Token(ctx)
	var another authtrip.Token
	if err == nil {
		d.session.Source.Invalidate(tok)
		another, err = d.session.Source.Token(ctx)
	}
	r := d.tokens.reply()
	switch {
	case errors.Is(err, authtrip.ErrAuthorizationRequired) && r == before:
		d.add(renewal, Pass, "there is no refresh token: users log in anew when the token has ended", "")
	case err != nil:
		d.add(renewal, Fail, strings.TrimPrefix(err.Error(), "authtrip: "), "answer grant_type=refresh_token&refresh_token=… with another token")
	case another.AccessToken() == tok.AccessToken():
		d.add(renewal, Fail, "it gave the same access token again", "answer grant_type=refresh_token&refresh_token=… with another token")
	default:
		d.checkFields(renewal, r)
	}
}
