package clients_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestRetryableHTTPOutsideItsBodiesCanBeReplayed(t *testing.T) {
	text := strings.Repeat("whole and unchanged ", 1000)
	for name, body := range map[string]any{
		"bytes":      []byte(text),
		"Buffer":     bytes.NewBufferString(text),
		"Reader":     bytes.NewReader([]byte(text)),
		"ReadSeeker": io.NewSectionReader(strings.NewReader(text), 0, int64(len(text))),
		"stream":     io.MultiReader(strings.NewReader(text)),
		"func":       func() (io.Reader, error) { return strings.NewReader(text), nil },
	} {
		t.Run(name, func(t *testing.T) {
			inOrder(t, nil, func(t *testing.T, o *ordering) {
				o.withToken()
				o.cloud.RevokeAll()
				req, err := retryablehttp.NewRequest(http.MethodPost, o.cloud.APIURL+"/v1/things", body)
				if err != nil {
					t.Fatal(err)
				}
				status, answer, err := read(retrying(o.over(o.wire)).Do(req))
				if status != 200 || err != nil || !strings.Contains(answer, digest(text)) {
					t.Errorf("the caller got %d %s, %v", status, answer, err)
				}
				o.wantSends(401, 200)
			})
		})
	}
}

// TestRetryableHTTPOutsideRetriesARejectionWhenAsked is a body that
// retryablehttp can rewind and we cannot: it was given a request that exists,
// without GetBody.
func TestRetryableHTTPOutsideRetriesARejectionWhenAsked(t *testing.T) {
	for _, c := range []struct {
		name  string
		check retryablehttp.CheckRetry
		sends []int
	}{
		{"by default it hands the rejection on", retryablehttp.DefaultRetryPolicy, []int{401}},
		{"with Rejected it sends the body again", func(ctx context.Context, res *http.Response, err error) (bool, error) {
			if authtrip.Rejected(res) {
				return true, nil
			}
			return stopWhenTold(ctx, res, err)
		}, []int{401, 200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inOrder(t, nil, func(t *testing.T, o *ordering) {
				o.withToken()
				o.cloud.RevokeAll()
				plain := o.request(t.Context(), http.MethodPost, "")
				plain.Body = io.NopCloser(strings.NewReader("a stream"))
				req, err := retryablehttp.FromRequest(plain)
				if err != nil {
					t.Fatal(err)
				}
				client := retrying(o.over(o.wire))
				client.CheckRetry = c.check
				status, answer, err := read(client.Do(req))
				if status != c.sends[len(c.sends)-1] || err != nil || (status == 200) != strings.Contains(answer, digest("a stream")) {
					t.Errorf("the caller got %d %s, %v", status, answer, err)
				}
				o.wantSends(c.sends...)
			})
		})
	}
}

// TestRetryableHTTPOutsideABodyThatItOpensAnewIsWholeAfterAnEarlyRejection: the
// server has answered while the first body is still being sent. Of an
// io.ReadSeeker, such as a file, retryablehttp would hand out the same reader
// again, rewound, for two to read; its own retries do. A func that opens the
// file each time does not.
func TestRetryableHTTPOutsideABodyThatItOpensAnewIsWholeAfterAnEarlyRejection(t *testing.T) {
	o := newOrdering(t, nil)
	var asked atomic.Int32
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%2 == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, digest(string(body)))
	}))
	defer api.Close()
	src, err := nhn.NewSource(o.cloud.Credentials(), append(o.cloud.Options(), nhn.Origins(api.URL))...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	text := strings.Repeat("whole and unchanged ", 400_000)
	c := retrying(&authtrip.Transport{Source: src})
	for range 5 {
		req, err := retryablehttp.NewRequest(http.MethodPost, api.URL, func() (io.Reader, error) {
			return io.NewSectionReader(strings.NewReader(text), 0, int64(len(text))), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if status, got, err := read(c.Do(req)); status != 200 || err != nil || got != digest(text) {
			t.Fatalf("the caller got %d %s, %v", status, got, err)
		}
	}
}
