package peer_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/authtrip/authtrip/bench/fake"
	"github.com/authtrip/authtrip/bench/peer"
)

// A peer that sent no token, or did not get one from the server, would be
// measured at work that it does not do.
func TestEveryPeerSendsItsRequestsWithAToken(t *testing.T) {
	for _, p := range slices.Concat(peer.All, peer.Resty, []peer.Peer{peer.NoEnvelope}) {
		if p.Static {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			auth := &fake.Auth{Lifetime: time.Hour, TokenLen: 64}
			auth.Start()
			defer auth.Close()
			api := &fake.API{Auth: auth}
			d, err := p.NewClient(peer.Config{
				TokenURL: auth.TokenURL(), ClientID: "id", ClientSecret: "secret",
				Base: api, TokenTransport: auth.Transport(), TokenTimeout: 5 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				req, err := http.NewRequest(http.MethodGet, "https://api.example.test/v1", nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := d.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Fatal(res.Status)
				}
			}
			if n := api.Verdicts[fake.Valid].Load(); n != 2 {
				t.Errorf("%d of 2 requests arrived with a valid token", n)
			}
			if n := auth.Served(); n != 1 {
				t.Errorf("%d token calls", n)
			}
		})
	}
}

func TestEveryLookupGivesAToken(t *testing.T) {
	for _, p := range peer.All {
		if p.Lookup == nil {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			auth := &fake.Auth{Lifetime: time.Hour, TokenLen: 64}
			auth.Start()
			defer auth.Close()
			get, err := p.Lookup(peer.Config{
				TokenURL: auth.TokenURL(), ClientID: "id", ClientSecret: "secret",
				Base: fake.Stub{}, TokenTransport: auth.Transport(), TokenTimeout: 5 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			token, err := get(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if v := auth.Check(http.Header{"Authorization": {"Bearer " + token}}); !p.Static && v != fake.Valid {
				t.Errorf("the token has verdict %d", v)
			}
		})
	}
}
