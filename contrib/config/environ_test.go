package config_test

import (
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/config"
)

// onlyEnviron sets the process's environment to these settings.
func onlyEnviron(t *testing.T, environ ...string) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AUTHTRIP_") || strings.HasPrefix(name, "SPRING_") {
			t.Setenv(name, "") // an empty one is as good as none
		}
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
}

func TestTheEnvironmentAloneDescribesRegistrations(t *testing.T) {
	onlyEnviron(t,
		"AUTHTRIP_REGISTRATION_PAYMENTS_EU_CLIENT_ID=shop",
		"AUTHTRIP_REGISTRATION_PAYMENTS_EU_CLIENT_SECRET=${taken}\\${as it is}",
		"AUTHTRIP_REGISTRATION_PAYMENTS_EU_PROVIDER=THE_BANK",
		"AUTHTRIP_REGISTRATION_PAYMENTS_EU_SCOPE=pay,refund",
		`AUTHTRIP_REGISTRATION_PAYMENTS_EU_PARAMS={"audience":"https://a.example","n":["1","2"]}`,
		"AUTHTRIP_PROVIDER_THE_BANK_TOKEN_URI=https://auth.bank.example/token",
		`AUTHTRIP_PROVIDER_THE_BANK_ENVELOPES={"api.bank.example":{"code":"c","rejected":["401"]}}`,
		"SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_REPORTS_CLIENTID=reports",
		"SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_REPORTS_CLIENT_SECRET=r",
		"SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_REPORTS_TOKEN_URI=",
		"spring_security_oauth2_client_provider_reports_token_uri=https://auth.example/token",
	)
	got, err := config.FromEnv()
	want := []authtrip.Registration{{
		ID: "payments-eu", ClientID: "shop", ClientSecret: authtrip.NewSecret(`${taken}\${as it is}`), Scopes: []string{"pay", "refund"},
		Params:        url.Values{"audience": {"https://a.example"}, "n": {"1", "2"}},
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.bank.example/token"},
		Envelopes:     map[string]authtrip.Envelope{"api.bank.example": {Code: "c", Rejected: []string{"401"}}},
	}, {
		ID: "reports", ClientID: "reports", ClientSecret: authtrip.NewSecret("r"),
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example/token"},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// TestTheLongestKnownEndIsTheKey: IDs may hold what looks like a key.
func TestTheLongestKnownEndIsTheKey(t *testing.T) {
	for variable, id := range map[string]string{
		"A_CLIENT_ID":               "a",
		"MY_CLIENT_CLIENT_ID":       "my-client",
		"CLIENT_ID_CLIENT_ID":       "client-id",
		"TOKEN_URI_SCOPE_CLIENT_ID": "token-uri-scope",
		"A__B_CLIENT_ID":            "a--b",
		"MYSHOP_CLIENTID":           "myshop",
	} {
		all, err := config.Parse("app.yml", []byte("authtrip: {}"), []string{"AUTHTRIP_REGISTRATION_" + variable + "=x"})
		if err == nil || !strings.Contains(err.Error(), "environment: registration."+id+": client_secret is missing") {
			t.Errorf("%s: %v, %v", variable, all, err)
		}
	}
}

func TestTheEnvironmentGoesOverTheFile(t *testing.T) {
	file := strings.Replace(one("scope: file", "provider: p"), "  a:", "  My-App:", 1) + "provider: {p: {revocation_uri: 'https://file.example'}}"
	got := parse(t, file,
		"AUTHTRIP_REGISTRATION_MY_APP_CLIENT_SECRET=from the environment",
		"AUTHTRIP_REGISTRATION_MYAPP_SCOPE=a b",
		"AUTHTRIP_PROVIDER_P_REVOCATION_URI=https://environment.example/",
	)
	if len(got) != 1 {
		t.Fatalf("%d registrations", len(got))
	}
	if r := got[0]; r.ID != "My-App" || r.ClientID != "id" || r.ClientSecret.Reveal() != "from the environment" ||
		!slices.Equal(r.Scopes, []string{"a", "b"}) || r.RevocationEndpoint.URL != "https://environment.example/" {
		t.Errorf("got %+v", r)
	}
}

func TestTheEnvironmentsFaultsNameTheVariable(t *testing.T) {
	const prefix = "AUTHTRIP_REGISTRATION_"
	for name, c := range map[string]struct{ environ, says string }{
		"an unknown key":     {prefix + "A_CLIENT_IDS=s3cr3t", `AUTHTRIP_REGISTRATION_A_CLIENT_IDS: registration: ends in no key that there is; did you mean …_CLIENT_ID?`},
		"nothing near":       {prefix + "A_ZEBRA=s3cr3t", `AUTHTRIP_REGISTRATION_A_ZEBRA: registration: ends in no key that there is`},
		"no ID":              {prefix + "CLIENT_ID=s3cr3t", `AUTHTRIP_REGISTRATION_CLIENT_ID: registration: names no ID: the form is …_<ID>_CLIENT_ID`},
		"nothing":            {prefix + "=s3cr3t", `AUTHTRIP_REGISTRATION_: registration: names neither an ID nor a key: the form is …_<ID>_<KEY>`},
		"two variables":      {"SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_A_SCOPE=x\n" + prefix + "A_SCOPE=x", `SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_A_SCOPE: registration.a: scope is set as AUTHTRIP_REGISTRATION_A_SCOPE too: unset one`},
		"two spellings":      {prefix + "A_CLIENTID=x\n" + prefix + "A_CLIENT_ID=y", `AUTHTRIP_REGISTRATION_A_CLIENT_ID: registration.a: client_id is set as AUTHTRIP_REGISTRATION_A_CLIENTID too: unset one`},
		"two secrets":        {prefix + "A_CLIENT_SECRET=s3cr3t\n" + prefix + "A_CLIENT_SECRET_FILE=/x", `AUTHTRIP_REGISTRATION_A_CLIENT_SECRET: registration.a: client_secret and client_secret_file are both given: take one of them out`},
		"no JSON":            {prefix + "A_PARAMS={s3cr3t", `AUTHTRIP_REGISTRATION_A_PARAMS: registration.a: params wants JSON, and is none`},
		"no map":             {prefix + "A_PARAMS=s3cr3t", `AUTHTRIP_REGISTRATION_A_PARAMS: registration.a: params wants a map, and has a single value`},
		"JSON twice":         {prefix + `A_PARAMS={"a":"1","a":"2"}`, `AUTHTRIP_REGISTRATION_A_PARAMS: registration.a: params: "a" is given twice: line 1 has "a" (upper case, dashes and underscores do not count)`},
		"header no JSON":     {prefix + "A_HOST_HEADERS={s3cr3t", `AUTHTRIP_REGISTRATION_A_HOST_HEADERS: registration.a: host_headers wants JSON, and is none`},
		"header no map":      {prefix + "A_HOST_HEADERS=s3cr3t", `AUTHTRIP_REGISTRATION_A_HOST_HEADERS: registration.a: host_headers wants a map, and has a single value`},
		"no header's name":   {prefix + `A_HOST_HEADERS={"a.example":{"X Key":"s3cr3t"}}`, `AUTHTRIP_REGISTRATION_A_HOST_HEADERS: registration.a: host_headers of "a.example": "[redacted]" is no header name`},
		"an unknown service": {"AUTHTRIP_REGISTRATION_A_PROVIDER=nhn\n" + prefix + `A_APP_KEYS={"rds":"s3cr3t"}`, `AUTHTRIP_REGISTRATION_A_APP_KEYS: registration.a: app_keys has a service that is not known here; there are: "notification-hub", "rds-mariadb", "rds-mysql", "rds-postgres"`},
		"keys for nobody":    {prefix + `A_APP_KEYS={"rds-mysql":"s3cr3t"}`, `AUTHTRIP_REGISTRATION_A_APP_KEYS: registration.a: app_keys is for the providers nhn and nhn-gov: of other hosts write host_headers`},
		"a plain token URI":  {prefix + "A_TOKEN_URI=http://auth.example", `AUTHTRIP_REGISTRATION_A_TOKEN_URI: registration.a: token_uri: refused: plain http would show the token to the network; use https, or name the host in allow_http`},
		"a provider's":       {"AUTHTRIP_PROVIDER_P_CLIENT_ID=x", `AUTHTRIP_PROVIDER_P_CLIENT_ID: provider.p: "client_id" is a registration's: move it there`},
	} {
		checkTold(t, map[string]told{name: {one(), c.says}}, strings.Split(c.environ, "\n")...)
	}
}

func TestAnEnvironmentWithoutRegistrationsIsAnError(t *testing.T) {
	onlyEnviron(t)
	_, err := config.FromEnv()
	if want := `environment: no registration in it: set AUTHTRIP_REGISTRATION_<ID>_CLIENT_ID, AUTHTRIP_REGISTRATION_<ID>_CLIENT_SECRET, AUTHTRIP_REGISTRATION_<ID>_PROVIDER or AUTHTRIP_REGISTRATION_<ID>_TOKEN_URI`; err == nil || err.Error() != want {
		t.Errorf("says %v, want %s", err, want)
	}
}

func TestAFileMayLeaveEverythingToTheEnvironment(t *testing.T) {
	got := parse(t, "registration:\n  my-shop:\n",
		"AUTHTRIP_REGISTRATION_MY_SHOP_CLIENT_ID=i", "AUTHTRIP_REGISTRATION_MY_SHOP_CLIENT_SECRET=s", "AUTHTRIP_REGISTRATION_MY_SHOP_PROVIDER=nhn")
	if len(got) != 1 || got[0].ID != "my-shop" || got[0].ClientID != "i" {
		t.Errorf("got %+v", got)
	}
}
