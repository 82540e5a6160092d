package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// replaceDefault is for an SDK that takes neither client nor authenticator: the
// first thing in main, for it races with whoever uses http.DefaultTransport.
// All the process is affected; see docs/clients.md for what that puts at risk.
func replaceDefault(src *authtrip.Source) (undo func()) {
	old := http.DefaultTransport
	http.DefaultTransport = &authtrip.Transport{Source: src, Base: old}
	return func() { http.DefaultTransport = old }
}

// defaultTransport is code that calls http.Get, and other code in the same
// process that does.
func (s *stage) defaultTransport() error {
	defer replaceDefault(s.src)()
	// An authenticator does not hear that the last new token was accepted; until
	// a second has passed no other replaces it.
	time.Sleep(time.Second)
	before := s.cloud.Counts()
	s.cloud.RevokeAll()
	failed := together(50, func(int) error { return get(s.ctx, http.DefaultClient, s.cloud.APIURL+"/v1/organizations") })
	failed += together(50, func(int) error { return get(s.ctx, http.DefaultClient, s.cloud.ThirdPartyURL+"/stage") })
	leaked := s.sentTo("third-party", nhn.HeaderAuthentication, nhn.HeaderAuthorization, nhn.HeaderRDSAppKey)
	after := s.cloud.Counts()
	fmt.Printf("4. default:        http.DefaultTransport is replaced; 50 requests to a listed host and 50 to another, %d failed, %d token reissue, %d tokens went to the other\n",
		failed, after.TokenCalls-before.TokenCalls, leaked)
	return check(failed == 0 && after.Accepted-before.Accepted == 50 && after.TokenCalls-before.TokenCalls == 1 && leaked == 0,
		"want 0 failed, 1 reissue and 0 tokens at the other host")
}
