package nhn_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

const (
	rdsKey = "rds-app-key-CANARY"
	hubKey = "hub-app-key-CANARY"
)

var someone = nhn.Credentials{UserAccessKeyID: "id", SecretAccessKey: authtrip.NewSecret("s")}

// keysAt returns the application keys that a request to each host has, those in
// Notification Hub's header as "hub:key".
func keysAt(t *testing.T, hosts []string, options ...nhn.Option) map[string]string {
	t.Helper()
	tokens := roundTripFunc(func(r *http.Request) (*http.Response, error) { return answer(r, `{"access_token":"a"}`) })
	src, err := nhn.NewSource(someone, append(options, nhn.With(authtrip.WithTokenTransport(tokens)))...)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		found := slices.Clone(r.Header.Values("X-TC-APP-KEY"))
		for _, key := range r.Header.Values("X-NC-APP-KEY") {
			found = append(found, "hub:"+key)
		}
		keys := strings.Join(found, " ")
		if r.Header.Get(nhn.HeaderAuthorization) == "" {
			keys = "no token " + keys
		}
		all[r.URL.Host] = keys
		return answer(r, "")
	})}
	for _, host := range hosts {
		req, _ := http.NewRequest(http.MethodGet, "https://"+host+"/", nil)
		if _, err := rt.RoundTrip(req); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestAppKeysGoToTheirServicesHostsInEveryRegion(t *testing.T) {
	const public, government = ".api.nhncloudservice.com", ".api.gov-nhncloudservice.com"
	for name, c := range map[string]struct {
		options []nhn.Option
		service string
		key     string
		want    []string // hosts
	}{
		"MySQL":      {nil, "rds-mysql", rdsKey, []string{"kr1-rds-mysql" + public, "kr2-rds-mysql" + public, "kr3-rds-mysql" + public, "jp1-rds-mysql" + public}},
		"MariaDB":    {nil, "rds-mariadb", rdsKey, []string{"kr1-rds-mariadb" + public, "kr2-rds-mariadb" + public, "kr3-rds-mariadb" + public, "jp1-rds-mariadb" + public}},
		"PostgreSQL": {nil, "rds-postgres", rdsKey, []string{"kr1-rds-postgres" + public, "kr2-rds-postgres" + public, "kr3-rds-postgres" + public, "jp1-rds-postgres" + public}},
		"the hub":    {nil, "notification-hub", hubKey, []string{"notification-hub" + public}},
		"MySQL, government": {
			[]nhn.Option{nhn.Government()}, "rds-mysql", rdsKey, []string{"kr1-rds-mysql" + government, "kr2-rds-mysql" + government},
		},
		"MariaDB, government": {
			[]nhn.Option{nhn.Government()}, "rds-mariadb", rdsKey, []string{"kr1-rds-mariadb" + government, "kr2-rds-mariadb" + government},
		},
	} {
		t.Run(name, func(t *testing.T) {
			options := append(c.options, nhn.Origins("kr1-mine.api.nhncloudservice.com", "rds-mysql"))
			listed := nhn.Registration(someone, options...).Origins
			// Before or after, Government is of both.
			for _, options := range [][]nhn.Option{
				append(slices.Clone(options), nhn.AppKey(c.service, authtrip.NewSecret(c.key))),
				append([]nhn.Option{nhn.AppKey(c.service, authtrip.NewSecret(c.key))}, options...),
			} {
				elsewhere := "kr1-mine2.api.nhncloudservice.com"
				got := keysAt(t, append([]string{elsewhere}, listed...), options...)
				for _, host := range listed {
					want := ""
					if slices.Contains(c.want, host) {
						want = c.key
						if c.service == "notification-hub" {
							want = "hub:" + c.key
						}
					}
					if got[host] != want {
						t.Errorf("%s has %q, want %q", host, got[host], want)
					}
				}
				if got[elsewhere] != "no token " {
					t.Errorf("%s has %q", elsewhere, got[elsewhere])
				}
			}
		})
	}
}

func TestAppKeysOfSeveralServices(t *testing.T) {
	secret := authtrip.NewSecret
	hosts := []string{
		"kr1-rds-mysql.api.nhncloudservice.com", "kr2-rds-mysql.api.nhncloudservice.com", "kr1-rds-postgres.api.nhncloudservice.com",
		"notification-hub.api.nhncloudservice.com", "core.api.nhncloudservice.com",
	}
	for name, c := range map[string]struct {
		options []nhn.Option
		want    []string
	}{
		"three": {
			[]nhn.Option{nhn.AppKey("rds-mysql", secret("m")), nhn.AppKey("rds-postgres", secret("p")), nhn.AppKey("notification-hub", secret("h"))},
			[]string{"m", "m", "p", "hub:h", ""},
		},
		"the later of two":              {[]nhn.Option{nhn.AppKey("rds-mysql", secret("m")), nhn.AppKey("rds-mysql", secret("n"))}, []string{"n", "n", "", "", ""}},
		"HostHeader wins":               {[]nhn.Option{nhn.HostHeader(hosts[0], nhn.HeaderRDSAppKey, secret("own")), nhn.AppKey("rds-mysql", secret("m"))}, []string{"own", "m", "", "", ""}},
		"in every spelling":             {[]nhn.Option{nhn.AppKey("rds-mysql", secret("m")), nhn.HostHeader("HTTPS://KR1-rds-mysql.api.nhncloudservice.com:443/", "x-tc-app-key", secret("own"))}, []string{"own", "m", "", "", ""}},
		"the later HostHeader":          {[]nhn.Option{nhn.HostHeader(hosts[4], "X-TC-app-key", secret("1")), nhn.HostHeader(hosts[4], "X-Tc-App-Key", secret("2"))}, []string{"", "", "", "", "2"}},
		"HostHeader of another name":    {[]nhn.Option{nhn.HostHeader(hosts[0], "X-NC-APP-KEY", secret("own")), nhn.AppKey("rds-mysql", secret("m"))}, []string{"m hub:own", "m", "", "", ""}},
		"HostHeader of two hosts":       {[]nhn.Option{nhn.HostHeader(hosts[3], "X-NC-APP-KEY", secret("1")), nhn.HostHeader(hosts[4], "X-NC-APP-KEY", secret("2"))}, []string{"", "", "", "hub:1", "hub:2"}},
		"what one had the next has not": {nil, []string{"", "", "", "", ""}},
	} {
		got := keysAt(t, hosts, c.options...)
		for i, host := range hosts {
			if got[host] != c.want[i] {
				t.Errorf("%s: %s has %q, want %q", name, host, got[host], c.want[i])
			}
		}
	}
}

func TestAKeyThatWouldGoNowhereIsSaid(t *testing.T) {
	key := authtrip.NewSecret(rdsKey)
	const services = "notification-hub, rds-mariadb, rds-mysql, rds-postgres"
	for name, c := range map[string]struct {
		options []nhn.Option
		says    []string
	}{
		"unknown":                 {[]nhn.Option{nhn.AppKey("rds-oracle", key)}, []string{"AppKey", "rds-oracle", services}},
		"empty":                   {[]nhn.Option{nhn.AppKey("", key)}, []string{"AppKey", services}},
		"another spelling":        {[]nhn.Option{nhn.AppKey("RDS-MySQL", key)}, []string{"AppKey", "RDS-MySQL", services}},
		"a service without keys":  {[]nhn.Option{nhn.AppKey("ncr", key)}, []string{"AppKey", "ncr", services}},
		"a host":                  {[]nhn.Option{nhn.AppKey("core.api.nhncloudservice.com", key)}, []string{"AppKey", "core.api", services, "HostHeader"}},
		"a service's host":        {[]nhn.Option{nhn.AppKey("kr1-rds-mysql.api.nhncloudservice.com", key)}, []string{"AppKey", "HostHeader"}},
		"an origin of one's own":  {[]nhn.Option{nhn.AppKey("http://localhost:8080", key), nhn.Origins("http://localhost:8080")}, []string{"AppKey", "HostHeader"}},
		"user information":        {[]nhn.Option{nhn.AppKey("u:CANARY@host", key)}, []string{"AppKey", "what was given", services}},
		"not in the government's": {[]nhn.Option{nhn.AppKey("rds-postgres", key), nhn.Government()}, []string{"AppKey", "rds-postgres", "rds-mariadb, rds-mysql"}},
		"no hub there either":     {[]nhn.Option{nhn.Government(), nhn.AppKey("notification-hub", key)}, []string{"AppKey", "notification-hub"}},
		"HostHeader, not listed":  {[]nhn.Option{nhn.HostHeader("own.example", nhn.HeaderRDSAppKey, key)}, []string{"own.example", "not in Origins"}},
		"HostHeader, the token's": {[]nhn.Option{nhn.HostHeader("core.api.nhncloudservice.com", nhn.HeaderAuthorization, key)}, []string{"core.api.nhncloudservice.com", "carries the token"}},
		"HostHeader, no name":     {[]nhn.Option{nhn.HostHeader("core.api.nhncloudservice.com", "", key)}, []string{"no header name"}},
		"an empty key":            {[]nhn.Option{nhn.AppKey("rds-mysql", authtrip.Secret{})}, []string{"kr1-rds-mysql", "is empty"}},
		"a key with a line's end": {[]nhn.Option{nhn.AppKey("rds-mysql", authtrip.NewSecret(rdsKey+"\n"))}, []string{"kr1-rds-mysql", "white space"}},
	} {
		_, err := nhn.NewSource(someone, c.options...)
		for _, part := range c.says {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %q", name, err, part)
			}
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "CANARY") {
			t.Errorf("%s: shows the key: %s", name, text)
		}
		if _, err := authtrip.NewSource(nhn.Registration(someone, c.options...)); err == nil {
			t.Errorf("%s: a Registration with the same options has no fault", name)
		}
	}
}

// The services that want a key get it over the network, and the stranger beside
// them does not.
func TestServicesGetTheirAppKeys(t *testing.T) {
	cloud := authtest.NewNHN(authtest.Services())
	defer cloud.Close()
	rds, hub := cloud.Service(authtest.RDS), cloud.Service(authtest.NotificationHub)
	src, err := nhn.NewSource(cloud.Credentials(), append(cloud.Options(),
		nhn.HostHeader(rds, nhn.HeaderRDSAppKey, authtrip.NewSecret(rdsKey)),
		nhn.HostHeader(hub+"/", nhn.HeaderNotificationHubAppKey, authtrip.NewSecret(hubKey)))...)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: cloud.Transport()}}
	framework := cloud.Service(authtest.Framework)
	for range 2 { // the second time with a replay, of a rejection by envelope and by status
		for _, url := range []string{rds, hub, framework, cloud.APIURL, cloud.ThirdPartyURL} {
			res, err := client.Post(url, "text/plain", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if url != cloud.ThirdPartyURL && (res.StatusCode != 200 || !strings.Contains(string(body), `"isSuccessful":true`)) {
				t.Errorf("%s: %s %s", url, res.Status, body)
			}
			cloud.RevokeAll()
		}
	}
	for _, r := range cloud.Requests() {
		for name, server := range map[string]string{"X-Tc-App-Key": "rds", "X-Nc-App-Key": "notification-hub"} {
			if has := slices.Contains(r.Headers, name); has != (r.Server == server) {
				t.Errorf("%s at %s: %v", name, r.Server, has)
			}
		}
	}
	if c := cloud.Counts(); c.Leaked != 0 || c.TokenCalls != 8 { // the last of a round goes without
		t.Errorf("%+v", c)
	}
}
