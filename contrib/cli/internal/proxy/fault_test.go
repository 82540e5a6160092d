package proxy_test

import (
	"context"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
)

func TestWithoutATokenNothingIsSentOn(t *testing.T) {
	for name, c := range map[string]struct {
		fault  authtest.Fault
		status int
		kind   string
		part   string
	}{
		"the server refuses the client": {authtest.Fault{Status: 401, Body: `{"error":"invalid_client"}`}, 502, "token_refused", "check the client id and secret"},
		"the server fails":              {authtest.Fault{Status: 500}, 502, "token_refused", "HTTP 500"},
		"the server is not reached":     {authtest.Fault{Reset: true}, 502, "token_unavailable", `registration \"cloud\" at http://127.0.0.1:`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.cloud.Break(c.fault)
			res, text := w.post("/v1/x", "body")
			wantFault(t, res, text, c.status, c.kind, c.part)
			if n := w.apiCalls(); n != 0 {
				t.Fatalf("%d requests reached the API", n)
			}
			if ct := res.Header.Get("Content-Type"); ct != "application/json" {
				t.Fatalf("Content-Type is %s", ct)
			}
			w.wantNoSecret(text)
			wantAll(t, w.log.String(), "kind="+c.kind)
		})
	}
}

func TestAUserWhoHasNotLoggedInIsSaid(t *testing.T) {
	w := newWorld(t, configured("authorization_grant_type: authorization_code"), configured("authorization_uri: http://127.0.0.1:1/authorize"),
		args("--user", "ann"))
	res, text := w.get("/")
	wantFault(t, res, text, 502, "authorization_required", "the user must grant access", "authtrip login")
	if w.apiCalls() != 0 || w.cloud.Counts().TokenCalls != 0 {
		t.Fatal("something was sent")
	}
}

func TestAnOpenCircuitSaysWhenToComeBack(t *testing.T) {
	w := newWorld(t)
	w.cloud.Break(authtest.Fault{Status: 503})
	for range 10 {
		if res, text := w.get("/"); res.StatusCode == 503 {
			wantFault(t, res, text, 503, "circuit_open")
			if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || s < 1 || s > 60 {
				t.Fatalf("Retry-After is %q", res.Header.Get("Retry-After"))
			}
			res, text = w.get("/.authtrip/health")
			if res.StatusCode != 503 {
				t.Fatalf("and it is healthy: %s %s", res.Status, text)
			}
			wantAll(t, text, `"status":"no token"`, `"circuit":"open"`, `"token":"none"`, `"last_error":"`)
			w.wantNoSecret(text)
			return
		}
	}
	t.Fatal("the circuit does not open")
}

func TestATokenThatIsThereOutlivesItsServer(t *testing.T) {
	w := newWorld(t)
	w.mustGet("/")
	w.cloud.Break(authtest.Fault{Status: 503})
	for range 3 {
		w.mustGet("/")
		w.mustGet("/.authtrip/health")
	}
}

func TestAnAPIThatDoesNotAnswerIsSaid(t *testing.T) {
	reset := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		_ = conn.Close()
	}))
	defer reset.Close()
	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		_, _ = io.WriteString(conn, "no HTTP but "+r.Header.Get("X-Nhn-Authorization")+"\r\n\r\n")
		_ = conn.Close()
	}))
	defer odd.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for target, part := range map[string]string{
		"http://" + gone.Addr().String(): "connection refused",
		reset.URL:                        "closed the connection",
		odd.URL:                          "no valid HTTP answer",
		untrusted.URL:                    "certificate",
	} {
		w := newWorld(t, to(target))
		res, text := w.get("/?key=CANARY")
		wantFault(t, res, text, 502, "upstream_unreachable", part)
		w.wantNoSecret(text + w.log.String())
		w.mustStop()
	}
}

func TestAClientThatLeavesTroublesNobody(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	}))
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-arrived
		leave()
	}()
	if _, err := w.client.Do(w.request("GET", "/", nil).WithContext(ctx)); err == nil {
		t.Fatal("there was an answer")
	}
	<-left // the API hears of it
	w.mustStop()
	if strings.Contains(w.log.String(), "WARN") {
		t.Fatalf("a client that leaves is no warning:\n%s", w.log)
	}
}

// issued is what an emulator's tokens look like.
var issued = regexp.MustCompile(`[A-Z2-7]{52}`)

// wantNoSecret expects neither the client's secret nor a token in text.
func (w *world) wantNoSecret(text string) {
	w.t.Helper()
	for _, s := range []string{w.cloud.Credentials().SecretAccessKey.Reveal(), "CANARY", issued.FindString(text)} {
		if s != "" && strings.Contains(text, s) {
			w.t.Fatalf("%q is in\n%s", s, text)
		}
	}
}
