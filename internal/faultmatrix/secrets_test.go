package faultmatrix

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// proofs are the ways in which clients prove themselves; the empty one is
// Registration.Authenticate.
var proofs = []authtrip.ClientAuth{
	authtrip.ClientSecretHeaders, authtrip.ClientSecretBasic, authtrip.ClientSecretBasicRaw, "", authtrip.ClientSecretPost,
}

// always are what a program does that fails whenever no token can be had;
// a revocation succeeds with every 200.
var always = []string{
	"exchange", "exchange code", "token", "attach", "get", "post", "resty, expired", "invalidated", "circuit", "replay", "closed",
}

// Every fault of the matrix that befalls the token endpoint, under users'
// grants, by GET with all in the query and by POST.
func TestI14_NoFaultBringsASecretToLight(t *testing.T) {
	succeeds := []string{ // with the status that has come by then
		"200 with HTML", "gzip bomb (1 GiB)", "reply of 1 GiB", "reset after the headers", "reset in the body", "an answer byte by byte",
	}
	var cells []secretsCell
	for i, f := range faults(2 * time.Second) {
		if f.Says == works || f.SuspendServer {
			continue // no failure, or one like "no answer" here
		}
		doing := always
		if !slices.Contains(succeeds, f.Title) {
			doing = append(slices.Clone(always), "revoke")
		}
		both := []secretsCell{{f, http.MethodGet, proofs[0], doing}, {f, http.MethodPost, proofs[i%len(proofs)], doing}}
		if raceDetector {
			both = both[i%2:][:1] // each fault in one, as in the matrix
		}
		cells = append(cells, both...)
	}
	if len(cells) < 19 {
		t.Errorf("only %d cells", len(cells))
	}
	runSecrets(t, cells)
}

// secretsCell is one fault, in the hands of clients of one kind.
type secretsCell struct {
	fault  Fault
	method string
	auth   authtrip.ClientAuth
	doing  []string // what brings an error
}

// runSecrets runs some at once: they wait more than they work.
func runSecrets(t *testing.T, cells []secretsCell) {
	trusted, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, 8)
	for _, c := range cells {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			t.Run(fmt.Sprintf("%s, %s, %s", strings.ReplaceAll(c.fault.Title, "/", "-"), c.method, cmp.Or(c.auth, "Authenticate")), func(t *testing.T) {
				u := newUsers(t, trusted, c.fault, c.method, c.auth)
				u.logIn()
				u.server.Break(c.fault)
				u.use()
				u.check(c.doing...)
			})
		})
	}
}
