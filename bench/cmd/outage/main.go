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
	"github.com/authtrip/authtrip/bench/peer"
)

// How the server is out.
const (
	refuse      = "refuse"
	hang        = "hang"
	status500   = "500"
	unavailable = "503 with Retry-After: 2"
	tooMany     = "429 with Retry-After: 2"
)

var variants = []string{refuse, hang, status500, unavailable, tooMany}

func main() {
	peers := []string{"x-oauth2", "google-async", "azcore", "smithy-bearer", "aws-credscache", authtripName}
	harness.Main(peers, harness.Scenario{
		Title: "outage of the authorization server: tokens of 11 s, 200 workers, 2,000 req/s",
		Cases: cases,
		Run:   run,
		Lines: "peer/outage",
		Views: views,
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

func goals() (all []harness.Goal) {
	for _, v := range variants {
		c := authtripName + "/" + v
		all = append(all,
			harness.Goal{Case: c, Cell: colToOpen, AtMost: 5},
			harness.Goal{Case: c, Cell: colBurst, AtMost: 1}, // a probe in each interval
			harness.Goal{Case: c, Cell: colFailedValid},
			harness.Goal{Case: c, Cell: colExpired},
			harness.Goal{Case: c, Cell: colFail50, AtMost: 10},
			harness.Goal{Case: c, Cell: colFail99, AtMost: 10},
			harness.Goal{Case: c, Cell: colLate, AtMost: 50},
			harness.Goal{Case: c, Cell: colFailedAfter},
		)
	}
	return all
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
	o.length = 13 * time.Second
	if variant == hang {
		// Authtrip's circuit opens after five calls of a third of the
		// TokenTimeout. The return is between two of its probes, and in the
		// middle of a call of those who wait for the whole TokenTimeout.
		o.length = 24 * time.Second
	}
	if err := o.run(); err != nil {
		return nil, err
	}
	return harness.One(o.cells(pname == authtripName)...), nil
}
