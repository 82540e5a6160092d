package emulator

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

const (
	maxLifetime   = 365 * 24 * time.Hour
	maxDelay      = time.Minute
	maxRetryAfter = time.Hour
)

// switches are what the page changes. They are safe for concurrent use.
type switches struct {
	provider provider
	journal  *journal
	own      []ownSwitch

	mu    sync.Mutex // also keeps the emulator and what is said of it together
	state state      // guarded by mu
}

// state is how the switches stand.
type state struct {
	Fault    string // the action that broke the token endpoint; empty: none
	Health   string // the same in a sentence
	Lifetime time.Duration
	Chosen   map[string]string // the action that is on, by choice
	// Done is what was done last, in a sentence, and At when; both empty at first.
	Done string
	At   time.Time
}

const healthy = "The token endpoint answers."

func newSwitches(p provider, j *journal, lifetime time.Duration) *switches {
	s := &switches{provider: p, journal: j, own: p.switches(), state: state{Health: healthy, Lifetime: lifetime, Chosen: map[string]string{}}}
	for _, o := range slices.Backward(s.own) {
		if o.Choice != "" {
			s.state.Chosen[o.Choice] = o.Action
		}
	}
	return s
}

// On reports whether a fault or a choice is.
func (s state) On(action string) bool {
	return action == s.Fault || slices.Contains(slices.Collect(maps.Values(s.Chosen)), action)
}

func (s *switches) now() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.state
	state.Chosen = maps.Clone(s.state.Chosen)
	return state
}

// throw does an action with a form's values. An error says what is wrong with
// those; then nothing is changed.
func (s *switches) throw(action string, form url.Values) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	done, err := s.do(action, form)
	if err != nil {
		return err
	}
	s.state.Done, s.state.At = done, time.Now()
	s.journal.changed()
	return nil
}

// errNoSuchSwitch is an action that there is not.
var errNoSuchSwitch = errors.New("there is no such switch")

// do returns what was done. s.mu is held.
func (s *switches) do(action string, form url.Values) (string, error) {
	switch action {
	case "revoke-all":
		s.provider.RevokeAll()
		return "All tokens are revoked.", nil
	case "heal":
		s.state.Fault, s.state.Health = "", healthy
		s.provider.Heal()
		return "The token endpoint is healed.", nil
	case "unavailable":
		f, health := authtest.Fault{Status: http.StatusServiceUnavailable}, "The token endpoint answers 503."
		if form.Get("retry_after") != "" {
			wait, err := seconds(form, "retry_after", "Retry-After", time.Second, maxRetryAfter)
			if err != nil {
				return "", err
			}
			f.RetryAfter = strconv.Itoa(int(wait / time.Second))
			health = "The token endpoint answers 503 with Retry-After: " + f.RetryAfter + "."
		}
		return s.breaks(action, f, health)
	case "hang":
		return s.breaks(action, authtest.Fault{Hang: true}, "The token endpoint hangs: it takes calls and does not answer.")
	case "slow":
		delay, err := seconds(form, "delay", "the delay", 100*time.Millisecond, maxDelay)
		if err != nil {
			return "", err
		}
		return s.breaks(action, authtest.Fault{Delay: delay}, "The token endpoint is slow: it answers after "+words(delay)+".")
	case "lifetime":
		d, err := seconds(form, "lifetime", "the lifetime", time.Second, maxLifetime)
		if err != nil {
			return "", err
		}
		s.state.Lifetime = d
		s.provider.SetLifetime(d)
		return "New tokens live " + words(d) + ".", nil
	}
	for _, o := range s.own {
		if o.Action == action {
			o.throw()
			if o.Choice != "" {
				s.state.Chosen[o.Choice] = action
			}
			return o.done, nil
		}
	}
	return "", errNoSuchSwitch
}

// breaks switches a fault on. s.mu is held.
func (s *switches) breaks(action string, f authtest.Fault, health string) (string, error) {
	s.state.Fault, s.state.Health = action, health
	s.provider.Break(f)
	return "", nil
}

// seconds reads a number of them.
func seconds(form url.Values, name, called string, least, most time.Duration) (time.Duration, error) {
	number, err := strconv.ParseFloat(form.Get(name), 64)
	// The comparison is false for what is no number, too.
	if in := number >= least.Seconds() && number <= most.Seconds(); err != nil || !in {
		return 0, fmt.Errorf("%s wants seconds, from %v to %v", called, least.Seconds(), most.Seconds())
	}
	return time.Duration(number * float64(time.Second)), nil
}

// words is a duration for people: two units at most.
func words(d time.Duration) string {
	d = max(d, 0)
	if d < time.Minute {
		if d%time.Second != 0 && d < 10*time.Second {
			return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
		}
		return fmt.Sprintf("%d s", d/time.Second)
	}
	for _, u := range []struct {
		big, small         time.Duration
		bigName, smallName string
	}{
		{24 * time.Hour, time.Hour, "d", "h"}, {time.Hour, time.Minute, "h", "min"}, {time.Minute, time.Second, "min", "s"},
	} {
		if big, rest := d/u.big, d%u.big/u.small; big > 0 && rest > 0 {
			return fmt.Sprintf("%d %s %d %s", big, u.bigName, rest, u.smallName)
		} else if big > 0 {
			return fmt.Sprintf("%d %s", big, u.bigName)
		}
	}
	return ""
}
