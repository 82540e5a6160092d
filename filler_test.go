package authtrip

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoIsWokenForAnotherWaitsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAhead(&http.Response{Body: http.NoBody})
		c := make(chan struct{}, 1)
		a.filling, a.wake = true, c
		for at := range 3 {
			time.AfterFunc(time.Duration(at)*time.Millisecond, func() { wake(c) })
		}
		time.AfterFunc(time.Second, func() { wake(c) })
		start := time.Now()
		_, err := a.await(t.Context(), c, start, time.Second)
		if took := time.Since(start); took != time.Second || err == nil || !strings.Contains(err.Error(), "within 1s") {
			t.Fatalf("%v after %v, want all of 1s waited for", err, took)
		}
		if !a.enough || a.wake != nil {
			t.Fatal("the filling was not told that nobody waits")
		}
	})
}

func TestWhoIsWokenBeforeTheyWaitDoNotWait(t *testing.T) {
	f := newFiller()
	wake(f.wake)
	wake(f.wake)
	select {
	case <-f.wake:
	default:
		t.Fatal("to be woken was missed")
	}
}

// Out of a bubble, where fillers are used again.
func TestWhoWaitsAgainIsHeldUpNoLonger(t *testing.T) {
	rule := Envelope{Code: "code"}.rule()
	for range 5 {
		quick := newAhead(&http.Response{Body: io.NopCloser(strings.NewReader(`{}`))})
		if found, err := quick.find(t.Context(), rule, false, time.Minute); found != findingAccepted || err != nil {
			t.Fatalf("%v, %v", found, err)
		}
		blocked, w := io.Pipe()
		slow := newAhead(&http.Response{Body: blocked})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if _, err := slow.find(ctx, rule, false, 5*time.Millisecond); err == nil || !strings.Contains(err.Error(), "within") {
			t.Fatalf("%v, want it not waited for", err)
		}
		cancel()
		_ = w.Close()
	}
}

func TestWhatIsFoundCountsThoughTheContextHasEnded(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		a := newAhead(&http.Response{Body: http.NoBody})
		a.found = findingRejected
		if found, err := a.await(ended, nil, time.Now(), time.Second); found != findingRejected || err != nil {
			t.Fatalf("%v, %v", found, err)
		}
	}
}

func TestAFillerHoldsNothingOnceItsAheadIsFilled(t *testing.T) {
	for zipped, text := range map[bool]string{false: `{"code":1}`, true: string(zip([]byte(`{"code":1}`)))} {
		a := newAhead(&http.Response{Body: io.NopCloser(strings.NewReader(text))})
		f := newFiller()
		f.a, f.zipped, a.filling = a, zipped, true
		f.search.begin(Envelope{Code: "code", Rejected: []string{"1"}}.rule())
		f.run()
		if a.found != findingRejected || a.filling || f.a != nil {
			t.Fatalf("zipped %v: found %v, still filling %v, holds %v", zipped, a.found, a.filling, f.a)
		}
		u, _ := unzippers.Get().(*unzipper)
		if u.from.a != nil || u.from.text != nil {
			t.Fatal("an unzipper holds a body")
		}
	}
}

func TestWhatIsUsedAgainHasNoTimerRunning(t *testing.T) {
	for range 20 {
		a := newAhead(&http.Response{Body: io.NopCloser(strings.NewReader(`{}`))})
		if found, err := a.find(t.Context(), Envelope{Code: "code"}.rule(), false, time.Hour); found != findingAccepted || err != nil {
			t.Fatalf("%v, %v", found, err)
		}
		if f, _ := fillers.Get().(*filler); f != nil && f.timer.Stop() {
			t.Fatal("its timer was running")
		}
	}
}
