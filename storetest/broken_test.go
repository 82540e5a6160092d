package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/authtrip/authtrip"
)

// instead returns another error in place of one of the contract's.
func instead(err, of, other error) error {
	if errors.Is(err, of) {
		return other
	}
	return err
}

func loaded(change func(value []byte, version string, err error) ([]byte, string, error)) func(authtrip.Store) authtrip.Store {
	return func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, load: func(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
			return change(s.Load(ctx, key))
		}}
	}
}

func deletes(change func(error) error) func(authtrip.Store) authtrip.Store {
	return func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, delete: func(s authtrip.Store, ctx context.Context, key, version string) error {
			return change(s.Delete(ctx, key, version))
		}}
	}
}

// saves saves over another version than it is told to.
func saves(over func(ctx context.Context, s authtrip.Store, key, version string) string) func(authtrip.Store) authtrip.Store {
	return func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			return s.Save(ctx, key, value, over(ctx, s, key, version), lifetime)
		}}
	}
}

func valued(change func([]byte) []byte) func(authtrip.Store) authtrip.Store {
	return func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			return s.Save(ctx, key, change(slices.Clone(value)), version, lifetime)
		}}
	}
}

func living(change func(time.Duration) time.Duration) func(authtrip.Store) authtrip.Store {
	return func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			return s.Save(ctx, key, value, version, change(lifetime))
		}}
	}
}

func keyed(change func(string) string) func(authtrip.Store) authtrip.Store {
	return func(s authtrip.Store) authtrip.Store {
		return &faulty{
			Store: s,
			load: func(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
				return s.Load(ctx, change(key))
			},
			save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
				return s.Save(ctx, change(key), value, version, lifetime)
			},
			delete: func(s authtrip.Store, ctx context.Context, key, version string) error {
				return s.Delete(ctx, change(key), version)
			},
		}
	}
}

// remembering returns what it loaded first.
func remembering(s authtrip.Store) authtrip.Store {
	type record struct {
		value   []byte
		version string
	}
	var seen sync.Map
	return &faulty{Store: s, load: func(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
		if r, ok := seen.Load(key); ok {
			return slices.Clone(r.(record).value), r.(record).version, nil
		}
		value, version, err := s.Load(ctx, key)
		if err == nil {
			seen.Store(key, record{slices.Clone(value), version})
		}
		return value, version, err
	}}
}

// keeping shares values with who saves, or who loads.
func keeping(given, handedOut bool) func(authtrip.Store) authtrip.Store {
	return func(s authtrip.Store) authtrip.Store {
		kept := map[string][]byte{}
		return &faulty{
			Store: s,
			load: func(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
				_, version, err := s.Load(ctx, key)
				if handedOut {
					return kept[key], version, err
				}
				return slices.Clone(kept[key]), version, err
			},
			save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
				if kept[key] = value; !given {
					kept[key] = slices.Clone(value)
				}
				return s.Save(ctx, key, value, version, lifetime)
			},
		}
	}
}

// keepingTheEnd chooses between the lifetime that is given and what is left of
// the record's.
func keepingTheEnd(choose func(lifetime, left time.Duration) time.Duration) func(authtrip.Store) authtrip.Store {
	return func(s authtrip.Store) authtrip.Store {
		ends := map[string]time.Time{}
		return &faulty{Store: s, save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			if end, ok := ends[key]; ok && version != "" {
				lifetime = choose(lifetime, time.Until(end))
			}
			if lifetime > 0 {
				ends[key] = time.Now().Add(lifetime)
			}
			return s.Save(ctx, key, value, version, lifetime)
		}}
	}
}

// lookingFirst compares, and sets a little later.
func lookingFirst(s authtrip.Store) authtrip.Store {
	return &faulty{
		Store: s,
		save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			if _, now, _ := s.Load(ctx, key); now != version {
				return "", authtrip.ErrConflict
			}
			time.Sleep(time.Millisecond)
			for {
				_, now, _ := s.Load(ctx, key)
				if saved, err := s.Save(ctx, key, value, now, lifetime); !errors.Is(err, authtrip.ErrConflict) {
					return saved, err
				}
			}
		},
		delete: func(s authtrip.Store, ctx context.Context, key, version string) error {
			switch _, now, err := s.Load(ctx, key); {
			case err != nil:
				return err
			case now != version:
				return authtrip.ErrConflict
			}
			time.Sleep(time.Millisecond)
			_, now, _ := s.Load(ctx, key)
			return instead(s.Delete(ctx, key, now), authtrip.ErrNotFound, nil)
		},
	}
}

// onceOnly leaves what has expired in the way of what is created.
func onceOnly(s authtrip.Store) authtrip.Store {
	var there sync.Map
	return &faulty{
		Store: s,
		save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			if _, ok := there.Load(key); ok && version == "" {
				return "", authtrip.ErrConflict
			}
			version, err := s.Save(ctx, key, value, version, lifetime)
			if err == nil {
				there.Store(key, true)
			}
			return version, err
		},
		delete: func(s authtrip.Store, ctx context.Context, key, version string) error {
			there.Delete(key)
			return s.Delete(ctx, key, version)
		},
	}
}

// heedless asks no context.
func heedless(s authtrip.Store) authtrip.Store {
	return &faulty{
		Store: s,
		load: func(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
			return s.Load(context.WithoutCancel(ctx), key)
		},
		save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			return s.Save(context.WithoutCancel(ctx), key, value, version, lifetime)
		},
		delete: func(s authtrip.Store, ctx context.Context, key, version string) error {
			return s.Delete(context.WithoutCancel(ctx), key, version)
		},
	}
}

// slow takes its time, and does nothing for who has left meanwhile.
func slow(s authtrip.Store) authtrip.Store {
	const wait = 20 * time.Millisecond
	return &faulty{
		Store: s,
		load: func(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
			time.Sleep(wait)
			return s.Load(ctx, key)
		},
		save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			time.Sleep(wait)
			return s.Save(ctx, key, value, version, lifetime)
		},
		delete: func(s authtrip.Store, ctx context.Context, key, version string) error {
			time.Sleep(wait)
			return s.Delete(ctx, key, version)
		},
	}
}
