package pgstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB is what a Store needs of a database: a *pgxpool.Pool has it. A single
// *pgx.Conn will not do, since it is not safe for concurrent use.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Store is an [authtrip.Store]. It is safe for concurrent use and holds no
// goroutine of its own.
type Store struct {
	db    DB
	swept atomic.Int64 // UnixNano; 0 is to be swept at the next Save
}

var _ authtrip.Store = (*Store)(nil)

// New returns a Store over a database, which stays the caller's to close. It
// does no I/O: the table is there, or [Store.CreateTable] makes it. A table that
// is not there is an error of every call, which names CreateTable.
//
// Nothing is repeated whose answer was lost: that is an error. So is a connection
// that broke, once, unless it was idle for over a second: pgxpool tries those
// before it gives them out.
//
// Errors hold no keys and no values. PostgreSQL's own log may, as it is set up.
func New(db DB) *Store { return &Store{db: db} }

// clock_timestamp and not now: a statement may have waited for another's lock.
const (
	live    = `(expires_at IS NULL OR expires_at > clock_timestamp())`
	expires = `CASE WHEN $4::bigint = 0 THEN NULL ELSE clock_timestamp() + $4::bigint * interval '1 microsecond' END`

	loadSQL = `SELECT value, version FROM ` + Table + ` WHERE key = $1 AND ` + live

	insertSQL = `INSERT INTO ` + Table + ` (key, version, value, expires_at) VALUES ($1, $2, $3, ` + expires + `)
ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value, expires_at = excluded.expires_at
WHERE ` + Table + `.expires_at <= clock_timestamp()`

	updateSQL = `UPDATE ` + Table + ` SET version = $2, value = $3, expires_at = ` + expires + `
WHERE key = $1 AND version = $5 AND ` + live

	deleteSQL = `DELETE FROM ` + Table + ` WHERE key = $1 AND version = $2 AND ` + live
)

// Load implements [authtrip.Store].
func (s *Store) Load(ctx context.Context, key string) (value []byte, version string, err error) {
	if s.db == nil {
		return nil, "", errNoDB
	}
	err = again(ctx, func() error { return s.db.QueryRow(ctx, loadSQL, []byte(key)).Scan(&value, &version) })
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, "", authtrip.ErrNotFound
	case err != nil:
		return nil, "", trouble(ctx, err)
	}
	return value, version, nil
}

// Save implements [authtrip.Store].
func (s *Store) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	next := rand.Text()
	if value == nil {
		value = []byte{} // and not NULL
	}
	args := []any{[]byte(key), next, value, microseconds(lifetime)}
	sql := insertSQL
	if version != "" {
		sql, args = updateSQL, append(args, version)
	}
	switch changed, err := s.change(ctx, sql, args...); {
	case err != nil:
		return "", err
	case !changed:
		return "", authtrip.ErrConflict
	}
	s.sweep(ctx)
	return next, nil
}

// Delete implements [authtrip.Store].
func (s *Store) Delete(ctx context.Context, key, version string) error {
	if changed, err := s.change(ctx, deleteSQL, []byte(key), version); changed || err != nil {
		return err
	}
	if _, _, err := s.Load(ctx, key); err != nil {
		return err
	}
	return authtrip.ErrConflict
}

// change runs a statement and reports whether it met its row.
func (s *Store) change(ctx context.Context, sql string, args ...any) (bool, error) {
	if s.db == nil {
		return false, errNoDB
	}
	var done pgconn.CommandTag
	err := again(ctx, func() (err error) {
		done, err = s.db.Exec(ctx, sql, args...)
		return err
	})
	if err != nil {
		return false, trouble(ctx, err)
	}
	return done.RowsAffected() > 0, nil
}

// again repeats what another's change of the same row made fail, which happens
// where the default isolation level is above read committed, and changed nothing:
// the statement then sees that change, and finds its row or does not.
func again(ctx context.Context, statement func() error) error {
	const most = 20
	for n := 1; ; n++ {
		err := statement()
		if code(err) != serializationFailure || n == most || ctx.Err() != nil {
			return err
		}
	}
}

// microseconds rounds up: no lifetime becomes 0, which is for ever.
func microseconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Microsecond) + 1
}

// Format keeps the database's settings, a password among them, out of dumps.
func (*Store) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("pgstore.New")) }
