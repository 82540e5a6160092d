package pgstore

import (
	"context"
	"errors"
	"fmt"
)

// Table is the name of the table, in the first schema of the search path.
const Table = "authtrip_records"

// Schema makes the table, and the index by which what has expired is found, for
// those who have their own way of changing schemas. Who uses the table must be
// allowed to SELECT, INSERT, UPDATE and DELETE.
const Schema = `CREATE TABLE IF NOT EXISTS ` + Table + ` (
	key bytea PRIMARY KEY,
	version text NOT NULL,
	value bytea NOT NULL,
	expires_at timestamptz
);
CREATE INDEX IF NOT EXISTS ` + Table + `_expires_at ON ` + Table + ` (expires_at) WHERE expires_at IS NOT NULL`

// Of several who make one table at once PostgreSQL lets all but one fail, even
// if they do so IF NOT EXISTS: the lock makes them take turns. It goes with the
// transaction, which the statements of one Exec are.
const createSQL = `SELECT pg_advisory_xact_lock(hashtext('` + Table + `'));
` + Schema

// CreateTable makes the table by [Schema] if it is not there. Many processes may
// call it at once. Where the table is there it asks for no right to make one,
// and locks nothing.
func (s *Store) CreateTable(ctx context.Context) error {
	if s.db == nil {
		return errNoDB
	}
	if _, err := s.db.Exec(ctx, `SELECT FROM `+Table+` LIMIT 0`); err == nil {
		return nil
	} else if !errors.Is(trouble(ctx, err), errNoTable) {
		return trouble(ctx, err)
	}
	if _, err := s.db.Exec(ctx, createSQL); err != nil {
		return fmt.Errorf("pgstore: making the table: %w", said(ctx, err))
	}
	return nil
}
