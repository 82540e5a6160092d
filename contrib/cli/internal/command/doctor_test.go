package command_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// emulatorsToken is how tokens of the emulators look, and none of the checks'
// words.
var emulatorsToken = regexp.MustCompile(`\b[A-Z2-7]{52}\b`)

// line is how the report has a check.
func line(status, check, found string) string {
	return status + "|" + check + "|" + found
}

// examined runs doctor, and returns its lines without the blanks between
// columns, and what to do in the line of its check.
func (w *world) examined(code int, arguments string) string {
	w.t.Helper()
	r := w.want(code, args(arguments))
	if r.errs != "" || emulatorsToken.MatchString(r.out) {
		w.t.Errorf("%s%s", r.out, r.errs)
	}
	var b strings.Builder
	for text := range strings.Lines(r.out) {
		text = strings.TrimSpace(text)
		if strings.HasPrefix(text, "→") {
			b.WriteString(" " + text)
			continue
		}
		status, rest, _ := strings.Cut(text, "  ")
		check, found, _ := strings.Cut(rest, "  ")
		b.WriteString("\n" + line(status, check, strings.TrimSpace(found)))
	}
	return b.String() + "\n"
}

func (w *world) has(report string, parts ...string) {
	w.t.Helper()
	for _, part := range parts {
		if !strings.Contains(report, part) {
			w.t.Errorf("want %q in%s", part, report)
		}
	}
}

func TestDoctorFindsNothingWrong(t *testing.T) {
	w := newWorld(t)
	report := w.examined(0, "doctor nhn --call "+w.cloud.APIURL+"/v1/organizations")
	w.has(report,
		"\npass|configuration|registration nhn of oauth2.yml, grant client_credentials\n",
		"\npass|dns|127.0.0.1 is 127.0.0.1\n", "\npass|tcp|connected to 127.0.0.1:", "\nskip|tls|plain http\n", "\npass|clock|as the server's\n",
		"\npass|token|issued in ", "\npass|lifetime|24h0m0s; renewed behind requests after about 16h0m0s, and no longer used after 23h59m50s\n",
		"\npass|header|x-nhn-authentication: Bearer <token>, x-nhn-authorization: Bearer <token>\n", "\npass|origins|"+w.cloud.APIURL+"\n",
		"\npass|call|"+w.cloud.APIURL+"/v1/organizations: HTTP 200, header.resultCode 0\n",
		"\npass|rejection|a made-up token gets HTTP 401, header.resultCode 80007, which is seen as a rejection\n")
	if c := w.cloud.Counts(); c.Rejected != 1 || c.TokenCalls != 1 {
		t.Errorf("%+v", c)
	}
	w.has(w.examined(0, "doctor nhn"), "\nskip|call|no URL to call is known → give one that needs a token", "\nskip|rejection|")
	// What is cached proves nothing: the secret is tried.
	w.want(0, args("token nhn"))
	t.Setenv("NHN_SECRET", "wrong")
	w.examined(codeFound, "doctor nhn")
}

// Given a preset's many origins and one of the configuration's own, then that
// one is shown, and not as one of "and 30 more".
func TestDoctorShowsTheConfigurationsOwnOriginsFirst(t *testing.T) {
	w := newWorld(t)
	w.write("more.yml", fmt.Sprintf("registration: {nhn: {provider: nhn, client_id: %s, client_secret: '${NHN_SECRET}', token_uri: '%s/oauth2/token/create', more_origins: ['%s']}}",
		w.cloud.Credentials().UserAccessKeyID, w.cloud.AuthURL, w.cloud.APIURL))
	report := w.examined(0, "doctor --config more.yml --call "+w.cloud.APIURL+"/v1/organizations")
	w.has(report, "\npass|origins|"+w.cloud.APIURL+", core.api.nhncloudservice.com, ", " more\n")
}

func TestDoctorAsJSON(t *testing.T) {
	w := newWorld(t)
	var report struct {
		Registration string
		OK           bool
		Results      []struct{ Check, Status, Found, Do string }
	}
	if err := json.Unmarshal([]byte(w.want(0, args("doctor nhn -o json")).out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Registration != "nhn" || !report.OK || len(report.Results) < 9 || report.Results[0].Check != "configuration" || report.Results[0].Status != "pass" {
		t.Errorf("%+v", report)
	}
	t.Setenv("NHN_SECRET", "wrong")
	if err := json.Unmarshal([]byte(w.want(codeFound, args("doctor nhn -o json")).out), &report); err != nil || report.OK {
		t.Errorf("%v %+v", err, report)
	}
}

func TestDoctorSaysWhyThereIsNoToken(t *testing.T) {
	w := newWorld(t)
	t.Setenv("NHN_SECRET", "wrong-secret")
	w.secrets = append(w.secrets, "wrong-secret")
	w.has(w.examined(codeFound, "doctor nhn"), "\nFAIL|token|registration \"nhn\" at ", "invalid_client", "→ check client_id (the User Access Key ID)", "\nskip|lifetime|there is no token\n", "\nskip|rejection|")
	w.cloud.Break(authtest.Fault{Status: 503})
	w.has(w.examined(codeFound, "doctor nhn"), "\nFAIL|token|", "HTTP 503", "→ the server fails: try again later")
	w.cloud.Break(authtest.Fault{Body: "<html>"})
	w.has(w.examined(codeFound, "doctor nhn"), "→ what answers is no token endpoint: check token_uri")
	w.cloud.Break(authtest.Fault{Hang: true})
	w.has(w.examined(codeFound, "doctor nhn --timeout 300ms"), "\nFAIL|token|", "→ the server gives no HTTP answer")
	for code, advice := range map[string]string{"invalid_scope": "ask for other scopes", "unauthorized_client": "allow the client the grant client_credentials", "unsupported_grant_type": "check token_uri and token_method", "slow_down": "the server's documents say"} {
		w.cloud.Break(authtest.Fault{Status: 400, Body: `{"error":"` + code + `"}`})
		w.has(w.examined(codeFound, "doctor nhn"), "\nFAIL|token|", code, "→ "+advice)
	}
}

func TestDoctorFindsTheServerMissing(t *testing.T) {
	w := newWorld(t)
	nobody := freeAddress(t)
	w.write("down.yml", "registration: {a: {client_id: a, client_secret: b, token_uri: 'http://"+nobody+"'}}")
	w.has(w.examined(codeFound, "doctor --config down.yml"), "\nFAIL|tcp|", "→ check the port in token_uri", "\nskip|clock|the server cannot be reached\n", "\nskip|token|the server cannot be reached\n")
	w.write("nowhere.yml", "registration: {a: {client_id: a, client_secret: b, token_uri: 'https://nowhere.invalid/token'}}")
	w.has(w.examined(codeFound, "doctor --config nowhere.yml"), "\nFAIL|dns|", "→ check the host in token_uri", "\nskip|tcp|the host has no address\n")
}

func TestDoctorLooksAtTheCertificate(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	w.write("tls.yml", "registration: {a: {client_id: a, client_secret: b, token_uri: '"+server.URL+"/token'}}")
	w.has(w.examined(codeFound, "doctor --config tls.yml"), "\nFAIL|tls|", "→ install the authority of the server's certificate", "\nskip|clock|", "\nskip|token|")
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	w.write("plain.yml", "registration: {a: {client_id: a, client_secret: b, token_uri: '"+strings.Replace(plain.URL, "http:", "https:", 1)+"/token'}}")
	w.has(w.examined(codeFound, "doctor --config plain.yml"), "\nFAIL|tls|", "→ no TLS is spoken at that port")
}

// Whether HEAD is answered says nothing of the token call.
func TestDoctorOnAServerThatAnswersNoHEAD(t *testing.T) {
	w := newWorld(t)
	for name, refuse := range map[string]func(*http.Request){
		"drops": func(*http.Request) { panic(http.ErrAbortHandler) },
		"hangs": func(r *http.Request) { <-r.Context().Done() },
	} {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				refuse(r)
				return
			}
			w.answers(200, `{"access_token":"CANARY"}`)(rw)
		}))
		w.write("head.yml", "registration: {a: {client_id: a, client_secret: b, token_uri: '"+server.URL+"/token'}}")
		w.secrets = append(w.secrets, "CANARY")
		t.Log(name)
		w.has(w.examined(0, "doctor --config head.yml --timeout 4s"), "\nskip|tls|plain http\n", "\nskip|clock|", "\npass|token|")
		server.Close()
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections, and answers none
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // nothing was sent
	w.write("silent.yml", "registration: {a: {client_id: a, client_secret: b, token_uri: 'http://"+silent.Addr().String()+"/token'}}")
	w.has(w.examined(codeFound, "doctor --config silent.yml --timeout 1s"), "\npass|tcp|", "\nFAIL|token|", "the server gives no HTTP answer")
}

func TestDoctorTellsALifetimeOfZeroFromNone(t *testing.T) {
	w := newWorld(t)
	w.cloud.Break(authtest.Fault{Body: `{"access_token":"CANARY","token_type":"Bearer","expires_in":0}`})
	w.has(w.examined(0, "doctor nhn"), "\nwarn|lifetime|the server says expires_in 0")
}

func TestDoctorComparesTheClocks(t *testing.T) {
	w := newWorld(t)
	for off, want := range map[time.Duration]string{
		0:                "\npass|clock|as the server's\n",
		10 * time.Second: "\npass|clock|10s from the server's\n",
		-5 * time.Minute: "\nwarn|clock|5m0s from the server's → set this machine's clock",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Date", time.Now().Add(off+500*time.Millisecond).UTC().Format(http.TimeFormat))
			if r.Method == http.MethodPost {
				rw.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprint(rw, `{"access_token":"a-token-CANARY"}`)
			}
		}))
		w.write("clock.yml", "registration: {a: {client_id: a, client_secret: b, token_uri: '"+server.URL+"/token'}}")
		w.secrets = append(w.secrets, "CANARY")
		w.has(w.examined(0, "doctor --config clock.yml"), want,
			"\npass|lifetime|the server gives none", "\npass|header|Authorization: Bearer <token>\n", "\nwarn|origins|none are listed")
		server.Close()
	}
}
