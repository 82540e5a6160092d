package pgstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/pgstore"
	"github.com/authtrip/authtrip/storetest"
)

func (e *engine) withTable(t *testing.T) *engine {
	t.Helper()
	for range 2 { // it may be there
		if err := pgstore.New(e.pool(t)).CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func TestAStoreInPostgreSQLKeepsItsPromises(t *testing.T) {
	e := newEngine(t).withTable(t)
	storetest.Run(t, func(t *testing.T) authtrip.Store { return pgstore.New(e.pool(t)) })
}

func TestPostgreSQLMayGoAwayAndComeBack(t *testing.T) {
	e := newEngine(t).withTable(t)
	storetest.Outage(t, func(t *testing.T) authtrip.Store { return pgstore.New(e.pool(t)) }, e.stop, e.start)
}

func TestWithoutATableTheErrorSaysSo(t *testing.T) {
	e := newEngine(t)
	_, _, err := pgstore.New(e.pool(t)).Load(t.Context(), "k")
	if err == nil || !strings.Contains(err.Error(), pgstore.Table) || !strings.Contains(err.Error(), "CreateTable") {
		t.Errorf("%v", err)
	}
}

// What has expired is removed by those who save.
func TestWhatExpiredIsSwept(t *testing.T) {
	e := newEngine(t).withTable(t)
	rows := func() (n int) {
		if err := e.pool(t).QueryRow(t.Context(), "SELECT count(*) FROM "+pgstore.Table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	s := pgstore.New(e.pool(t))
	for i := range 50 {
		if _, err := s.Save(t.Context(), fmt.Sprint("short", i), []byte("v"), "", time.Microsecond); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Save(t.Context(), "stays", []byte("v"), "", 0); err != nil {
		t.Fatal(err)
	}
	if rows() < 50 {
		t.Fatal("every Save sweeps")
	}
	another := pgstore.New(e.pool(t)) // whose first Save does
	if _, err := another.Save(t.Context(), "later", []byte("v"), "", time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := rows(); got != 2 {
		t.Errorf("%d rows are left, want 2", got)
	}
}

func TestNoErrorShowsAValue(t *testing.T) {
	e := newEngine(t).withTable(t)
	if _, err := e.pool(t).Exec(t.Context(), "ALTER TABLE "+pgstore.Table+" ADD CHECK (length(value) < 5)"); err != nil {
		t.Fatal(err)
	}
	_, err := pgstore.New(e.pool(t)).Save(t.Context(), "key-of-a-user", []byte("a secret value"), "", 0)
	if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(fmt.Sprintf("%+v", err), "6120736563726574") {
		t.Errorf("%v", err)
	}
}
