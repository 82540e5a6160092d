package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestAFullStoreRefusesANewPrincipalBeforeTheCodeIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.WithStore(authtrip.NewMemoryStore(2)))
		s.login(t, of(t, m, "ann"), "ann")
		s.login(t, of(t, m, "bob"), "bob")
		code := s.code("eve")
		err := of(t, m, "eve").ExchangeCode(t.Context(), code, nil)
		wantAll(t, err, `"users"`, "the memory Store is full", "2 records", "NewMemoryStore")
		if s.callCount() != 2 {
			t.Fatal("the code was spent")
		}
		for range 5 { // whoever is there stays
			settle(time.Hour)
			s.mustBe(t, of(t, m, "ann"), "ann")
			s.mustBe(t, of(t, m, "bob"), "bob")
		}
		s.login(t, of(t, m, "bob"), "bob")
		if err := of(t, m, "bob").Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := of(t, m, "eve").ExchangeCode(t.Context(), code, nil); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAMemoryStoreForgetsWhatExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := t.Context(), authtrip.NewMemoryStore(0)
		version, err := s.Save(ctx, "k", []byte("x"), "", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		settle(time.Minute - time.Millisecond)
		if _, _, err := s.Load(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		settle(time.Millisecond)
		if _, _, err := s.Load(ctx, "k"); !errors.Is(err, authtrip.ErrNotFound) {
			t.Fatalf("%v, want ErrNotFound", err)
		}
		if err := s.Delete(ctx, "k", version); !errors.Is(err, authtrip.ErrNotFound) {
			t.Fatalf("%v, want ErrNotFound", err)
		}
		if _, err := s.Save(ctx, "k", []byte("y"), version, 0); !errors.Is(err, authtrip.ErrConflict) {
			t.Fatalf("%v, want ErrConflict: its time had passed", err)
		}
		again, err := s.Save(ctx, "k", []byte("y"), "", time.Minute)
		if err != nil || again == version {
			t.Fatalf("%v, or the same version", err)
		}
		// Saved anew without a lifetime, it stays.
		if _, err = s.Save(ctx, "k", []byte("z"), again, 0); err != nil {
			t.Fatal(err)
		}
		settle(365 * 24 * time.Hour)
		if value, _, err := s.Load(ctx, "k"); string(value) != "z" || err != nil {
			t.Fatalf("%q, %v", value, err)
		}
	})
}

// Records that expire have places of their own: marks of used flows do not
// keep logins out, nor logins them.
func TestAFullMemoryStoreRefusesOnlyWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := t.Context(), authtrip.NewMemoryStore(3)
		versions := map[string]string{}
		save := func(key string, lifetime time.Duration) error {
			version, err := s.Save(ctx, key, []byte("x"), versions[key], lifetime)
			if err == nil {
				versions[key] = version
			}
			return err
		}
		want := func(err error) {
			t.Helper()
			wantAll(t, err, "the memory Store is full: it holds 3 records", "larger capacity")
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			must(save(fmt.Sprint("stays-", i), 0))
			must(save(fmt.Sprint("passes-", i), time.Minute))
		}
		want(save("stays-3", 0))
		want(save("passes-3", time.Minute))
		want(save("passes-0", 0))           // nor may it take a place of the others,
		must(save("stays-0", 0))            // but what is there may be changed,
		must(save("passes-0", time.Minute)) // whatever it is,
		must(save("stays-0", time.Minute))  // and told to go,
		must(save("stays-4", 0))
		must(s.Delete(ctx, "stays-1", versions["stays-1"]))
		must(save("stays-3", 0)) // for what goes leaves its place
		settle(time.Minute)
		must(save("passes-3", time.Minute))
		for key := range versions {
			_, _, err := s.Load(ctx, key)
			if gone := key == "stays-0" || key == "stays-1" || strings.HasPrefix(key, "passes-") && key != "passes-3"; gone != errors.Is(err, authtrip.ErrNotFound) {
				t.Errorf("%s: %v", key, err)
			}
		}
	})
}

func TestUsedFlowsTakeNoPlaceOfALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.WithStore(authtrip.NewMemoryStore(3)))
		for i := range 3 {
			who := fmt.Sprint("user-", i)
			src := of(t, m, who)
			flow, q := begin(t, src)
			if err := src.Exchange(t.Context(), flow, url.Values{"state": q["state"], "code": {s.code(who)}}); err != nil {
				t.Fatalf("%s of 3: %v", who, err)
			}
		}
	})
}

func TestAMemoryStoreDoesNothingForWhoHasLeft(t *testing.T) {
	s := authtrip.NewMemoryStore(0)
	version, err := s.Save(t.Context(), "k", []byte("x"), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, loadErr := s.Load(gone, "k")
	_, saveErr := s.Save(gone, "k", []byte("y"), version, 0)
	for name, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Delete": s.Delete(gone, "k", version)} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want Canceled", name, err)
		}
	}
	if value, v, err := s.Load(t.Context(), "k"); string(value) != "x" || v != version || err != nil {
		t.Errorf("it holds %q, %v", value, err)
	}
}
