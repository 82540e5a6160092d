package restyv3_test

import (
	"fmt"
	"log"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"github.com/authtrip/authtrip/nhn"
	"resty.dev/v3"
)

func ExampleInstall() {
	cloud := authtest.NewNHN() // stands for NHN Cloud
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = src.Close() }()

	client := resty.New().SetBaseURL(cloud.APIURL)
	defer func() { _ = client.Close() }()
	if err := restyv3.Install(client, src); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		res, err := client.R().SetBody(`{"name":"x"}`).Post("/v1/things")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(res.Status())
		cloud.RevokeAll() // the second request's token is rejected, and replaced
	}
	// Output:
	// 200 OK
	// 200 OK
}

func ExampleAttach() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = src.Close() }()

	client := resty.New().SetBaseURL(cloud.APIURL)
	defer func() { _ = client.Close() }()
	client.AddRequestMiddleware(restyv3.Attach(src))
	client.SetRetryCount(1).AddRetryConditions(restyv3.RetryRejected)
	for range 2 {
		res, err := client.R().Get("/v1/organizations")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(res.Status(), "in try", res.Request.Attempt)
		cloud.RevokeAll()
	}
	// Output:
	// 200 OK in try 1
	// 200 OK in try 2
}

func ExampleBreaker() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = src.Close() }()

	client := resty.New().SetBaseURL(cloud.APIURL)
	defer func() { _ = client.Close() }()
	if err := restyv3.Install(client, src); err != nil {
		log.Fatal(err)
	}
	breaker, err := restyv3.Breaker(resty.NewCircuitBreakerCount(5, 1, 30*time.Second), src)
	if err != nil {
		log.Fatal(err)
	}
	client.SetCircuitBreaker(breaker)

	res, err := client.R().Get("/v1/organizations")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Status())
	// Output:
	// 200 OK
}
