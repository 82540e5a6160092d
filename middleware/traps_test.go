package middleware_test

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
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
)

// The traps of Resty v2, each with the way out.

// onlyReader hides what else a reader can do.
type onlyReader struct{ io.Reader }

// bodies are of every kind that Resty takes, with what the server is to get.
var bodies = map[string]struct {
	set  func(*resty.Request)
	want string
}{
	"string":         {func(r *resty.Request) { r.SetBody("whole body") }, "whole body"},
	"bytes":          {func(r *resty.Request) { r.SetBody([]byte("whole body")) }, "whole body"},
	"JSON":           {func(r *resty.Request) { r.SetBody(map[string]int{"a": 1}) }, `{"a":1}`},
	"form":           {func(r *resty.Request) { r.SetFormData(map[string]string{"a": "1 2"}) }, "a=1+2"},
	"none":           {func(*resty.Request) {}, ""},
	"bytes.Reader":   {func(r *resty.Request) { r.SetBody(bytes.NewReader([]byte("whole body"))) }, "whole body"},
	"reader":         {func(r *resty.Request) { r.SetBody(onlyReader{strings.NewReader("whole body")}) }, "whole body"},
	"reader, length": {func(r *resty.Request) { r.SetBody(strings.NewReader("whole body")).SetContentLength(true) }, "whole body"},
	"multipart file": {func(r *resty.Request) { r.SetFileReader("f", "f.txt", onlyReader{strings.NewReader("whole body")}) }, "whole body"},
	"multipart field": {func(r *resty.Request) {
		r.SetMultipartField("f", "", "text/plain", onlyReader{strings.NewReader("whole body")})
	}, "whole body"},
}

func TestI09_BodiesOfEveryKindAreSentAgainWholeByInstall(t *testing.T) {
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.API(http.HandlerFunc(bodyOf)))
			must(t, middleware.Install(w.client, w.src))
			w.token()
			w.cloud.RevokeAll()
			r := w.client.SetDebug(true).R().EnableGenerateCurlOnDebug() // which reads the body
			body.set(r)
			res, err := r.Post("/x")
			if err != nil || res.StatusCode() != 200 || !strings.Contains(res.String(), body.want) {
				t.Fatalf("%v, %v: the server got %q, want %q", status(res), err, res, body.want)
			}
			if c := w.cloud.Counts(); c.Rejected != 1 || c.Accepted != 1 {
				t.Errorf("%+v; want one rejected and one accepted", c)
			}
		})
	}
}

// TestI09_RestysOwnRetryNeverSendsWhatIsLeftOfABody: it does not rewind
// readers; a condition that retried these would send an empty body.
func TestI09_RestysOwnRetryNeverSendsWhatIsLeftOfABody(t *testing.T) {
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, authtest.API(http.HandlerFunc(bodyOf)))
			w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)).SetRetryResetReaders(true).
				SetRetryCount(2).SetRetryWaitTime(time.Millisecond).AddRetryCondition(middleware.RetryRejected)
			w.token()
			w.cloud.RevokeAll()
			r := w.client.R()
			body.set(r)
			res, err := r.Post("/x")
			if err != nil {
				t.Fatal(err)
			}
			reader := strings.Contains(name, "eader") && !strings.Contains(name, "length") || strings.Contains(name, "multipart")
			switch {
			case reader && (res.StatusCode() != 401 || res.Request.Attempt != 1):
				t.Errorf("status %d in try %d; want the 401 of the first", res.StatusCode(), res.Request.Attempt)
			case !reader && (res.StatusCode() != 200 || !strings.Contains(res.String(), body.want)):
				t.Errorf("status %d, the server got %q; want %q", res.StatusCode(), res, body.want)
			}
		})
	}
}

func TestSetRetryCountOfZeroDoesNotStopInstallsReplay(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client.SetRetryCount(0), w.src))
	w.token()
	w.cloud.RevokeAll()
	w.mustGet(w.client.R(), "/v1/organizations")
}

// TestATokenFailureIsSafeForConditionsThatExpectAResponse: Resty calls
// conditions with a nil response when a hook fails, and its own panics on that.
func TestATokenFailureIsSafeForConditionsThatExpectAResponse(t *testing.T) {
	for name, add := range map[string]func(*world){
		"install": func(w *world) { must(t, middleware.Install(w.client, w.src)) },
		"hook":    func(w *world) { w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			add(w)
			w.cloud.Break(authtest.Fault{Status: 503})
			conditions := 0
			w.client.SetRetryCount(20).SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(time.Millisecond).AddRetryAfterErrorCondition().
				AddRetryCondition(func(res *resty.Response, err error) bool { conditions++; return res.IsError() || err != nil })
			start := time.Now()
			_, err := w.client.R().Get("/v1/organizations")
			most := 5 + int(time.Since(start)/(900*time.Millisecond)) // a probe, where it took so long
			if !errors.Is(err, authtrip.ErrCircuitOpen) {
				t.Errorf("got %v, want ErrCircuitOpen", err)
			}
			if c := w.cloud.Counts(); conditions != 21 || c.TokenCalls > most || c.Rejected != 0 {
				t.Errorf("%d tries, %+v; want 21 and no more than %d token calls", conditions, c, most)
			}
		})
	}
}

// TestAFailingHookOfTheUsersIsTheUsers: requests that it stops cost no token.
func TestAFailingHookOfTheUsersIsTheUsers(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	own := errors.New("not today")
	w.client.OnBeforeRequest(func(*resty.Client, *resty.Request) error { return own })
	w.client.SetRetryCount(1).AddRetryCondition(middleware.RetryRejected)
	if _, err := w.client.R().Get("/v1/organizations"); !errors.Is(err, own) {
		t.Errorf("got %v, want the hook's own error", err)
	}
	if c := w.cloud.Counts(); c.TokenCalls != 0 {
		t.Errorf("%d token calls, want none", c.TokenCalls)
	}
}

func TestI16_AVerbatimHeaderIsReplacedNotDoubled(t *testing.T) {
	for name, add := range map[string]func(*world){
		"install": func(w *world) { must(t, middleware.Install(w.client, w.src)) },
		"hook":    func(w *world) { w.client.OnBeforeRequest(middleware.BeforeRequest(w.src)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			api := newSeen(t, nil)
			w.src = w.source(nhn.Origins(api.URL))
			add(w)
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

type outcome struct {
	Header struct {
		IsSuccessful bool `json:"isSuccessful"`
		ResultCode   int  `json:"resultCode"`
	} `json:"header"`
	Path string `json:"path"`
}

// TestSetResultHoldsTheReplaysAnswer and nothing of the rejection before it.
func TestSetResultHoldsTheReplaysAnswer(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	w.token()
	w.cloud.RevokeAll()
	var result, failure outcome
	res, err := w.client.R().SetResult(&result).SetError(&failure).Get("/answer")
	if err != nil || !res.IsSuccess() || !result.Header.IsSuccessful || result.Path != "/answer" {
		t.Errorf("%v, %v: result %+v", status(res), err, result)
	}
	if failure != (outcome{}) || res.Error() != nil {
		t.Errorf("the rejection got into SetError's value: %+v", failure)
	}
}

func TestADoNotParseResponseStreamsTheReplaysBody(t *testing.T) {
	next := make(chan string)
	w := newWorld(t, authtest.API(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		for part := range next {
			_, _ = io.WriteString(rw, part)
			_ = http.NewResponseController(rw).Flush()
		}
	})))
	must(t, middleware.Install(w.client, w.src))
	w.token()
	w.cloud.RevokeAll()
	go func() { next <- "first" }()
	res, err := w.client.R().SetDoNotParseResponse(true).Get("/stream")
	must(t, err)
	body := res.RawBody()
	defer func() { _ = body.Close() }()
	part := make([]byte, 5)
	if _, err := io.ReadFull(body, part); string(part) != "first" || err != nil {
		t.Fatalf("read %q, %v", part, err)
	}
	next <- "second" // which was not sent before the first was read
	close(next)
	if rest, err := io.ReadAll(body); string(rest) != "second" || err != nil {
		t.Fatalf("read %q, %v", rest, err)
	}
}

func TestSetOutputWritesTheReplaysBodyAlone(t *testing.T) {
	w := newWorld(t, authtest.API(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "the file") })))
	must(t, middleware.Install(w.client, w.src))
	w.token()
	w.cloud.RevokeAll()
	file := filepath.Join(t.TempDir(), "out")
	w.mustGet(w.client.R().SetOutput(file), "/file")
	if got, err := os.ReadFile(file); string(got) != "the file" || err != nil {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

func TestACallersDeadlineEndsTheWaitForAToken(t *testing.T) {
	w := newWorld(t)
	must(t, middleware.Install(w.client, w.src))
	w.cloud.Break(authtest.Fault{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := w.client.R().SetContext(ctx).Get("/v1/organizations")
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 3*time.Second {
		t.Errorf("got %v after %v, want the caller's own deadline", err, time.Since(begun))
	}
}
