package modeltest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// authWire is what the Source's token calls go through: it tells the model of
// them.
type authWire struct{ w *world }

func (a authWire) RoundTrip(req *http.Request) (*http.Response, error) {
	w := a.w
	if !strings.HasSuffix(req.URL.Path, "/create") {
		return w.auth.RoundTrip(req)
	}
	w.mu.Lock()
	c := w.model.callBegins(req.Context())
	w.mu.Unlock()
	if w.schedule.endsOld {
		w.cloud.RevokeAll()
	}
	res, err := w.auth.RoundTrip(req)
	var got answer
	if err == nil {
		got, err = w.read(res)
	}
	if err == nil && w.schedule.replyDelay > 0 && !sleepFor(req.Context(), w.schedule.replyDelay) {
		err = req.Context().Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		got = answer{}
	}
	w.model.callEnds(c, got)
	if err != nil {
		return nil, err
	}
	return res, nil
}

// read reads an answer, and hides a token's lifetime from the client if the
// schedule says so.
func (w *world) read(res *http.Response) (answer, error) {
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, readable: bytes.HasPrefix(body, []byte("{"))}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		a.retryAfter = time.Duration(s) * time.Second
	}
	var fields map[string]any
	if json.Unmarshal(body, &fields) == nil && res.StatusCode == http.StatusOK {
		a.token, _ = fields["access_token"].(string)
		s, _ := fields["expires_in"].(float64)
		a.left = time.Duration(s * float64(time.Second))
		if a.life = a.left; w.schedule.untold {
			a.life = forever
			delete(fields, "expires_in")
			body, _ = json.Marshal(fields)
			res.Header.Del("Content-Length")
			res.ContentLength = int64(len(body))
		}
	}
	if a.token != "" {
		w.mu.Lock()
		w.secrets = append(w.secrets, a.token)
		w.mu.Unlock()
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return a, nil
}

func sleepFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// apiWire is the Transport's Base: it tells the model of every request that is
// sent to the API.
type apiWire struct{ w *world }

func (a apiWire) RoundTrip(req *http.Request) (*http.Response, error) {
	w := a.w
	c := w.callerOf(req)
	w.mu.Lock()
	s := w.model.sendBegins(c, req.Header)
	w.mu.Unlock()
	var res *http.Response
	var err error
	if c.travel > 0 && !sleepFor(req.Context(), c.travel) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		err = req.Context().Err()
	} else {
		res, err = w.cloud.Transport().RoundTrip(req)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.model.sendEnds(c, s, res, err)
	if err != nil {
		return nil, err
	}
	w.open++
	res.Body = &answerBody{ReadCloser: res.Body, w: w}
	return res, nil
}

// answerBody tells that a response was closed.
type answerBody struct {
	io.ReadCloser
	w      *world
	closed bool // guarded by w.mu
}

func (b *answerBody) Close() error {
	b.w.mu.Lock()
	if !b.closed {
		b.closed = true
		b.w.open--
	}
	b.w.mu.Unlock()
	return b.ReadCloser.Close()
}

// sentBody is the body of a request.
type sentBody struct {
	*bytes.Reader
	w      *world
	closed bool // guarded by w.mu
}

func (w *world) newBody(data []byte) io.ReadCloser {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	return &sentBody{Reader: bytes.NewReader(data), w: w}
}

func (b *sentBody) Close() error {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.w.open--
	}
	return nil
}
