package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/pgstore"
	"github.com/authtrip/authtrip/storetest"
)

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	for name, test := range map[string]func(*testing.T, *engine){
		"keeps a Store's promises":                     promises,
		"keeps them with statements of text alone":     promisesInText,
		"takes every mode of pgx":                      modes,
		"is right at every isolation level":            isolation,
		"has the lifetime":                             lifetimes,
		"without the table says what makes it":         noTable,
		"makes the table for many at once":             tableForMany,
		"needs no right to make a table that is there": tableOfAnother,
		"is rid of what expired":                       swept,
		"is rid of much that expired soon":             sweptMuch,
		"that is read-only is trouble":                 readOnly,
		"that is slow keeps nobody":                    slow,
		"shows no value in an error":                   quiet,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

func TestPostgreSQLMayGoAwayAndComeBack(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	d := e.newDatabase(t, "outage", "").withTable(t)
	storetest.Outage(t, func(t *testing.T) authtrip.Store { return d.open(t) },
		func(t *testing.T) { e.stop(t) }, func(t *testing.T) { e.start(t) })
}

func promises(t *testing.T, e *engine) {
	d := e.newDatabase(t, "promises", "").withTable(t)
	storetest.Run(t, func(t *testing.T) authtrip.Store { return d.open(t) })
}

// PgBouncer knows nothing of what was prepared: all is in the statement's text.
func promisesInText(t *testing.T, e *engine) {
	d := e.newDatabase(t, "text", "&default_query_exec_mode=simple_protocol").withTable(t)
	storetest.Run(t, func(t *testing.T) authtrip.Store { return d.open(t) })
}

// In these modes pgx tells the types by itself.
func modes(t *testing.T, e *engine) {
	d := e.newDatabase(t, "modes", "").withTable(t)
	key, value := "é\x00\xff'\\", []byte("\x00\xff'\\")
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		s := database{d.url + "&default_query_exec_mode=" + mode}.open(t)
		version, err := s.Save(t.Context(), key, nil, "", time.Hour)
		if err == nil {
			version, err = s.Save(t.Context(), key, value, version, 0)
		}
		got, has, loading := s.Load(t.Context(), key)
		if err != nil || loading != nil || has != version || !bytes.Equal(got, value) {
			t.Errorf("%s: Save: %v, Load: %q, version %q, %v, want %q, version %q", mode, err, got, has, loading, value, version)
		}
		if err := s.Delete(t.Context(), key, version); err != nil {
			t.Errorf("%s: Delete: %v", mode, err)
		}
	}
}

// Nothing goes before its time, nor much later.
func lifetimes(t *testing.T, e *engine) {
	d := e.newDatabase(t, "lifetimes", "").withTable(t)
	s := d.open(t)
	version := ""
	for _, tt := range []struct {
		lifetime time.Duration
		want     float64 // seconds; 0 is for ever
	}{
		{time.Hour, 3600}, {0, 0}, {time.Second + 1, 1}, {math.MaxInt64, math.MaxInt64 / 1e9}, {-time.Second, 0},
	} {
		version = mustSave(t, s, "v", version, tt.lifetime)
		var left float64
		err := d.pool(t).QueryRow(t.Context(), "SELECT coalesce(extract(epoch FROM expires_at - clock_timestamp()), 0)::float8 FROM "+pgstore.Table).Scan(&left)
		if err != nil || left > tt.want+1e-6 && tt.want < 1e6 || left < tt.want-60 {
			t.Errorf("%v: the record lives %v s, want %v, %v", tt.lifetime, left, tt.want, err)
		}
	}
}

func TestAStoreWithoutADatabaseSaysSo(t *testing.T) {
	s := pgstore.New(nil)
	_, _, loading := s.Load(t.Context(), "k")
	_, saving := s.Save(t.Context(), "k", nil, "", 0)
	for _, err := range []error{loading, saving, s.Delete(t.Context(), "k", "v"), s.CreateTable(t.Context())} {
		mustBeTrouble(t, err, "give New one")
	}
}

func TestAStorePrintsNoPassword(t *testing.T) {
	s := pgstore.New(nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if got := fmt.Sprintf(verb, s); got != "pgstore.New" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

// mustSave saves the record "k".
func mustSave(t *testing.T, s *pgstore.Store, value, version string, lifetime time.Duration) string {
	t.Helper()
	next, err := s.Save(t.Context(), "k", []byte(value), version, lifetime)
	if err != nil {
		t.Fatalf("Save: %v", err)
	}
	return next
}

// mustHold wants the record "k" to be this.
func mustHold(t *testing.T, s *pgstore.Store, value, version string) {
	t.Helper()
	got, has, err := s.Load(t.Context(), "k")
	if err != nil || string(got) != value || has != version {
		t.Fatalf("Load: %q, version %q, %v, want %q, version %q", got, has, err, value, version)
	}
}

// mustEnd runs a call under a context that ends soon.
func mustEnd(t *testing.T, call func(context.Context) error) {
	t.Helper()
	for _, cancelled := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		want := context.DeadlineExceeded
		if cancelled {
			cancel()
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			want = context.Canceled
		}
		began := time.Now()
		err := call(ctx)
		cancel()
		if took := time.Since(began); !errors.Is(err, want) || took > 5*time.Second {
			t.Errorf("%v after %v, want %v", err, took, want)
		}
	}
}
