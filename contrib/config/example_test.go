package config_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/config"
)

// A preset, pointed at an emulator by what the registration says besides. In a
// program: registrations, err := config.Load("app.yml").
func ExampleParse() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	environ := []string{
		"NHN_USER_ACCESS_KEY_ID=" + cloud.Credentials().UserAccessKeyID,
		"NHN_SECRET_ACCESS_KEY=" + cloud.Credentials().SecretAccessKey.Reveal(),
		"AUTH=" + cloud.AuthURL, "API=" + cloud.APIURL,
	}
	registrations, err := config.Parse("app.yml", []byte(`
registration:
  cloud:
    provider: nhn
    client_id: ${NHN_USER_ACCESS_KEY_ID}
    client_secret: ${NHN_SECRET_ACCESS_KEY}
    token_uri: ${AUTH:https://oauth.api.nhncloudservice.com}/oauth2/token/create
    more_origins: ["${API}"]
`), environ)
	if err != nil {
		fmt.Println(err)
		return
	}
	mgr, err := authtrip.NewManager(registrations)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer mgr.Close() //nolint:errcheck // it returns nil

	client := &http.Client{Transport: &authtrip.Transport{Source: mgr}}
	res, err := client.Get(cloud.APIURL + "/v1/organizations")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close() //nolint:errcheck // an example
	fmt.Println(res.Status)
	// Output: 200 OK
}

// What hosts want beside the token: an application key, in each region of its
// service, and a header of one host. Neither is printed.
func ExampleParse_hostHeaders() {
	registrations, err := config.Parse("app.yml", []byte(`
registration:
  cloud:
    provider: nhn
    client_id: ${NHN_USER_ACCESS_KEY_ID}
    client_secret: ${NHN_SECRET_ACCESS_KEY}
    app_keys:
      rds-mysql: ${RDS_APP_KEY}
    more_origins: api.shop.example
    host_headers:
      api.shop.example:
        X-Shop-Key: ${SHOP_KEY}
`), []string{"NHN_USER_ACCESS_KEY_ID=id", "NHN_SECRET_ACCESS_KEY=secret", "RDS_APP_KEY=rds", "SHOP_KEY=shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	headers := registrations[0].HostHeaders
	for _, host := range slices.Sorted(maps.Keys(headers)) {
		fmt.Println(host, headers[host])
	}
	// Output:
	// api.shop.example map[X-Shop-Key:[redacted]]
	// jp1-rds-mysql.api.nhncloudservice.com map[X-Tc-App-Key:[redacted]]
	// kr1-rds-mysql.api.nhncloudservice.com map[X-Tc-App-Key:[redacted]]
	// kr2-rds-mysql.api.nhncloudservice.com map[X-Tc-App-Key:[redacted]]
	// kr3-rds-mysql.api.nhncloudservice.com map[X-Tc-App-Key:[redacted]]
}

// All faults come at once, each with its line.
func ExampleParse_faults() {
	_, err := config.Parse("app.yml", []byte(`registration:
  payments:
    client_ids: shop
    client_secret: ${BANK_SECRET}
    provider: bank
    scope: {pay: true}
provider:
  bank:
    token_uri: http://auth.bank.example/oauth2/token
`), nil)
	fmt.Println(err)
	// Output:
	// app.yml:2: registration.payments: client_id is missing
	// app.yml:3: registration.payments: unknown key "client_ids"; did you mean "client_id"?
	// app.yml:4: registration.payments: client_secret cannot be had: the environment variable BANK_SECRET is not set, and ${BANK_SECRET:…} gives no default
	// app.yml:6: registration.payments: scope wants a single value, and has a map
	// app.yml:9: provider.bank: token_uri: refused: plain http would show the token to the network; use https, or name the host in allow_http
}

// Without a file: what a container's environment says.
func ExampleFromEnv() {
	// In a program the process's environment has them:
	//	AUTHTRIP_REGISTRATION_PAYMENTS_CLIENT_ID=shop
	//	AUTHTRIP_REGISTRATION_PAYMENTS_CLIENT_SECRET_FILE=/run/secrets/payments
	//	AUTHTRIP_REGISTRATION_PAYMENTS_TOKEN_URI=https://auth.example.com/oauth2/token
	registrations, err := config.FromEnv()
	if err != nil {
		fmt.Println("nothing to call")
		return
	}
	fmt.Println(len(registrations) > 0)
}
