package authtrip

import (
	"testing"
	"time"
)

// A rejection is no failed renewal: what those had to wait for says nothing of
// the token that is wanted now.
func TestI06_ARejectionEndsTheWaitsOfRenewalsThatFailed(t *testing.T) {
	c := setClock(t)
	e := own(t)
	c.pass(40 * time.Minute)
	e.failed(0, errPaused)
	if e.current.Load().noted().nextTry <= c.mono || e.history.renewDelay == 0 {
		t.Fatal("a renewal that failed is followed by another at once")
	}
	n, ok, _ := e.reject(e.current.Load())
	if cur := e.current.Load(); !ok || cur.noted().standing != suspect || cur.noted().nextTry != 0 || e.history.renewDelay != 0 || n.asOf != 1 {
		t.Fatalf("the token is noted as %+v, the wait is %v", cur.noted(), e.history.renewDelay)
	}
}

// A token that was kept for want of another, and was accepted since, has to be
// rejected twice more before it is given up.
func TestI17_ATokenThatWasKeptAndAcceptedIsNotGivenUpForOneRejection(t *testing.T) {
	c := setClock(t)
	e := own(t)
	e.rejectedUnseen(e.current.Load())
	e.failed(0, errPaused)
	for i, step := range []struct{ accepted, gaveUp bool }{{true, false}, {false, true}, {true, false}, {true, false}, {false, true}} {
		c.pass(time.Minute)
		if step.accepted {
			e.accept(e.current.Load())
		}
		_, _, _ = e.reject(e.current.Load())
		if _, forGood := e.gaveUp("one"); forGood != step.gaveUp {
			t.Errorf("step %d: given up: %v", i, forGood)
		}
	}
	if here, forGood := e.gaveUp("another"); here || forGood {
		t.Error("another is given up too")
	}
	e.drop(e.current.Load())
	if here, forGood := e.gaveUp("one"); !here || forGood {
		t.Error("what was dropped is not given up here, or for good")
	}
}

// unprovenToken is an entry whose token was reissued, in its first pause or
// after it.
func unprovenToken(t *testing.T, c *handClock) (*entry, *issued) {
	t.Helper()
	e := own(t)
	n, _, _ := e.reject(e.current.Load())
	tok := e.received(n.asOf, readClocks(), &tokenReply{token: "two", lifetime: time.Hour}, false).token
	if !tok.noted().unproven || !e.history.pause.runs(readClocks()) {
		t.Fatal("it begins no pause")
	}
	return e, tok
}

// The first word on a reissued token, late and told by whoever does not wait,
// begins its pause anew, and the second is heard.
func TestI10_TheFirstWordOnAReissuedTokenBeginsThePauseAnew(t *testing.T) {
	c := setClock(t)
	for name, reject := range map[string]func(*entry, *issued) bool{
		"told": func(e *entry, tok *issued) bool {
			e.rejectedUnseen(tok)
			return e.current.Load().noted().standing == suspect
		},
		"judged": func(e *entry, tok *issued) bool { _, reissue, _ := e.reject(tok); return reissue },
	} {
		e, tok := unprovenToken(t, c)
		c.pass(30 * time.Second)
		if reject(e, tok) || !e.history.rejectedToo || e.history.pause.until != c.mono+int64(time.Second) {
			t.Errorf("%s: it is replaced at once, or the pause is not begun anew", name)
		}
		c.pass(500 * time.Millisecond)
		until := e.history.pause.until
		if reject(e, tok) || e.history.pause.until != until {
			t.Errorf("%s: it is replaced in the pause, or that grows", name)
		}
		c.pass(time.Second)
		if !reject(e, tok) {
			t.Errorf("%s: it is not replaced after the pause", name)
		}
	}
}

// A replay that is rejected within the pause does not make it longer; one that
// is so after it begins it anew, once.
func TestI10_ARejectedReplayBeginsThePauseAnewOnlyWhenItIsOver(t *testing.T) {
	c := setClock(t)
	e, tok := unprovenToken(t, c)
	until := e.history.pause.until
	c.pass(500 * time.Millisecond)
	e.replayed(tok, false)
	if e.history.pause.until != until || !e.history.rejectedToo {
		t.Error("in the pause: it is longer, or the rejection is not noted")
	}
	e, tok = unprovenToken(t, c)
	c.pass(30 * time.Second)
	e.replayed(tok, false)
	if until = e.history.pause.until; until != c.mono+int64(time.Second) {
		t.Error("after the pause: it is not begun anew")
	}
	c.pass(500 * time.Millisecond)
	e.replayed(tok, false)
	if e.history.pause.until != until {
		t.Error("the second rejection begins it anew too")
	}
}
