package pgstore

import (
	"context"
	"time"
)

const (
	sweepEvery = time.Minute // at most, by one Store
	sweepMost  = 1000        // rows at once, so that the Save that sweeps is not held up
	sweepWait  = 300 * time.Millisecond
)

// now, unlike clock_timestamp, is one time for the whole statement, so that the
// index may be used. What somebody else sweeps, or writes anew, is passed over.
const sweepSQL = `DELETE FROM ` + Table + ` WHERE ctid = ANY (ARRAY(
	SELECT ctid FROM ` + Table + ` WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED))`

// sweep removes some of what has expired, once in a while, and at once again if
// there was much. Nobody sees those rows: if it fails, the next one does it.
func (s *Store) sweep(ctx context.Context) {
	now, last := time.Now().UnixNano(), s.swept.Load()
	if now-last < int64(sweepEvery) || !s.swept.CompareAndSwap(last, now) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sweepWait)
	defer cancel()
	if done, err := s.db.Exec(ctx, sweepSQL, sweepMost); err == nil && done.RowsAffected() == sweepMost {
		s.swept.CompareAndSwap(now, 0)
	}
}
