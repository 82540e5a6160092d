package prism_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/prism"
)

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func client() prism.Client {
	return prism.Client{
		ServiceAPIDomain: "https://service.example", ClientID: "client-id",
		ClientSecret: authtrip.NewSecret("client-secret"), ServiceID: "my service",
	}
}

// The requests and replies are those of the document's examples.
func TestIssueUseAndRenewAsTheDocumentSays(t *testing.T) {
	var calls []string
	tokens := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
		}
		calls = append(calls, fmt.Sprintf("%s %s%s %s id=%s secret=%s body=%q", r.Method, r.URL.Host, r.URL.Path, q.Encode(),
			strings.Join(r.Header.Values("x-prism-client-id"), ","), strings.Join(r.Header.Values("x-prism-client-secret"), ","), body))
		for _, name := range []string{"Authorization", "Referer", "Content-Type", "Cookie"} {
			if r.Header.Get(name) != "" {
				t.Errorf("the token call has %s", name)
			}
		}
		reply := `{"access_token": "JXvBU54_hOok4gpOTHAOASEHbaE", "expires_in": 12345, "refresh_token": "va32t62Zsc3DVv0irdCt3yBjy_c", "token_type": "bearer"}`
		if q.Get("grant_type") == "refresh_token" {
			reply = `{"access_token": "second", "expires_in": 12345, "token_type": "bearer"}`
		}
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(reply)), Request: r}, nil
	})
	mgr, err := authtrip.NewManager([]authtrip.Registration{prism.Registration(client())}, authtrip.WithTokenTransport(tokens))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mgr.Close() }()
	src, err := mgr.SourceFor("prism", "user-42")
	if err != nil {
		t.Fatal(err)
	}
	if err := src.ExchangeCode(t.Context(), "your_authorized_code", url.Values{"state": {"st"}}); err != nil {
		t.Fatal(err)
	}
	var used []string
	api := &http.Client{Transport: &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		used = append(used, r.URL.Host+" "+strings.Join(r.Header["X-Prism-Access-Token"], ",")+" "+r.Header.Get("Authorization"))
		status := 200
		if len(used) == 1 {
			status = 401 // it ended early
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})}}
	for _, u := range []string{"https://service.example/prism/v1/service/user", "https://elsewhere.example/prism/v1/service/user"} {
		res, err := api.Get(u)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		_ = res.Body.Close()
	}
	const endpoint = "GET service.example/prism/v1/service/oauth2/token "
	const proof = ` id=client-id secret=client-secret body=""`
	for i, want := range []string{
		endpoint + "code=your_authorized_code&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fglobal.apis.naver.com%2Fprism%2Fprism-auth-api%2Foauth%2Fpartner%2Fmy%2520service&state=st" + proof,
		endpoint + "grant_type=refresh_token&refresh_token=va32t62Zsc3DVv0irdCt3yBjy_c" + proof,
	} {
		if i >= len(calls) || calls[i] != want {
			t.Fatalf("calls were\n%s\nwant, at %d,\n%s", strings.Join(calls, "\n"), i, want)
		}
	}
	if got := strings.Join(used, "; "); got != "service.example JXvBU54_hOok4gpOTHAOASEHbaE ; service.example second ; elsewhere.example  " {
		t.Fatalf("tokens were used thus: %s", got)
	}
}

func TestThePageAUserIsSentTo(t *testing.T) {
	for name, c := range map[string]struct {
		client  func(*prism.Client)
		options []prism.Option
		want    string
		says    url.Values
	}{
		"by default": {nil, nil, "https://service.example/oauth/authorize", url.Values{"redirect_uri": {"https://global.apis.naver.com/prism/prism-auth-api/oauth/partner/my%20service"}}},
		"their own page and redirect": {
			nil, []prism.Option{prism.AuthorizeURL("https://login.example/go?x=1"), prism.RedirectURI("https://app.example/cb"), nil},
			"https://login.example/go", url.Values{"x": {"1"}, "redirect_uri": {"https://app.example/cb"}},
		},
		"without a service's ID":      {func(c *prism.Client) { c.ServiceID = "" }, nil, "https://service.example/oauth/authorize", url.Values{}},
		"a domain without its scheme": {func(c *prism.Client) { c.ServiceAPIDomain = "service.example/" }, nil, "https://service.example/oauth/authorize", url.Values{"redirect_uri": {"https://global.apis.naver.com/prism/prism-auth-api/oauth/partner/my%20service"}}},
	} {
		t.Run(name, func(t *testing.T) {
			cl := client()
			if c.client != nil {
				c.client(&cl)
			}
			src, err := authtrip.NewSource(prism.Registration(cl, c.options...))
			if err != nil {
				t.Fatal(err)
			}
			text, _, err := src.AuthCodeURL(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			u, _ := url.Parse(text)
			q := u.Query()
			if u.Scheme+"://"+u.Host+u.Path != c.want || q.Get("state") == "" || q.Get("response_type") != "code" || q.Get("client_id") != "client-id" {
				t.Errorf("%s", text)
			}
			for _, name := range []string{"state", "response_type", "client_id"} {
				q.Del(name)
			}
			if q.Encode() != c.says.Encode() {
				t.Errorf("it says %s, want %s", q.Encode(), c.says.Encode())
			}
		})
	}
}

func TestACodeThatMeansThatTheTokenIsNotAccepted(t *testing.T) {
	r := prism.Registration(client(), prism.Rejected("401", "E40*"))
	rule := r.Envelopes["https://service.example"]
	if rule.Success != "success" || rule.Code != "errorCode" || len(rule.Rejected) != 2 {
		t.Fatalf("%+v", r.Envelopes)
	}
	if _, err := authtrip.NewSource(r); err != nil {
		t.Fatal(err)
	}
	if len(prism.Registration(client(), prism.Rejected()).Envelopes) != 0 {
		t.Error("a rule without codes")
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	_, err := authtrip.NewSource(prism.Registration(prism.Client{}))
	for _, part := range []string{"ClientID is empty", "ClientSecret is empty", "TokenEndpoint.URL"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %s", err, part)
		}
	}
	_, err = authtrip.NewSource(prism.Registration(prism.Client{ServiceAPIDomain: "http://service.example", ClientID: "a", ClientSecret: authtrip.NewSecret("b")}))
	if !errors.Is(err, authtrip.ErrInsecure) {
		t.Errorf("%v, want ErrInsecure", err)
	}
}
