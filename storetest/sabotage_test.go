package storetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

func TestEveryFaultIsFoundByItsCheck(t *testing.T) {
	tested := map[string]bool{}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			c := checkNamed(t, f.foundBy)
			tested[c.name] = true
			if said := judge(t, c.test, sharing(f.of(authtrip.NewMemoryStore(0)))); len(said) == 0 {
				t.Fatalf("a Store that %s passes %q", f.name, c.name)
			} else {
				t.Log(said[0])
			}
		})
	}
	for _, c := range checks {
		if !tested[c.name] {
			t.Errorf("no fault is found by %q", c.name)
		}
	}
}

func TestHandlesThatShareNothingAreFound(t *testing.T) {
	alone := func() authtrip.Store { return authtrip.NewMemoryStore(0) }
	for _, name := range []string{"what was saved is loaded", "one of many creates a record", "a lease is one holder's until it ends"} {
		if said := judge(t, checkNamed(t, name).test, alone); len(said) == 0 {
			t.Errorf("handles that share nothing pass %q", name)
		}
	}
}

func TestAStoreWithoutFaultIsFoundToHaveNone(t *testing.T) {
	for _, c := range checks {
		for name, s := range map[string]authtrip.Store{
			"the memory Store": authtrip.NewMemoryStore(0),
			"one in between":   &faulty{Store: authtrip.NewMemoryStore(0)},
			"a slow one":       slow(authtrip.NewMemoryStore(0)),
		} {
			if said := judge(t, c.test, sharing(s)); len(said) > 0 {
				t.Errorf("%s: %q says %q", name, c.name, said)
			}
		}
	}
}

// Run itself fails, where the checks it runs do. It is another process that
// fails.
func TestRunFailsWithItsChecks(t *testing.T) {
	const name = "STORETEST_SABOTAGED"
	if os.Getenv(name) != "" {
		s := &faulty{load: func(authtrip.Store, context.Context, string) ([]byte, string, error) { return nil, "", nil }}
		Run(t, func(*testing.T) authtrip.Store { return s })
		return
	}
	test := exec.Command(os.Args[0], "-test.run=^TestRunFailsWithItsChecks$/^what_is_not_there")
	test.Env = append(os.Environ(), name+"=1")
	out, err := test.CombinedOutput()
	if want := "--- FAIL: TestRunFailsWithItsChecks/what_is_not_there_is_not_found"; err == nil || !strings.Contains(string(out), want) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func checkNamed(t *testing.T, name string) check {
	t.Helper()
	for _, c := range checks {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("there is no check %q", name)
	return check{}
}

func sharing(s authtrip.Store) func() authtrip.Store { return func() authtrip.Store { return s } }

// judge returns what a test says of Stores, in time that does not pass.
func judge(t *testing.T, test func(*suite), open func() authtrip.Store) (said []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := &verdict{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			test(newSuite(v, open))
		}()
		<-done
		said = v.said
	})
	return said
}

// verdict is a testing.TB that fails without failing the test it is of.
type verdict struct {
	testing.TB
	mu   sync.Mutex
	said []string // guarded by mu
}

func (v *verdict) Helper() {}

func (v *verdict) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said = append(v.said, fmt.Sprintf(format, args...))
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	runtime.Goexit()
}

func (v *verdict) Fatal(args ...any) { v.Fatalf("%s", fmt.Sprint(args...)) }

func (v *verdict) Failed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.said) > 0
}

// faulty is a Store that does some things in a way of its own.
type faulty struct {
	authtrip.Store
	load   func(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error)
	save   func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error)
	delete func(s authtrip.Store, ctx context.Context, key, version string) error
}

func (f *faulty) Load(ctx context.Context, key string) ([]byte, string, error) {
	if f.load == nil {
		return f.Store.Load(ctx, key)
	}
	return f.load(f.Store, ctx, key)
}

func (f *faulty) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	if f.save == nil {
		return f.Store.Save(ctx, key, value, version, lifetime)
	}
	return f.save(f.Store, ctx, key, value, version, lifetime)
}

func (f *faulty) Delete(ctx context.Context, key, version string) error {
	if f.delete == nil {
		return f.Store.Delete(ctx, key, version)
	}
	return f.delete(f.Store, ctx, key, version)
}
