package modeltest_test

import "time"

// token is an access token that the server issued.
type token struct {
	text    string
	at      moment        // when it was asked for
	wallAt  time.Duration // model.wall then
	life    time.Duration // that the client was told
	expires moment        // by the server's clock

	asked    moment // when the last call that brought it began
	arrived  moment // when it became the one in use
	again    moment // when the server gave it last
	rejected moment // when a rejection of it was seen first, while it was in use
	dropped  moment // when it was invalidated
	// mustReplace: when it was rejected, nothing spoke against a reissue.
	mustReplace bool
}

func (m *model) age(t *token, now moment) time.Duration {
	return now - t.at + max(0, m.wall-t.wallAt)
}

func (t *token) usableFor() time.Duration {
	if t.life == forever {
		return forever
	}
	return t.life - min(10*time.Second, t.life/10)
}

// usable: neither clock says that it has expired.
func (m *model) usable(t *token, now moment) bool { return m.age(t, now) < t.usableFor() }

// mayBeStale and mustBeStale: with the spread in favour of a renewal, and
// against it.
func (m *model) mayBeStale(t *token, now moment) bool {
	return t.life != forever && m.age(t, now)+instant >= time.Duration(float64(t.life)*2/3*0.95)
}

func (m *model) mustBeStale(t *token, now moment) bool {
	return t.life != forever && m.age(t, now)-instant >= time.Duration(float64(t.life)*2/3*1.05)
}
