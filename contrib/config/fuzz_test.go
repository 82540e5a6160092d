package config_test

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/config"
)

// FuzzParse puts a secret into the environment, where its key says that it is
// one, and anywhere in the file: nothing panics, no error shows it, and what is
// accepted NewManager accepts too.
func FuzzParse(f *testing.F) {
	const secret = "c4n4ry+secret"
	spring, err := os.ReadFile("testdata/application.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range []string{
		string(spring), one(), one("client_name:s3cr3t"), one("params: {x: s3cr3t}", "scope: [a, ${S}]"), "registration: {a: {client_secret: *s3cr3t }}",
		"registration:\n  a: &a\n    provider: nhn\n    client_id: ${ID:x}\n    client_secret: \"\\q s3cr3t\"\n  b:\n    <<: *a\n    refresh_token: |\n      s3cr3t\n",
		"registration: {v: {provider: prism, service_api_domain: a.example, service_id: x, client_id: i, client_secret: 's3cr3t'}}",
		"authtrip:\n  provider:\n    p: {token_uri: 'https://a.example', envelopes: {h: {code: c, rejected: [1]}}}\n  registration.x.client_secret: s3cr3t",
		"registration:\n\ta: s3cr3t", "a: s3cr3t\n---\nb: 's3cr3t", one("client_secret_file: s3cr3t", "redirect_uri: '{baseUrl}'"),
		one("origins: a.example", "host_headers: {a.example: {X-Key: '${S}', 'X s3cr3t': s3cr3t}, b.example: {X: ''}}"),
		one("provider: nhn", "app_keys: {rds-mysql: s3cr3t, 'notification-hub': '${S}', rds-postgre: s3cr3t}"),
		one("provider: p", "host_headers: &h {a.example: {X-Key:s3cr3t}}") + "provider: {p: {host_headers: {<<: *h, 'https://a.example:443': {host: s3cr3t}}}}",
	} {
		f.Add(file, "AUTHTRIP_REGISTRATION_A_PROVIDER", "s3cr3t")
		f.Add(file, "AUTHTRIP_PROVIDER_P_PARAMS", `{"a": "s3cr3t"}`)
		f.Add(file, "AUTHTRIP_PROVIDER_P_HOST_HEADERS", `{"a.example": {"X-Key": "s3cr3t"}}`)
		f.Add(file, "AUTHTRIP_REGISTRATION_A_APP_KEYS", `{"rds-mysql": "s3cr3t"}`)
		f.Add(file, "S", "s3cr3t")
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, file, variable, value string) {
		if strings.ContainsAny(file, "/") && strings.Contains(fold(file), "file") {
			return // it would read this machine's files
		}
		if strings.Contains(fold(variable), "file") {
			return
		}
		file = strings.ReplaceAll(file, "s3cr3t", secret)
		value = strings.ReplaceAll(value, "s3cr3t", secret)
		all, err := config.Parse(dir+"/app.yml", []byte(file), []string{"AUTHTRIP_REGISTRATION_A_CLIENT_SECRET=" + secret, variable + "=" + value})
		if err != nil {
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			if all != nil || strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
				t.Fatalf("%d registrations, and %s", len(all), text)
			}
			return
		}
		mgr, err := authtrip.NewManager(all)
		if err != nil {
			t.Fatalf("NewManager refuses what Parse accepted: %v", err)
		}
		_ = mgr.Close()
	})
}

func fold(s string) string { return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s)) }
