package faultmatrix

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/internal/clock"
	"github.com/authtrip/authtrip/internal/vitals"
)

// Client is the client's process: it does what it is ordered to on in, and
// reports on out, until in ends. The library is used as any program would, with
// its own transport for token calls; the name server, the clock and whom to
// trust are the process's.
func Client(in io.Reader, out io.Writer) error {
	c := &client{said: newTranscript()}
	read, monotonic := clock.Read, clock.Monotonic
	clock.Read = func() (int64, int64) {
		mono, wall := read()
		aged := c.aged.Load()
		return mono + aged, wall + aged + c.wall.Load()
	}
	clock.Monotonic = func() int64 { return monotonic() + c.aged.Load() }
	orders, reports := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		r, err := c.obey(o)
		if err != nil {
			r.Error = err.Error()
		}
		if err := reports.Encode(r); err != nil {
			return err
		}
	}
}

type client struct {
	setup setup
	base  *http.Transport
	src   *authtrip.Source
	http  *http.Client
	said  *transcript

	before     vitals.Vitals // what the process held without requests
	bodies     bodies        // of requests
	aged, wall atomic.Int64  // how far the clocks are off

	attempts, opened, probes, closed atomic.Int64
}

func (c *client) obey(o order) (r report, err error) {
	switch o.Do {
	case "set up":
		r.Vitals, err = c.setUp(o.Setup)
	case "send one":
		if kind, _ := c.send(time.Minute); kind != "" {
			err = errors.New("the request failed: " + kind)
		}
	case "age":
		c.aged.Add(int64(o.For))
	case "set the clock":
		c.wall.Add(int64(o.For))
	case "work":
		r.Work = c.work(o.For)
	case "recover":
		r.Took, err = c.recover(o.For)
	case "rest":
		c.base.CloseIdleConnections()
		r.Vitals = settled(c.before)
	case "end":
		err = c.src.Close()
		c.base.CloseIdleConnections()
		r.Vitals = settled(c.before)
		r.Said, r.Dropped = c.said.all()
		r.BodiesOpen = int(c.bodies.opened.Load() - c.bodies.closed.Load())
	default:
		err = fmt.Errorf("no order %q", o.Do)
	}
	return r, err
}

// setUp makes the client, and returns what the process holds without one.
func (c *client) setUp(s setup) (vitals.Vitals, error) {
	c.setup = s
	trusted, err := x509.ParseCertificate(s.Trusted)
	if err != nil {
		return vitals.Vitals{}, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(trusted)
	x509.SetFallbackRoots(roots) // with x509usefallbackroots, in place of the system's
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", s.NameServer)
	}}
	c.base = &http.Transport{MaxIdleConnsPerHost: s.Workers}
	c.src, err = authtrip.NewSource(
		authtrip.Registration{
			ID: "matrix", ClientID: s.ClientID, ClientSecret: authtrip.NewSecret(s.ClientSecret),
			TokenEndpoint: authtrip.Endpoint{URL: s.TokenURL}, Origins: []string{s.APIURL},
		},
		authtrip.Policy{FetchTimeout: s.FetchTimeout, BreakerDelay: s.BreakerDelay, BreakerMaxDelay: s.BreakerMax},
		c.hooks(),
	)
	c.http = &http.Client{Transport: &authtrip.Transport{Source: c.src, Base: c.base}}
	c.before = vitals.ReadCollected()
	return c.before, err
}

func (c *client) hooks() authtrip.Hooks {
	return authtrip.Hooks{
		// Each attempt asks its transport for a connection once.
		TokenCallStart: func(flight, _ context.Context, _ authtrip.TokenCall) context.Context {
			return httptrace.WithClientTrace(flight, &httptrace.ClientTrace{GetConn: func(string) { c.attempts.Add(1) }})
		},
		NotReplayed: func(_ context.Context, id string, why error) {
			c.said.note(id)
			c.said.hear(why)
		},
		CircuitChanged: func(server, from, to string) {
			c.said.note(server + " " + from + " " + to)
			switch to {
			case "open":
				c.opened.Add(1)
			case "half-open":
				c.probes.Add(1)
			case "closed":
				c.closed.Add(1)
			}
		},
	}
}

// work has all workers send for a time.
func (c *client) work(d time.Duration) work {
	before := [...]int64{c.attempts.Load(), c.opened.Load(), c.probes.Load(), c.closed.Load()}
	total, began := work{Kinds: map[string]int{}}, time.Now()
	var mu sync.Mutex // guards total
	var wg sync.WaitGroup
	end := began.Add(d)
	for n := range c.setup.Workers {
		wg.Go(func() {
			// Spread over the first think time, so that they do not march in step;
			// the first all begin at once.
			for pause := time.Duration(n) * c.setup.Think / time.Duration(c.setup.Workers); ; pause = 0 {
				start := time.Now()
				kind, whole := c.send(c.setup.Patience)
				took := time.Since(start)
				mu.Lock()
				total.Requests++
				if kind != "" {
					total.Failed++
					total.Kinds[kind]++
				}
				if !whole {
					total.Damaged++
				}
				total.Longest = max(total.Longest, took)
				if kind == circuitOpen {
					total.LongestOpen = max(total.LongestOpen, took)
				}
				mu.Unlock()
				if time.Now().After(end) {
					return
				}
				time.Sleep(c.setup.Think + pause)
			}
		})
	}
	wg.Wait()
	total.Took = time.Since(began)
	time.Sleep(20 * time.Millisecond) // hooks are told beside the calls
	total.Attempts = int(c.attempts.Load() - before[0])
	total.Opened = int(c.opened.Load() - before[1])
	total.Probes = int(c.probes.Load() - before[2])
	total.Closed = int(c.closed.Load() - before[3])
	return total
}

// recover sends requests, one after another, until one succeeds.
func (c *client) recover(most time.Duration) (time.Duration, error) {
	start := time.Now()
	for {
		kind, _ := c.send(c.setup.Patience)
		took := time.Since(start)
		if kind == "" {
			return took, nil
		}
		if took > most {
			return took, fmt.Errorf("no request succeeded within %v: %s", most, kind)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
