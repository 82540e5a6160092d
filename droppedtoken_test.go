package authtrip

import (
	"sync"
	"testing"
)

// A token that was dropped is known as this entry's at every moment until the
// second after it comes: a redirect may be on its way with it.
func TestI13_ADroppedTokenIsKnownWhileItsSuccessorComes(t *testing.T) {
	m, err := NewManager([]Registration{{
		ID: "a", ClientID: "id", ClientSecret: NewSecret("secret"), TokenEndpoint: Endpoint{URL: "https://auth.example/token"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const turns = 20_000
	for range turns {
		e := &entry{client: &m.clients[0]}
		now := readClocks()
		e.received(0, now, &tokenReply{token: "one", lifetime: forever}, false)
		one := e.current.Load()
		e.drop(one)
		var both sync.WaitGroup
		both.Go(func() { e.received(1, now, &tokenReply{token: "two", lifetime: forever}, false) })
		for e.current.Load() == nil {
			if !e.isOwn([]string{one.header[0]}) {
				t.Error("it was not known")
			}
		}
		both.Wait()
		if t.Failed() {
			return
		}
	}
}
