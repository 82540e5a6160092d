package storetest

import (
	"context"
	"crypto/sha256"
	"strconv"
	"sync"
	"time"

	"github.com/authtrip/authtrip"
)

// hashing has versions that are made of the value alone.
func hashing(s authtrip.Store) authtrip.Store {
	return renaming(s, func(_ string, value []byte, _ fate) string {
		sum := sha256.Sum256(value)
		return string(sum[:])
	})
}

// counting counts each record's versions, from one again after that fate.
func counting(forgotten fate) func(authtrip.Store) authtrip.Store {
	return func(s authtrip.Store) authtrip.Store {
		counts := map[string]int{}
		return renaming(s, func(key string, _ []byte, now fate) string {
			if now == forgotten {
				counts[key] = 0
			}
			counts[key]++
			return strconv.Itoa(counts[key])
		})
	}
}

// fate is what became of the record before.
type fate int

const (
	there fate = iota
	wasDeleted
	expired // or never was
)

// renaming is a Store with versions of another making.
func renaming(s authtrip.Store, version func(key string, value []byte, before fate) string) authtrip.Store {
	r := &renamed{names: map[string]string{}, deleted: map[string]bool{}, version: version}
	return &faulty{Store: s, load: r.load, save: r.save, delete: r.delete}
}

type renamed struct {
	version func(key string, value []byte, before fate) string // called with mu held

	mu      sync.Mutex
	names   map[string]string // of the true versions; guarded by mu
	deleted map[string]bool   // keys; guarded by mu
}

func (r *renamed) load(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	value, version, err := s.Load(ctx, key)
	return value, r.names[version], err
}

func (r *renamed) save(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, now, _ := s.Load(ctx, key)
	if r.names[now] != version {
		return "", authtrip.ErrConflict
	}
	before := there
	switch {
	case now != "":
	case r.deleted[key]:
		before = wasDeleted
	default:
		before = expired
	}
	saved, err := s.Save(ctx, key, value, now, lifetime)
	if err != nil {
		return "", err
	}
	delete(r.deleted, key)
	r.names[saved] = r.version(key, value, before)
	return r.names[saved], nil
}

func (r *renamed) delete(s authtrip.Store, ctx context.Context, key, version string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, now, err := s.Load(ctx, key)
	switch {
	case err != nil:
		return err
	case r.names[now] != version:
		return authtrip.ErrConflict
	}
	r.deleted[key] = true
	return s.Delete(ctx, key, now)
}
