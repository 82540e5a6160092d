package authtrip_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
)

// However many origins are listed, each gets the token in every spelling, and
// no other does.
func TestI13_ListsOfAnyLengthNameTheirOwnOriginsOnly(t *testing.T) {
	for _, n := range []int{0, 1, 3, 4, 5, 6, 70} {
		for _, form := range []string{"%s.example", "%s.example:8443", "https://%s.example", "http://%s.example"} {
			t.Run(fmt.Sprintf("%d of "+form, n, "x"), func(t *testing.T) {
				r := registration()
				for i := range n {
					listed := fmt.Sprintf(form, fmt.Sprint("Host-", i))
					r.Origins = append(r.Origins, listed)
					if strings.HasPrefix(form, "http:") {
						r.AllowHTTP = append(r.AllowHTTP, strings.TrimPrefix(listed, "http://"))
					}
				}
				r.Origins = append(r.Origins, "http://localhost:1") // so that some are
				var got string
				tr := &authtrip.Transport{Source: newSource(t, r, issuing("one")), Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
					got = r.Header.Get("Authorization")
					return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
				})}
				ask := func(url string, want bool) {
					t.Helper()
					got = ""
					if _, err := tr.RoundTrip(mustRequest(t, http.MethodGet, url, nil)); err != nil && want {
						t.Errorf("%s: %v", url, err)
					}
					if (got != "") != want {
						t.Errorf("%s got %q", url, got)
					}
				}
				for i := range n {
					u := fmt.Sprintf(form, fmt.Sprint("host-", i))
					if !strings.Contains(u, "://") {
						u = "https://" + u
					}
					ask(u, true)
					ask(u+"/path?q", true)
					ask(strings.Replace(u, "host", "HOST", 1), true)
					if strings.HasSuffix(u, ".example") {
						ask(u+map[bool]string{true: ":443", false: ":80"}[strings.HasPrefix(u, "https")], true)
						ask(u+":444", false)
					}
					ask(strings.Replace(u, ".example", ".example.evil", 1), false)
					ask(strings.Replace(u, "://", "://sub.", 1), false)
				}
				for _, u := range []string{"https://evil.example", fmt.Sprint("https://host-", n, ".example"), "https://host-.example", "https://example", "https://localhost:1", "https://host-0.example:9999"} {
					ask(u, false)
				}
			})
		}
	}
}
