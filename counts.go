package authtrip

import "sync/atomic"

// counts are of one registration, for its Stats.
type counts struct {
	tokenCalls, failures, stored, rejections, replays, notReplayed atomic.Uint64
}

// rare is of a client what few have.
type rare struct {
	// scoped is set where a request's context replaced the scopes.
	scoped *scoped
	counts counts
}

// oneCall is the rare of a client that made one token call, which brought a
// token, as a hundred thousand may have: it is not written to.
var oneCall = func() *rare {
	r := new(rare)
	r.counts.tokenCalls.Store(1)
	return r
}()

// whole is the registration's client, whatever the scopes.
func (c *client) whole() *client {
	if s := c.scoped(); s != nil {
		return s.from
	}
	return c
}

// scoped says which scopes replaced the registration's; nil: none did.
func (c *client) scoped() *scoped {
	if r := c.rare.Load(); r != nil {
		return r.scoped
	}
	return nil
}

// counted is where the registration's counts are written to.
func (c *client) counted() *counts {
	c = c.whole()
	for {
		r := c.rare.Load()
		if r != nil && r != oneCall {
			return &r.counts
		}
		own := new(rare)
		if r == oneCall {
			own.counts.tokenCalls.Store(1)
		}
		if c.rare.CompareAndSwap(r, own) {
			return &own.counts
		}
	}
}

// countCall counts a token call that has ended.
func (c *client) countCall(k TokenCall, failed bool) {
	if k.Outcome == "stored" {
		c.counted().stored.Add(1)
		failed = true // what was called before the Store had it, if anything was
	}
	switch {
	case k.Attempts == 0:
	case !failed && c.whole().rare.CompareAndSwap(nil, oneCall):
	default:
		n := c.counted()
		n.tokenCalls.Add(1)
		if failed {
			n.failures.Add(1)
		}
	}
}
