package redisstore_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// fleet is a login in two Managers, which share nothing but a Redis.
type fleet struct {
	*server
	one, two *authtrip.Source
}

func newFleet(t *testing.T, e *engine) *fleet {
	t.Helper()
	f := &fleet{server: newServer(t)}
	f.one, f.two = user(t, f.url, storeAt(t, e.addr)), user(t, f.url, storeAt(t, e.addr))
	login(t, f.one)
	for _, src := range []*authtrip.Source{f.one, f.two} {
		if got, err := ask(src, f.url); got != "200 OK" || err != nil {
			t.Fatalf("the API said %q, %v", got, err)
		}
	}
	return f
}

// What could not be saved is in use, and is saved when Redis is back; meanwhile
// nobody else sends the old refresh token. Of appendfsync everysec that cannot be
// said: a Redis that is killed while its disk is busy forgets what it confirmed.
func TestI17_RedisMayBeKilledWhileARefreshIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    []string
		rotated bool // the server had rotated the refresh token
		forgets bool // Redis writes nothing down
	}{
		"while an intent is announced":                         {},
		"between answer and save":                              {rotated: true},
		"between answer and save, with appendfsync always":     {args: []string{"--appendfsync", "always"}, rotated: true},
		"between answer and save, and nothing is written down": {args: []string{"--appendonly", "no"}, rotated: true, forgets: true},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, c.args...)
			f := newFleet(t, e)
			dies := func() bool {
				f.befall(nil, nil)
				e.stop(t)
				return true
			}
			if c.rotated {
				f.befall(nil, dies)
			} else {
				f.befall(dies, nil)
			}
			if err := another(f.one); err != nil {
				t.Fatalf("%v, want the token, saved or not", err)
			}
			tok, _ := f.two.Token(t.Context())
			f.two.Invalidate(tok)
			if _, err := f.two.Token(t.Context()); err == nil || errors.Is(err, authtrip.ErrAuthorizationRequired) || !strings.Contains(err.Error(), "the Store: ") {
				t.Fatalf("%v, want the Store's error", err)
			}
			e.start(t)
			for began := time.Now(); ; {
				_, err := f.two.Token(t.Context())
				if err == nil {
					break
				}
				// A Redis that forgets has nobody's login, for as long as one has not saved it.
				if !c.forgets && errors.Is(err, authtrip.ErrAuthorizationRequired) || time.Since(began) > 20*time.Second {
					t.Fatal(err)
				}
			}
			for _, src := range []*authtrip.Source{f.one, f.two} {
				if got, err := ask(src, f.url); got != "200 OK" || err != nil {
					t.Fatalf("the API said %q, %v", got, err)
				}
			}
			if calls, reuses := f.counts(); calls != 1 || reuses != 0 {
				t.Fatalf("%d calls, %d refresh tokens were sent twice; want one call for both", calls, reuses)
			}
		})
	}
}

// A Redis that dies with appendfsync everysec, or its machine with it, forgets its
// last second, which a replica that takes over may never have had: the old
// refresh token is back. That is the loss that a killed process makes, and ends
// as that does.
func TestI17_ARedisThatGoesBackInTimeLosesALogin(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	f := newFleet(t, e)
	e.stop(t)
	before := t.TempDir()
	if err := os.CopyFS(before+"/then", os.DirFS(e.dir)); err != nil {
		t.Fatal(err)
	}
	e.start(t)
	if err := another(f.one); err != nil {
		t.Fatal(err)
	}
	e.stop(t)
	e.dir = before + "/then"
	e.start(t)
	// What is in use goes on until it ends.
	if got, err := ask(f.one, f.url); got != "200 OK" || err != nil {
		t.Fatalf("the API said %q, %v", got, err)
	}
	_ = another(f.one) // the access token before, which is back too
	for range 3 {
		for _, src := range []*authtrip.Source{f.one, f.two} {
			if err := another(src); !errors.Is(err, authtrip.ErrAuthorizationRequired) {
				t.Fatalf("%v, want ErrAuthorizationRequired", err)
			}
		}
	}
	if calls, reuses := f.counts(); calls != 2 || reuses != 1 {
		t.Fatalf("%d calls, %d refresh tokens were sent twice; want 2, 1", calls, reuses)
	}
	login(t, f.two)
	if _, err := f.one.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
}
