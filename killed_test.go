//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package authtrip_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// The points that the server comes to, and the Store.
const (
	atTheCall       point = "with its call at the server, which has not worked on it"
	afterTheCall    point = "with the refresh token rotated, before the answer"
	afterTheCode    point = "with another login's code redeemed, before the answer"
	withoutTheStore point = "with the answer in use, and the Store gone"
)

// A refresh token that the server has rotated is lost if nobody has saved the
// new one. At every other point it does not matter who is killed.
func TestI17_AProcessMayBeKilledWhileItRefreshes(t *testing.T) {
	if wasPart(t) {
		return
	}
	t.Parallel()
	cases := []struct {
		at     point
		grace  bool // the server takes a refresh token that was rotated a moment ago
		calls  int  // of all, after the login
		intent bool // whether the others have to wait for the end of one
		lost   bool
	}{
		{at: beforeTheIntent, calls: 1},
		{at: afterTheIntent, calls: 1, intent: true},
		{at: atTheCall, calls: 2, intent: true},
		{at: afterTheCall, calls: 2, intent: true, lost: true},
		{at: afterTheCall, grace: true, calls: 2, intent: true},
		{at: afterTheAnswer, calls: 2, intent: true, lost: true},
		{at: halfOfTheSave, calls: 2, intent: true, lost: true},
		{at: withoutTheStore, calls: 2, intent: true, lost: true},
		{at: afterTheSave, calls: 1},
		{at: afterTheCode, calls: 2, intent: true}, // the login before it stands
	}
	all := make([]*killed, len(cases))
	for i, c := range cases {
		all[i] = newKilled(t)
		old := all[i].live("ann")
		all[i].killAt(t, c.at)
		if c.grace {
			all[i].takeBack(old)
		}
		all[i].survive()
	}
	for i, c := range cases {
		name := string(c.at)
		if c.grace {
			name += ", at a server that gives time"
		}
		t.Run(name, func(t *testing.T) {
			k := all[i]
			<-k.survived
			if waited := k.took > hastyIntent-5*time.Millisecond; waited != c.intent {
				t.Errorf("the others went on after %v, the intent holds for %v", k.took, hastyIntent)
			}
			if got := k.callCount() - 1; got != c.calls {
				t.Errorf("%d calls after the login, want %d", got, c.calls)
			}
			if c.lost {
				k.wantLost(t)
			} else {
				k.wantAlive(t)
			}
		})
	}
}

// Wherever it is just then: either nothing is lost, or it is the one loss.
func TestI17_AProcessMayBeKilledAtAnyMomentOfARefresh(t *testing.T) {
	if wasPart(t) {
		return
	}
	t.Parallel()
	const most = 30 * time.Millisecond // about what a refresh takes
	var all []*killed
	for range 6 {
		k := newKilled(t)
		k.victim = startProcess(t, part{Dir: k.dir, Server: k.url, At: aroundTheSave})
		k.victim.tell(t, toAsk)
		k.victim.mustAnswer(t, "ann")
		k.begin = time.Now()
		k.victim.tell(t, toRefresh)
		if len(all)%2 == 0 {
			k.victim.mustAnswer(t, saving)
			k.victim.kill()
			k.saved = strings.Contains(k.holds(t), k.live("ann"))
		} else {
			time.AfterFunc(rand.N(most), k.victim.kill)
			<-k.victim.ended
		}
		k.survive()
		all = append(all, k)
	}
	for i, k := range all {
		<-k.survived
		lost := k.reuses() > 0
		if i%2 == 0 && lost == k.saved {
			t.Errorf("lost: %v, and it was saved: %v", lost, k.saved)
		}
		if lost {
			k.wantLost(t)
		} else {
			k.wantAlive(t)
		}
	}
}

// killed is ann's login, which survives in two Managers, when a third process is
// killed.
type killed struct {
	*server
	url, dir  string
	survivors []*authtrip.Source
	victim    *process
	begin     time.Time // of the refresh in which it is killed
	saved     bool

	survived chan struct{} // closed when errs and took are there
	errs     []error       // of the survivors
	took     time.Duration
}

func newKilled(t *testing.T) *killed {
	t.Helper()
	k := &killed{server: newServer(), dir: filepath.Join(t.TempDir(), "store"), survived: make(chan struct{})}
	k.url = k.onLoopback(t)
	for range 2 {
		m := managerAt(t, k.url, authtrip.NewFileStore(k.dir))
		k.survivors = append(k.survivors, of(t, m, "ann"))
	}
	k.login(t, k.survivors[0], "ann")
	k.mustBeAnn(t)
	return k
}

// killAt has a process refresh, and kills it at a point.
func (k *killed) killAt(t *testing.T, at point) {
	t.Helper()
	away := k.dir + ".away"
	die := func(int, *http.Request) error {
		k.befall(nil, nil)
		k.victim.kill()
		return errors.New("there is nobody to answer")
	}
	switch at {
	case atTheCall:
		k.befall(die, nil)
	case afterTheCall, afterTheCode:
		k.befall(nil, die)
	case withoutTheStore:
		k.befall(nil, func(int, *http.Request) error {
			k.befall(nil, nil)
			return os.Rename(k.dir, away)
		})
	}
	k.victim = startProcess(t, part{Dir: k.dir, Server: k.url, At: at})
	told := toRefresh
	if at == afterTheCode {
		told = toLogin + k.code("ann")
	}
	k.begin = time.Now()
	k.victim.tell(t, told)
	if at == withoutTheStore {
		k.victim.mustAnswer(t, "ann"+k.storeIsGone())
		k.victim.kill()
		if err := os.Rename(away, k.dir); err != nil {
			t.Fatal(err)
		}
	}
	k.victim.mustDie(t)
}

// storeIsGone is what a process is told by its hook that could not save.
func (k *killed) storeIsGone() string {
	return `; authtrip: registration "users" at ` + k.url + ": the Store: the file Store: its directory has gone"
}

// takeBack makes a refresh token good again that was rotated, as it is at servers
// that give clients a time of grace.
func (s *server) takeBack(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh[token] = s.spent[token]
	delete(s.spent, token)
}

// survive has the others want another access token than ann's first, both at
// once.
func (k *killed) survive() {
	go func() {
		defer close(k.survived)
		k.errs = k.another()
		k.took = time.Since(k.begin)
	}()
}

func (k *killed) another() []error {
	var wg sync.WaitGroup
	errs := make([]error, len(k.survivors))
	for i, src := range k.survivors {
		wg.Go(func() { errs[i] = another(src) })
	}
	wg.Wait()
	return errs
}

// holds is ann's record as it is in the Store.
func (k *killed) holds(t *testing.T) string {
	t.Helper()
	store, err := sealedBy(1).Over(authtrip.NewFileStore(k.dir))
	if err != nil {
		t.Fatal(err)
	}
	value, _, err := store.Load(t.Context(), "login/users/ann")
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

// wantAlive wants that nobody was logged out, and no refresh token sent twice.
func (k *killed) wantAlive(t *testing.T) {
	t.Helper()
	if err := errors.Join(k.errs...); err != nil || k.reuses() != 0 {
		t.Fatalf("%v; %d refresh tokens were sent twice", err, k.reuses())
	}
	k.mustBeAnn(t)
}

// wantLost wants what no client can prevent: the old refresh token was sent
// again, once, all are told to log in, and can.
func (k *killed) wantLost(t *testing.T) {
	t.Helper()
	calls := k.callCount()
	for range 3 {
		for _, err := range append(k.errs, k.another()...) {
			if !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Errorf("%v, want ErrAuthorizationRequired", err)
			}
			wantAll(t, err, `registration "users"`, "the user must grant access, for the first time or again")
		}
	}
	if k.callCount() != calls || k.reuses() != 1 {
		t.Errorf("%d calls after that, %d refresh tokens were sent twice; want 0, 1", k.callCount()-calls, k.reuses())
	}
	k.login(t, k.survivors[1], "ann")
	k.mustBeAnn(t)
}

func (k *killed) mustBeAnn(t *testing.T) {
	t.Helper()
	for _, src := range k.survivors {
		if got, err := askAt(k.url, src); got != "ann" || err != nil {
			t.Fatalf("the API saw %q, %v; want ann", got, err)
		}
	}
}
