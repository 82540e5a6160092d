package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	errNoDB    = errors.New("pgstore: there is no database: give New one")
	errNoTable = errors.New("pgstore: there is no table " + Table + ": call CreateTable, or run Schema")
)

// What PostgreSQL calls some troubles.
const (
	undefinedTable       = "42P01"
	serializationFailure = "40001"
)

// trouble says what went wrong.
func trouble(ctx context.Context, err error) error {
	if code(err) == undefinedTable {
		return errNoTable
	}
	return fmt.Errorf("pgstore: %w", said(ctx, err))
}

// said keeps of pgx's error the text alone: inside there may be a row, with its
// value, and all that the connection was made with.
func said(ctx context.Context, err error) error {
	if from, ok := errors.AsType[*pgconn.PgError](err); ok && ctx.Err() == nil {
		return fmt.Errorf("%s (SQLSTATE %s)", from.Message, from.Code)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("no answer: %w", ctx.Err())
	}
	return errors.New(err.Error())
}

func code(err error) string {
	if from, ok := errors.AsType[*pgconn.PgError](err); ok {
		return from.Code
	}
	return ""
}
