package modeltest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// unwelcome is what the emulator says to a token that is not valid.
const unwelcome = `{"header":{"isSuccessful":false,"resultCode":80007,"resultMessage":"the token is not valid"}}` + "\n"

// byAPI is a header of answers that serveAPI gave.
const byAPI = "X-By-Api"

// serveAPI answers requests whose token is valid. It reads the body first, and
// looks that it is all of what its caller sent.
func (w *world) serveAPI(rw http.ResponseWriter, r *http.Request) {
	c := w.callerOf(r)
	body, err := io.ReadAll(r.Body)
	w.mu.Lock()
	switch {
	case err == nil && !bytes.Equal(body, c.bytes(c.size)):
		w.model.breaks("whole bodies", "caller %d: the API got a body of %d bytes, which is not the %d that were sent", c.id, len(body), c.size)
	case err != nil && r.Context().Err() == nil && !c.leftBy(w.model.now()):
		w.model.breaks("whole bodies", "caller %d: the API got %d of %d bytes, then: %v", c.id, len(body), c.size, err)
	}
	mode := w.api
	if mode == apiOdd {
		w.api = apiServes
	}
	w.mu.Unlock()
	if c.delay > 0 && !sleepFor(r.Context(), c.delay) {
		return
	}
	status := http.StatusOK
	switch mode {
	case apiRejects, apiOdd:
		status = http.StatusUnauthorized
	case apiForbids:
		status = http.StatusForbidden
	case apiScope:
		status = http.StatusUnauthorized
		rw.Header().Set("WWW-Authenticate", `Bearer realm="model", error="insufficient_scope"`)
	}
	rw.Header().Set(byAPI, "yes")
	rw.Header().Set("Content-Type", "application/octet-stream")
	rw.WriteHeader(status)
	answer := c.bytes(c.reply)
	half := 0
	if c.slow {
		half = len(answer) / 2
		_, _ = rw.Write(answer[:half])
		_ = http.NewResponseController(rw).Flush()
		if !sleepFor(r.Context(), halfTime) {
			return
		}
	}
	_, _ = rw.Write(answer[half:])
}

// halfTime is how long a slow answer rests.
const halfTime = 200 * time.Millisecond

// rejects reports whether res says that its token is not valid.
func rejects(res *http.Response) bool {
	return res.StatusCode == http.StatusUnauthorized && !strings.Contains(res.Header.Get("WWW-Authenticate"), "insufficient_scope")
}

// bytes are what is sent, and answered, for a caller and nobody else.
func (c *caller) bytes(n int) []byte {
	one := fmt.Appendf(nil, "<%d>", c.id)
	return bytes.Repeat(one, n/len(one)+1)[:n]
}

func (w *world) callerOf(r *http.Request) *caller {
	id, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/r/"))
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || id >= len(w.model.all) {
		panic("no caller asked for " + r.URL.Path)
	}
	return w.model.all[id]
}

// newRequest is c's request. GetBody is set, or not, as net/http would.
func (w *world) newRequest(ctx context.Context, c *caller) *http.Request {
	method := http.MethodPost
	if c.body == noBody {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, w.cloud.APIURL+"/r/"+strconv.Itoa(c.id), nil)
	if err != nil {
		panic(err)
	}
	if c.body == noBody {
		return req
	}
	data := c.bytes(c.size)
	req.Body, req.ContentLength = w.newBody(data), int64(len(data))
	switch c.body {
	case chunked, onlyOnceChunks:
		req.ContentLength = -1
	}
	switch c.body {
	case again, chunked:
		req.GetBody = func() (io.ReadCloser, error) { return w.newBody(data), nil }
	case getBodyFails:
		req.GetBody = func() (io.ReadCloser, error) { return nil, fmt.Errorf("no second body") }
	}
	return req
}
