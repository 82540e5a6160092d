package restyv3_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"resty.dev/v3"
)

// What Resty makes of the answer to a request that was sent again.

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
	must(t, restyv3.Install(w.client, w.src))
	w.token()
	w.cloud.RevokeAll()
	var result, failure outcome
	res, err := w.client.R().SetResult(&result).SetResultError(&failure).Get("/answer")
	if err != nil || !res.IsStatusSuccess() || !result.Header.IsSuccessful || result.Path != "/answer" {
		t.Errorf("%v, %v: result %+v", status(res), err, result)
	}
	if failure != (outcome{}) || res.ResultError() != nil {
		t.Errorf("the rejection got into SetResultError's value: %+v", failure)
	}
}

func TestAStreamIsThatOfTheReplay(t *testing.T) {
	next := make(chan string)
	w := newWorld(t, authtest.API(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		for part := range next {
			_, _ = io.WriteString(rw, part)
			_ = http.NewResponseController(rw).Flush()
		}
	})))
	must(t, restyv3.Install(w.client, w.src))
	w.token()
	w.cloud.RevokeAll()
	go func() { next <- "first" }()
	res, err := w.client.R().SetResponseDoNotParse(true).Get("/stream")
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	part := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, part); string(part) != "first" || err != nil {
		t.Fatalf("read %q, %v", part, err)
	}
	next <- "second" // which was not sent before the first was read
	close(next)
	if rest, err := io.ReadAll(res.Body); string(rest) != "second" || err != nil {
		t.Fatalf("read %q, %v", rest, err)
	}
}

func TestASavedFileHoldsTheReplaysBodyAlone(t *testing.T) {
	w := newWorld(t, authtest.API(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "the file") })))
	must(t, restyv3.Install(w.client, w.src))
	w.token()
	w.cloud.RevokeAll()
	file := filepath.Join(t.TempDir(), "out")
	w.mustGet(w.client.R().SetResponseSaveFileName(file), "/file")
	if got, err := os.ReadFile(file); string(got) != "the file" || err != nil {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

// TestAnEventSourceGetsATokenWheneverItConnects, by a client's transport or by
// one of its own.
func TestAnEventSourceGetsATokenWheneverItConnects(t *testing.T) {
	w := newWorld(t, authtest.API(http.HandlerFunc(hello)))
	must(t, restyv3.Install(w.client, w.src))
	for name, transport := range map[string]http.RoundTripper{
		"the client's":    w.client.Transport(),
		"one of its own:": &authtrip.Transport{Source: w.src, Base: w.cloud.Transport()},
	} {
		t.Run(name, func(t *testing.T) {
			messages := 0
			events := w.events(transport, &messages)
			for range 2 {
				w.mustListen(events)
				w.cloud.RevokeAll()
			}
			if messages != 2 {
				t.Errorf("%d messages, want 2", messages)
			}
		})
	}
}

// hello sends one event and ends the stream.
func hello(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprint(rw, "data: hello\n\n")
}

// events returns an event source that counts its messages.
func (w *world) events(transport http.RoundTripper, messages *int) *resty.SSESource {
	return resty.NewSSESource().SetURL(w.cloud.APIURL+"/events").SetLogger(w.log).SetTransport(transport).
		OnMessage(func(any) { *messages++ }, nil)
}

// mustListen hears a stream to its end.
func (w *world) mustListen(events *resty.SSESource) {
	w.t.Helper()
	if err := events.Get(); err != io.EOF {
		w.t.Fatalf("the stream ended with %v, want EOF", err)
	}
}
