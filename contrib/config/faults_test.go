package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/contrib/config"
)

// told is a file and all that its error says.
type told struct{ file, says string }

func checkTold(t *testing.T, cases map[string]told, environ ...string) {
	t.Helper()
	for name, c := range cases {
		got, err := config.Parse("app.yml", []byte(c.file), environ)
		if err == nil || got != nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if want := strings.TrimSpace(c.says); err.Error() != want {
			t.Errorf("%s: says\n%v\nwant\n%s", name, err, want)
		}
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: shows the secret", name)
		}
	}
}

func TestAllFaultsAreToldTogetherByLine(t *testing.T) {
	checkTold(t, map[string]told{"a file full of faults": {`
authtrip:
  registration:
    payments:
      client_ids: shop
      client-secret: s3cr3t
      provider: bnak
      scope: [pay, "re fund"]
      client_authentication_method: private_key_jwt
    cloud:
      provider: nhn
      client_id: ${NHN_ID}
      client_secret: [s3cr3t]
      origins: "*.example.com"
      headers: [Authorization, authorization]
      raw_token: maybe
      service_id: 5
    video:
      provider: prism
      client_id: v
      client_secret: s3cr3t
    web:
      provider: bank
      client_id: w
      client_secret: s3cr3t
      authorization_grant_type: password
      redirect_uri: "{baseUrl}/login/oauth2/code/{registrationId}"
      token_uri: http://auth.example/token
      revocation_uri: ftp://auth.example
      reject_status: [200, teapot]
      params: {scope: x}
      envelopes: {a.example: {codes: c}}
  provider:
    bank: {client_id: x, issuer_uri: 'https://id.example'}
  providers: {}
`, `
app.yml:4: registration.payments: client_id is missing
app.yml:5: registration.payments: unknown key "client_ids"; did you mean "client_id"?
app.yml:7: registration.payments: provider "bnak" is not known; there are: "bank", "nhn", "nhn-gov", "prism"; did you mean "bank"?
app.yml:8: registration.payments: scope: "re fund" is no scope (RFC 6749 §3.3): list each by itself
app.yml:9: registration.payments: client_authentication_method is "private_key_jwt", which a file cannot say: set Registration.Authenticate in code, or NewManager's WithTokenTransport for a certificate
app.yml:12: registration.cloud: client_id cannot be had: the environment variable NHN_ID is not set, and ${NHN_ID:…} gives no default
app.yml:13: registration.cloud: client_secret wants a single value, and has a list
app.yml:14: registration.cloud: origins: "*.example.com": wildcards are not supported, for others may own a host they match: list exact hosts
app.yml:15: registration.cloud: headers: "authorization" is listed twice
app.yml:16: registration.cloud: raw_token wants true or false
app.yml:17: registration.cloud: service_id is for provider prism
app.yml:18: registration.video: service_api_domain is missing: provider prism needs it
app.yml:18: registration.video: service_id is missing: provider prism makes the redirect URI from it; write it, or redirect_uri
app.yml:26: registration.web: authorization_grant_type wants one of client_credentials, authorization_code, refresh_token, and is "password"
app.yml:27: registration.web: redirect_uri is a template, which nothing here can fill in: write the whole URI
app.yml:28: registration.web: token_uri: refused: plain http would show the token to the network; use https, or name the host in allow_http
app.yml:29: registration.web: revocation_uri: is no absolute http(s) URL
app.yml:30: registration.web: reject_status wants HTTP statuses, such as 419
app.yml:31: registration.web: params holds "scope", which has a field of its own or is the grant's
app.yml:32: registration.web: envelopes: unknown key "codes"; did you mean "code"?
app.yml:32: registration.web: envelopes: that of "a.example" needs Code and Rejected
app.yml:34: provider.bank: "client_id" is a registration's: move it there
app.yml:35: unknown key "providers" beside registration and provider; did you mean "provider"?
`}})
}

func TestOneFault(t *testing.T) {
	checkTold(t, map[string]told{
		"empty":              {"", `app.yml: is empty: for the environment alone use FromEnv`},
		"a comment":          {"# nothing\n---\n", `app.yml: is empty: for the environment alone use FromEnv`},
		"a list":             {"- a\n", `app.yml:1: is no map at its top: it begins with registration:, authtrip: or spring:`},
		"two documents":      {one() + "---\n" + one(), `app.yml:7: a second YAML document begins here: keep one in a file`},
		"a broken second":    {one() + "---\na: [", `app.yml:9: is no valid YAML`},
		"too long":           {"#" + strings.Repeat("x", 10<<20), `app.yml: is longer than 1 MiB: no configuration is`},
		"a tab":              {"registration:\n\ta: {}\n", `app.yml:2: is no valid YAML: a tab, or a value to be put into quotes, for it begins with @, %, or a back quote`},
		"a quote left open":  {"registration:\n  a:\n    client_secret: 's3cr3t\n    client_id: x\n", `app.yml:5: is no valid YAML: a quote is not closed (it begins in line 3)`},
		"an alias of none":   {"registration: {a: {client_secret: *s3cr3t }}", `app.yml:1: is no valid YAML: an alias of no anchor: put a value that begins with * into quotes`},
		"a forgotten space":  {one("client_name:s3cr3t", "scope: x"), `app.yml:7: is no valid YAML: a key without ": " (it begins in line 6)`},
		"only that":          {"registration:\n  a:\n    client_secret:s3cr3t", `app.yml:2: registration.a: wants a map of keys, and is a single value`},
		"a secret as a key":  {one("'client_secret:s3cr3t':"), `app.yml:6: registration.a: unknown key (not shown)`},
		"not UTF-8":          {"a: \xff\xfe", `app.yml: is no valid YAML: it is not in UTF-8`},
		"brackets":           {strings.Repeat("[", 100_000), `app.yml:1: is no valid YAML: it nests too deep`},
		"nobody's file":      {"server: {port: 1}\nauthtrp: {registration: {}}", `app.yml: holds no registration: they stand under registration, authtrip.registration or spring.security.oauth2.client.registration; did you mean "authtrip" instead of "authtrp" in line 2?`},
		"no registration":    {"registration:\nprovider: {}", `app.yml: holds no registration: they stand under registration, authtrip.registration or spring.security.oauth2.client.registration`},
		"another's key":      {one() + "server: {}", `app.yml:7: unknown key "server" beside registration and provider`},
		"a misspelled map":   {one() + "providr: {}", `app.yml:7: unknown key "providr" beside registration and provider; did you mean "provider"?`},
		"registration, list": {"registration: [a]", `app.yml:1: registration: wants a map, by ID, and is a list`},
		"an empty ID":        {"registration: {'': {}}", `app.yml:1: registration: an ID is empty`},
		"too many dots":      {one() + "registration.a.b.c: d", `app.yml:7: registration: has too many dots: registration.<id>.<key> is what there is`},
		"an ID twice":        {one() + "  a: {}", `app.yml:7: registration: "a" is given twice: line 2 has "a" (upper case, dashes and underscores do not count)`},
		"an ID, two spellings": {strings.Replace(one(), "  a:", "  my-app:", 1) + "  myApp: {client_id: x}",
			`app.yml:7: registration: "myApp" is given twice: line 2 has "my-app" (upper case, dashes and underscores do not count)`},
		"an ID in two places": {strings.Replace(one(), "  a:", "  my-app:", 1) + "authtrip: {registration: {my_app: {client_name: x}}}",
			`app.yml:7: registration.my_app: is given twice: line 2 has it as "my-app" (upper case, dashes and underscores do not count)`},
		"a key in two places": {one() + "authtrip: {registration: {a: {client-id: x}}}", `app.yml:7: registration.a: client_id is given twice: line 3 has it too`},
		"a key twice":         {one("clientId: x"), `app.yml:6: registration.a: "clientId" is given twice: line 3 has "client_id" (upper case, dashes and underscores do not count)`},
		"a list for a key":    {one("? [x]\n    : y"), `app.yml:6: registration.a: a key is a list`},
		"no value":            {one("scope:"), `app.yml:6: registration.a: scope has no value: write one, or take the key out`},
		"an empty text":       {one("revocation_uri: ''"), `app.yml:6: registration.a: revocation_uri is empty: write a value, or take the key out`},
		"an empty list":       {one("origins: ${NOT_SET:}"), `app.yml:6: registration.a: origins is empty: list something, or take the key out`},
		"a list in a list":    {one("scope:\n    - x\n    - [y]"), `app.yml:8: registration.a: scope wants a single value, and has a list`},
		"a tag":               {one("scope: !secret s3cr3t"), `app.yml:6: registration.a: scope has a tag that means nothing here`},
		"a map as a text":     {one("params: audience"), `app.yml:6: registration.a: params wants a map, and has a single value`},
		"a flat envelope":     {one("envelopes: {a.example: 5}"), `app.yml:6: registration.a: envelopes wants success, code and rejected below each host, and has a single value`},
		"a password in a host": {one("origins: ['https://u:s3cr3t@a.example']", "envelopes: {'https://u:s3cr3t@a.example': {}}"),
			"app.yml:6: registration.a: origins has a host with user information: take that out\n" +
				"app.yml:7: registration.a: envelopes has a host with user information: take that out"},
		"a password in a domain": {one("provider: prism", "service_api_domain: https://u:s3cr3t@a.example", "service_id: x"),
			`app.yml:7: registration.a: service_api_domain has user information: take that out`},
		"a host for no token":     {one("origins: a.example", "host_headers:\n      a.example: {X-App-Key: s3cr3t}\n      b.example: {X-App-Key: s3cr3t}"), `app.yml:9: registration.a: host_headers: "b.example" is not in origins: its headers would go nowhere`},
		"no header's name":        {one("host_headers:\n      a.example:\n        X-Good: good\n        X Key=s3cr3t: s3cr3t"), `app.yml:9: registration.a: host_headers of "a.example": "[redacted]" is no header name`},
		"a header of the token's": {one("host_headers:\n      a.example:\n        authorization: s3cr3t"), `app.yml:8: registration.a: host_headers of "a.example": "Authorization" carries the token`},
		"a header twice":          {one("host_headers: {a.example: {X-Key: s3cr3t, x-key: s3cr3t}}"), `app.yml:6: registration.a: host_headers: "x-key" is given twice: line 6 has "X-Key" (upper case, dashes and underscores do not count)`},
		"a host in two spellings": {one("host_headers: {a.example: {X-A: s3cr3t}, 'https://A.example': {X-B: s3cr3t}}"), `app.yml:6: registration.a: host_headers: "https://a.example:443" is there twice, in two spellings`},
		"an empty header":         {one("host_headers:\n      a.example:\n        X-Key: ${NOT_SET:}"), `app.yml:8: registration.a: host_headers is empty: write a value, or take the key out`},
		"a header without value":  {one("host_headers: {a.example: {X-Key:s3cr3t}}"), `app.yml:6: registration.a: host_headers has no value: write one, or take the key out`},
		"a header of two words":   {one("host_headers: {a.example: {X-Key: not s3cr3t}}"), `app.yml:6: registration.a: host_headers has a value with white space, or with other characters that a key has not`},
		"an unset header":         {one("host_headers: {a.example: {X-Key: '${KEY}'}}"), `app.yml:6: registration.a: host_headers cannot be had: the environment variable KEY is not set, and ${KEY:…} gives no default`},
		"a header of no host":     {one("host_headers: {X-Key: s3cr3t}"), `app.yml:6: registration.a: host_headers wants headers' names and values below each host, and has a single value`},
		"a password in a header's host": {one("host_headers: {'https://u:s3cr3t@a.example': {X-Key: s3cr3t}}"),
			`app.yml:6: registration.a: host_headers has a host with user information: take that out`},
		"a provider's host": {one("origins: a.example", "provider: p", "host_headers: {a.example: {X-Key: s3cr3t}}") + "provider:\n  p:\n    host_headers:\n      a.example: {Host: s3cr3t}\n      b.example: {}",
			"app.yml:12: provider.p: host_headers of \"a.example\": \"Host\" cannot be set\n" +
				"app.yml:13: provider.p: host_headers: \"b.example\" is not in origins: its headers would go nowhere"},
		"a misspelled service":  {one("provider: nhn", "app_keys:\n      rds-mysql: s3cr3t\n      rds-postgre: s3cr3t"), `app.yml:9: registration.a: app_keys has a service that is not known here; there are: "notification-hub", "rds-mariadb", "rds-mysql", "rds-postgres"; did you mean "rds-postgres"?`},
		"another cloud's":       {one("provider: nhn-gov", "app_keys: {notification-hub: s3cr3t}"), `app.yml:7: registration.a: app_keys has a service that is not known here; there are: "rds-mariadb", "rds-mysql"`},
		"a key for its service": {one("provider: nhn", "app_keys: {s3cr3t: x}"), `app.yml:7: registration.a: app_keys has a service that is not known here; there are: "notification-hub", "rds-mariadb", "rds-mysql", "rds-postgres"`},
		"a service twice":       {one("provider: nhn", "app_keys: {rds-mysql: s3cr3t, rds_mysql: s3cr3t}"), `app.yml:7: registration.a: app_keys: "rds_mysql" is given twice: line 7 has "rds-mysql" (upper case, dashes and underscores do not count)`},
		"an empty app key":      {one("provider: nhn", "app_keys: {rds-mysql: ''}"), `app.yml:7: registration.a: app_keys is empty: write a value, or take the key out`},
		"an app key of words":   {one("provider: nhn", "app_keys: {rds-mysql: not s3cr3t}"), `app.yml:7: registration.a: app_keys has a value with white space, or with other characters that a key has not`},
		"app keys in a list":    {one("provider: nhn", "app_keys: [s3cr3t]"), `app.yml:7: registration.a: app_keys wants a map, and has a list`},
		"app keys for prism": {one("provider: prism", "service_api_domain: a.example", "service_id: x", "app_keys: {rds-mysql: s3cr3t}"),
			`app.yml:9: registration.a: app_keys is for the providers nhn and nhn-gov: of other hosts write host_headers`},
		"app keys of nobody": {one("provider: p") + "provider:\n  p:\n    app_keys: {rds-mysql: s3cr3t}",
			`app.yml:9: provider.p: app_keys is for the providers nhn and nhn-gov: of other hosts write host_headers`},
		"app keys of a provider unknown": {one("provider: nnh", "app_keys: {rds-mysql: s3cr3t}"),
			`app.yml:6: registration.a: provider "nnh" is not known; there are: "nhn", "nhn-gov", "prism"; did you mean "nhn"?`},
		"app keys for hosts taken out": {one("provider: nhn", "origins: kr1-rds-mysql.api.nhncloudservice.com", "app_keys: {rds-mysql: s3cr3t}"),
			"app.yml:8: registration.a: app_keys: \"jp1-rds-mysql.api.nhncloudservice.com\" is not in origins: its headers would go nowhere\n" +
				"app.yml:8: registration.a: app_keys: \"kr2-rds-mysql.api.nhncloudservice.com\" is not in origins: its headers would go nowhere\n" +
				"app.yml:8: registration.a: app_keys: \"kr3-rds-mysql.api.nhncloudservice.com\" is not in origins: its headers would go nowhere"},
		"a secret elsewhere":  {one("headers: [X s3cr3t]"), `app.yml:6: registration.a: headers: "X [redacted]" is no header name`},
		"two secrets":         {one("client_secret_file: /x"), `app.yml:4: registration.a: client_secret and client_secret_file are both given: take one of them out`},
		"a secret for none":   {one("client_authentication_method: none"), `app.yml:2: registration.a: client_secret is given, and client_authentication_method none sends none: take one of them out`},
		"an unset variable":   {strings.Replace(one(), "s3cr3t", "${UNSET_PASSWORD}", 1), `app.yml:4: registration.a: client_secret cannot be had: the environment variable UNSET_PASSWORD is not set, and ${UNSET_PASSWORD:…} gives no default`},
		"a secret with ${":    {strings.Replace(one(), "s3cr3t", "x${s3cr3t}", 1), `app.yml:4: registration.a: client_secret names an environment variable that is not set, and no default: write "\${" if it is meant as it is`},
		"no name":             {one("scope: ${:x}"), `app.yml:6: registration.a: scope holds a "${" that no variable's name follows: write "\${" if it is meant as it is`},
		"deep defaults":       {one("scope: " + strings.Repeat("${A:", 100) + strings.Repeat("}", 100)), `app.yml:6: registration.a: scope nests defaults too deep`},
		"an issuer alone":     {strings.Replace(one("issuer_uri: https://id.example"), "token_uri", "user_info_uri", 1), `app.yml:6: registration.a: issuer_uri is not asked for its endpoints: write token_uri, which its /.well-known/openid-configuration has as token_endpoint`},
		"a redirect unneeded": {one("redirect_uri: https://a.example/"), `app.yml:6: registration.a: redirect_uri is for authorization_grant_type authorization_code, which this is not`},
		"no refresh token":    {one("authorization_grant_type: refresh_token"), `app.yml:2: registration.a: refresh_token is missing: the grant needs it, or refresh_token_file`},
		"a refresh token":     {one("refresh_token: r3fr3sh"), `app.yml:2: registration.a: refresh_token is given, and authorization_grant_type client_credentials has no use for it`},
		"headers unnamed":     {one("client_authentication_method: client_secret_headers"), `app.yml:2: registration.a: client_id_header and client_secret_header are missing: client_authentication_method client_secret_headers needs both`},
		"merging a text":      {"registration: {a: {<<: x, client_id: i, client_secret: s, token_uri: 'https://a.example'}}", `app.yml:1: registration.a: a merge key leads to no map, or in a circle`},
		"merging itself":      {"registration: {a: &a {<<: *a, client_id: i, client_secret: s, token_uri: 'https://a.example'}}", `app.yml:1: registration.a: a merge key leads to no map, or in a circle`},
		"an odd ID":           {"registration: {\"a\\n: b\": {client_ids: x}}", "app.yml:1: registration.(not shown): unknown key \"client_ids\"; did you mean \"client_id\"?\napp.yml:1: registration.(not shown): client_id is missing\napp.yml:1: registration.(not shown): client_secret is missing: write it, client_secret_file, or client_authentication_method: none\napp.yml:1: registration.(not shown): token_uri is missing: write it, or a provider that has it; there are: \"nhn\", \"nhn-gov\", \"prism\""},
	})
}

// TestASecretIsKnownThoughItsRegistrationIsNotRead, so that it is hidden where
// it was copied to.
func TestASecretIsKnownThoughItsRegistrationIsNotRead(t *testing.T) {
	checkTold(t, map[string]told{"from the environment": {
		one("scope: [a s3cr3t]") + "  b: nothing",
		"app.yml:6: registration.a: scope: \"a [redacted]\" is no scope (RFC 6749 §3.3): list each by itself\n" +
			"app.yml:7: registration.b: wants a map of keys, and is a single value",
	}}, "AUTHTRIP_REGISTRATION_B_CLIENT_SECRET=s3cr3t", "AUTHTRIP_REGISTRATION_A_CLIENT_SECRET=other")
}

// TestTheValuesOfHeadersAreKnownThoughTheirGroupIsNotRead, nor used by any.
func TestTheValuesOfHeadersAreKnownThoughTheirGroupIsNotRead(t *testing.T) {
	file := strings.ReplaceAll(one("scope: [a s3cr3t]"), ": s3cr3t", ": other")
	const says = `app.yml:6: registration.a: scope: "a [redacted]" is no scope (RFC 6749 §3.3): list each by itself`
	checkTold(t, map[string]told{
		"a file's":         {file + "provider: {unused: {host_headers: {a.example: {X-Key: s3cr3t}}}}", says},
		"a file's, merged": {file + "provider: {unused: {host_headers: {a.example: {<<: [{X-Key: s3cr3t}]}}}}", says},
		"a service's":      {file + "provider: {unused: {app_keys: {rds-mysql: s3cr3t}}}", says},
	})
	checkTold(t, map[string]told{"a variable's": {file, says}}, `AUTHTRIP_PROVIDER_UNUSED_HOST_HEADERS={"a.example":{"X-Key":"s3cr3t"}}`)
	checkTold(t, map[string]told{"no JSON": {file, says}}, `AUTHTRIP_PROVIDER_UNUSED_HOST_HEADERS=s3cr3t`)
}

// TestAProvidersFaultIsToldOnce, however many use it, and where it stands.
func TestAProvidersFaultIsToldOnce(t *testing.T) {
	const body = "{provider: p, client_id: i, client_secret: s}"
	checkTold(t, map[string]told{"http": {
		"provider:\n  p:\n    token_uri: http://auth.example/\nregistration:\n  a: " + body + "\n  b: " + body,
		`app.yml:3: provider.p: token_uri: refused: plain http would show the token to the network; use https, or name the host in allow_http`,
	}})
}

func TestMoreFaultsThanAnybodyReadsAreCutShort(t *testing.T) {
	var file strings.Builder
	file.WriteString(one())
	for i := range 5000 {
		fmt.Fprintf(&file, "    k%d: x\n", i)
	}
	_, err := config.Parse("app.yml", []byte(file.String()), nil)
	if lines := strings.Split(fmt.Sprint(err), "\n"); len(lines) != 51 || lines[0] != `app.yml:7: registration.a: unknown key "k0"` || lines[50] != "and more faults: mend these first" {
		t.Errorf("%d lines, from %q to %q", len(lines), lines[0], lines[len(lines)-1])
	}
}

// TestASmallFileStaysSmall tries what makes a small file long.
func TestASmallFileStaysSmall(t *testing.T) {
	var merges, ids, list strings.Builder
	merges.WriteString("m0: &m0 {client_name: x}\n")
	for i := range 9 {
		fmt.Fprintf(&merges, "m%d: &m%[1]d {<<: [%s]}\n", i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*m%d, ", i), 100), ", "))
	}
	list.WriteString("l: &l [" + strings.Repeat("x,", 10_000) + "x]\n")
	ids.WriteString("authtrip:\n  registration:\n")
	for i := range 10_000 {
		fmt.Fprintf(&ids, "    id%d: {scope: *l}\n", i)
	}
	for name, c := range map[string]told{
		"merge keys":      {merges.String() + "authtrip: {registration: {a: *m9}}", "is too much: its aliases and lists come to more than 200000 values"},
		"lists":           {list.String() + ids.String(), "is too much: its aliases and lists come to more than 200000 values"},
		"long variables":  {"authtrip: {registration: {" + manyIDs(20_000, "{client_id: '${LONG}'}") + "}}", "is too much: its aliases and lists come to more than 200000 values"},
		"one long result": {one("scope: " + strings.Repeat("${LONG}", 10_000)), "scope expands to more than 1 MiB"},
	} {
		_, err := config.Parse("app.yml", []byte(c.file), []string{"LONG=" + strings.Repeat("l", 100<<10)})
		if said := fmt.Sprint(err); !strings.Contains(said, c.says) || len(said) > 20_000 {
			t.Errorf("%s: %.300s", name, said)
		}
	}
}

func manyIDs(n int, body string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "id%d: %s, ", i, body)
	}
	return b.String()
}
