package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// fault is something that befalls the servers or the token.
type fault struct {
	name   string
	breaks *authtest.Fault // what the token endpoint does until it is healed; nil: nothing
	fails  func(rules, time.Duration) int
	// fails is how many token calls come of breaks in a time; nil: none.
	revokes bool // all tokens end
	drops   bool // the program calls Source.Invalidate
	cuts    int  // so many requests to the API lose their connection
	whole   bool // it lasts for a whole lifetime, so that no token is left
}

// harmless reports whether no request may fail for it when nothing else is
// amiss: the authorization server works.
func (f fault) harmless() bool {
	return f.breaks == nil || f.breaks.Delay > 0 || f.breaks.SameToken
}

// opens reports whether it may open the circuit.
func (f fault) opens() bool {
	b := f.breaks
	return b != nil && (b.Hang || b.Reset || b.Status >= 500 || b.Body != "")
}

// faults are all that befalls. Slow is how long a slow token call takes.
func faults(slow time.Duration) []fault {
	one := rules{}.asToldIn(time.Second)
	html := "<html><body>Bad gateway</body></html>"
	return []fault{
		{name: "none"},
		{name: "all tokens revoked", revokes: true},
		{name: "`Source.Invalidate`", drops: true},
		{name: "500", breaks: &authtest.Fault{Status: http.StatusInternalServerError}, fails: rules.circuit},
		{name: "503", breaks: &authtest.Fault{Status: http.StatusServiceUnavailable}, fails: rules.circuit},
		{name: "503 with `Retry-After: 1`", breaks: &authtest.Fault{Status: http.StatusServiceUnavailable, RetryAfter: "1"}, fails: one},
		{name: "429", breaks: &authtest.Fault{Status: http.StatusTooManyRequests}, fails: rules.remembered},
		{name: "429 with `Retry-After: 1`", breaks: &authtest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"}, fails: one},
		{name: "400", breaks: &authtest.Fault{Status: http.StatusBadRequest}, fails: rules.remembered},
		{name: "no answer", breaks: &authtest.Fault{Hang: true}, fails: rules.hanging},
		{name: "connection reset", breaks: &authtest.Fault{Reset: true}, fails: rules.circuit},
		{name: "HTML in place of a token", breaks: &authtest.Fault{Body: html}, fails: rules.remembered},
		{name: "slow", breaks: &authtest.Fault{Delay: slow}},
		{name: "slow, all tokens revoked", breaks: &authtest.Fault{Delay: slow}, revokes: true},
		{name: "the same token again", breaks: &authtest.Fault{SameToken: true}, fails: rules.sameAgain},
		{name: "the same token again, `Source.Invalidate`", breaks: &authtest.Fault{SameToken: true}, fails: rules.sameAgain, drops: true},
		{name: "all tokens revoked, 500", breaks: &authtest.Fault{Status: http.StatusInternalServerError}, fails: rules.circuit, revokes: true},
		{name: "all tokens revoked, connection reset", breaks: &authtest.Fault{Reset: true}, fails: rules.circuit, revokes: true},
		{name: "all tokens revoked, no answer", breaks: &authtest.Fault{Hang: true}, fails: rules.hanging, revokes: true},
		{name: "all tokens revoked, 429", breaks: &authtest.Fault{Status: http.StatusTooManyRequests}, fails: rules.remembered, revokes: true},
		{name: "`Source.Invalidate`, 503", breaks: &authtest.Fault{Status: http.StatusServiceUnavailable}, fails: rules.circuit, drops: true},
		{name: "503 until the token has ended", breaks: &authtest.Fault{Status: http.StatusServiceUnavailable}, fails: rules.circuit, whole: true},
		{name: "no answer until the token has ended", breaks: &authtest.Fault{Hang: true}, fails: rules.hanging, whole: true},
		{name: "429 until the token has ended", breaks: &authtest.Fault{Status: http.StatusTooManyRequests}, fails: rules.remembered, whole: true},
		{name: "the same token again until it has ended", breaks: &authtest.Fault{SameToken: true}, fails: rules.sameAgain, whole: true},
		{name: "the API cuts connections", cuts: 50},
	}
}

// deck deals faults: each once, in random order, before any comes again.
type deck struct {
	all, left []fault
	rnd       *rand.Rand
}

func newDeck(set settings) *deck {
	return &deck{all: set.faults, rnd: rand.New(rand.NewPCG(set.seed, 1<<32))}
}

func (d *deck) deal() fault {
	if len(d.left) == 0 {
		d.left = append(d.left, d.all...)
		d.rnd.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
	}
	f := d.left[0]
	d.left = d.left[1:]
	return f
}

// window is the time from one fault to the next.
type window struct {
	fault     string
	lasted    time.Duration
	failing   time.Duration // of that, the time until it was healed
	calls     int           // token calls, as the authorization server counted them
	extra     int           // how many of these the fault explains at most
	want      int           // the most calls that were predicted
	forced    int           // 1 if it ended the token in use: that needs another
	failed    int64         // requests that failed for want of a token
	mayOpen   bool          // it may have opened the circuit
	unhealthy bool          // what came before it was not over
}

// befall has f happen, heals it after a part of the window, and waits for the
// rest.
func (s *soak) befall(f fault, part float64) (w window, err error) {
	failing, lasts := time.Duration(part*float64(s.every)), s.every
	if f.whole {
		failing, lasts = s.lifetime, s.lifetime+s.every
	}
	if s.calm {
		s.calmDown()
	}
	w = window{fault: f.name, mayOpen: f.opens(), unhealthy: !s.ledger.healthy()}
	start, tally := time.Now(), s.load.tally()
	before, err := s.servers.tell(order{})
	if err != nil {
		return w, err
	}
	if err = s.strike(f, &w); err != nil {
		return w, err
	}
	<-time.After(failing)
	if s.seen, err = s.servers.tell(order{Heal: true}); err != nil {
		return w, err
	}
	w.failing = time.Since(start)
	if f.fails != nil && (w.unhealthy || !s.ledger.fresh(start, time.Now())) {
		w.extra += f.fails(s.rules, w.failing)
	}
	<-time.After(lasts - time.Since(start))
	if s.seen, err = s.servers.tell(order{}); err != nil {
		return w, err
	}
	w.lasted = time.Since(start)
	w.calls = s.seen.TokenCalls - before.TokenCalls
	w.want = w.extra + s.rules.renewals(w.lasted)
	became := s.load.tally().minus(tally)
	w.failed = became.forWantOfAToken()
	if f.cuts == 0 && became[cut] > 0 {
		s.findings.add("%d requests failed to be sent or answered while the API cut no connection (%s)", became[cut], f.name)
	}
	if f.harmless() && !w.unhealthy && w.failed > 0 {
		s.findings.add("%d requests failed for want of a token while the authorization server worked (%s)", w.failed, f.name)
	}
	if w.calls > w.want {
		s.findings.add("%d token calls in %v of %q, want %d at most", w.calls, w.lasted.Round(time.Millisecond), f.name, w.want)
	}
	return w, nil
}

// strike has f happen.
func (s *soak) strike(f fault, w *window) error {
	tell := func(o order) (err error) {
		s.seen, err = s.servers.tell(o)
		return err
	}
	if err := tell(order{Break: f.breaks, Cut: f.cuts}); err != nil {
		return err
	}
	if f.revokes || f.drops {
		w.extra++
		if now := time.Now(); s.ledger.served(now, now) {
			w.forced = 1
		}
	}
	if f.revokes {
		return s.ledger.ending(func() error { return tell(order{Revoke: true, Cut: f.cuts}) })
	}
	if f.drops && !s.ledger.dropping(s.invalidate) {
		w.forced = 0
	}
	return nil
}

// invalidate drops the token in use, and reports whether there was one.
func (s *soak) invalidate() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	tok, err := s.source.Token(ctx)
	if err == nil {
		s.source.Invalidate(tok)
	}
	return err == nil
}
