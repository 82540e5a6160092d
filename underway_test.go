package authtrip_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
)

// While a request is under way its token is not forgotten, however many others
// come: what befalls it is noted where the next request looks.

// crowdIn has twenty others log in, where there is room for three.
func (s *server) crowdIn(t *testing.T, m *authtrip.Manager) {
	t.Helper()
	for i := range 20 {
		who := fmt.Sprint("other-", i)
		s.login(t, of(t, m, who), who)
		settle(time.Millisecond)
	}
}

func TestI13_AnInnerTransportKnowsTheOutersTokenInACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.managerOf(t, []authtrip.Registration{
			user(func(r *authtrip.Registration) { r.Origins = []string{"https://api.example"} }),
		}, authtrip.Policy{MaxTokens: 3})
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		var went http.Header
		inner := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			went = r.Header
			return jsonReply(r, 200, nil), nil
		})}
		outer := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			s.crowdIn(t, m)
			elsewhere := r.Clone(r.Context())
			elsewhere.URL.Host = "elsewhere.example"
			return inner.RoundTrip(elsewhere)
		})}
		if _, err := outer.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil)); err != nil {
			t.Fatal(err)
		}
		if got := went.Get("Authorization"); got != "" {
			t.Fatalf("%d characters of token went elsewhere", len(got))
		}
	})
}

func TestI07_ARequestInACrowdIsSentTwiceAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.Policy{MaxTokens: 3})
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		sent := 0
		inner := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			sent++
			return jsonReply(r, 401, nil), nil
		})}
		outer := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			s.crowdIn(t, m)
			return inner.RoundTrip(r)
		})}
		if _, err := outer.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil)); err != nil {
			t.Fatal(err)
		}
		if sent > 2 {
			t.Fatalf("sent %d times", sent)
		}
	})
}

func TestI10_AnAPIThatRefusesAllInACrowdCostsNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		m := s.manager(t, authtrip.Policy{MaxTokens: 3})
		src := of(t, m, "ann")
		s.login(t, src, "ann")
		crowd := 0
		refused := &http.Client{Transport: &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			before := s.callCount()
			s.crowdIn(t, m)
			crowd += s.callCount() - before
			return jsonReply(r, 401, nil), nil
		})}}
		before := s.callCount()
		for range 10 {
			res, err := refused.Do(mustRequest(t, http.MethodGet, "https://api.example/", nil))
			if err != nil || res.StatusCode != 401 {
				t.Fatalf("%v, %v", res, err)
			}
		}
		// Between the requests it may be forgotten, and with it the pause.
		if calls := s.callCount() - before - crowd; calls > 2 {
			t.Fatalf("%d token calls for 10 requests", calls)
		}
	})
}
