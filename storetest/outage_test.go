package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

func TestAnOutageIsPassedByWhoFailsAndGoesOn(t *testing.T) {
	if said := judgeOutage(t, func(e *engine) authtrip.Store { return e.guarded(e.refuse) }); len(said) > 0 {
		t.Errorf("refused at once: %q", said)
	}
	if said := judgeOutage(t, func(e *engine) authtrip.Store { return e.guarded(e.hang) }); len(said) > 0 {
		t.Errorf("waiting in vain: %q", said)
	}
}

func TestFaultsInAnOutageAreFound(t *testing.T) {
	for name, open := range map[string]func(*engine) authtrip.Store{
		"notices nothing": func(e *engine) authtrip.Store { return e.records },
		"finds nothing while the engine is away": func(e *engine) authtrip.Store {
			return e.guarded(func(ctx context.Context) error { return instead(e.refuse(ctx), errDown, authtrip.ErrNotFound) })
		},
		"conflicts while the engine is away": func(e *engine) authtrip.Store {
			return e.guarded(func(ctx context.Context) error { return instead(e.refuse(ctx), errDown, authtrip.ErrConflict) })
		},
		"waits for the engine, whatever its context says": func(e *engine) authtrip.Store {
			return e.guarded(func(ctx context.Context) error {
				if e.down {
					time.Sleep(time.Minute)
				}
				return e.refuse(ctx)
			})
		},
		"goes on failing": func(e *engine) authtrip.Store {
			failed := false
			return e.guarded(func(context.Context) error {
				if failed = failed || e.down; failed {
					return errDown
				}
				return nil
			})
		},
		"never works without an engine to begin with": func(e *engine) authtrip.Store {
			born := e.refuse(context.Background())
			return e.guarded(func(ctx context.Context) error { return errors.Join(born, e.refuse(ctx)) })
		},
		"has lost its records": func(e *engine) authtrip.Store {
			return e.guarded(func(ctx context.Context) error {
				if e.down {
					e.records = authtrip.NewMemoryStore(0)
				}
				return e.refuse(ctx)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			said := judgeOutage(t, open)
			if len(said) == 0 {
				t.Fatalf("a Store that %s passes", name)
			}
			t.Log(said[0])
		})
	}
}

// judgeOutage is judge for Outage, on an engine of its own.
func judgeOutage(t *testing.T, open func(*engine) authtrip.Store) []string {
	t.Helper()
	e := &engine{records: authtrip.NewMemoryStore(0)}
	return judge(t, func(s *suite) {
		outage(s, func() { e.down = true }, func() { e.down = false })
	}, func() authtrip.Store { return open(e) })
}

// engine is used by one at a time.
type engine struct {
	records authtrip.Store
	down    bool
}

var errDown = errors.New("connection refused")

func (e *engine) refuse(context.Context) error {
	if e.down {
		return errDown
	}
	return nil
}

func (e *engine) hang(ctx context.Context) error {
	if e.down {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// guarded is a handle that reaches the engine if nothing is in the way.
func (e *engine) guarded(trouble func(context.Context) error) authtrip.Store {
	return &faulty{
		load: func(_ authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
			if err := trouble(ctx); err != nil {
				return nil, "", err
			}
			return e.records.Load(ctx, key)
		},
		save: func(_ authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			if err := trouble(ctx); err != nil {
				return "", err
			}
			return e.records.Save(ctx, key, value, version, lifetime)
		},
		delete: func(_ authtrip.Store, ctx context.Context, key, version string) error {
			if err := trouble(ctx); err != nil {
				return err
			}
			return e.records.Delete(ctx, key, version)
		},
	}
}
