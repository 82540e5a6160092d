package authtrip

import (
	"strings"
	"testing"
	"time"
)

// Whatever the Store holds, it is a token that may be sent and has sensible
// ages, or none.
func FuzzFleetToken(f *testing.F) {
	for _, seed := range []string{
		`{"form":1,"access_token":"x","sent_at":946684800000,"lifetime":3600000}`, `{"form":1,"access_token":"x","sent_at":1}`,
		`{"form":1,"access_token":"x","sent_at":9223372036854,"lifetime":31536000000}`, `{"form":1,"access_token":"a b","sent_at":1}`,
		`{"form":2}`, `[]`, ``, `{"form":1,"access_token":"x","sent_at":-1,"lifetime":-1,"rejected":true,"reissued":true}`,
	} {
		f.Add([]byte(seed), int64(946684800000))
	}
	f.Fuzz(func(t *testing.T, value []byte, millis int64) {
		if millis < 0 || millis > maxMillis {
			return
		}
		token, now := decodeFleetToken(value), instant{mono: 1, wall: millis * int64(time.Millisecond)}
		if token == nil {
			return
		}
		at, reply := token.reply(now)
		if left := token.left(now); left <= 0 || left > maxLifetime {
			t.Fatalf("to be kept for %v", left)
		}
		_ = token.stale(now, 2./3)
		if reply == nil {
			return
		}
		if reply.lifetime <= 0 || at.wall > now.wall || now.since(at) >= reply.lifetime || strings.ContainsAny(reply.token, " \r\n\x00") || reply.token == "" {
			t.Fatalf("asked for at %v, now %v, usable for %v", at, now, reply.lifetime)
		}
		again := decodeFleetToken(token.encode())
		if again == nil || *again != *token {
			t.Fatal("it is another when written and read")
		}
	})
}
