package pgstore_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip/contrib/pgstore"
)

// Each of them is a process that starts.
func tableForMany(t *testing.T, e *engine) {
	d := e.newDatabase(t, "many", "")
	var all []*pgstore.Store
	for range 8 {
		all = append(all, d.open(t))
	}
	for range 10 {
		var wg sync.WaitGroup
		for _, s := range all {
			wg.Go(func() {
				if err := s.CreateTable(t.Context()); err != nil {
					t.Errorf("CreateTable: %v", err)
				}
			})
		}
		wg.Wait()
		mustSave(t, all[0], "v", "", 0)
		d.mustExec(t, "DROP TABLE "+pgstore.Table)
	}
}

func tableOfAnother(t *testing.T, e *engine) {
	d := e.newDatabase(t, "rights", "").withTable(t)
	d.mustExec(t, "CREATE ROLE app LOGIN")
	d.mustExec(t, "GRANT SELECT, INSERT, UPDATE, DELETE ON "+pgstore.Table+" TO app")
	d.url = strings.Replace(d.url, "postgres@", "app@", 1)
	s := d.open(t)
	if err := s.CreateTable(t.Context()); err != nil {
		t.Error(err)
	}
	version := mustSave(t, s, "one", "", time.Hour)
	version = mustSave(t, s, "two", version, 0)
	mustHold(t, s, "two", version)
	if err := s.Delete(t.Context(), "k", version); err != nil {
		t.Error(err)
	}
}

// rows counts what is there, expired or not.
func (d database) rows(t *testing.T) (n int) {
	t.Helper()
	if err := d.pool(t).QueryRow(t.Context(), "SELECT count(*) FROM "+pgstore.Table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// expired puts n rows there that are.
func (d database) expired(t *testing.T, n int) {
	t.Helper()
	d.mustExec(t, "INSERT INTO "+pgstore.Table+" SELECT 'old' || n::text::bytea, 'v', 'v', now() - interval '1 second' FROM generate_series(1, $1) n", n)
}

// What has expired is removed by those who save, once in a while.
func swept(t *testing.T, e *engine) {
	d := e.newDatabase(t, "swept", "").withTable(t)
	d.expired(t, 50)
	s := d.open(t)
	mustSave(t, s, "v", "", 0)
	if got := d.rows(t); got != 1 {
		t.Errorf("%d rows are left, want the one that was saved", got)
	}
	d.expired(t, 50)
	if _, err := s.Save(t.Context(), "another", nil, "", time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := d.rows(t); got != 52 {
		t.Errorf("%d rows are left, want all 52: every Save sweeps", got)
	}
}

func sweptMuch(t *testing.T, e *engine) {
	d := e.newDatabase(t, "sweptmuch", "").withTable(t)
	d.expired(t, 2500)
	s := d.open(t)
	for n, want := range []int{1501, 502, 3, 4} {
		if _, err := s.Save(t.Context(), fmt.Sprint(n), nil, "", time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := d.rows(t); got != want {
			t.Errorf("%d rows are left, want %d", got, want)
		}
	}
}
