package authtrip

import (
	"math"
	"testing"
	"time"
)

// The token before is known for one generation, dropped or not.
func TestI13_TheTokenBeforeIsKnownToo(t *testing.T) {
	e := own(t)
	for i, drop := range []bool{false, true, false, true, true} {
		before := e.current.Load()
		if drop {
			e.drop(before)
			if last, _ := e.lastValues(); !sameString(last, before.header[0]) {
				t.Fatalf("%d: the token that was dropped is not known", i)
			}
			if e.note().last != before {
				t.Fatalf("%d: it is not kept", i)
			}
		}
		e.received(1<<40, readClocks(), &tokenReply{token: string(rune('a' + i)), lifetime: time.Hour}, false)
		last, previous := e.lastValues()
		if !sameString(previous, before.header[0]) || !sameString(last, e.current.Load().header[0]) || e.past().last != nil {
			t.Fatalf("%d: the tokens in use and before it are not known", i)
		}
	}
	e.close()
	if last, _ := e.lastValues(); last == "" {
		t.Fatal("after Close the token is not known")
	}
}

// A token that expired is of no use to anybody: the first use of its successor
// forgets it, though not in the minute and the FetchTimeout after.
func TestTheTokenBeforeIsForgottenWhenItHasExpired(t *testing.T) {
	const slack = time.Minute + 10*time.Second
	for name, tt := range map[string]struct {
		reply tokenReply    // of the token before
		age   time.Duration // when it is replaced
		known time.Duration // from then at least, and not much longer; below zero: not at all
	}{
		"half its life is left":     {tokenReply{lifetime: time.Hour}, 30 * time.Minute, 30*time.Minute + slack},
		"it is short":               {tokenReply{lifetime: 2 * time.Second}, time.Second, time.Second + slack},
		"its end is near":           {tokenReply{lifetime: time.Hour}, time.Hour - time.Second, time.Second + slack},
		"it has just expired":       {tokenReply{lifetime: time.Hour}, time.Hour + time.Second, slack - time.Second},
		"it expired long ago":       {tokenReply{lifetime: time.Hour}, 2 * time.Hour, -1},
		"the Store had its use":     {tokenReply{lifetime: 5 * time.Second, stored: true}, 4 * time.Second, 11*time.Second + time.Minute},
		"there was no time left":    {tokenReply{}, time.Second / 5, time.Minute},
		"it goes on until rejected": {tokenReply{lifetime: forever}, time.Hour, forever},
		"a day":                     {tokenReply{lifetime: 24 * time.Hour}, 12 * time.Hour, 12*time.Hour + slack},
		"ten years, cut to one":     {tokenReply{lifetime: maxLifetime}, time.Hour, forever},
	} {
		t.Run(name, func(t *testing.T) {
			c := setClock(t)
			e := own(t)
			tt.reply.token = "before"
			e.received(0, readClocks(), &tt.reply, false)
			c.pass(tt.age)
			e.received(0, readClocks(), &tokenReply{token: "now", lifetime: 200 * 24 * time.Hour}, false)
			if tt.known < 0 {
				if e.current.Load().notes != nil {
					t.Fatal("it is kept though it expired long ago")
				}
				return
			}
			known := func() bool {
				if tok := e.fresh(); tok == nil || tok.token() != "now" {
					t.Fatal("the token is not to be had")
				}
				_, previous := e.lastValues()
				return previous == "Bearer before"
			}
			if tt.known == forever {
				if got := e.current.Load().notes.previousUntil; got != math.MaxInt64 {
					t.Fatalf("it is known until %d", got)
				}
				return
			}
			c.pass(tt.known - time.Millisecond)
			if !known() {
				t.Fatal("it is forgotten before it has expired")
			}
			c.pass(25 * time.Second)
			if known() || e.current.Load().notes != nil {
				t.Fatal("it is known long after it expired, or notes of nothing are kept")
			}
		})
	}
}

// A server that gives a token again may take it for longer than it said first.
func TestATokenThatWasGivenAgainIsNotForgottenByItsAge(t *testing.T) {
	c := setClock(t)
	e := own(t)
	c.pass(50 * time.Minute)
	e.received(0, readClocks(), &tokenReply{token: "one", lifetime: time.Hour}, false)
	c.pass(5 * time.Minute)
	e.received(0, readClocks(), &tokenReply{token: "two", lifetime: 10 * time.Hour}, false)
	c.pass(45 * time.Minute)
	if e.fresh() == nil {
		t.Fatal("there is no token")
	}
	if _, previous := e.lastValues(); previous != "Bearer one" {
		t.Fatal("it is forgotten before its server said that it ends")
	}
}

// Who is late to forget does not forget what a renewal has left meanwhile.
func TestForgettingLateForgetsNothingNewer(t *testing.T) {
	c := setClock(t)
	e := own(t)
	c.pass(30 * time.Minute)
	e.received(0, readClocks(), &tokenReply{token: "two", lifetime: time.Hour}, false)
	c.pass(40 * time.Minute)
	late := readClocks()
	if !e.current.Load().hasOutlived(late) {
		t.Fatal("the first token is still known")
	}
	e.received(0, readClocks(), &tokenReply{token: "three", lifetime: time.Hour}, false)
	e.forgetPrevious(late)
	if _, previous := e.lastValues(); previous != "Bearer two" {
		t.Fatal("a token that is valid is forgotten")
	}
}
