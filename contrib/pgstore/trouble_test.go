package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/pgstore"
)

// mustBeTrouble wants an error that says nothing about what became of a record,
// and says this.
func mustBeTrouble(t *testing.T, err error, says string) {
	t.Helper()
	if err == nil || errors.Is(err, authtrip.ErrNotFound) || errors.Is(err, authtrip.ErrConflict) || !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want trouble that says %q", err, says)
	}
}

func noTable(t *testing.T, e *engine) {
	s := e.newDatabase(t, "notable", "").open(t)
	_, _, loading := s.Load(t.Context(), "k")
	_, saving := s.Save(t.Context(), "k", []byte("v"), "", 0)
	for _, err := range []error{loading, saving, s.Delete(t.Context(), "k", "v")} {
		mustBeTrouble(t, err, "there is no table "+pgstore.Table+": call CreateTable")
	}
}

// A standby, or one that was told to, takes no record: that is no conflict.
func readOnly(t *testing.T, e *engine) {
	d := e.newDatabase(t, "readonly", "").withTable(t)
	version := mustSave(t, d.open(t), "one", "", 0)
	d.url += "&default_transaction_read_only=on"
	s := d.open(t)
	_, saving := s.Save(t.Context(), "k", []byte("two"), version, 0)
	_, creating := s.Save(t.Context(), "another", []byte("two"), "", 0)
	for _, err := range []error{saving, creating, s.Delete(t.Context(), "k", version)} {
		mustBeTrouble(t, err, "read-only transaction (SQLSTATE 25006)")
	}
	mustHold(t, s, "one", version)
	if err := s.CreateTable(t.Context()); err != nil {
		t.Errorf("CreateTable, though it is there: %v", err)
	}
}

// Whatever holds a call up, it ends with its context.
func slow(t *testing.T, e *engine) {
	d := e.newDatabase(t, "slow", "").withTable(t)
	tx, err := d.pool(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "LOCK TABLE "+pgstore.Table); err != nil {
		t.Fatal(err)
	}
	s := d.open(t)
	mustEnd(t, func(ctx context.Context) error { _, _, err := s.Load(ctx, "k"); return err })
	mustEnd(t, func(ctx context.Context) error { _, err := s.Save(ctx, "k", nil, "", 0); return err })
	mustEnd(t, func(ctx context.Context) error { return s.Delete(ctx, "k", "v") })
}

// PostgreSQL's errors hold the row that it refused.
func quiet(t *testing.T, e *engine) {
	d := e.newDatabase(t, "quiet", "").withTable(t)
	d.mustExec(t, "ALTER TABLE "+pgstore.Table+" ADD CONSTRAINT small CHECK (length(value) < 5)")
	_, err := d.open(t).Save(t.Context(), "key-of-a-user", []byte("a secret value"), "", 0)
	mustBeTrouble(t, err, "small")
	for err := err; err != nil; err = errors.Unwrap(err) {
		for _, shown := range []string{"secret", fmt.Sprintf("%x", "secret"), "key-of", fmt.Sprintf("%x", "key-of")} {
			if text := fmt.Sprintf("%+v %#v", err, err); strings.Contains(text, shown) {
				t.Errorf("%s", text)
			}
		}
	}
}
