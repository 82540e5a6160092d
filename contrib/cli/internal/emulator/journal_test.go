package emulator

import (
	"testing"
)

func TestTheJournalKeepsTheLastCallsAndWaitsForNobody(t *testing.T) {
	j := newJournal()
	_, leave := j.watch() // and never looks
	woken, leaveToo := j.watch()
	first := j.begin(call{Path: "/first"})
	_, before := j.since(0)
	for range 3 * maxCalls {
		j.end(j.begin(call{Result: waiting}), func(c *call) { c.Result = good })
	}
	j.end(first, func(*call) { t.Error("a call that is not kept is changed") })
	calls, now := j.since(before)
	if len(calls) != maxCalls || calls[0].ID != first+2*maxCalls+1 || calls[maxCalls-1].ID != first+3*maxCalls {
		t.Errorf("%d calls, from %d to %d", len(calls), calls[0].ID, calls[len(calls)-1].ID)
	}
	<-woken
	select {
	case <-woken:
		t.Error("who looked once is woken twice")
	default:
	}
	id := j.begin(call{Path: "/last"})
	j.end(id-1, func(c *call) { c.Result = refused })
	if news, _ := j.since(now); len(news) != 2 || news[0].Result != refused || news[1].Path != "/last" {
		t.Errorf("the news is %+v", news)
	}
	leave()
	leaveToo()
	if len(j.watchers) != 0 {
		t.Errorf("%d watch still", len(j.watchers))
	}
}
