package modeltest_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/internal/clock"
	"github.com/authtrip/authtrip/nhn"
)

// world is an emulator and one Source, in a bubble, and the model of what may
// happen.
type world struct {
	schedule schedule
	cloud    *authtest.NHN
	auth     http.RoundTripper // to the token endpoint
	src      *authtrip.Source
	client   *http.Client
	noReplay *http.Client // its Transport leaves replaying to others

	under   sync.WaitGroup // callers
	cancels []context.CancelFunc

	lifetime time.Duration // of tokens issued now; of the goroutine that runs the steps

	mu      sync.Mutex
	model   *model           // guarded by mu
	api     apiMode          // guarded by mu
	secrets []string         // guarded by mu
	seen    []authtrip.Token // guarded by mu; that Source.Token gave, the last two
	open    int              // guarded by mu; bodies that were not closed
}

// wallOffset is how much the wall clock was set forward, in the one world there
// is.
var wallOffset atomic.Int64

func init() {
	read := clock.Read
	clock.Read = func() (int64, int64) {
		mono, wall := read()
		return mono, wall + wallOffset.Load()
	}
}

func newWorld(s schedule) *world {
	wallOffset.Store(0)
	w := &world{schedule: s, lifetime: s.lifetime, api: apiServes, model: newModel()}
	w.cloud = authtest.NewNHN(authtest.API(http.HandlerFunc(w.serveAPI)), authtest.InMemory())
	w.cloud.SetLifetime(s.lifetime)
	auth := w.cloud.Transport().Clone()
	auth.DisableKeepAlives = true
	w.auth = auth
	cred := w.cloud.Credentials()
	pair := cred.UserAccessKeyID + ":" + cred.SecretAccessKey.Reveal()
	w.secrets = []string{cred.SecretAccessKey.Reveal(), url.QueryEscape(cred.SecretAccessKey.Reveal()), base64.StdEncoding.EncodeToString([]byte(pair))}
	var err error
	w.src, err = authtrip.NewSource(nhn.Registration(cred, w.cloud.Options()...),
		authtrip.WithTokenTransport(authWire{w}),
		authtrip.Hooks{NotReplayed: w.notReplayed, CircuitChanged: w.circuitChanged})
	if err != nil {
		panic(err)
	}
	w.client = &http.Client{Transport: &authtrip.Transport{Source: w.src, Base: apiWire{w}}}
	w.noReplay = &http.Client{Transport: &authtrip.Transport{Source: w.src, Base: apiWire{w}, NoReplay: true}}
	return w
}

func (w *world) notReplayed(_ context.Context, _ string, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.model.notReplays++
	if what := w.shows(why); what != "" {
		w.model.breaks("no secret in sight", "a hook is given %s", what)
	}
}

func (w *world) circuitChanged(_, _, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.model.changes[to]++
}

// shows names a secret that err shows, or is empty.
func (w *world) shows(err error) string {
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for i, s := range w.secrets {
			if strings.Contains(text, s) {
				return fmt.Sprintf("secret %d of %d", i, len(w.secrets))
			}
		}
	}
	return ""
}

func (w *world) see(t authtrip.Token) {
	if n := len(w.seen); n == 0 || w.seen[n-1].AccessToken() != t.AccessToken() {
		w.seen = append(w.seen, t)
	}
}

// sight is the token that was seen n tokens ago.
func (w *world) sight(n int) (authtrip.Token, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) <= n {
		return authtrip.Token{}, false
	}
	return w.seen[len(w.seen)-1-n], true
}

// told locks the model, and tells it something.
func (w *world) told(f func(*model)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.model)
}

// settle waits until nothing moves.
func (w *world) settle() {
	synctest.Wait()
	w.told((*model).settled)
}

// run does all steps, as long as no rule is broken.
func (w *world) run() {
	for i, s := range w.schedule.steps {
		w.told(func(m *model) { m.notes("%d. %s", i+1, s) })
		w.do(s)
		then := s.then
		if then == mostOfLife {
			then = w.lifetime * 3 / 4
		}
		if then > 0 {
			w.settle()
			time.Sleep(then)
		}
		if then >= 0 {
			w.settle()
		}
		if w.isBroken() {
			break
		}
		w.told(func(m *model) { m.count["steps"]++ })
	}
	if !w.isBroken() {
		w.recovers()
	}
	w.ends()
}

func (w *world) isBroken() (broken bool) {
	w.told(func(m *model) { broken = m.broken != "" })
	return broken
}

func (w *world) do(s step) {
	switch s.do {
	case sends, asks:
		for _, c := range s.callers {
			w.begin(c, s.do == asks)
		}
	case repeats:
		for _, c := range s.callers {
			w.begin(c, false)
			w.settle()
			time.Sleep(s.by)
		}
	case revokesAll:
		w.cloud.RevokeAll()
	case endsOne:
		if t, ok := w.ask(); ok {
			w.cloud.Revoke(t.AccessToken())
		}
	case lives:
		w.lifetime = s.by
		w.cloud.SetLifetime(s.by)
	case breaksDown:
		w.cloud.Break(faults[s.fault])
	case heals:
		w.cloud.Heal()
	case apiTurns:
		w.told(func(*model) { w.api = s.api })
	case invalidates:
		if t, ok := w.ask(); ok {
			w.told(func(m *model) { m.drops(t.AccessToken()) })
			w.src.Invalidate(t)
		}
	case suspects:
		if t, ok := w.ask(); ok {
			w.told(func(m *model) { m.suspect(t.AccessToken()) })
			w.src.Suspect(t)
		}
	case suspectsOld:
		w.ask()
		if t, ok := w.sight(1); ok {
			w.told(func(m *model) { m.suspect(t.AccessToken()) })
			w.src.Suspect(t)
		}
	case revokes:
		w.revoke()
	case closes:
		w.told(func(m *model) { m.count["closed"]++ })
		w.close()
	case stepsWall:
		w.settle()
		w.told(func(m *model) {
			m.wall += s.by
			m.count["stepped"]++
			wallOffset.Store(int64(m.wall))
		})
		time.Sleep(time.Millisecond) // so long it may go unread
	}
}

// ask returns the token in use, as somebody with little patience sees it.
func (w *world) ask() (authtrip.Token, bool) {
	w.begin(shape{patience: time.Millisecond}, true)
	synctest.Wait()
	return w.sight(0)
}

func (w *world) revoke() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	synctest.Wait()
	w.told(func(m *model) {
		if m.held != nil {
			m.drops(m.held.text)
		}
	})
	err := w.src.Revoke(ctx)
	w.told(func(m *model) {
		if (err != nil) != (m.closing != never) || err != nil && !errors.Is(err, authtrip.ErrClosed) {
			m.breaks("errors say what happened", "Revoke: %v", err)
		}
	})
}

func (w *world) close() {
	first := false
	w.told(func(m *model) {
		if first = m.closing == never; first {
			m.closing = m.now()
			m.notes("Close is called")
		}
	})
	err := w.src.Close()
	w.told(func(m *model) {
		if first {
			m.closed = m.now()
		}
		if m.live != nil && !m.live.over && m.live.ctx.Err() == nil {
			m.breaks("nothing after Close", "a token call goes on")
		}
		if err != nil || m.closed > m.closing {
			m.breaks("nothing after Close", "it took %v and returned %v", m.closed-m.closing, err)
		}
	})
}
