package main

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/internal/vitals"
	"github.com/authtrip/authtrip/nhn"
)

// settings say what is run and what is allowed.
type settings struct {
	length   time.Duration // of the run
	every    time.Duration // from one fault to the next
	minute   time.Duration // from one sample to the next
	lifetime time.Duration // of tokens
	least    float64       // the part of the time to the next fault that one lasts
	most     float64       // or up to that
	calm     bool          // wait before each fault until the last is over
	workers  int
	seed     uint64
	tls      bool
	faults   []fault
	// How many bytes may be added from the second sample on.
	heapGrowth, rssGrowth int64
}

func newSettings(length, every time.Duration) settings {
	return settings{
		length: length, every: every, minute: min(time.Minute, length/5), lifetime: every * 5 / 3, least: 0.3, most: 0.5,
		workers: 64, seed: 1, faults: faults(every / 10), heapGrowth: 1 << 20, rssGrowth: 16 << 20,
	}
}

// sample is what was seen at the end of a minute, with all workers paused.
type sample struct {
	at     time.Duration // since the start
	lasted time.Duration // since the sample before
	tally  tally         // of the requests since then
	calls  int           // token calls since then
	want   int           // the most that were predicted
	opened int64         // how often the circuit opened since then
	// unclosed is how many response bodies the library was given and nobody
	// closed. One that was read to its end holds no file, and yet it is wrong.
	unclosed int64
	vitals.Vitals
}

// results are all that a run brought.
type results struct {
	settings
	rules    rules
	lasted   time.Duration
	samples  []sample
	windows  []window
	tally    tally
	seen     state
	opened   int64    // how often the circuit opened
	findings []string // what went wrong on the way
	noReason int      // of these, rejections without a reason
	needless int      // and requests that failed while a valid token was there
}

// soak is a run.
type soak struct {
	settings
	rules    rules
	servers  *servers
	seen     state // what the servers said last
	source   *authtrip.Source
	ledger   *ledger
	load     *load
	findings *findings
	opened   atomic.Int64
}

// run does it all. Its error is that it could not be done.
func run(set settings) (res results, err error) {
	s := &soak{settings: set, findings: &findings{}, rules: rules{
		lifetime: set.lifetime, fetchTimeout: set.every,
		breakerDelay: set.every / 3, breakerMaxDelay: 10 * set.every / 3,
	}}
	if s.servers, err = startServers(set.tls); err != nil {
		return res, err
	}
	defer func() {
		if stopErr := s.servers.stop(); err == nil {
			err = stopErr
		}
	}()
	if s.seen, err = s.servers.tell(order{Lifetime: set.lifetime}); err != nil {
		return res, err
	}
	if err = s.prepare(); err != nil {
		return res, err
	}
	defer func() { _ = s.source.Close() }()
	res = results{settings: set, rules: s.rules}
	start := time.Now()
	s.load.start(set.workers)
	err = s.minutes(start, &res)
	s.load.stop()
	if err != nil {
		return res, err
	}
	res.lasted = time.Since(start)
	if s.seen, err = s.servers.tell(order{}); err != nil {
		return res, err
	}
	res.tally, res.seen, res.opened, res.findings = s.load.tally(), s.seen, s.opened.Load(), s.findings.sentences()
	res.noReason, res.needless = s.findings.count(noReason), s.findings.count(needless)
	return res, nil
}

// prepare makes the client.
func (s *soak) prepare() error {
	// An emulator of this process lends what reaches the other's: over TLS they
	// have the same certificate. It is gone before anything is measured.
	lender := authtest.NewNHN(emulatorOptions(s.tls)...)
	base, forTokens, credentials := lender.Transport().Clone(), lender.Transport().Clone(), lender.Credentials()
	lender.Close()
	forTokens.DisableKeepAlives = true
	s.ledger = newLedger(s.lifetime, s.findings)
	var err error
	s.source, err = nhn.NewSource(credentials, nhn.AuthServer(s.seen.AuthURL), nhn.Origins(s.seen.APIURL), nhn.With(
		authtrip.WithTokenTransport(tokenCalls{forTokens, s.ledger}),
		authtrip.Policy{
			FetchTimeout: s.rules.fetchTimeout,
			BreakerDelay: s.rules.breakerDelay, BreakerMaxDelay: s.rules.breakerMaxDelay,
		},
		authtrip.Hooks{CircuitChanged: func(_, from, to string) {
			if from == "closed" && to == "open" {
				s.opened.Add(1)
			}
		}},
	))
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &authtrip.Transport{Source: s.source, Base: apiCalls{base, s.ledger}}}
	s.load = &load{client: client, url: s.seen.APIURL, ledger: s.ledger, findings: s.findings, seed: s.seed}
	return nil
}

// minutes deals faults until the time is over, and takes a sample at the end of
// each minute.
func (s *soak) minutes(start time.Time, res *results) error {
	cards := newDeck(s.settings)
	sampled, began, seen, tally, opened := start, 0, 0, tally{}, int64(0)
	for range int(s.length / s.minute) {
		for time.Since(sampled) < s.minute {
			w, err := s.befall(cards.deal(), s.least+(s.most-s.least)*cards.rnd.Float64())
			if err != nil {
				return err
			}
			res.windows = append(res.windows, w)
		}
		v, err := s.quiet(res.samples)
		if err != nil {
			return err
		}
		now, all := time.Now(), s.load.tally()
		m := sample{
			at: now.Sub(start), lasted: now.Sub(sampled), tally: all.minus(tally), calls: s.seen.TokenCalls - seen,
			opened: s.opened.Load() - opened, unclosed: s.ledger.unclosed.Load(), Vitals: v,
		}
		m.want = s.rules.renewals(m.lasted)
		for _, w := range res.windows[began:] {
			m.want += w.extra
		}
		if m.calls > m.want {
			s.findings.add("%d token calls in the minute that ended after %v, want %d at most", m.calls, m.at.Round(time.Second), m.want)
		}
		res.samples = append(res.samples, m)
		sampled, began, seen, tally, opened = now, len(res.windows), s.seen.TokenCalls, all, s.opened.Load()
	}
	return nil
}

// calmDown waits until nothing is amiss.
func (s *soak) calmDown() {
	// A failure is remembered for a minute at most, a circuit is probed sooner.
	if !poll(75*time.Second, s.ledger.healthy) {
		s.findings.add("no token is in use though all faults have been healed for long")
	}
}

// quiet waits until nothing is amiss, pauses the workers and reads the vitals
// once they are what they were in the first sample, or after a while.
func (s *soak) quiet(before []sample) (v vitals.Vitals, err error) {
	s.calmDown()
	defer s.load.pause()()
	last, same := vitals.Vitals{}, 0
	poll(min(3*time.Second, s.minute), func() bool {
		s.load.client.CloseIdleConnections() // one may have come up for a request that left
		v = vitals.Read()
		if v.Goroutines == last.Goroutines && v.OpenFiles == last.OpenFiles && s.ledger.idle() && s.ledger.unclosed.Load() == 0 {
			same++
		} else {
			same = 0
		}
		last = v
		if len(before) > 0 && (v.Goroutines > before[0].Goroutines || v.OpenFiles > before[0].OpenFiles) {
			return false
		}
		return same >= 5
	})
	if s.seen, err = s.servers.tell(order{}); err != nil {
		return v, err
	}
	return vitals.ReadCollected(), nil
}

// poll asks until done says yes, for some time at most, and reports whether it
// did.
func poll(most time.Duration, done func() bool) bool {
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for end := time.Now().Add(most); ; {
		if done() {
			return true
		}
		if now := <-ticks.C; now.After(end) {
			return false
		}
	}
}
