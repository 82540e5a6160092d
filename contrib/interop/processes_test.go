package interop_test

import (
	"sync"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/ory/fosite"
)

// processes returns n Sources of one login that share nothing but the Store.
func (w *world) processes(n int, store authtrip.Store) []*authtrip.Source {
	w.t.Helper()
	var all []*authtrip.Source
	for range n {
		all = append(all, w.source(w.manager(basic.users(w), authtrip.WithStore(store)), basic.id, "1001"))
	}
	w.login(all[0], "ada")
	return all
}

func TestTwoProcessesOfOneLoginRedeemNoRefreshTokenTwice(t *testing.T) {
	const rounds = 50
	w := newWorldOf(t, true)
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
}

func TestTwoProcessesThatEndEachOthersAccessTokensKeepTheLogin(t *testing.T) {
	const rounds = 20
	w := newWorld(t)
	store := newRecordingStore()
	both := w.processes(2, store)

	// A refresh by one ends the access token of the other, who then may get no
	// better one before its request is rejected for the second time.
	for range rounds {
		var wg sync.WaitGroup
		for _, src := range both {
			wg.Go(func() {
				if got := w.get(src); got.err != nil {
					t.Errorf("a caller got %v", got.err)
				}
			})
		}
		wg.Wait()
	}

	w.wantNoReuse()
	store.wantOnly(t, w)
	newest, _ := w.newestRefresh()
	if _, active := w.auth.introspect(newest, fosite.RefreshToken); !active {
		t.Error("the login has ended")
	}
}
