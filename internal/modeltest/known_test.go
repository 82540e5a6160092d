package modeltest_test

import "time"

// What the model found and forgives until it is mended. Each of these is a
// fault of the library's: take it out when it is gone, and the model tells.

// latecomer: a caller that saw no refusal before the flight ended with one, and
// comes to the flights just after, makes another call at that instant.
func (m *model) latecomer(now moment) bool { return now == m.flight.end }

// impatient: a caller that waits for the successor of a suspect token does so
// for a second, or a third of the fetch timeout, and then fails when the
// suspect was dropped or expired meanwhile, though the token call goes on.
func (m *model) impatient(c *caller, now moment) bool {
	waited := now - c.start
	return c.found != nil && c.found.rejected != never && c.found.rejected <= c.start && (waited == time.Second || waited == attemptTime)
}

// drained: a rejected request that has another token, and reads the rest of the
// first response, is sent again although Close returned in between.
func (m *model) drained(c *caller, now moment) bool {
	return len(c.sends) == 2 && c.sends[0].end <= m.closing && now <= m.closing+drainTime
}

// heldOver: a token that the server gave again, after the part of its life that
// it may be used for, is used for a second, though the server said that it ends
// before.
func (m *model) heldOver(t *token, now moment) bool { return now < t.again+heldFor }
