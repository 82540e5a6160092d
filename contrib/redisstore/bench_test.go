package redisstore_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/redisstore"
	"github.com/redis/go-redis/v9"
)

// What one Redis does of what a fleet asks of its Store, for docs/fleet.md:
//
//	go test -run '^$' -bench Redis -benchtime 2s -count 5 .
//
// Each client is a process's: one connection, one operation at a time. server-us/op
// is the time that redis-server's own thread was busy for, by its own account, all
// that the kernel did for it included: a million of it is what it can do in a second,
// however much of the machine the clients take.
func BenchmarkRedis(b *testing.B) {
	e := newEngine(b)
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
					s := redisstore.New(open(b, &redis.Options{Addr: e.addr, ContextTimeoutEnabled: true, DialerRetries: 1, PoolSize: 1}))
					do = append(do, op.begin(b, s, rand.Text()))
				}
				busy := e.busy(b)
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
				b.ReportMetric(float64((e.busy(b)-busy).Microseconds())/float64(b.N), "server-us/op")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// record is as long as one of an access token that is sealed.
var record = []byte(strings.Repeat("x", 1200))

// busy is how long the server's thread has worked.
func (e *engine) busy(t testing.TB) time.Duration {
	t.Helper()
	var all time.Duration
	for line := range strings.Lines(e.do(t, "INFO", "cpu")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys_main_thread" || name == "used_cpu_user_main_thread" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			all += time.Duration(seconds * float64(time.Second))
		}
	}
	if all == 0 {
		t.Fatal("this Redis does not tell how long it worked: version 7 does")
	}
	return all
}
