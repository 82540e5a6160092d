package pgstore_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/pgstore"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What one PostgreSQL does of what a fleet asks of its Store, for docs/fleet.md:
//
//	go test -run '^$' -bench PostgreSQL -benchtime 2s -count 5 .
//
// Each client is a process's: one connection, one operation at a time. The server
// here does not wait for its disk (fsync is off), which a real one's saves do; the
// clients take a part of the machine.
func BenchmarkPostgreSQL(b *testing.B) {
	e := newEngine(b)
	d := e.newDatabase(b, "bench", "").withTable(b)
	const lifetime = time.Hour
	for _, op := range []struct {
		name string
		// begin returns the operation of one of the clients.
		begin func(b *testing.B, s authtrip.Store, key string) func() error
	}{
		{"load", func(b *testing.B, s authtrip.Store, _ string) func() error {
			if _, err := s.Save(b.Context(), "token/shared", record, "", lifetime); err != nil && !errors.Is(err, authtrip.ErrConflict) {
				b.Fatal(err)
			}
			return func() error {
				_, _, err := s.Load(b.Context(), "token/shared")
				return err
			}
		}},
		{"save", func(b *testing.B, s authtrip.Store, key string) func() error {
			version := ""
			return func() (err error) {
				version, err = s.Save(b.Context(), "token/"+key, record, version, lifetime)
				return err
			}
		}},
		{"lease refused", func(b *testing.B, s authtrip.Store, _ string) func() error {
			if _, err := s.Save(b.Context(), "lease/shared", []byte("owner"), "", lifetime); err != nil && !errors.Is(err, authtrip.ErrConflict) {
				b.Fatal(err)
			}
			return func() error {
				_, err := s.Save(b.Context(), "lease/shared", []byte("owner"), "", lifetime)
				if errors.Is(err, authtrip.ErrConflict) {
					return nil
				}
				return fmt.Errorf("%v, want a conflict", err)
			}
		}},
		{"lease taken and given back", func(b *testing.B, s authtrip.Store, key string) func() error {
			return func() error {
				version, err := s.Save(b.Context(), "lease/"+key, []byte("owner"), "", lifetime)
				if err != nil {
					return err
				}
				return s.Delete(b.Context(), "lease/"+key, version)
			}
		}},
	} {
		for _, clients := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(op.name, " ", "-"), clients), func(b *testing.B) {
				var do []func() error
				for range clients {
					pool, err := pgxpool.New(b.Context(), d.url+"&pool_max_conns=1")
					if err != nil {
						b.Fatal(err)
					}
					defer pool.Close()
					do = append(do, op.begin(b, pgstore.New(pool), rand.Text()))
				}
				b.ResetTimer()
				var all sync.WaitGroup
				for n, f := range do {
					all.Go(func() {
						for range (b.N + n) / clients {
							if err := f(); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// record is as long as one of an access token that is sealed.
var record = []byte(strings.Repeat("x", 1200))
