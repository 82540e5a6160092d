// Package pgstore keeps authtrip's records in PostgreSQL, so that a fleet of
// processes shares them.
//
//	store := pgstore.New(pool)
//	err := store.CreateTable(ctx)
//	mgr, err := authtrip.NewManager(registrations, authtrip.WithStore(store), …)
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

// Table is the name of the table, in the first schema of the search path.
const Table = "authtrip_records"

// sweepEvery is how often, at most, one handle removes what has expired.
const sweepEvery = time.Minute

// Store is an [authtrip.Store]. It is safe for concurrent use and holds no
// goroutine of its own.
type Store struct {
	db    DB
	swept atomic.Int64 // UnixNano
}

var _ authtrip.Store = (*Store)(nil)

// New returns a Store over a database, which stays the caller's to close. It
// does no I/O: the table is there, or [Store.CreateTable] makes it.
func New(db DB) *Store { return &Store{db: db} }

// CreateTable makes the table if it is not there. Those who have their own way of
// changing schemas find in its error, and in Schema, what it wants.
func (s *Store) CreateTable(ctx context.Context) error {
	if _, err := s.db.Exec(ctx, Schema); err != nil {
		return fmt.Errorf("pgstore: creating the table: %w", err)
	}
	return nil
}

// Schema makes the table, and the index by which what has expired is found. Of
// several processes that run it at once one may get an error, and runs it again.
const Schema = `CREATE TABLE IF NOT EXISTS ` + Table + ` (
	key bytea PRIMARY KEY,
	version text NOT NULL,
	value bytea NOT NULL,
	expires_at timestamptz
);
CREATE INDEX IF NOT EXISTS ` + Table + `_expires_at ON ` + Table + ` (expires_at) WHERE expires_at IS NOT NULL`

// clock_timestamp and not now: a statement may have waited for another's lock.
const (
	live    = `(expires_at IS NULL OR expires_at > clock_timestamp())`
	expires = `CASE WHEN $4::bigint = 0 THEN NULL ELSE clock_timestamp() + $4::bigint * interval '1 microsecond' END`

	loadSQL = `SELECT value, version FROM ` + Table + ` WHERE key = $1 AND ` + live

	createSQL = `INSERT INTO ` + Table + ` (key, version, value, expires_at) VALUES ($1, $2, $3, ` + expires + `)
ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value, expires_at = excluded.expires_at
WHERE ` + Table + `.expires_at <= clock_timestamp()`

	updateSQL = `UPDATE ` + Table + ` SET version = $2, value = $3, expires_at = ` + expires + `
WHERE key = $1 AND version = $5 AND ` + live

	deleteSQL = `WITH gone AS (DELETE FROM ` + Table + ` WHERE key = $1 AND version = $2 AND ` + live + ` RETURNING 1)
SELECT EXISTS (SELECT FROM gone), EXISTS (SELECT FROM ` + Table + ` WHERE key = $1 AND ` + live + `)`

	sweepSQL = `DELETE FROM ` + Table + ` WHERE ctid = ANY (ARRAY(
	SELECT ctid FROM ` + Table + ` WHERE expires_at <= clock_timestamp() LIMIT 1000 FOR UPDATE SKIP LOCKED))`
)

// Load implements [authtrip.Store].
func (s *Store) Load(ctx context.Context, key string) (value []byte, version string, err error) {
	err = s.db.QueryRow(ctx, loadSQL, []byte(key)).Scan(&value, &version)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, "", authtrip.ErrNotFound
	case err != nil:
		return nil, "", trouble(err)
	}
	return value, version, nil
}

// Save implements [authtrip.Store].
func (s *Store) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	next := rand.Text()
	if value == nil {
		value = []byte{}
	}
	args := []any{[]byte(key), next, value, microseconds(lifetime)}
	sql := createSQL
	if version != "" {
		sql, args = updateSQL, append(args, version)
	}
	done, err := s.db.Exec(ctx, sql, args...)
	switch {
	case err != nil:
		return "", trouble(err)
	case done.RowsAffected() == 0:
		return "", authtrip.ErrConflict
	}
	s.sweep(ctx)
	return next, nil
}

// Delete implements [authtrip.Store].
func (s *Store) Delete(ctx context.Context, key, version string) error {
	var gone, there bool
	err := s.db.QueryRow(ctx, deleteSQL, []byte(key), version).Scan(&gone, &there)
	switch {
	case err != nil:
		return trouble(err)
	case gone:
		return nil
	case there:
		return authtrip.ErrConflict
	}
	return authtrip.ErrNotFound
}

// sweep removes some of what has expired, once in a while. Nobody sees those
// rows: if it fails, the next one does it.
func (s *Store) sweep(ctx context.Context) {
	now, last := time.Now().UnixNano(), s.swept.Load()
	if now-last < int64(sweepEvery) || !s.swept.CompareAndSwap(last, now) {
		return
	}
	_, _ = s.db.Exec(ctx, sweepSQL)
}

// microseconds rounds up: no lifetime becomes 0, which is for ever.
func microseconds(d time.Duration) int64 {
	return int64((d + time.Microsecond - 1) / time.Microsecond)
}

// trouble says what went wrong without what pgx shows of a statement's values.
func trouble(err error) error {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		if said.Code == "42P01" { // undefined_table
			return fmt.Errorf("pgstore: there is no table %s: call CreateTable", Table)
		}
		return fmt.Errorf("pgstore: %s (SQLSTATE %s)", said.Message, said.Code)
	}
	return fmt.Errorf("pgstore: %w", err)
}

// Format keeps the database's settings, a password among them, out of dumps.
func (*Store) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("pgstore.New")) }
