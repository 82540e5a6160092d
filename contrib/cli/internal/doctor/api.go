package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/authtrip/authtrip"
)

// examples are calls that NHN Cloud's documents show, by authorization server.
var examples = map[string]string{
	"https://oauth.api.nhncloudservice.com/oauth2/token/create":     "https://core.api.nhncloudservice.com/v1/organizations",
	"https://oauth.api.gov-nhncloudservice.com/oauth2/token/create": "https://core.api.gov-nhncloudservice.com/v1/organizations",
}

// checkAPI makes a real call, and the same with a token that is none.
func (d *Doctor) checkAPI(ctx context.Context, has bool) {
	address := d.Call
	if address == "" {
		address = examples[d.Registration.TokenEndpoint.URL]
	}
	switch {
	case address == "":
		d.add("call", Skip, "no URL to call is known", "give one that needs a token, and changes nothing when it is read: --call URL")
	case !has:
		d.add("call", Skip, "there is no token", "")
	default:
		a, err := d.ask(ctx, d.session.Source, address)
		if d.checkCall(address, a, err) {
			d.checkRejection(ctx, address, a)
			return
		}
	}
	d.add("rejection", Skip, "there was no call with a token", "")
}

// ask sends a GET request with a token of src, once.
func (d *Doctor) ask(ctx context.Context, src *authtrip.Source, address string) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	seen := &witness{base: newTransport(), header: d.headers()[0]}
	res, err := (&authtrip.Transport{Source: src, Base: seen, NoReplay: true}).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	a := judge(res.StatusCode, body, d.envelopes())
	a.rejected, a.hadToken = authtrip.Rejected(res), seen.hadToken
	return a, nil
}

// witness sees whether the request that was sent had the token.
type witness struct {
	base     http.RoundTripper
	header   string
	hadToken bool
}

// RoundTrip implements [http.RoundTripper].
func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	w.hadToken = req.Header.Get(w.header) != ""
	return w.base.RoundTrip(req)
}

// checkCall reports whether the API was called with a token.
func (d *Doctor) checkCall(address string, a *answer, err error) bool {
	address = withoutQuery(address)
	switch {
	case errors.Is(err, authtrip.ErrInsecure):
		d.add("call", Fail, address+": plain http would show the token", "use https, or name the host in allow_http")
		return false
	case err != nil:
		d.add("call", Fail, address+": "+strings.TrimPrefix(err.Error(), "authtrip: "), "check the URL, and that the API can be reached from here")
		return false
	case !a.hadToken:
		d.add("call", Fail, address+": the request went without the token, for it is not one of the registration's origins", "add it: more_origins: ["+originOf(address)+"]")
		return false
	}
	found := address + ": " + a.String()
	switch {
	case a.rejected:
		d.report.rejected = true
		d.add("call", Fail, found+": the API does not accept the token", "check that it is an API of the same environment, that it wants the token in the header above, and what the token is for (scope, audience)")
	case a.status == http.StatusUnauthorized:
		d.report.rejected = true
		d.add("call", Fail, found+": refused, and not for the token being invalid", "the WWW-Authenticate header says what is wanted: another scope, or another way to authenticate")
	case a.status == http.StatusForbidden, a.status == http.StatusOK && a.failed():
		d.add("call", Fail, found+": the token is accepted, and the call is not", "see the code in the API's documents: a permission, an application key (app_keys), a parameter")
	case a.status >= 500:
		d.add("call", Fail, found+": the API fails", "try again later, and tell its operators")
	case a.status >= 400:
		d.add("call", Warn, found+": not refused for the token, and not answered", "check the URL: give one that answers GET")
	case a.status >= 300:
		d.add("call", Warn, found+": a redirect, which was not followed", "give the URL that it leads to")
	default:
		d.add("call", Pass, found, "")
	}
	return true
}

// checkRejection makes the call with a token that is none: it must be seen as
// rejected, or a token that has ended is not replaced.
func (d *Doctor) checkRejection(ctx context.Context, address string, real *answer) {
	src, err := madeUp(d.Registration)
	if err != nil {
		d.add("rejection", Skip, err.Error(), "")
		return
	}
	defer src.Close() //nolint:errcheck // it holds nothing
	a, err := d.ask(ctx, src, address)
	switch {
	case err != nil:
		d.add("rejection", Fail, "with a made-up token: "+strings.TrimPrefix(err.Error(), "authtrip: "), "try again: the call before it was answered")
	case a.rejected:
		d.add("rejection", Pass, "a made-up token gets "+a.String()+", which is seen as a rejection", "")
	case a.status < 300 && !a.failed() && a.code == real.code:
		d.add("rejection", Fail, "a made-up token gets "+a.String()+", as the real one", "is that a public URL? Give one that needs a token: --call URL; if it does need one, the API does not check it")
	case a.status == real.status && a.code == real.code:
		d.add("rejection", Skip, "a made-up token gets "+a.String()+", as the real one: nothing can be told of rejections", "give a URL that this client may call: --call URL")
	case a.status == http.StatusOK:
		d.add("rejection", Fail, "a made-up token gets "+a.String()+", which is not seen as a rejection: a token that ended early would not be replaced", d.adviceEnvelope(address, a))
	default:
		d.add("rejection", Fail, "a made-up token gets "+a.String()+", which is not seen as a rejection: a token that ended early would not be replaced",
			fmt.Sprintf("if the API says so of nothing else, write reject_status: [%d]", a.status))
	}
}

// adviceEnvelope is what to write so that the answer is seen as a rejection.
func (d *Doctor) adviceEnvelope(address string, a *answer) string {
	if a.shape.Code == "" || a.code == "" {
		return "find out from the API's documents where its JSON says so, and write envelopes"
	}
	success := ""
	if a.shape.Success != "" {
		success = "success: " + a.shape.Success + ", "
	}
	return fmt.Sprintf(`if that code means that the token is not valid, write envelopes: {"%s": {%scode: %s, rejected: ["%s"]}}`, originOf(address), success, a.shape.Code, a.code)
}

// madeUp is a Source of a token that no server issued; nothing is asked for it.
func madeUp(r authtrip.Registration) (*authtrip.Source, error) {
	stub := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		body := `{"access_token":"` + rand.Text() + rand.Text() + `","token_type":"Bearer","expires_in":600}`
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	})
	return authtrip.NewSource(authtrip.Registration{
		ID: r.ID, ClientID: "none", ClientSecret: authtrip.NewSecret("none"),
		TokenEndpoint: authtrip.Endpoint{URL: r.TokenEndpoint.URL}, TokenTransport: stub, AllowHTTP: r.AllowHTTP,
		Headers: r.Headers, RawToken: r.RawToken, HostHeaders: r.HostHeaders, Origins: r.Origins,
		Reject: r.Reject, RejectStatus: r.RejectStatus, Envelopes: r.Envelopes,
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// originOf is a URL's origin as the configuration has it.
func originOf(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return ""
	case u.Scheme == "https":
		return u.Host
	}
	return u.Scheme + "://" + u.Host
}

// withoutQuery is a URL without what may be a secret.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the URL"
	}
	u.RawQuery, u.User, u.Fragment = "", nil, ""
	return u.String()
}

// envelopes are where a verdict may stand: what the registration says, and what
// is usual.
func (d *Doctor) envelopes() []authtrip.Envelope {
	var all []authtrip.Envelope
	for _, e := range d.Registration.Envelopes {
		if !slices.ContainsFunc(all, func(o authtrip.Envelope) bool { return o.Success == e.Success && o.Code == e.Code }) {
			all = append(all, authtrip.Envelope{Success: e.Success, Code: e.Code})
		}
	}
	return append(all, usual...)
}
