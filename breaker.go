package authtrip

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// maxGate is the longest that a 503's Retry-After keeps a circuit from being
// probed.
const maxGate = time.Minute

// breaker stops calls to one authorization server that fails. gobreaker counts
// the failures and admits the one probe; the gate before it says when a probe
// is due, for gobreaker knows one fixed time only.
//
// Lock order: gobreaker's own lock, then mu, then that of changes. No code holds
// mu and calls gobreaker.
type breaker struct {
	circuit *gobreaker.CircuitBreaker[*tokenReply]
	policy  Policy
	server  string
	hook    func(server, from, to string) // Hooks.CircuitChanged; may be nil
	changes announcer

	// notBefore is when the next probe is due (monotonic); 0 while closed.
	notBefore atomic.Int64
	probing   atomic.Bool

	mu         sync.Mutex
	delay      time.Duration // guarded by mu; the last wait for a probe
	retryAfter int64         // guarded by mu; what a 503 asked for (monotonic)
	last       string        // guarded by mu; the text of the last failure
}

func newBreaker(server string, p Policy, hook func(server, from, to string)) *breaker {
	b := &breaker{policy: p, server: server, hook: hook}
	b.circuit = gobreaker.NewCircuitBreaker[*tokenReply](gobreaker.Settings{
		Timeout:       time.Nanosecond, // the gate decides
		ReadyToTrip:   func(n gobreaker.Counts) bool { return int(n.ConsecutiveFailures) >= p.BreakerFailures },
		OnStateChange: b.changed,
		IsExcluded: func(err error) bool {
			j, ok := err.(*judged)
			return ok && (j.weight == noWeight || j.weight == aliveWeight && !j.probe)
		},
		IsSuccessful: func(err error) bool {
			j, ok := err.(*judged)
			return err == nil || ok && j.weight == aliveWeight
		},
	})
	return b
}

// weight is what a failed token call says about its server.
type weight uint8

const (
	failureWeight weight = iota // it does not work
	aliveWeight                 // it works and said no: closes a circuit under probe, else neutral
	noWeight                    // nothing: the call was given up
)

// It looks at our own errors only and not into their chains, where code of
// others may run.
func weigh(err error) weight {
	if err == ErrClosed {
		return noWeight
	}
	if _, ok := err.(*configError); ok {
		return noWeight
	}
	if said, ok := err.(*ServerError); ok && said.refusal() {
		return aliveWeight
	}
	return failureWeight
}

// judged is a failed call with its weight, as gobreaker sees it.
type judged struct {
	error
	weight weight
	probe  bool
}

// do runs one call if the circuit lets it through. A refusal is a
// *circuitOpen. Call must not panic.
func (b *breaker) do(call func() (*tokenReply, error)) (*tokenReply, error) {
	if err := b.refuses(readClocks()); err != nil {
		return nil, err
	}
	reply, err := b.circuit.Execute(func() (*tokenReply, error) {
		// Only a probe ends the half-open state, so that the state that let it
		// in is still there to see.
		probe := b.circuit.State() == gobreaker.StateHalfOpen
		if probe {
			b.probing.Store(true)
			defer b.probing.Store(false)
		}
		reply, err := call()
		if err == nil {
			return reply, nil
		}
		b.note(err)
		return nil, &judged{error: err, weight: weigh(err), probe: probe}
	})
	if j, ok := err.(*judged); ok {
		return nil, j.error
	}
	if err != nil { // gobreaker refused
		return nil, b.open(b.policy.BreakerDelay)
	}
	return reply, nil
}

// state is the circuit's, in gobreaker's words: asking that would change it.
func (b *breaker) state() string {
	switch {
	case b.notBefore.Load() == 0:
		return gobreaker.StateClosed.String()
	case b.probing.Load():
		return gobreaker.StateHalfOpen.String()
	}
	return gobreaker.StateOpen.String()
}

// refuses returns a *circuitOpen while no call may be made. It takes no lock
// while the circuit is closed.
func (b *breaker) refuses(now instant) error {
	due := b.notBefore.Load()
	switch {
	case due == 0:
		return nil
	case now.mono < due:
		return b.open(time.Duration(due - now.mono))
	case b.probing.Load():
		return b.open(b.policy.BreakerDelay)
	}
	return nil
}

func (b *breaker) open(wait time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &circuitOpen{wait: wait, last: b.last}
}

// note keeps what a failure says for the gate and for the errors to come.
func (b *breaker) note(err error) {
	if weigh(err) != failureWeight {
		return
	}
	now := readClocks()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = err.Error()
	if said, ok := err.(*ServerError); ok && said.Status == http.StatusServiceUnavailable {
		b.retryAfter = max(b.retryAfter, now.mono+int64(min(said.RetryAfter, maxGate)))
	}
	if b.notBefore.Load() != 0 { // a call from before the circuit opened
		b.notBefore.Store(max(b.notBefore.Load(), b.retryAfter))
	}
}

// changed is called by gobreaker, under its lock.
func (b *breaker) changed(_ string, from, to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hook != nil {
		b.changes.announce(func() { b.hook(b.server, from.String(), to.String()) })
	}
	switch to {
	case gobreaker.StateOpen:
		if from == gobreaker.StateClosed {
			b.delay = b.policy.BreakerDelay
		} else {
			b.delay = min(2*b.delay, b.policy.BreakerMaxDelay)
		}
		wait := min(jitter(b.delay, 0.1), b.policy.BreakerMaxDelay)
		b.notBefore.Store(max(readClocks().mono+int64(wait), b.retryAfter))
	case gobreaker.StateClosed:
		b.notBefore.Store(0)
		b.retryAfter, b.last = 0, ""
	}
}
