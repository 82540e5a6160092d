package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// soonExpired is when a certificate is worth a word.
	soonExpired = 14 * 24 * time.Hour
	// farOff is how wrong a clock may be: the server's is told in seconds.
	farOff = 30 * time.Second
)

// checkServer looks at the way to the authorization server, and reports whether
// it can be reached: whether it answers, the token call tells.
func (d *Doctor) checkServer(ctx context.Context) bool {
	u, err := url.Parse(d.Registration.TokenEndpoint.URL)
	if err != nil {
		return false // the configuration was checked
	}
	proxied := false
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err == nil && proxy != nil {
		proxied = true
		d.add("dns", Skip, "calls go through the proxy "+proxy.Host, "")
		d.add("tcp", Skip, "calls go through the proxy "+proxy.Host, "")
	} else if !d.checkAddress(ctx, u) {
		for _, check := range []string{"tls", "clock"} {
			d.add(check, Skip, "the server cannot be reached", "")
		}
		return false
	}
	if proxied && u.Scheme == "https" {
		d.add("tls", Skip, "calls go through a proxy", "")
	} else if state, err := handshake(ctx, u); !d.checkTLS(u, state, err) {
		d.add("clock", Skip, "the server cannot be reached", "")
		return false
	}
	d.checkClock(probe(ctx, u))
	return true
}

// handshake is a TLS handshake by itself: a server that answers no HEAD request
// may well answer token calls. For plain http there is none.
func handshake(ctx context.Context, u *url.URL) (*tls.ConnectionState, error) {
	if u.Scheme != "https" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	state := conn.(*tls.Conn).ConnectionState()
	return &state, nil
}

// probe asks what time it is, and says when it asked. It has a short time of its own, so that enough is
// left for the token call, and no answer to it means nothing.
func probe(ctx context.Context, u *url.URL) (string, time.Time) {
	limit := 2 * time.Second
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end)/4)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.Scheme+"://"+u.Host+"/", nil)
	if err != nil {
		return "", began
	}
	res, err := newTransport().RoundTrip(req) // no redirect is followed
	if err != nil {
		return "", began
	}
	_ = res.Body.Close()
	return res.Header.Get("Date"), began
}

// checkAddress looks the host up and connects to it.
func (d *Doctor) checkAddress(ctx context.Context, u *url.URL) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if err != nil {
		d.add("dns", Fail, err.Error(), "check the host in token_uri, and the name server of this machine")
		d.add("tcp", Skip, "the host has no address", "")
		return false
	}
	d.add("dns", Pass, u.Hostname()+" is "+strings.Join(addresses[:min(3, len(addresses))], ", "), "")
	address := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), map[string]string{"https": "443", "http": "80"}[u.Scheme]))
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		d.add("tcp", Fail, err.Error(), "check the port in token_uri, firewalls, and whether a proxy is needed (HTTPS_PROXY)")
		return false
	}
	_ = conn.Close()
	d.add("tcp", Pass, "connected to "+address, "")
	return true
}

// checkTLS reports whether a connection can be had.
func (d *Doctor) checkTLS(u *url.URL, state *tls.ConnectionState, err error) bool {
	switch {
	case err != nil:
		d.add("tls", Fail, err.Error(), adviceTLS(err))
		return false
	case u.Scheme != "https":
		d.add("tls", Skip, "plain http", "")
	default:
		leaf := state.PeerCertificates[0]
		left := time.Until(leaf.NotAfter)
		found := fmt.Sprintf("%s, certificate valid until %s, %d days", tls.VersionName(state.Version), leaf.NotAfter.UTC().Format(time.DateOnly), int(left.Hours()/24))
		if left < soonExpired {
			d.add("tls", Warn, found, "have the server's certificate renewed: without a valid one there are no tokens")
			return true
		}
		d.add("tls", Pass, found, "")
	}
	return true
}

func adviceTLS(err error) string {
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, isOther := errors.AsType[x509.HostnameError](err)
	_, isPlain := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case isInvalid && invalid.Reason == x509.Expired:
		return "have the server's certificate renewed, or set this machine's clock"
	case isUnknown:
		return "install the authority of the server's certificate on this machine, or name its file in SSL_CERT_FILE"
	case isOther:
		return "the certificate is for another host: check token_uri"
	case isPlain:
		return "no TLS is spoken at that port: check token_uri"
	}
	return "the server must speak TLS 1.2 or newer"
}

func (d *Doctor) checkClock(date string, began time.Time) {
	theirs, err := http.ParseTime(date)
	if err != nil {
		d.add("clock", Skip, "the server does not say what time it is", "")
		return
	}
	ours := began.Add(time.Since(began) / 2)
	off := theirs.Sub(ours)
	switch {
	case off > -2*time.Second && off < 2*time.Second:
		d.add("clock", Pass, "as the server's", "")
	case off > -farOff && off < farOff:
		d.add("clock", Pass, fmt.Sprintf("%v from the server's", off.Abs().Round(time.Second)), "")
	default:
		d.add("clock", Warn, fmt.Sprintf("%v from the server's", off.Abs().Round(time.Second)),
			"set this machine's clock: lifetimes are counted from the call and hold, but certificates, signed assertions, and processes that share a Store do not forgive it")
	}
}
