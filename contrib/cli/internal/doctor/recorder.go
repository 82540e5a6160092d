package doctor

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// recorder is the transport of token calls, and notes how the last reply looked.
// It keeps no value of it that may be a secret.
type recorder struct {
	base http.RoundTripper

	mu   sync.Mutex
	last *reply // guarded by mu; nil: none yet
}

// reply is how a token reply looked.
type reply struct {
	took      time.Duration
	status    int
	mediaType string
	noStore   bool
	object    bool              // the body is a JSON object
	kinds     map[string]string // of its fields: string, number, bool, null, list or object
	expiresIn string            // as it was written
	tokenType string
	errorCode string
	rotated   bool // the refresh token is another than was sent
}

// newTransport is like the one that the library makes token calls with: the
// environment's proxy, and no connection is kept.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

func newRecorder() *recorder { return &recorder{base: newTransport()} }

// RoundTrip implements [http.RoundTripper].
func (t *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	r := describe(res, body)
	r.took = time.Since(began)
	r.rotated = rotated(req, body)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = r
	return res, nil
}

func (t *recorder) reply() *reply {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

func describe(res *http.Response, body []byte) *reply {
	media, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	r := &reply{
		status: res.StatusCode, mediaType: strings.ToLower(strings.TrimSpace(media)),
		noStore: strings.Contains(strings.ToLower(res.Header.Get("Cache-Control")), "no-store"),
		kinds:   map[string]string{},
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return r
	}
	r.object = true
	for name, value := range fields {
		r.kinds[name] = kindOf(value)
	}
	r.expiresIn = short(fields["expires_in"])
	r.tokenType = short(fields["token_type"])
	r.errorCode = short(fields["error"])
	return r
}

// rotated reports whether a reply has another refresh token than its request.
func rotated(req *http.Request, body []byte) bool {
	var given struct {
		RefreshToken string `json:"refresh_token"`
	}
	sent := req.URL.Query().Get("refresh_token")
	return sent != "" && json.Unmarshal(body, &given) == nil && given.RefreshToken != "" && given.RefreshToken != sent
}

// kindOf is the kind of a JSON value.
func kindOf(value json.RawMessage) string {
	switch value[0] {
	case '"':
		if len(value) == 2 {
			return "empty string"
		}
		return "string"
	case '{':
		return "object"
	case '[':
		return "list"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}

// short is a number or a word, fit to be shown, or empty: what is longer may be
// a secret in the wrong place.
func short(value json.RawMessage) string {
	text := string(value)
	var s string
	if json.Unmarshal(value, &s) == nil {
		text = s
	}
	if len(text) > 40 || strings.ContainsFunc(text, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_-.+", c))
	}) {
		return ""
	}
	return text
}
