package fleetsim

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// world says how big a fleet is, and how long things take there.
type world struct {
	processes int
	lifetime  time.Duration // of a token
	answer    time.Duration // the API takes
	call      time.Duration // a token call takes
	away      time.Duration // an operation of the Store takes
	busy      time.Duration // of which the engine can do nothing else
}

// usual is the world of most scenarios.
func usual(processes int) world {
	return world{processes: processes, lifetime: time.Hour, answer: 5 * time.Millisecond, call: 50 * time.Millisecond, away: time.Millisecond}
}

// fleet is many Managers that share a Store.
type fleet struct {
	*servers
	engine *engine
	all    []*member

	mu sync.Mutex
	of felt // guarded by mu
}

// felt is what requests felt.
type felt struct {
	requests, failed int
	longest          time.Duration
}

// member is one process.
type member struct {
	src    *authtrip.Source
	rt     *authtrip.Transport
	handle *handle
	before int64 // operations until what is counted
	sent   atomic.Pointer[string]
}

// in runs f with a fleet in a bubble, and ends its processes.
func (w world) in(t *testing.T, f func(*testing.T, *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fl := &fleet{servers: newServers(w), engine: newEngine(w.away, w.busy)}
		for range w.processes {
			fl.join(t, roundTripper(fl.token))
		}
		fl.end()
		f(t, fl)
		fl.engine.breakDown(nil)
		fl.servers.breakDown(nil)
		var ending sync.WaitGroup
		for _, m := range fl.all {
			ending.Go(func() { _ = m.src.Close() })
		}
		ending.Wait()
	})
}

// join adds a process, whose token calls go through rt.
func (f *fleet) join(t *testing.T, rt http.RoundTripper) *member {
	t.Helper()
	m := &member{handle: &handle{engine: f.engine}}
	var err error
	m.src, err = authtrip.NewSource(authtrip.Registration{
		ID: "fleet", ClientID: "id", ClientSecret: authtrip.NewSecret("secret-of-the-fleet"),
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example/token"},
	}, authtrip.WithPlaintextStore(m.handle), authtrip.WithTokenTransport(rt))
	if err != nil {
		t.Fatal(err)
	}
	m.rt = &authtrip.Transport{Source: m.src, Base: roundTripper(func(req *http.Request) (*http.Response, error) {
		sent := req.Header.Get("Authorization")
		m.sent.Store(&sent)
		return f.api(req)
	})}
	f.all = append(f.all, m)
	return m
}

// request sends one of m's, and notes how long it took.
func (f *fleet) request(m *member) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://api.example/", nil)
	if err != nil {
		panic(err)
	}
	start := time.Now()
	res, err := m.rt.RoundTrip(req)
	took := time.Since(start)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of.requests++
	f.of.longest = max(f.of.longest, took)
	if err != nil || res.StatusCode != 200 {
		f.of.failed++
	}
	if err == nil {
		_ = res.Body.Close()
	}
}

// atOnce is three requests of every process's at one moment.
func (f *fleet) atOnce() {
	var wg sync.WaitGroup
	for _, m := range f.all {
		for range 3 {
			wg.Go(func() { f.request(m) })
		}
	}
	wg.Wait()
	synctest.Wait()
}

// traffic is one request of every process's in each step of a time.
func (f *fleet) traffic(long, step time.Duration) {
	var wg sync.WaitGroup
	end := time.Now().Add(long)
	for _, m := range f.all {
		phase := rand.N(step)
		wg.Go(func() {
			for time.Sleep(phase); time.Now().Before(end); time.Sleep(step) {
				f.request(m)
			}
		})
	}
	wg.Wait()
	f.rest(time.Until(end))
}

// rest lets time pass, and what is behind the requests end.
func (f *fleet) rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// tokens is how many different ones the processes sent last.
func (f *fleet) tokens() int {
	different := map[string]bool{}
	for _, m := range f.all {
		different[*m.sent.Load()] = true
	}
	return len(different)
}

// figures are those of one row of the table.
type figures struct {
	felt
	calls  int // to the token endpoint
	store  storeCounts
	peak   int // operations of the Store in one second
	most   int // operations of one process
	tokens int // different ones that are in use at the end; 0: not counted
}

// end returns what was counted since it was called last.
func (f *fleet) end() figures {
	synctest.Wait()
	fig := figures{calls: f.servers.restart()}
	fig.store, fig.peak = f.engine.restart()
	for _, m := range f.all {
		now := m.handle.operations.Load()
		fig.most = max(fig.most, int(now-m.before))
		m.before = now
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	fig.felt, f.of = f.of, felt{}
	return fig
}

// endWithTokens is end that counts the tokens, too.
func (f *fleet) endWithTokens() figures {
	got := f.end()
	got.tokens = f.tokens()
	return got
}

// refusing is an engine that says no at once.
func refusing(context.Context) error { return errors.New("connection refused") }

// hanging is one that says nothing.
func hanging(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
