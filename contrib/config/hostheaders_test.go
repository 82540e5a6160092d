package config_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/config"
	"github.com/authtrip/authtrip/nhn"
)

type hostHeaders = map[string]map[string]authtrip.Secret

// headers are names and values in turn.
func headers(pairs ...string) map[string]authtrip.Secret {
	all := map[string]authtrip.Secret{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = authtrip.NewSecret(pairs[i+1])
	}
	return all
}

func appKey(service, key string) nhn.Option { return nhn.AppKey(service, authtrip.NewSecret(key)) }

func TestHostHeadersAreMergedByHostAndName(t *testing.T) {
	got := parse(t, one("provider: p", "host_headers: {a.example: {X-KEY: '${OWN}-1', X-Own: o}, c.example: {X-Key: c}}")+
		"provider: {p: {host_headers: {a.example: {x-key: p, X-More: m}, b.example: {X-Key: b}}}}", "OWN=own")[0].HostHeaders
	want := hostHeaders{"a.example": headers("X-Key", "own-1", "X-Own", "o", "X-More", "m"), "b.example": headers("X-Key", "b"), "c.example": headers("X-Key", "c")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the headers are others")
		for host, names := range got {
			for name, value := range names {
				t.Logf("%s: %s: %s", host, name, value.Reveal())
			}
		}
	}
}

// TestRegistrationsOfOneProviderHaveTheirOwnHostHeaders: neither sees what the
// other adds.
func TestRegistrationsOfOneProviderHaveTheirOwnHostHeaders(t *testing.T) {
	const body = "{provider: nhn, client_id: i, client_secret: s, app_keys: {rds-mysql: "
	all := parse(t, "registration: {a: "+body+"a}}, b: "+body+"b}}}\nprovider: {nhn: {app_keys: {rds-mariadb: both}, host_headers: {ocr.api.nhncloudservice.com: {X-Key: k}}}}")
	for i, own := range []string{"a", "b"} {
		want := nhn.Registration(nhn.Credentials{}, appKey("rds-mysql", own), appKey("rds-mariadb", "both"),
			nhn.HostHeader("ocr.api.nhncloudservice.com", "X-Key", authtrip.NewSecret("k"))).HostHeaders
		if !reflect.DeepEqual(all[i].HostHeaders, want) {
			t.Errorf("%s has other headers than its own and the provider's", own)
		}
	}
}

func TestHostHeadersAndAppKeysComeFromTheEnvironmentAsJSON(t *testing.T) {
	file := strings.Replace(one("provider: nhn", "app_keys: {rds-mysql: file, rds-mariadb: replaced}"), "token_uri", "user_info_uri", 1)
	got := parse(t, file,
		`AUTHTRIP_REGISTRATION_A_APP_KEYS={"rds-mysql":"own"}`,
		`AUTHTRIP_PROVIDER_NHN_APP_KEYS={"notification-hub":"h"}`,
		`AUTHTRIP_REGISTRATION_A_HOST_HEADERS={"ocr.api.nhncloudservice.com":{"X-Key":"${K}"}}`, "K=not this",
	)[0].HostHeaders
	want := nhn.Registration(nhn.Credentials{}, appKey("rds-mysql", "own"), appKey("notification-hub", "h"),
		nhn.HostHeader("ocr.api.nhncloudservice.com", "X-Key", authtrip.NewSecret("${K}"))).HostHeaders
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got the headers of %v, want those of %v, or other values", got, want)
	}
}

// TestTheServicesAreThoseOfPackageNHN, which names them in its own fault.
func TestTheServicesAreThoseOfPackageNHN(t *testing.T) {
	for preset, options := range map[string][]nhn.Option{"nhn": nil, "nhn-gov": {nhn.Government()}} {
		_, err := nhn.NewSource(nhn.Credentials{UserAccessKeyID: "i", SecretAccessKey: authtrip.NewSecret("s")}, append(options, appKey("none", "k"))...)
		_, names, _ := strings.Cut(fmt.Sprint(err), "AppKey is for ")
		names, _, ok := strings.Cut(names, " in this cloud")
		_, err = config.Parse("app.yml", []byte(one("provider: "+preset, "app_keys: {none: k}")), nil)
		if want := `there are: "` + strings.ReplaceAll(names, ", ", `", "`) + `"`; !ok || !strings.HasSuffix(fmt.Sprint(err), want) {
			t.Errorf("%s: says %v, want %s", preset, err, want)
		}
	}
}
