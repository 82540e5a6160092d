// Package authtest has strict emulators of the services that authtrip is used
// with, for tests of code that uses it: real HTTP servers that issue tokens,
// let them expire, revoke them, check what they are sent, count, and fail on
// demand.
//
//	cloud := authtest.NewNHN()
//	defer cloud.Close()
//	client, err := nhn.NewClient(cloud.Credentials(), cloud.Options()...)
//	res, err := client.Get(cloud.APIURL + "/v1/organizations")
//
//	live := authtest.NewPRISM()
//	defer live.Close()
//	mgr, err := authtrip.NewManager([]authtrip.Registration{prism.Registration(live.Client())}, live.Options()...)
//	src, err := mgr.SourceFor("prism", "user-42")
//	err = src.ExchangeCode(ctx, live.Code("user-42"), nil)
package authtest
