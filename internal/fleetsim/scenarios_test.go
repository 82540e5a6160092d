package fleetsim

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// plan says how long the scenarios last.
type plan struct {
	lifetimes int           // how many pass where traffic is steady
	calm      time.Duration // a process's time between two requests there
	busy      time.Duration // and elsewhere
}

// scenario is something that befalls a fleet. It gives the figures of the rows
// of docs/fleet.md's table, in their order.
type scenario struct {
	rows []string
	run  func(*testing.T, world, plan) []figures
}

var scenarios = []scenario{
	{[]string{"cold start, all at once"}, coldStart},
	{[]string{"steady traffic through lifetimes"}, lifetimes},
	{[]string{"the token expired while nobody asked; all at once"}, expired},
	{[]string{"the token revoked; all at once"}, revoked},
	{[]string{"the token revoked, under traffic"}, revokedUnderTraffic},
	{[]string{"the Store refuses, through lifetimes", "it is back, for a lifetime"}, outage(refusing)},
	{[]string{"the Store hangs, through lifetimes", "it is back, for a lifetime"}, outage(hanging)},
	{[]string{"after an outage all tokens were revoked while they differed"}, differing},
	{[]string{"a minute after an outage the tokens expired; all at once"}, expiredAfter(refusing)},
	{[]string{"cold start, the Store refuses"}, coldWithout(refusing)},
	{[]string{"cold start, the Store hangs"}, coldWithout(hanging)},
	{[]string{"the token revoked, the Store hangs; all at once"}, revokedWithout(hanging)},
	{[]string{"the Store loses its records, through lifetimes"}, emptied},
	{[]string{"cold start, whoever has the lease died"}, deadHolder},
	{[]string{"renewals due, the authorization server says 503, 3 minutes", "renewals due, it is back, a minute"}, noRenewal(unavailable)},
	{[]string{"renewals due, the authorization server hangs, 3 minutes", "renewals due, it is back, a minute"}, noRenewal(silent)},
	{[]string{"cold start, the authorization server says 503, a minute", "cold start, it is back, a minute"}, noToken(unavailable)},
	{[]string{"cold start, the authorization server hangs, a minute", "cold start, it is back, a minute"}, noToken(silent)},
}

func coldStart(t *testing.T, w world, _ plan) (got []figures) {
	w.in(t, func(t *testing.T, f *fleet) {
		f.atOnce()
		got = append(got, f.end())
	})
	return got
}

func lifetimes(t *testing.T, w world, p plan) (got []figures) {
	w.warm(t, func(t *testing.T, f *fleet) {
		f.traffic(time.Duration(p.lifetimes)*w.lifetime, p.calm)
		got = append(got, f.end())
	})
	return got
}

func expired(t *testing.T, w world, _ plan) (got []figures) {
	w.warm(t, func(t *testing.T, f *fleet) {
		f.rest(w.lifetime)
		f.atOnce()
		got = append(got, f.end())
	})
	return got
}

func revoked(t *testing.T, w world, _ plan) (got []figures) {
	w.warm(t, func(t *testing.T, f *fleet) {
		f.revokeAll()
		f.atOnce()
		got = append(got, f.end())
	})
	return got
}

func revokedUnderTraffic(t *testing.T, w world, p plan) (got []figures) {
	w.warm(t, func(t *testing.T, f *fleet) {
		f.revokeAll()
		f.traffic(time.Minute, p.busy)
		got = append(got, f.end())
	})
	return got
}

// outage is one of the Store through lifetimes, and what follows.
func outage(trouble func(context.Context) error) func(*testing.T, world, plan) []figures {
	return func(t *testing.T, w world, p plan) (got []figures) {
		w.warm(t, func(t *testing.T, f *fleet) {
			f.engine.breakDown(trouble)
			f.traffic(time.Duration(p.lifetimes)*w.lifetime, p.calm)
			got = append(got, f.endWithTokens())
			f.engine.breakDown(nil)
			f.traffic(w.lifetime, p.calm)
			got = append(got, f.endWithTokens())
		})
		return got
	}
}

// differing is a fleet that an outage of the Store left with many tokens, half
// of which have been renewed since, when all of them are revoked.
func differing(t *testing.T, w world, p plan) (got []figures) {
	w.warm(t, func(t *testing.T, f *fleet) {
		f.engine.breakDown(refusing)
		f.traffic(w.lifetime, p.calm)
		f.engine.breakDown(nil)
		f.traffic(w.lifetime/3, p.calm)
		f.end()
		f.revokeAll()
		f.atOnce()
		f.traffic(time.Minute, p.busy)
		got = append(got, f.endWithTokens())
	})
	return got
}

// expiredAfter is an outage that all processes have noticed, after which nobody
// asks for anything until all tokens have expired.
func expiredAfter(trouble func(context.Context) error) func(*testing.T, world, plan) []figures {
	return func(t *testing.T, w world, _ plan) (got []figures) {
		w.in(t, func(t *testing.T, f *fleet) {
			f.engine.breakDown(trouble)
			f.atOnce()
			f.rest(w.lifetime)
			f.engine.breakDown(nil)
			f.rest(time.Minute)
			f.end()
			f.atOnce()
			got = append(got, f.endWithTokens())
		})
		return got
	}
}

func coldWithout(trouble func(context.Context) error) func(*testing.T, world, plan) []figures {
	return func(t *testing.T, w world, p plan) (got []figures) {
		w.in(t, func(t *testing.T, f *fleet) {
			f.engine.breakDown(trouble)
			f.atOnce()
			got = append(got, f.end())
		})
		return got
	}
}

func revokedWithout(trouble func(context.Context) error) func(*testing.T, world, plan) []figures {
	return func(t *testing.T, w world, p plan) (got []figures) {
		w.warm(t, func(t *testing.T, f *fleet) {
			f.engine.breakDown(trouble)
			f.revokeAll()
			f.atOnce()
			got = append(got, f.endWithTokens())
		})
		return got
	}
}

// emptied is a fail-over to an engine that has nothing.
func emptied(t *testing.T, w world, p plan) (got []figures) {
	w.warm(t, func(t *testing.T, f *fleet) {
		f.engine.empty()
		f.traffic(time.Duration(p.lifetimes)*w.lifetime, p.calm)
		got = append(got, f.endWithTokens())
	})
	return got
}

// deadHolder is a cold start in which the first process has the lease, and is
// not heard of for longer than anybody waits.
func deadHolder(t *testing.T, w world, _ plan) (got []figures) {
	w.in(t, func(t *testing.T, f *fleet) {
		died := make(chan struct{})
		var once sync.Once
		dead := f.join(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			once.Do(func() { close(died) })
			return silent(req)
		}))
		f.all = f.all[:w.processes] // nobody asks it for anything
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = dead.src.Token(context.Background())
		}()
		<-died
		f.end()
		f.atOnce()
		got = append(got, f.end())
		<-done
		_ = dead.src.Close()
	})
	return got
}

// noRenewal is an outage of the authorization server while all tokens are good
// still, and due to be renewed.
func noRenewal(trouble func(*http.Request) (*http.Response, error)) func(*testing.T, world, plan) []figures {
	return func(t *testing.T, w world, p plan) (got []figures) {
		w.warm(t, func(t *testing.T, f *fleet) {
			f.rest(time.Duration(float64(w.lifetime) * (2. / 3 * 1.05)))
			f.end()
			f.servers.breakDown(trouble)
			f.traffic(3*time.Minute, p.busy)
			got = append(got, f.end())
			f.servers.breakDown(nil)
			f.traffic(time.Minute, p.busy)
			got = append(got, f.end())
		})
		return got
	}
}

// noToken is one while nobody has a token.
func noToken(trouble func(*http.Request) (*http.Response, error)) func(*testing.T, world, plan) []figures {
	return func(t *testing.T, w world, p plan) (got []figures) {
		w.in(t, func(t *testing.T, f *fleet) {
			f.servers.breakDown(trouble)
			f.traffic(time.Minute, p.busy)
			got = append(got, f.end())
			f.servers.breakDown(nil)
			f.traffic(time.Minute, p.busy)
			got = append(got, f.end())
		})
		return got
	}
}

// warm is in, where all processes have one token already.
func (w world) warm(t *testing.T, f func(*testing.T, *fleet)) {
	t.Helper()
	w.in(t, func(t *testing.T, fl *fleet) {
		fl.engine.busy = 0
		fl.atOnce()
		fl.rest(2 * time.Minute)
		fl.end()
		fl.engine.busy = w.busy
		f(t, fl)
	})
}
