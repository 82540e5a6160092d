package restyv3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"github.com/authtrip/authtrip/nhn"
	"resty.dev/v3"
)

// The traps of Resty v3, each with the way out.

const (
	restyCan   = 1 << iota // Resty's own retry sends it whole, always
	installCan             // Install sends it again whole
	both       = restyCan | installCan
)

// bodies are of every kind that Resty takes.
var bodies = map[string]struct {
	set func(*testing.T, *resty.Request)
	who int
}{
	"string": {func(_ *testing.T, r *resty.Request) { r.SetBody(long) }, both},
	"bytes":  {func(_ *testing.T, r *resty.Request) { r.SetBody([]byte(long)) }, both},
	"JSON":   {func(_ *testing.T, r *resty.Request) { r.SetBody(map[string]string{"a": long}) }, both},
	"form":   {func(_ *testing.T, r *resty.Request) { r.SetFormData(map[string]string{"a": long}) }, both},
	"multipart form": {func(_ *testing.T, r *resty.Request) {
		r.SetMultipartFormData(map[string]string{"a": long})
	}, both},
	"bytes.Buffer":   {func(_ *testing.T, r *resty.Request) { r.SetBody(bytes.NewBufferString(long)) }, installCan},
	"bytes.Reader":   {func(_ *testing.T, r *resty.Request) { r.SetBody(bytes.NewReader([]byte(long))) }, installCan},
	"strings.Reader": {func(_ *testing.T, r *resty.Request) { r.SetBody(strings.NewReader(long)) }, installCan},
	"a reader part read": {func(t *testing.T, r *resty.Request) { // Resty would send all of it
		part := strings.NewReader("read already" + long)
		_, err := part.Seek(int64(len("read already")), io.SeekStart)
		must(t, err)
		r.SetBody(part)
	}, installCan},
	"no body": {func(_ *testing.T, r *resty.Request) { r.SetBody(http.NoBody) }, installCan}, // Resty would fail it
	"seeker":  {func(_ *testing.T, r *resty.Request) { r.SetBody(struct{ io.ReadSeeker }{strings.NewReader(long)}) }, 0},
	"reader":  {func(_ *testing.T, r *resty.Request) { r.SetBody(struct{ io.Reader }{strings.NewReader(long)}) }, 0},
	"file":    {func(t *testing.T, r *resty.Request) { r.SetBody(open(t)) }, 0}, // Resty finds it closed
	"multipart file": {func(t *testing.T, r *resty.Request) {
		r.SetFile("f", open(t).Name())
	}, 0},
	"multipart reader": {func(_ *testing.T, r *resty.Request) { // Resty would send its first 512 bytes twice
		r.SetFileReader("f", "f.txt", strings.NewReader(long))
	}, 0},
	"multipart field": {func(_ *testing.T, r *resty.Request) {
		r.SetMultipartField("f", "", "text/plain", struct{ io.Reader }{strings.NewReader(long)})
	}, 0},
	"multipart ordered": {func(_ *testing.T, r *resty.Request) {
		r.SetMultipartOrderedFormData("a", []string{"1", long})
	}, 0},
}

var long = strings.Repeat("the-whole-body.", 100)

// open returns a file that holds long.
func open(t *testing.T) *os.File {
	name := filepath.Join(t.TempDir(), "f.txt")
	must(t, os.WriteFile(name, []byte(long), 0o600))
	f, err := os.Open(name)
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestI09_BodiesAreSentAgainWholeOrNotAtAll, by Install and by Resty's own
// retry. A 401 that is not retried comes back as it is, without an error.
func TestI09_BodiesAreSentAgainWholeOrNotAtAll(t *testing.T) {
	for name, body := range bodies {
		for way, can := range map[string]int{"install": installCan, "attach": restyCan} {
			t.Run(name+", "+way, func(t *testing.T) {
				w := newWorld(t, authtest.API(http.HandlerFunc(bodyOf)))
				w.add(way)
				w.client.SetRetryCount(2).SetRetryWaitTime(time.Millisecond).SetRetryAllowNonIdempotent(true).AddRetryConditions(restyv3.RetryRejected)
				w.token()
				w.cloud.RevokeAll()
				r := w.client.SetDebug(true).R().SetCurlCmdGenerate(true) // which reads the body
				body.set(t, r)
				res, err := r.Post("/x")
				must(t, err)
				c := w.cloud.Counts()
				switch {
				case body.who&can == 0 && (res.StatusCode() != 401 || c.Rejected != 1 || !strings.Contains(res.String(), "80007")):
					t.Fatalf("%d, %+v: %s; want the 401 of the first and only try", res.StatusCode(), c, res)
				case body.who&can == 0:
					if res, err := w.client.R().SetBody(long).Post("/x"); err != nil || res.StatusCode() != 200 {
						t.Errorf("%v, %v; want 200 for the next request", status(res), err)
					}
				case res.StatusCode() != 200 || c.Rejected != 1 || c.Accepted != 1:
					t.Fatalf("%d, %+v; want one rejected and one accepted", res.StatusCode(), c)
				case name != "no body" && (strings.Count(res.String(), long) != 1 || strings.Contains(res.String(), "already")):
					t.Fatalf("the server got %d bytes: %.300q", len(res.Bytes()), res)
				}
			})
		}
	}
}

func TestSetRetryCountOfZeroDoesNotStopInstallsReplay(t *testing.T) {
	w := newWorld(t)
	must(t, restyv3.Install(w.client.SetRetryCount(0), w.src))
	w.token()
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
}

// TestRetriesDoNotHammerTheAuthorizationServer: Resty's default conditions leave
// a token failure alone, and authtrip's breaker stands before the rest.
func TestRetriesDoNotHammerTheAuthorizationServer(t *testing.T) {
	for _, way := range ways {
		for name, condition := range map[string]resty.RetryConditionFunc{
			"default conditions": nil,
			"status zero":        resty.RetryConditionStatusZero,
			"any error":          func(res *resty.Response, err error) bool { return res.IsStatusFailure() || err != nil },
		} {
			t.Run(way+", "+name, func(t *testing.T) {
				w := newWorld(t)
				w.add(way)
				w.cloud.Break(authtest.Fault{Status: 503})
				tries := 21
				if condition == nil {
					tries = 1
				}
				w.client.SetRetryCount(20).SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(time.Millisecond).
					AddRetryConditions(restyv3.RetryRejected)
				if condition != nil {
					w.client.AddRetryConditions(condition)
				}
				r, start := w.client.R(), time.Now()
				_, err := r.Get("/v1/organizations")
				most := 5 + int(time.Since(start)/(900*time.Millisecond)) // a probe, where it took so long
				if err == nil || condition != nil && !errors.Is(err, authtrip.ErrCircuitOpen) {
					t.Errorf("got %v, want ErrCircuitOpen", err)
				}
				if c := w.cloud.Counts(); r.Attempt != tries || c.TokenCalls > most || c.Rejected != 0 {
					t.Errorf("%d tries, %+v; want %d and no more than %d token calls", r.Attempt, c, tries, most)
				}
			})
		}
	}
}

// TestAFailingMiddlewareOfTheUsersIsTheUsers: requests that it stops cost no
// token.
func TestAFailingMiddlewareOfTheUsersIsTheUsers(t *testing.T) {
	w := newWorld(t)
	must(t, restyv3.Install(w.client, w.src))
	own := errors.New("not today")
	w.client.AddRequestMiddleware(func(*resty.Client, *resty.Request) error { return own })
	w.client.SetRetryCount(1).AddRetryConditions(restyv3.RetryRejected)
	if _, err := w.client.R().Get("/v1/organizations"); !errors.Is(err, own) {
		t.Errorf("got %v, want the middleware's own error", err)
	}
	if c := w.cloud.Counts(); c.TokenCalls != 0 {
		t.Errorf("%d token calls, want none", c.TokenCalls)
	}
}

func TestI16_AVerbatimHeaderIsReplacedNotDoubled(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			w := newWorld(t)
			api := newSeen(t, nil)
			w.src = w.source(nhn.Origins(api.URL))
			w.add(way)
			w.client.SetHeaderVerbatim("x-nhn-authorization", "client's")
			w.mustGet(w.client.R().SetHeaderVerbatim("X-NHN-AUTHORIZATION", "request's").SetHeader("x-nhn-authentication", "request's"), api.URL)
			for _, h := range api.all() {
				for _, name := range []string{nhn.HeaderAuthorization, nhn.HeaderAuthentication} {
					if v := h.Values(name); len(v) != 1 || v[0] != "Bearer "+w.token() {
						t.Errorf("%s has %d values, want the Source's alone", name, len(v))
					}
				}
			}
		})
	}
}

// TestACallersDeadlineEndsTheWaitForAToken, whoever set it.
func TestACallersDeadlineEndsTheWaitForAToken(t *testing.T) {
	for name, set := range map[string]func(*resty.Request, context.Context){
		"SetContext": func(r *resty.Request, ctx context.Context) { r.SetContext(ctx) },
		"SetTimeout": func(r *resty.Request, _ context.Context) { r.SetTimeout(50 * time.Millisecond) },
	} {
		for _, way := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				w := newWorld(t)
				w.add(way)
				w.cloud.Break(authtest.Fault{Hang: true})
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				begun := time.Now()
				r := w.client.R()
				set(r, ctx)
				_, err := r.Get("/v1/organizations")
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 3*time.Second {
					t.Errorf("got %v after %v, want the caller's own deadline", err, time.Since(begun))
				}
			})
		}
	}
}
