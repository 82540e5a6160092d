package authtrip

import (
	"cmp"
	"testing"
	"time"
	"unsafe"

	"github.com/authtrip/authtrip/internal/clock"
)

// handClock is a clock that is set by hand, and counts how often both are read.
type handClock struct {
	mono, wall int64
	both       int
}

func setClock(t *testing.T) *handClock {
	c := &handClock{mono: int64(1000 * time.Hour), wall: int64(400_000 * time.Hour)}
	read, monotonic := clock.Read, clock.Monotonic
	t.Cleanup(func() { clock.Read, clock.Monotonic = read, monotonic })
	clock.Read = func() (int64, int64) { c.both++; return c.mono, c.wall }
	clock.Monotonic = func() int64 { return c.mono }
	return c
}

func (c *handClock) pass(d time.Duration) { c.mono, c.wall = c.mono+int64(d), c.wall+int64(d) }

// own is the entry of a client's own token, with a token of an hour.
func own(t *testing.T) *entry {
	t.Helper()
	m, err := NewManager([]Registration{{
		ID: "a", ClientID: "id", ClientSecret: NewSecret("secret"), TokenEndpoint: Endpoint{URL: "https://auth.example/token"},
	}}, Policy{RenewAt: 0.5, RenewSpread: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	e := &m.clients[0].own
	e.received(0, readClocks(), &tokenReply{token: "one", lifetime: time.Hour}, false)
	return e
}

func TestI04_TheWallClockIsReadOnceInAMillisecond(t *testing.T) {
	c := setClock(t)
	e := own(t)
	for range 10 {
		c.pass(time.Millisecond)
		c.both = 0
		for range 100 {
			if e.fresh() == nil {
				t.Fatal("it is fresh")
			}
			c.pass(time.Microsecond)
		}
		if c.both != 1 {
			t.Fatalf("both clocks were read %d times", c.both)
		}
	}
}

// What the wall clock says holds until it says something else: the monotonic
// one alone, which stopped while the machine slept, makes nothing fresh again.
func TestI04_ATokenThatTheWallClockMakesStaleIsNotFreshForAnotherMillisecond(t *testing.T) {
	c := setClock(t)
	e := own(t)
	c.pass(time.Minute)
	if e.fresh() == nil {
		t.Fatal("it is fresh")
	}
	c.pass(time.Millisecond)
	for _, slept := range []time.Duration{31 * time.Minute, time.Hour} { // stale, then expired
		c.wall += int64(slept)
		for range 100 {
			if e.fresh() != nil {
				t.Fatal("it is sent as fresh")
			}
			c.pass(20 * time.Microsecond)
		}
	}
	c.wall -= int64(91 * time.Minute) // it had been set wrong
	if e.fresh() == nil {
		t.Fatal("both clocks say that it is fresh")
	}
}

// When a token was used last is known of one that is being renewed, too. Who
// may not be evicted has no use for it.
func TestTheUseOfATokenThatIsNotFreshIsNoted(t *testing.T) {
	c := setClock(t)
	m, a, _ := users(t, 30)
	e := m.mustHave(t, a, "ann")
	e.give("t").freshFor = time.Minute
	c.pass(40 * time.Minute)
	if e.fresh() != nil || e.current.Load().used.Load() != c.mono {
		t.Fatal("it is fresh, or its use is not noted")
	}
	mine := own(t)
	c.pass(40 * time.Minute)
	if used := mine.current.Load().used.Load(); mine.fresh() != nil || mine.current.Load().used.Load() != used {
		t.Fatal("the use of one that stays is noted")
	}
}

func TestACopyOfATokenDiffersInItsNotesAlone(t *testing.T) {
	setClock(t)
	at := readClocks()
	a := newIssued("one", false, at)
	a.ages(time.Hour, 0.5, 0)
	a.used.Store(7)
	b := a.with(func(n *notes) { n.nextTry, n.previous = 5, "p" })
	if a.notes != nil || b.noted() != (notes{nextTry: 5, previous: "p"}) {
		t.Fatal("the notes of both changed, or of neither")
	}
	c := b.with(func(n *notes) { n.unproven, n.freshOnceSaved = true, time.Second })
	if b.noted() != (notes{nextTry: 5, previous: "p"}) || c.noted() != (notes{nextTry: 5, previous: "p", unproven: true, freshOnceSaved: time.Second}) {
		t.Fatal("a copy changed what it was copied from, or lost its notes")
	}
	d := c.as(suspect)
	if d.noted() != (notes{nextTry: 5, previous: "p", unproven: true, standing: suspect}) || d.freshFor != 0 || d.fresh(at) || d.young(at) {
		t.Fatal("a token that is not good is fresh, or will be")
	}
	for _, x := range []*issued{b, c, d} {
		if unsafe.StringData(x.header[0]) != unsafe.StringData(a.header[0]) || x.at != at || x.usableFor != a.usableFor || x.used.Load() != 7 {
			t.Fatal("a copy is another token")
		}
	}
	if b.freshFor != a.freshFor || c.freshFor != a.freshFor {
		t.Fatal("a copy of a good token has another age")
	}
	if got := b.with(func(n *notes) { *n = notes{} }); got.notes != nil {
		t.Fatal("what nothing is noted of takes room for notes")
	}
}

// A token that was seen to work leaves nothing of the trouble before it.
func TestANewTokenEndsWhatWasRememberedOfTheOld(t *testing.T) {
	c := setClock(t)
	e := own(t)
	one := e.current.Load()
	e.rejectedUnseen(one)
	e.failed(0, &ServerError{Status: 400, Code: "invalid_client"})
	h := e.history
	if h == nil || h.failure.err == nil || h.renewDelay == 0 || !h.unseen || e.current.Load().noted().standing != kept {
		t.Fatalf("it is not remembered: %+v", h)
	}
	h.keptRejected, h.keptAccepted, h.rejectedToo = true, true, true
	c.pass(time.Minute)
	two := e.received(h.rejections, readClocks(), &tokenReply{token: "two", lifetime: time.Hour}, false).token
	if h.failure != (failure{}) || h.renewDelay != 0 || h.unseen || h.keptRejected || h.keptAccepted || h.rejectedToo || h.last != nil {
		t.Errorf("it is remembered: %+v", h)
	}
	if !h.reissued || !h.pause.runs(readClocks()) || two.noted().unproven || two.noted().previous != one.header[0] {
		t.Error("it was reissued for nobody who would tell what becomes of it")
	}
	c.pass(time.Minute)
	three := e.received(h.rejections, readClocks(), &tokenReply{token: "three", lifetime: time.Hour}, false).token
	if h.reissued || three.noted() != (notes{previous: two.header[0], previousUntil: two.end(10 * time.Second)}) {
		t.Errorf("a renewal is a reissue: %+v", three.noted())
	}
	e.rejectedUnseen(three)
	c.pass(time.Minute)
	h.unseen = false // as it is when a Transport sees the rejection
	if four := e.received(h.rejections, readClocks(), &tokenReply{token: "four", lifetime: time.Hour}, false).token; !four.noted().unproven {
		t.Error("a token that was reissued is taken for proven")
	}
}

// A token that never saw trouble has no history, whatever asks for it.
func TestATokenWithoutTroubleTakesNoRoomForIt(t *testing.T) {
	c := setClock(t)
	e := own(t)
	for range 3 {
		c.pass(40 * time.Minute)
		_, asOf := e.begin(need{renewal: true})
		tok := e.received(asOf, readClocks(), &tokenReply{token: "again", lifetime: time.Hour}, false).token
		e.accept(tok)
		e.keep(tok)
		e.had("x")
		e.gaveUp("x")
		_ = e.refuses(readClocks())
		e.lastValues()
		e.forgetTrouble()
	}
	if e.history != nil {
		t.Fatalf("it has %+v", e.history)
	}
}

// A new login is told nothing of what befell the one before, whether there is a
// token or not.
func TestANewLoginIsANewStart(t *testing.T) {
	for name, before := range map[string]func(e *entry){
		"nothing": func(*entry) {},
		"a token": func(e *entry) { e.give("old") },
		"trouble": func(e *entry) {
			e.failed(0, &ServerError{Status: 400, Code: "invalid_client"})
		},
		"a token in trouble": func(e *entry) {
			e.give("old")
			n, _, _ := e.reject(e.current.Load())
			e.received(n.asOf, readClocks(), &tokenReply{token: "older", lifetime: time.Hour}, false)
			e.replayed(e.current.Load(), false)
			e.failed(0, &ServerError{Status: 400, Code: "invalid_client"})
		},
		"a token that was dropped": func(e *entry) {
			e.give("old")
			e.drop(e.current.Load())
		},
	} {
		t.Run(name, func(t *testing.T) {
			setClock(t)
			m, a, _ := users(t, 10)
			e := m.mustHave(t, a, "ann")
			before(e)
			_, asOf := e.begin(need{renewal: true})
			last, _ := e.lastValues()
			var until int64
			if before := cmp.Or(e.current.Load(), e.past().last); before != nil {
				until = before.end(10 * time.Second)
			}
			e.adopt(readClocks(), &tokenReply{token: "new", lifetime: time.Hour}, false)
			tok := e.current.Load()
			if h := e.past(); h.failure.err != nil || h.renewDelay != 0 || h.pause != (pause{}) || h.reissued || h.rejectedToo {
				t.Errorf("it is remembered: %+v", h)
			}
			if tok.token() != "new" || tok.noted() != (notes{previous: last, previousUntil: until}) || tok.freshFor == 0 {
				t.Errorf("the new token is noted as %+v", tok.noted())
			}
			if name != "nothing" && asOf >= e.past().rejections {
				t.Error("a flight from before answers for the new login")
			}
			if name == "nothing" && e.history != nil {
				t.Error("a first login takes room for trouble")
			}
		})
	}
}

// While no token call may begin, no request asks again whether one may.
func TestARenewalThatIsRefusedIsPutOff(t *testing.T) {
	c := setClock(t)
	e := own(t)
	c.pass(40 * time.Minute)
	h := e.note()
	h.failure.err, h.failure.until = errPaused, c.mono+int64(30*time.Second)
	e.renewBehind(t.Context(), readClocks())
	if got := e.current.Load().noted().nextTry - c.mono; got != int64(30*time.Second) || e.renewing.Load() {
		t.Fatalf("put off for %v, renewing: %v", time.Duration(got), e.renewing.Load())
	}
	e.postpone(readClocks(), &remembered{err: errPaused, wait: time.Second})
	if got := e.current.Load().noted().nextTry - c.mono; got != int64(30*time.Second) {
		t.Fatalf("a shorter wait brings it forward to %v", time.Duration(got))
	}
}

// A token that is not fresh only because what came with it is not saved yet
// needs no successor.
func TestWhoComesLateToATokenThatIsNotSavedAsksForNoOther(t *testing.T) {
	c := setClock(t)
	e := own(t)
	old := e.current.Load()
	tok := e.received(0, readClocks(), &tokenReply{token: "two", lifetime: time.Hour}, true).token
	c.pass(time.Minute)
	if done, _ := e.begin(need{unwanted: old.token()}); tok.fresh(readClocks()) || done != tok {
		t.Fatal("it is fresh, or another is asked for")
	}
	e.saved()
	if now := e.current.Load(); !now.fresh(readClocks()) || now.noted().freshOnceSaved != 0 || now.usableFor != tok.usableFor {
		t.Fatal("it is saved, and not fresh")
	}
}
