package main

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip/nhn"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer has the API answer a request with a token.
func answer(l *ledger, token string, status int, after time.Duration) {
	req, _ := http.NewRequest(http.MethodGet, "http://api/", nil)
	req.Header.Set(nhn.HeaderAuthentication, "Bearer "+token)
	_, _ = apiCalls{roundTrip(func(*http.Request) (*http.Response, error) {
		time.Sleep(after)
		return &http.Response{StatusCode: status, Body: http.NoBody}, nil
	}), l}.RoundTrip(req)
}

func TestTheLedgerKnowsWhichRejectionsHaveAReason(t *testing.T) {
	const sentEnded = "a token was sent after its end"
	for name, x := range map[string]struct {
		happens func(*ledger)
		want    []string
	}{
		"none": {func(l *ledger) { answer(l, "a", 401, 0) }, []string{noReason}},
		"it was revoked": {func(l *ledger) {
			_ = l.ending(func() error { return nil })
			answer(l, "a", 401, 0)
		}, nil},
		"it is being revoked": {func(l *ledger) {
			_ = l.ending(func() error { answer(l, "a", 401, 0); return nil })
		}, nil},
		"another was revoked, before it": {func(l *ledger) {
			_ = l.ending(func() error { return nil })
			time.Sleep(time.Millisecond)
			l.issued("b", time.Now())
			answer(l, "b", 401, 0)
		}, []string{noReason}},
		"the program dropped it, and the server did not": {func(l *ledger) {
			_ = l.dropping(func() bool { return true })
			answer(l, "a", 401, 0)
		}, []string{noReason}},
		"it ended on its way":     {func(l *ledger) { answer(l, "a", 401, 5*time.Second) }, nil},
		"it was sent after it":    {func(l *ledger) { time.Sleep(5 * time.Second); answer(l, "a", 401, 0) }, []string{sentEnded}},
		"the server gave it anew": {func(l *ledger) { l.issued("a", time.Now()); time.Sleep(5 * time.Second); answer(l, "a", 401, 0) }, nil},
		"nobody issued it":        {func(l *ledger) { answer(l, "x", 401, 0) }, []string{"a request carried a token that was not issued"}},
		"it was accepted":         {func(l *ledger) { answer(l, "a", 200, 0) }, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &findings{}
			l := newLedger(5*time.Second, f)
			l.issued("a", time.Now())
			x.happens(l)
			if got := f.sentences(); !slices.Equal(got, x.want) {
				t.Errorf("%s: it finds %q, want %q", name, got, x.want)
			}
		})
	}
}

func TestTheLedgerKnowsWhetherAValidTokenWasThere(t *testing.T) {
	for name, x := range map[string]struct {
		happens      func(*ledger)
		served, then bool // at first, and after another accepted token
	}{
		"issued, and not seen to work": {func(*ledger) {}, false, true},
		"accepted":                     {func(l *ledger) { answer(l, "a", 200, 0) }, true, true},
		"revoked": {func(l *ledger) {
			answer(l, "a", 200, 0)
			_ = l.ending(func() error { return nil })
		}, false, true},
		"dropped": {func(l *ledger) {
			answer(l, "a", 200, 0)
			_ = l.dropping(func() bool { return true })
		}, false, true},
		"near its end": {func(l *ledger) { answer(l, "a", 200, 0); time.Sleep(4400 * time.Millisecond) }, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLedger(5*time.Second, &findings{})
			l.issued("a", time.Now())
			x.happens(l)
			if now := time.Now(); l.served(now, now) != x.served {
				t.Errorf("%s: served is %v", name, !x.served)
			}
			began := time.Now()
			time.Sleep(time.Millisecond)
			l.issued("b", time.Now())
			answer(l, "b", 200, 0)
			now := time.Now()
			if l.served(now, now) != x.then {
				t.Errorf("%s: with another token served is %v", name, !x.then)
			}
			if l.served(began, now) {
				t.Errorf("%s: served before the API had accepted the token", name)
			}
		})
	}
}

func TestTheLedgerForgetsOldTokens(t *testing.T) {
	l := newLedger(time.Second, &findings{})
	for i := range 10 * maxRecords {
		l.issued(string(rune('a'+i)), time.Now())
	}
	if len(l.records) != maxRecords || len(l.order) != maxRecords {
		t.Errorf("it holds %d and %d, want %d", len(l.records), len(l.order), maxRecords)
	}
}
