package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/authtrip/authtrip"
)

// faults are what is done wrong, each to a Store that is right.
var faults = []struct {
	name, foundBy string
	of            func(authtrip.Store) authtrip.Store
}{
	{"finds an empty record where there is none", "what is not there is not found", loaded(func(value []byte, version string, err error) ([]byte, string, error) {
		if errors.Is(err, authtrip.ErrNotFound) {
			return nil, "none", nil
		}
		return value, version, err
	})},
	{"has an error of its own for what is not there", "what is not there is not found", loaded(func(value []byte, version string, err error) ([]byte, string, error) {
		return value, version, instead(err, authtrip.ErrNotFound, errors.New("no rows"))
	})},
	{"says that it conflicts to delete what is not there", "what is not there is not found", deletes(func(err error) error { return instead(err, authtrip.ErrNotFound, authtrip.ErrConflict) })},
	{"deletes what is not there", "what is not there is not found", deletes(func(err error) error { return instead(err, authtrip.ErrNotFound, nil) })},
	{"does not find what it is to save over", "what is not there is not found", func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			if _, _, err := s.Load(ctx, key); err != nil && version != "" {
				return "", err
			}
			return s.Save(ctx, key, value, version, lifetime)
		}}
	}},
	{"gives a Save another version than a Load", "what was saved is loaded", loaded(func(value []byte, version string, err error) ([]byte, string, error) {
		return value, "v" + version, err
	})},
	{"loads what it loaded before", "what was saved is loaded", remembering},
	{"saves whatever the version", "a record is written by its version only", saves(func(ctx context.Context, s authtrip.Store, key string, _ string) string {
		_, version, _ := s.Load(ctx, key)
		return version
	})},
	{"saves over what is there when no version is given", "a record is written by its version only", saves(func(ctx context.Context, s authtrip.Store, key string, version string) string {
		if version == "" {
			_, version, _ = s.Load(ctx, key)
		}
		return version
	})},
	{"deletes whatever the version", "a record is written by its version only", func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, delete: func(s authtrip.Store, ctx context.Context, key, _ string) error {
			_, version, _ := s.Load(ctx, key)
			return s.Delete(ctx, key, version)
		}}
	}},
	{"does not find another version", "a record is written by its version only", deletes(func(err error) error { return instead(err, authtrip.ErrConflict, authtrip.ErrNotFound) })},
	{"only seems to delete", "what was deleted is gone", func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, delete: func(s authtrip.Store, ctx context.Context, key, version string) error {
			_, now, err := s.Load(ctx, key)
			if err == nil && now != version {
				err = authtrip.ErrConflict
			}
			return err
		}}
	}},
	{"counts versions from one again after what was deleted", "what was deleted is gone", counting(wasDeleted)},
	{"counts versions from one again after what expired", "a record is gone after its lifetime", counting(expired)},
	{"counts versions from one again, whoever deletes", "no version comes twice", counting(wasDeleted)},
	{"has one version for one value", "no version comes twice", hashing},
	{"keeps the value it was given", "a value is nobody's but the Store's", keeping(true, false)},
	{"hands out the value it keeps", "a value is nobody's but the Store's", keeping(false, true)},
	{"changes the value it was given", "a value is nobody's but the Store's", func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			version, err := s.Save(ctx, key, value, version, lifetime)
			clear(value) // the secret is wiped
			return version, err
		}}
	}},
	{"cuts values at NUL", "values of all sizes", valued(func(b []byte) []byte { b, _, _ = bytes.Cut(b, []byte{0}); return b })},
	{"takes values for text", "values of all sizes", valued(func(b []byte) []byte { return bytes.ToValidUTF8(b, []byte("?")) })},
	{"cuts values at 64 KB", "values of all sizes", valued(func(b []byte) []byte { return b[:min(len(b), 1<<16)] })},
	{"does not find an empty value", "values of all sizes", loaded(func(value []byte, version string, err error) ([]byte, string, error) {
		if err == nil && len(value) == 0 {
			return nil, "", authtrip.ErrNotFound
		}
		return value, version, err
	})},
	{"folds the case of keys", "keys of any bytes", keyed(strings.ToLower)},
	{"trims keys", "keys of any bytes", keyed(strings.TrimSpace)},
	{"cuts keys at NUL", "keys of any bytes", keyed(func(key string) string { key, _, _ = strings.Cut(key, "\x00"); return key })},
	{"takes keys for text", "keys of any bytes", keyed(func(key string) string { return strings.ToValidUTF8(key, "?") })},
	{"takes keys for paths", "keys of any bytes", keyed(func(key string) string { return strings.ReplaceAll(key, "//", "/") })},
	{"cuts keys at 255 bytes", "keys of any bytes", keyed(func(key string) string { return key[:min(len(key), 255)] })},
	{"looks first and creates then", "one of many creates a record", lookingFirst},
	{"looks first and saves then", "no change is lost among many", lookingFirst},
	{"looks first and deletes then", "one of many deletes a record", lookingFirst},
	{"keeps records for ever", "a record is gone after its lifetime", living(func(time.Duration) time.Duration { return 0 })},
	{"keeps records for half their lifetime", "a record is gone after its lifetime", living(func(d time.Duration) time.Duration { return (d + 1) / 2 })},
	{"drops what is less than a second", "a record is gone after its lifetime", living(func(d time.Duration) time.Duration { return d.Truncate(time.Second) })},
	{"takes seconds for milliseconds", "a lifetime is that of the last save", living(func(d time.Duration) time.Duration { return d / 1000 })},
	{"reckons a long lifetime past the end of time", "a lifetime is that of the last save", living(func(d time.Duration) time.Duration {
		if time.Now().Add(d).UnixNano() < 0 {
			return 1
		}
		return d
	})},
	{"keeps the end of a lifetime that is lifted", "a lifetime is that of the last save", keepingTheEnd(func(lifetime, before time.Duration) time.Duration {
		if lifetime == 0 {
			return before
		}
		return lifetime
	})},
	{"keeps the lifetime it was given first", "a lifetime is that of the last save", keepingTheEnd(func(_, before time.Duration) time.Duration { return before })},
	{"creates nothing where something has expired", "a lease is one holder's until it ends", onceOnly},
	{"looks first who holds a lease", "a lease is one holder's until it ends", lookingFirst},
	{"gives back whose lease it may be", "a lease that was lost is not given back", func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, delete: func(s authtrip.Store, ctx context.Context, key, _ string) error {
			_, version, _ := s.Load(ctx, key)
			return s.Delete(ctx, key, version)
		}}
	}},
	{"goes on when its context has ended", "a call ends with its context", heedless},
	{"takes hours when its context has ended", "a call ends with its context", func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, load: func(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
			if ctx.Err() != nil {
				time.Sleep(time.Hour)
			}
			return s.Load(ctx, key)
		}}
	}},
	{"says that nothing is there when its context has ended", "a call ends with its context", func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, load: func(s authtrip.Store, ctx context.Context, key string) ([]byte, string, error) {
			if ctx.Err() != nil {
				return nil, "", authtrip.ErrNotFound
			}
			return s.Load(ctx, key)
		}}
	}},
	{"saves half when its context ends", "a call ends with its context", func(s authtrip.Store) authtrip.Store {
		return &faulty{Store: s, save: func(s authtrip.Store, ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
			if time.Sleep(time.Millisecond); ctx.Err() != nil && len(value) > 1000 {
				value = value[:len(value)/2]
				ctx = context.WithoutCancel(ctx)
			}
			return s.Save(ctx, key, value, version, lifetime)
		}}
	}},
}
