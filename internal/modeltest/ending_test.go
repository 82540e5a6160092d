package modeltest_test

import (
	"net/http"
	"testing/synctest"
	"time"
)

// recovers: all trouble ends, and after the longest wait that there may be, the
// world serves.
func (w *world) recovers() {
	w.cloud.Heal()
	w.cloud.SetLifetime(time.Hour)
	w.told(func(m *model) { w.api = apiServes })
	w.wait()
	if w.isBroken() {
		return
	}
	var closed bool
	w.told(func(m *model) {
		closed = m.closing != never
		m.notes("all is well again")
	})
	if closed {
		return
	}
	w.cloud.RevokeAll()
	for n := 1; ; n++ {
		time.Sleep(longest + 31*time.Second) // the longest Retry-After of the faults is 90 s
		c := w.begin(shape{body: again, size: 100, reply: 100}, false)
		w.wait()
		served, excused := false, false
		w.told(func(m *model) {
			served = len(c.sends) > 0 && c.sends[len(c.sends)-1].status == http.StatusOK
			// The first word on a reissued token is not believed, and while a
			// probe is under way nobody else's call is made.
			excused = c.mayPause || c.mayFail
		})
		if served {
			return
		}
		if !excused || n == 2 {
			w.told(func(m *model) {
				m.breaks("a healthy world serves", "caller %d is not served at try %d", c.id, n)
			})
			return
		}
	}
}

// wait waits for all callers.
func (w *world) wait() {
	done := make(chan struct{})
	go func() {
		w.under.Wait()
		close(done)
	}()
	limit := time.NewTimer(patienceOfAll)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		w.told(func(m *model) { m.breaks("everybody ends", "a caller waits on after %v", patienceOfAll) })
		for _, cancel := range w.cancels {
			cancel()
		}
		<-done
	}
	w.settle()
}

// ends closes everything, and looks that it ended. What goroutines are left
// the bubble tells.
func (w *world) ends() {
	w.close()
	if !w.isBroken() {
		w.begin(shape{body: noBody}, false)
		w.begin(shape{}, true)
		w.wait()
	}
	for _, cancel := range w.cancels {
		cancel()
	}
	time.Sleep(time.Second)
	w.cloud.Close()
	synctest.Wait()
	w.told(func(m *model) {
		closings := m.changes["closed"] // probes that the model took for what they were
		switch {
		case m.broken != "":
		case w.open != 0:
			m.breaks("bodies are closed", "%d are not", w.open)
		case m.notReplays != m.handedOn:
			m.breaks("hooks hear", "NotReplayed heard of %d responses, and there were %d", m.notReplays, m.handedOn)
		case m.changes["open"] != m.circuit.openings || closings > m.circuit.openings:
			m.breaks("hooks hear", "CircuitChanged heard of %d openings and %d closings, and there were %d", m.changes["open"], closings, m.circuit.openings)
		}
	})
}
