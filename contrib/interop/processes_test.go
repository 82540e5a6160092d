package interop_test

import (
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
)

// processes returns n Sources of one login that share nothing but the Store.
func (w *world) processes(n int, store authtrip.Store) []*authtrip.Source {
	w.t.Helper()
	var all []*authtrip.Source
	for range n {
		all = append(all, w.source(w.manager(basic.users(w), authtrip.WithPlaintextStore(store)), basic.id, "1001"))
	}
	w.login(all[0], "ada")
	return all
}

func TestTwoProcessesOfOneLoginRedeemNoRefreshTokenTwice(t *testing.T) {
	for name, lenient := range map[string]bool{"a refresh ends the access token": false, "it does not": true} {
		t.Run(name, func(t *testing.T) {
			const rounds = 25
			w := newWorldOf(t, lenient)
			store := newRecordingStore()
			both := w.processes(2, store)
			for _, src := range both {
				w.mustGet(src, "ada")
			}

			for range rounds {
				w.auth.revokeAccess()
				var wg sync.WaitGroup
				for _, src := range both {
					wg.Go(func() {
						if got := w.get(src); got != (answer{200, "ada", nil}) {
							t.Errorf("a caller got %+v, want 200 and ada", got)
						}
					})
				}
				wg.Wait()
			}

			w.wantNoReuse()
			store.wantOnly(t, w)
			w.wantTokenCalls("refresh_token", rounds)
		})
	}
}

func TestTwoProcessesDoNotEndEachOthersAccessTokens(t *testing.T) {
	w := newWorld(t)
	store := newRecordingStore()
	both := w.processes(2, store)
	for range 20 {
		for _, src := range both {
			w.mustGet(src, "ada")
		}
	}
	w.wantTokenCalls("refresh_token", 0)
	store.wantOnly(t, w)
}
