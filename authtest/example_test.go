package authtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
)

func ExampleNewNHN() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	client, err := nhn.NewClient(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	get := func() {
		res, err := client.Get(cloud.APIURL + "/v1/organizations")
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = res.Body.Close()
		fmt.Println(res.StatusCode)
	}
	get()
	cloud.RevokeAll() // the token in use is rejected from now on
	get()
	fmt.Println(cloud.Counts().TokenCalls, "token calls")
	// Output:
	// 200
	// 200
	// 2 token calls
}

func ExampleNewPRISM() {
	live := authtest.NewPRISM()
	defer live.Close()
	mgr, err := authtrip.NewManager([]authtrip.Registration{prism.Registration(live.Client())}, live.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = mgr.Close() }()
	src, err := mgr.SourceFor("prism", "user-42")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := src.ExchangeCode(context.Background(), live.Code("user-42"), nil); err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &authtrip.Transport{Source: src}}
	get := func() {
		res, err := client.Get(live.URL + "/prism/v1/service/user")
		if err != nil {
			fmt.Println(err)
			return
		}
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(res.Body)
		fmt.Printf("%d %s", res.StatusCode, body)
	}
	get()
	live.RevokeAll() // the token in use is rejected from now on
	get()
	counts := live.Counts()
	fmt.Println(counts.CodeCalls, "code redeemed,", counts.RefreshCalls, "refresh")
	// Output:
	// 200 {"success":true,"errorCode":0,"errorName":null,"message":null,"data":{"userId":"user-42"}}
	// 200 {"success":true,"errorCode":0,"errorName":null,"message":null,"data":{"userId":"user-42"}}
	// 1 code redeemed, 1 refresh
}

// At an address of one's own, behind a handler that watches.
func ExampleNHN_ServeHTTP() {
	cloud := authtest.NewNHN(authtest.InMemory())
	defer cloud.Close()
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
		cloud.ServeHTTP(w, r)
	}))
	defer own.Close()

	client, err := nhn.NewClient(cloud.Credentials(), nhn.AuthServer(own.URL), nhn.Origins(own.URL))
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := client.Get(own.URL + "/v1/organizations")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = res.Body.Close()
	fmt.Println(len(cloud.Tokens()), "token in force")
	// Output:
	// POST /oauth2/token/create
	// GET /v1/organizations
	// 1 token in force
}
