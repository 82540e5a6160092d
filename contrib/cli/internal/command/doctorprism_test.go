package command_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip/prism"
)

func TestDoctorOnAServiceThatKeepsTheContract(t *testing.T) {
	w := newWorld(t)
	w.live.SetRotation(true)
	code := w.live.Code("kim")
	w.secrets = append(w.secrets, code)
	w.has(w.examined(0, "doctor prism --user kim --code "+code+" --call "+w.live.URL+"/prism/v1/service/user"),
		"\npass|prism: wrong code|HTTP 400 invalid_grant\n", "\npass|prism: wrong refresh token|HTTP 400 invalid_grant\n",
		"\npass|prism: wrong secret|HTTP 401 invalid_client\n", "\npass|prism: unknown grant|HTTP 400 unsupported_grant_type\n",
		"\npass|prism: answer time|within 1 s\n", "\npass|token|issued in ", "\npass|prism: token reply|expires_in 3600, with a refresh token\n",
		"\npass|prism: renewal|expires_in 3600, the refresh token replaced\n", "\npass|header|x-prism-access-token: <token>\n",
		"\npass|call|", "\npass|rejection|a made-up token gets HTTP 401, errorCode 401, which is seen")
	// The login stays good: what came of the renewal is in the cache.
	w.want(0, args("token prism --user kim --fresh"))
	w.has(w.examined(0, "doctor prism --user kim"), "\npass|token|one from the cache\n", "\nskip|prism: token reply|", "\npass|prism: renewal|expires_in 3600, the refresh token replaced\n")
	if c := w.live.Counts(); c.RefreshTokensReused != 0 || c.CodesReused != 0 {
		t.Errorf("%+v", c)
	}
}

// refreshToken redeems a code as PRISM does, and returns the refresh token.
func (w *world) refreshToken() string {
	w.t.Helper()
	c := w.live.Client()
	query := url.Values{"grant_type": {"authorization_code"}, "code": {w.live.Code("kim")}, "redirect_uri": {prism.Registration(c).RedirectURI}}
	req, err := http.NewRequest(http.MethodGet, w.live.URL+"/prism/v1/service/oauth2/token?"+query.Encode(), nil) //nolint:noctx // the emulator is the test's own
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set(prism.HeaderClientID, c.ClientID)
	req.Header.Set(prism.HeaderClientSecret, c.ClientSecret.Reveal())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	var got struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.RefreshToken == "" {
		w.t.Fatal(err)
	}
	return got.RefreshToken
}

func TestDoctorOnARefreshTokenThatCameAnotherWay(t *testing.T) {
	w := newWorld(t)
	w.live.SetRotation(true)
	c, given := w.live.Client(), w.refreshToken()
	w.secrets = append(w.secrets, given)
	w.write("given.yml", "registration: {given: {provider: prism, service_api_domain: '"+w.live.URL+"', service_id: "+c.ServiceID+", client_id: "+c.ClientID+
		", client_secret: '${PRISM_SECRET}', authorization_grant_type: refresh_token, refresh_token: "+given+"}}")
	for range 2 { // the second time with what replaced it
		w.has(w.examined(0, "doctor --config given.yml"), "\nskip|prism: wrong code|", "\npass|prism: wrong secret|", "\npass|token|", "\npass|prism: renewal|expires_in 3600, the refresh token replaced\n")
	}
	w.want(0, args("token --config given.yml"))
	w.live.EndLogins()
	w.want(codeAuthorization, args("token --config given.yml --fresh"), "give another refresh_token in the configuration")
	w.has(w.examined(codeFound, "doctor --config given.yml"), "\nFAIL|token|", "→ the refresh token has ended: give another")
}

func TestDoctorOnAServiceWithoutRefreshTokens(t *testing.T) {
	w := newWorld(t)
	w.live.SetRefreshTokens(false)
	w.live.SetLifetime(0)
	w.has(w.examined(0, "doctor prism --code "+w.live.Code("kim")), "\npass|prism: token reply|expires_in not given, without a refresh token\n",
		"\npass|prism: renewal|there is no refresh token: users log in anew")
}

func TestDoctorOnAServiceThatSendsTheRefreshTokenAgain(t *testing.T) {
	w := newWorld(t)
	w.secrets = append(w.secrets, "CANARY")
	issued := 0
	w.service(func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("code") != "good" && q.Get("refresh_token") != "CANARY-refresh" {
			w.answers(400, `{"error":"invalid_grant"}`)(rw)
			return
		}
		issued++
		w.answers(200, fmt.Sprintf(`{"access_token":"CANARY-%d","token_type":"bearer","expires_in":60,"refresh_token":"CANARY-refresh"}`, issued))(rw)
	})
	w.has(w.examined(codeFound, "doctor prism --code good"), "\nwarn|prism: token reply|expires_in 60, with a refresh token, without Cache-Control: no-store",
		"\nwarn|prism: renewal|expires_in 60, with a refresh token")
}

func TestDoctorOnAServiceThatRenewsToTheSameToken(t *testing.T) {
	w := newWorld(t)
	w.secrets = append(w.secrets, "CANARY")
	w.service(func(rw http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("code") == "good" || q.Get("refresh_token") == "CANARY-refresh" {
			w.answers(200, `{"access_token":"CANARY-token","token_type":"bearer","expires_in":60,"refresh_token":"CANARY-refresh"}`)(rw)
			return
		}
		w.answers(400, `{"error":"invalid_grant"}`)(rw)
	})
	w.has(w.examined(codeFound, "doctor prism --code good"), "\nFAIL|prism: renewal|")
}

func TestDoctorOnAUserWhoIsNotLoggedIn(t *testing.T) {
	w := newWorld(t)
	w.has(w.examined(codeFound, "doctor prism --user kim"), "\npass|prism: wrong code|", "\nFAIL|token|", "→ run authtrip login prism --user kim, or give --code\n",
		"\nskip|prism: token reply|", "\nskip|prism: renewal|nobody is logged in → give a code that was just issued")
	w.secrets = append(w.secrets, "made-up-code")
	w.has(w.examined(codeFound, "doctor prism --code made-up-code"), "\nFAIL|token|", "invalid_grant", "\nskip|prism: token reply|no token was issued just now")
}

// service is a customer's service of the test's own.
func (w *world) service(handler http.HandlerFunc) {
	w.t.Helper()
	server := httptest.NewServer(handler)
	w.t.Cleanup(server.Close)
	w.write("oauth2.yml", "registration: {prism: {client_id: id, client_secret: '${PRISM_SECRET}', service_api_domain: '"+server.URL+"', service_id: s}}")
}

func TestDoctorOnAServiceThatDoesNotRefuseAsItShould(t *testing.T) {
	const token = `{"access_token":"CANARY-token","token_type":"bearer"}`
	for name, c := range map[string]struct {
		status int
		media  string
		body   string
		wants  string
	}{
		"a token for any code":  {200, "application/json", token, "\nFAIL|prism: wrong code|HTTP 200: it gave a token → refuse it with HTTP 400 and the JSON {\"error\":\"invalid_grant\"}"},
		"a 200 with the error":  {200, "application/json", `{"error":"invalid_grant"}`, "HTTP 200 invalid_grant: no error to a client that looks at the status"},
		"too many requests":     {429, "application/json", `{"error":"invalid_grant"}`, "\nFAIL|prism: wrong code|HTTP 429 invalid_grant: not the status of a refusal → refuse it with HTTP 400"},
		"forbidden":             {403, "application/json", `{"error":"invalid_grant"}`, "\nFAIL|prism: wrong refresh token|HTTP 403 invalid_grant: not the status"},
		"a teapot":              {418, "application/json", `{"error":"invalid_client"}`, "\nFAIL|prism: wrong secret|HTTP 418 invalid_client: not the status"},
		"an envelope":           {400, "application/json", `{"success":false,"errorCode":400}`, `the JSON has no text "error"`},
		"an object for error":   {400, "application/json", `{"error":{"code":"CANARY"}}`, `the JSON has no text "error"`},
		"a failure":             {500, "application/json", `{"error":"invalid_grant"}`, "it is taken for an outage"},
		"HTML":                  {400, "text/html", `<html>CANARY`, "the answer is no JSON object"},
		"JSON of another type":  {400, "text/html", `{"error":"invalid_grant"}`, "of type"},
		"POST only":             {405, "text/plain", ``, "no token endpoint for GET is there → answer GET http://127.0.0.1:"},
		"a redirect":            {302, "text/plain", ``, "a redirect, which nobody follows"},
		"another error":         {400, "application/json", `{"error":"server_is_sad"}`, "HTTP 400 server_is_sad, where invalid_grant is meant"},
		"invalid_client for it": {401, "application/json", `{"error":"invalid_client"}`, "the client's own credentials are refused → check client_id and client_secret, and that the service reads them from x-prism-client-id"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.secrets = append(w.secrets, "CANARY")
			w.service(func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Content-Type", c.media)
				rw.WriteHeader(c.status)
				_, _ = fmt.Fprint(rw, c.body)
			})
			w.has(w.examined(codeFound, "doctor prism"), c.wants)
		})
	}
}

func TestDoctorOnAServiceThatRefusesInAnotherOrder(t *testing.T) {
	w := newWorld(t)
	w.service(func(rw http.ResponseWriter, r *http.Request) { w.answers(400, `{"error":"invalid_grant"}`)(rw) })
	w.has(w.examined(codeFound, "doctor prism"), "\nwarn|prism: wrong secret|HTTP 400 invalid_grant: whether the secret is looked at does not show")
}

func TestDoctorOnAServiceThatIsSlow(t *testing.T) {
	w := newWorld(t)
	w.service(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("grant_type") == "password" {
			<-time.After(1100 * time.Millisecond) // the server is that slow
		}
		w.answers(400, `{"error":"invalid_grant"}`)(rw)
	})
	w.has(w.examined(codeFound, "doctor prism"), "\nwarn|prism: answer time|the slowest took 1.1")
}

func TestDoctorOnTheFieldsOfAReply(t *testing.T) {
	for reply, wants := range map[string]string{
		`{"access_token":"CANARY","token_type":"bearer","expires_in":"3600"}`:                  "expires_in is no number, but string",
		`{"access_token":"CANARY","token_type":"bearer","expires_in":0}`:                       "expires_in is not above 0",
		`{"access_token":"CANARY","expires_in":60}`:                                            `token_type is not "bearer"`,
		`{"access_token":"CANARY","token_type":"bearer","refresh_token":""}`:                   "refresh_token is no text, but empty string",
		`{"success":true,"data":{"access_token":"CANARY","token_type":"bearer"}}`:              "access_token is not a text at the top",
		`{"access_token":"CANARY","token_type":"BEARER","expires_in":60,"refresh_token":null}`: "refresh_token is no text, but null",
	} {
		w := newWorld(t)
		w.secrets = append(w.secrets, "CANARY")
		w.service(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("code") == "good" {
				w.answers(200, reply)(rw)
				return
			}
			w.answers(400, `{"error":"invalid_grant"}`)(rw)
		})
		report := w.examined(codeFound, "doctor prism --code good")
		w.has(report, "\nFAIL|prism: token reply|", wants)
		if !strings.Contains(report, `→ send {"access_token":`) {
			t.Error(report)
		}
	}
}
