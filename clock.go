package authtrip

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip/internal/clock"
)

// instant is one reading of both clocks, in nanoseconds. The monotonic clock
// stops while a machine sleeps and the wall clock can be set: neither alone
// says how old a token is. A monotonic reading of zero means "never".
type instant struct{ mono, wall int64 }

func readClocks() instant {
	mono, wall := clock.Read()
	return instant{mono: mono, wall: wall}
}

// lastRead is when both clocks were read last for a request, by anybody.
var lastRead atomic.Pointer[instant]

// glance is readClocks in half the time, for every request: it reads the wall
// clock only when that was not read in the last millisecond. So a machine that
// was asleep is noticed within that time of being awake.
func glance() instant {
	mono := clock.Monotonic()
	if last := lastRead.Load(); last != nil {
		if age := mono - last.mono; 0 <= age && age < int64(time.Millisecond) {
			return instant{mono: mono, wall: last.wall + age}
		}
	}
	now := readClocks()
	lastRead.Store(&now)
	return now
}

// since is the time from earlier to now by the clock that counted more of it.
func (now instant) since(earlier instant) time.Duration {
	return time.Duration(max(now.mono-earlier.mono, now.wall-earlier.wall))
}

// jitter spreads d evenly over d ± part.
func jitter(d time.Duration, part float64) time.Duration {
	return time.Duration(float64(d) * (1 + part*(2*rand.Float64()-1)))
}
