package proxy_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

func TestHealthIsWhetherRequestsCanHaveAToken(t *testing.T) {
	w := newWorld(t)
	health := func(status int, parts ...string) {
		t.Helper()
		res, text := w.get("/.authtrip/health")
		if res.StatusCode != status || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Authtrip-Error") != "" {
			t.Fatalf("%s %q %s; want %d", res.Status, res.Header, text, status)
		}
		wantAll(t, text, append(parts, `"registration":"cloud"`, `"server":"`+w.cloud.AuthURL+`"`)...)
	}
	health(200, `"status":"ok"`, `"token":"none"`, `"circuit":"closed"`)
	w.wantTokenCalls(0) // it asks for nothing

	w.cloud.Break(authtest.Fault{Status: 503})
	w.get("/")
	health(503, `"status":"no token"`, `"circuit":"closed"`, `"last_error":"authtrip: registration \"cloud\" at `, "HTTP 503")
	w.cloud.Heal()
	w.mustGet("/")
	health(200, `"status":"ok"`, `"token":"fresh"`, `"age":`, `"left":86`)

	w.cloud.RevokeAll()
	w.cloud.Break(authtest.Fault{Status: 400, Body: `{"error":"invalid_client"}`})
	w.get("/")
	health(200, `"token":"rejected"`, `"last_error":"`) // it goes on being sent
}

func TestWhatBeginsAsTheProxysOwnDoesNotReachTheAPIUnnoticed(t *testing.T) {
	w := newWorld(t)
	res, text := w.get("/.authtrip/else")
	wantFault(t, res, text, 404, "reserved_path", "/.authtrip/health", "--admin")
	res, text = w.post("/.authtrip/health", "")
	wantFault(t, res, text, 405, "method_not_allowed")
	if w.apiCalls() != 0 {
		t.Fatal("it reached the API")
	}
	for _, path := range []string{"/.authtrip", "/.authtripper", "/x/.authtrip/health"} {
		w.mustGet(path)
	}
}

func TestHealthAndMetricsCanBeElsewhereOrNowhere(t *testing.T) {
	w := newWorld(t, args("--admin", "off"))
	if _, text := w.get("/.authtrip/health"); !strings.Contains(text, `"/.authtrip/health"`) {
		t.Fatalf("the API did not get it: %s", text)
	}
	w = newWorld(t, args("--admin", "127.0.0.1:0"))
	if _, text := w.get("/.authtrip/health"); !strings.Contains(text, `"/.authtrip/health"`) {
		t.Fatalf("the API did not get it: %s", text)
	}
	for w.elsewhere() == "" {
	}
	w.url = w.elsewhere()
	w.mustGet("/.authtrip/health")
	w.mustGet("/.authtrip/metrics")
	if res, _ := w.get("/.authtrip/metrics", "Origin", "https://evil.example"); res.StatusCode != 403 {
		t.Fatalf("a page of elsewhere gets %s", res.Status)
	}
	res, text := w.get("/v1/organizations")
	wantFault(t, res, text, 404, "reserved_path")
}

// elsewhere is where health and metrics are.
func (w *world) elsewhere() string {
	m := regexp.MustCompile(`health and metrics on (\S+)/\.authtrip/\n`).FindStringSubmatch(w.log.String())
	if m == nil {
		return ""
	}
	return m[1]
}

func TestPrometheusFindsWhatHappened(t *testing.T) {
	api, heads := socket()
	w := newWorld(t, serving(api))
	// A client may have its answer a moment before that is counted.
	metrics := func(lines ...string) string {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); ; {
			res, text := w.get("/.authtrip/metrics")
			if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
				t.Fatalf("%s %q", res.Status, res.Header)
			}
			missing := slices.IndexFunc(lines, func(line string) bool { return !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(text) })
			if missing < 0 {
				return text
			}
			if time.Now().After(end) {
				t.Fatalf("%s is not in\n%s", lines[missing], text)
			}
		}
	}
	if text := metrics(`authtrip_proxy_token_calls_total 0`, `authtrip_proxy_token_wait_duration_seconds_count 0`, `authtrip_proxy_token_state\{state="none"\} 1`, `authtrip_proxy_circuit_state\{state="closed"\} 1`); strings.Contains(text, "authtrip_proxy_token_left_seconds") {
		t.Fatal("no token has some time left")
	}
	w.mustGet("/v1/somewhere?key=CANARY")
	<-heads
	w.cloud.RevokeAll()
	w.mustGet("/")
	<-heads
	w.cloud.RevokeAll()
	w.post("/", strings.Repeat("x", 64<<10+1)) // too long to be sent again
	w.get("/", "Origin", "https://evil.example")
	conn, r, _ := w.upgrade()
	<-heads
	mustEcho(t, conn, r, "hello")
	text := metrics(
		`authtrip_proxy_requests_total\{code="2xx"\} 2`, `authtrip_proxy_requests_total\{code="4xx"\} 1`,
		`authtrip_proxy_requests_in_flight 1`, // the WebSocket
		`authtrip_proxy_request_duration_seconds_count 3`,
		`authtrip_proxy_errors_total\{kind="forbidden_origin"\} 1`,
		`authtrip_proxy_token_calls_total 3`, `authtrip_proxy_token_call_failures_total 0`,
		`authtrip_proxy_token_call_duration_seconds_count\{outcome="issued"\} 3`, `authtrip_proxy_token_wait_duration_seconds_count [1-9]\d*`,
		`authtrip_proxy_rejections_total 2`, `authtrip_proxy_replays_total 1`, `authtrip_proxy_not_replayed_total 1`, `authtrip_proxy_tokens_stored_total 0`,
		`authtrip_proxy_token_state\{state="fresh"\} 1`, `authtrip_proxy_token_state\{state="none"\} 0`,
		`authtrip_proxy_token_left_seconds 8[0-9.e+]+`, `authtrip_proxy_token_age_seconds [0-9.e-]+`, `go_goroutines \d+`,
	)
	w.wantNoSecret(text)
	if strings.Contains(text, "somewhere") {
		t.Fatal("a path is a label")
	}
	for line := range strings.Lines(text) { // contrib/otel has names of its own for the like, with other labels
		if strings.HasPrefix(line, "authtrip_") && !strings.HasPrefix(line, "authtrip_proxy_") {
			t.Errorf("%s is not named as the proxy's", line)
		}
	}
	_ = conn.Close()
	metrics(`authtrip_proxy_requests_total\{code="1xx"\} 1`, `authtrip_proxy_requests_in_flight 0`)
}

func TestTheLogHoldsWhatIsWanted(t *testing.T) {
	api := httptest.NewServer(http.NotFoundHandler())
	defer api.Close()
	quiet, verbose := newWorld(t, to(api.URL)), newWorld(t, to(api.URL), args("--verbose"))
	for _, w := range []*world{quiet, verbose} {
		w.get("/v1/there?key=CANARY", "X-Own", "CANARY")
		w.mustStop()
		w.wantNoSecret(w.log.String())
	}
	if want := "listening on " + quiet.url + " → " + api.URL + "\n"; quiet.log.String() != want {
		t.Fatalf("%q, want no more than %q", quiet.log, want)
	}
	wantAll(t, verbose.log.String(), "msg=request method=GET path=/v1/there status=404 bytes=19 took=")
}

func TestTroubleIsToldOnceAndItsEnd(t *testing.T) {
	w := newWorld(t)
	w.cloud.Break(authtest.Fault{Status: 503, Times: 3})
	for range 3 {
		w.get("/", "Origin", "https://evil.example")
		w.get("/")
	}
	w.mustStop()
	for line, want := range map[string]int{`msg="requests get no answer of the API" kind=token_refused`: 1, `msg="the API answers again"`: 1, `msg="a request is refused" kind=forbidden_origin`: 1} {
		if n := strings.Count(w.log.String(), line); n != want {
			t.Errorf("%s is there %d times, want %d:\n%s", line, n, want, w.log)
		}
	}
}
