// Command outage takes the authorization server away while 200 workers send
// 2,000 requests a second: first their token is valid still, then it has
// expired, then the server is back.
package main

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/parts"
	"github.com/authtrip/authtrip/bench/peer"
)

// How the server is out.
const (
	refuse      = "refuse"
	hang        = "hang"
	status500   = "500"
	unavailable = "503, Retry-After: 2"
	tooMany     = "429, Retry-After: 2"
)

var variants = []string{refuse, hang, status500, unavailable, tooMany}

func main() {
	parts.Main(parts.Program{
		Title: "outage of the authorization server: tokens of 11 s, 200 workers, 2,000 req/s",
		Peers: []string{"x-oauth2", "google-async", "azcore", "smithy-bearer", "aws-credscache", authtripName},
		Parts: []parts.Part{{Name: "outage", Title: "Outage", Cases: cases, Run: run, Tables: tables}},
		Goals: goals(),
	})
}

// cases are all variants for authtrip and x/oauth2, and for the others those in
// which they may differ.
func cases(peers []string) []string {
	var out []string
	for _, v := range variants {
		for _, p := range peers {
			if p == authtripName || p == "x-oauth2" || slices.Contains([]string{refuse, hang, unavailable}, v) {
				out = append(out, p+"/"+v)
			}
		}
	}
	return out
}

func goals() []parts.Goal {
	var list []parts.Goal
	add := func(v, what, column string, most float64) {
		list = append(list, parts.Goal{What: v + ": " + what, Part: "outage", Row: authtripName + "/" + v, Column: column, AtMost: most})
	}
	for _, v := range variants {
		add(v, "token calls to open the circuit", colToOpen, 5)
		add(v, "token calls in the shortest probe interval, after the first five", colBurst, 1)
		add(v, "requests that failed while the token was valid", colFailedValid, 0)
		add(v, "requests that failed in the last tenth of the token's life", colFailedLast, 0)
		add(v, "requests sent with an expired token", colExpired, 0)
		add(v, "median of failing calls when open, one after another, µs", colFail50, 10)
		add(v, "99th of 100 failing calls when open, one after another, µs", colFail99, 10)
		add(v, "served again later than a probe interval after the return, ms", colLate, 50)
		add(v, "requests that failed after the first success", colFailedAfter, 0)
	}
	return list
}

// behave puts the server into a variant.
func behave(a *fake.Auth, variant string) {
	switch variant {
	case refuse:
		a.SetMode(fake.Refuse)
	case hang:
		a.SetMode(fake.Hang)
	default:
		a.SetMode(fake.Status)
	}
}

// newAuth is a server that will be out as variant says.
func newAuth(variant string) *fake.Auth {
	a := &fake.Auth{Lifetime: lifetime, TokenLen: 1024}
	switch variant {
	case status500:
		a.Code = http.StatusInternalServerError
	case unavailable:
		a.Code, a.RetryAfter = http.StatusServiceUnavailable, "2"
	case tooMany:
		a.Code, a.RetryAfter = http.StatusTooManyRequests, "2"
	}
	a.Start()
	return a
}

func run(name string) ([]harness.Row, error) {
	pname, variant, _ := strings.Cut(name, "/")
	if !slices.Contains(variants, variant) {
		return nil, errors.New("no such case")
	}
	o := &outage{auth: newAuth(variant), variant: variant}
	o.api = &fake.API{Auth: o.auth}
	c := peer.Config{
		TokenURL: o.auth.TokenURL(), ClientID: "id", ClientSecret: "secret", Base: o.api,
		TokenTransport: o.recorded(o.auth.Transport()),
		TokenTimeout:   5 * time.Second, // most have none of their own, and would hang for ever
	}
	var err error
	if pname == authtripName {
		o.rt, err = newAuthtrip(c, &o.circuit)
	} else {
		var p peer.Peer
		if p, err = peer.ByName(pname); err == nil {
			o.rt, err = p.New(c)
		}
	}
	if err != nil {
		return nil, err
	}
	// The circuit opens after five calls that hang, each for a third of the
	// default FetchTimeout.
	o.length = 13 * time.Second
	if pname == authtripName && variant == hang {
		o.length = 28 * time.Second
	}
	if err := o.run(); err != nil {
		return nil, err
	}
	return []harness.Row{append(harness.Row{harness.Text("", name)}, o.row(pname == authtripName)...)}, nil
}
