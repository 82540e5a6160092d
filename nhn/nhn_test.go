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

// roundTripFunc answers in place of the network.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, body string) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestNewClientGetsATokenUsesItAndHandlesRevocation(t *testing.T) {
	srv := authtest.NewNHN()
	defer srv.Close()
	client, err := nhn.NewClient(srv.Credentials(), srv.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		res, err := client.Get(srv.APIURL + "/v1/organizations")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 200 || !strings.Contains(string(body), "orgList") {
			t.Fatalf("%s: %s", res.Status, body)
		}
		srv.RevokeAll()
	}
}

// TestDefaultWire is NHN Cloud's own addresses, without the network.
func TestDefaultWire(t *testing.T) {
	for name, c := range map[string]struct {
		options   []nhn.Option
		tokenURL  string
		api       string
		headers   []string
		elsewhere string
	}{
		"public": {
			nil, "https://oauth.api.nhncloudservice.com/oauth2/token/create", "https://core.api.nhncloudservice.com/v1/organizations",
			[]string{"X-Nhn-Authentication", "X-Nhn-Authorization"}, "https://core.api.gov-nhncloudservice.com/",
		},
		"government": {
			[]nhn.Option{nhn.Government()}, "https://oauth.api.gov-nhncloudservice.com/oauth2/token/create", "https://core.api.gov-nhncloudservice.com/v1/organizations",
			[]string{"X-Nhn-Authentication", "X-Nhn-Authorization"}, "https://core.api.nhncloudservice.com/",
		},
		"one header": {
			[]nhn.Option{nhn.Headers(nhn.HeaderAuthorization)}, "https://oauth.api.nhncloudservice.com/oauth2/token/create", "https://kr1-rds-mysql.api.nhncloudservice.com/v4.0/db-instances",
			[]string{"X-Nhn-Authorization"}, "https://kr1-abcdef.api.nhncloudservice.com/",
		},
		"own stage": {
			[]nhn.Option{nhn.AuthServer("https://auth.example/"), nhn.Government(), nhn.Origins("kr1-abcdef.api.nhncloudservice.com")}, "https://auth.example/oauth2/token/create", "https://kr1-abcdef.api.nhncloudservice.com/",
			[]string{"X-Nhn-Authentication", "X-Nhn-Authorization"}, "https://kr1-abcdeg.api.nhncloudservice.com/",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked string
			tokens := roundTripFunc(func(r *http.Request) (*http.Response, error) {
				asked = r.URL.String()
				return answer(r, `{"access_token":"a","token_type":"Bearer","expires_in":86400}`)
			})
			src, err := nhn.NewSource(nhn.Credentials{UserAccessKeyID: "id", SecretAccessKey: authtrip.NewSecret("s")},
				append(c.options, nhn.With(authtrip.WithTokenTransport(tokens)))...)
			if err != nil {
				t.Fatal(err)
			}
			var carried []string
			rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				carried = nil
				for name, values := range r.Header {
					if slices.Contains(values, "Bearer a") {
						carried = append(carried, name)
					}
				}
				slices.Sort(carried)
				return answer(r, "")
			})}
			get := func(url string) {
				req, _ := http.NewRequest(http.MethodGet, url, nil)
				if _, err := rt.RoundTrip(req); err != nil {
					t.Fatal(err)
				}
			}
			if get(c.api); !slices.Equal(carried, c.headers) || asked != c.tokenURL {
				t.Errorf("carried by %v, token from %s", carried, asked)
			}
			for _, url := range []string{
				c.elsewhere, "https://kr1-api-network-infrastructure.nhncloudservice.com/v2.0/networks",
				"https://api-identity-infrastructure.nhncloudservice.com/v2.0/tokens", "https://nhncloudservice.com/", "https://evil.example/",
			} {
				if get(url); carried != nil {
					t.Errorf("the token went to %s", url)
				}
			}
		})
	}
}

func TestEveryDocumentedHostTakesTheToken(t *testing.T) {
	r := nhn.Registration(nhn.Credentials{})
	for _, host := range []string{
		"core.api.nhncloudservice.com", "notification-hub.api.nhncloudservice.com", "ocr.api.nhncloudservice.com",
		"speech.api.nhncloudservice.com", "api-tcd.nhncloudservice.com", "api-lncs-search.nhncloudservice.com",
		"kr1-rds-postgres.api.nhncloudservice.com", "kr2-rds-mariadb.api.nhncloudservice.com", "jp1-rds-mysql.api.nhncloudservice.com",
		"kr3-ncr.api.nhncloudservice.com", "kr1-ncs.api.nhncloudservice.com", "kr1-apigateway.api.nhncloudservice.com", "kr1-easyqueue.api.nhncloudservice.com",
	} {
		if !slices.Contains(r.Origins, host) {
			t.Errorf("%s is missing", host)
		}
	}
	for _, o := range r.Origins {
		if strings.Contains(o, "*") || strings.Contains(o, "infrastructure") {
			t.Errorf("%s must not be listed", o)
		}
	}
}

func TestMissingCredentialsAreSaidInTheVendorsWords(t *testing.T) {
	_, err := nhn.NewClient(nhn.Credentials{}, nhn.AuthServer("not a url"))
	for _, part := range []string{"UserAccessKeyID", "SecretAccessKey", "CredentialsFromEnv", "TokenEndpoint.URL"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %s", err, part)
		}
	}
}

func TestCredentialsFromEnv(t *testing.T) {
	all := []string{
		"NHN_USER_ACCESS_KEY_ID", "NHN_SECRET_ACCESS_KEY", "NHNCLOUD_ACCESS_KEY_ID", "NHNCLOUD_SECRET_ACCESS_KEY",
		"NHN_CLOUD_ACCESS_KEY", "NHN_CLOUD_SECRET_KEY",
	}
	for name, c := range map[string]struct {
		env  [6]string
		want string   // id/secret
		says []string // of the error
	}{
		"ours":                 {[6]string{"i", "s"}, "i/s", nil},
		"alias one":            {[6]string{2: "i", 3: "s"}, "i/s", nil},
		"alias two":            {[6]string{4: "i", 5: "s"}, "i/s", nil},
		"white space":          {[6]string{" i\n", "s\r\n"}, "i/s", nil},
		"two that agree":       {[6]string{"i", "s", "i", "s"}, "i/s", nil},
		"two that differ":      {[6]string{"i", "s", "", "", "i", "S3CR3T"}, "", []string{all[0], all[1], all[4], all[5]}},
		"none":                 {[6]string{}, "", all},
		"blank":                {[6]string{" ", " "}, "", all},
		"a half":               {[6]string{"i"}, "", []string{all[0] + " is set and " + all[1] + " is not"}},
		"the other half":       {[6]string{3: "S3CR3T"}, "", []string{all[3] + " is set and " + all[2] + " is not"}},
		"halves never mix":     {[6]string{0: "i", 3: "s"}, "", []string{all[1] + " is not", all[2] + " is not"}},
		"a pair beside a half": {[6]string{"x", "", "i", "s"}, "i/s", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for i, v := range all {
				t.Setenv(v, c.env[i])
			}
			got, err := nhn.CredentialsFromEnv()
			if c.want != "" {
				if err != nil || got.UserAccessKeyID+"/"+got.SecretAccessKey.Reveal() != c.want {
					t.Fatalf("got %v, %v", got, err)
				}
				return
			}
			for _, part := range c.says {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not say %q", err, part)
				}
			}
			if strings.Contains(fmt.Sprint(err, got), "S3CR3T") {
				t.Errorf("%v shows the secret", err)
			}
		})
	}
}

func ExampleNewClient() {
	// In a program: creds, err := nhn.CredentialsFromEnv()
	cloud := authtest.NewNHN()
	defer cloud.Close()
	client, err := nhn.NewClient(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := client.Get(cloud.APIURL + "/v1/organizations")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	fmt.Println(res.Status)
	// Output: 200 OK
}
