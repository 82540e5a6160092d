package authtest_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

func TestAnEmulatorOnAServerOfOnesOwn(t *testing.T) {
	cloud := authtest.NewNHN(authtest.InMemory())
	defer cloud.Close()
	var seen []string
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.Path)
		cloud.ServeHTTP(w, r)
	}))
	defer own.Close()
	client, err := nhn.NewClient(cloud.Credentials(), nhn.AuthServer(own.URL), nhn.Origins(own.URL))
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Get(own.URL + "/v1/organizations")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if c := cloud.Counts(); res.StatusCode != http.StatusOK || c.Issued != 1 || c.Accepted != 1 {
		t.Errorf("%s, %+v", res.Status, c)
	}
	if want := []string{"POST /oauth2/token/create", "GET /v1/organizations"}; !slices.Equal(seen, want) {
		t.Errorf("seen: %q, want %q", seen, want)
	}
}

func TestAServiceOnAServerOfOnesOwn(t *testing.T) {
	cloud := authtest.NewNHN(authtest.InMemory())
	defer cloud.Close()
	answer := httptest.NewRecorder()
	cloud.ServiceHandler(authtest.Partner).ServeHTTP(answer, httptest.NewRequest("GET", "/v1/x", nil))
	if body := answer.Body.String(); answer.Code != http.StatusOK || !strings.Contains(body, `"80401"`) {
		t.Errorf("%d %s", answer.Code, body)
	}
	if cloud.ServiceHandler("no such service") != nil {
		t.Error("a service that there is not is served")
	}
}

func TestTokensInForceAreToldByTheirStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := authtest.NewNHN(authtest.InMemory())
		defer cloud.Close()
		cloud.SetLifetime(time.Minute)
		began := time.Now()
		first := issue(t, cloud)
		time.Sleep(20 * time.Second)
		second := issue(t, cloud)
		told := cloud.Tokens()
		want := []authtest.TokenInfo{
			{Kind: "access", Start: second[:6], Holder: "emulated-key-id", Issued: began.Add(20 * time.Second), Expires: began.Add(80 * time.Second)},
			{Kind: "access", Start: first[:6], Holder: "emulated-key-id", Issued: began, Expires: began.Add(time.Minute)},
		}
		if !slices.Equal(told, want) {
			t.Errorf("%+v, want %+v", told, want)
		}
		time.Sleep(40 * time.Second)
		if told := cloud.Tokens(); len(told) != 1 || told[0].Start != second[:6] {
			t.Errorf("the first expired: %+v", told)
		}
		cloud.Revoke(second)
		if told := cloud.Tokens(); len(told) != 0 {
			t.Errorf("the second was revoked: %+v", told)
		}
	})
}

func TestPRISMTokensAndCodesInForceAreToldByTheirStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := authtest.NewPRISM(authtest.InMemory())
		defer live.Close()
		kinds := func() (all []string) {
			for _, x := range live.Tokens() {
				all = append(all, x.Kind+" of "+x.Holder)
				if len(x.Start) != 6 || x.Expires.IsZero() != (x.Kind == "refresh") {
					t.Errorf("%+v", x)
				}
			}
			return all
		}
		code := live.Code("ann")
		if got, want := kinds(), []string{"code of ann"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		_, reply := redeem(t, live, codeParams(code))
		if got, want := kinds(), []string{"access of ann", "refresh of ann"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		live.SetRotation(true)
		redeem(t, live, refreshParams(reply["refresh_token"]))
		if got, want := kinds(), []string{"access of ann", "access of ann", "refresh of ann"}; !slices.Equal(got, want) {
			t.Errorf("the refresh token used up: %q, want %q", got, want)
		}
		redeem(t, live, refreshParams(reply["refresh_token"]))
		if got := kinds(); len(got) != 0 {
			t.Errorf("the login ended: %q", got)
		}
	})
}

func TestAPRISMOnAServerOfOnesOwn(t *testing.T) {
	live := authtest.NewPRISM(authtest.InMemory())
	defer live.Close()
	own := httptest.NewServer(live)
	defer own.Close()
	res, err := http.Get(own.URL + "/prism/v1/service/user")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if c := live.Counts(); res.StatusCode != http.StatusUnauthorized || c.Rejected != 1 {
		t.Errorf("%s, %+v", res.Status, c)
	}
}
