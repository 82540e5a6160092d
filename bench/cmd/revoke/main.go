// Command revoke takes the token away from callers, or refuses whatever they
// send.
//
// In the variant 500-in-flight a token is revoked while 500 requests are under
// way. Replies leave one by one over half a second, so that most 401s arrive
// after the first caller could have fetched a new token (50 ms). A second wave of
// 500 follows.
//
// In always401 a resource refuses every token: 100 requests in turn, and then 100
// at once. In mixed401 every other request goes to a resource behind the same
// token that accepts it. Then the resource that refused stops doing so, and the
// token is revoked in earnest: how long until a request is accepted again?
package main

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/harness"
	"github.com/authtrip/authtrip/bench/peer"
)

const (
	accepting = "https://api.example.test/accepting"
	refusing  = "https://api.example.test/refusing"
	patience  = 2 * time.Second // until a peer is held never to notice
)

var peers = []string{
	"authtrip", "authtrip-nhn", "authtrip-resty", "x-oauth2", "google-async", "azcore", "azcore-challenge",
	"smithy-bearer", "aws-credscache", "gophercloud", "ghinstallation", "msal",
}

func main() { harness.Main(peers, scenario()) }

func scenario() harness.Scenario {
	s := harness.Scenario{
		Title: "forced revocation",
		Cases: harness.Cross("500-in-flight", "always401", "mixed401"),
		Run:   run,
	}
	for _, name := range []string{"authtrip", "authtrip-nhn", "authtrip-resty"} {
		s.Goals = append(s.Goals,
			harness.Goal{Case: name + "/500-in-flight", Cell: "401 to caller"},
			harness.Goal{Case: name + "/500-in-flight", Cell: "errors"},
			harness.Goal{Case: name + "/500-in-flight", Cell: "token requests", AtMost: 1},
		)
		for _, variant := range []string{"/always401", "/mixed401"} {
			s.Goals = append(s.Goals,
				harness.Goal{Case: name + variant, Cell: "token req, 100 in turn", AtMost: 2},
				harness.Goal{Case: name + variant, Cell: "token req, 100 at once", AtMost: 2},
				harness.Goal{Case: name + variant, Cell: "wrongly 401"},
				harness.Goal{Case: name + variant, Cell: "revoked: accepted", Is: "yes"},
				// A pause of 1 s, and a token call of 50 ms.
				harness.Goal{Case: name + variant, Cell: "revoked: accepted after", AtMost: 1200},
			)
		}
	}
	return s
}

func run(name string) ([]harness.Row, error) {
	name, variant, _ := strings.Cut(name, "/")
	p, err := peer.ByName(name)
	if err != nil {
		return nil, err
	}
	auth := &fake.Auth{Before: 50 * time.Millisecond, Lifetime: time.Hour, TokenLen: 1024}
	auth.Start()
	api := &fake.API{Auth: auth, JudgeLate: true}
	d, err := p.NewClient(peer.Config{
		TokenURL: auth.TokenURL(), ClientID: "id", ClientSecret: "secret", Base: api,
		TokenTransport: auth.Transport(), TokenTimeout: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	c := &caller{d}
	if !c.accepted(accepting) {
		return nil, errors.New("no token to begin with")
	}
	switch variant {
	case "always401":
		return refuse(c, auth, api, refusing), nil
	case "mixed401":
		return refuse(c, auth, api, refusing, accepting), nil
	}
	return inFlight(c, auth, api), nil
}

// inFlight revokes the token of 500 requests that are under way.
func inFlight(c *caller, auth *fake.Auth, api *fake.API) []harness.Row {
	t0, r0 := auth.Attempts(), api.Requests()
	api.Delay = func(n int64) time.Duration {
		if n -= r0; n < 500 {
			return 100*time.Millisecond + time.Duration(n)*time.Millisecond
		}
		return 20 * time.Millisecond
	}
	time.AfterFunc(90*time.Millisecond, auth.RevokeAll)
	start := time.Now()
	first := c.atOnce(500, accepting)
	took := time.Since(start)
	t1, r1 := auth.Attempts(), api.Requests()
	second := c.atOnce(500, accepting)
	return harness.One(
		harness.N("401 to caller", first.unauthorized.Load()), harness.N("errors", first.failed.Load()),
		harness.N("token requests", t1-t0), harness.N("API requests", r1-r0), harness.Ms("wave took", took),
		harness.N("2nd wave 401", second.unauthorized.Load()), harness.N("2nd wave errors", second.failed.Load()),
		harness.N("2nd wave token req", auth.Attempts()-t1),
	)
}

// refuse sends requests to the urls in turn, one of which refuses them, and
// then revokes the token.
func refuse(c *caller, auth *fake.Auth, api *fake.API, urls ...string) []harness.Row {
	var relented atomic.Bool
	api.Refuses = func(r *http.Request) bool { return r.URL.String() == refusing && !relented.Load() }

	var inTurn replies
	t0, r0 := auth.Attempts(), api.Requests()
	for i := range 100 {
		inTurn.count(c.get(urls[i%len(urls)]))
	}
	t1, r1 := auth.Attempts(), api.Requests()
	atOnce := c.atOnce(100, urls...)
	t2, r2 := auth.Attempts(), api.Requests()

	relented.Store(true)
	auth.RevokeAll()
	start := time.Now()
	accepted := "no"
	for accepted == "no" && time.Since(start) < patience {
		if c.accepted(urls[0]) {
			accepted = "yes"
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	refused := 100 / len(urls) // of each 100, by right
	return harness.One(
		harness.N("token req, 100 in turn", t1-t0), harness.N("API req, 100 in turn", r1-r0),
		harness.N("token req, 100 at once", t2-t1), harness.N("API req, 100 at once", r2-r1),
		harness.N("wrongly 401", inTurn.unauthorized.Load()+atOnce.unauthorized.Load()-2*int64(refused)),
		harness.N("errors", inTurn.failed.Load()+atOnce.failed.Load()),
		harness.Text("revoked: accepted", accepted),
		harness.Ms("revoked: accepted after", time.Since(start)),
		harness.N("revoked: token req", auth.Attempts()-t2),
	)
}

// caller sends GETs.
type caller struct{ peer.Doer }

var errUnauthorized = errors.New("401")

// get returns errUnauthorized for a 401.
func (c *caller) get(url string) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if err != nil {
		if strings.Contains(err.Error(), "but got 401") { // gophercloud makes an error of it
			return errUnauthorized
		}
		return err
	}
	_ = res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized:
		return errUnauthorized
	}
	return errors.New(res.Status)
}

func (c *caller) accepted(url string) bool { return c.get(url) == nil }

// replies counts what callers got.
type replies struct{ unauthorized, failed atomic.Int64 }

func (r *replies) count(err error) {
	switch {
	case errors.Is(err, errUnauthorized):
		r.unauthorized.Add(1)
	case err != nil:
		r.failed.Add(1)
	}
}

// atOnce sends n requests together, to each of the urls in turn.
func (c *caller) atOnce(n int, urls ...string) *replies {
	var all replies
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { all.count(c.get(urls[i%len(urls)])) })
	}
	wg.Wait()
	return &all
}
