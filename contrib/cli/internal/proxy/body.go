package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// senderGone is an error of reading what the client sends: its own, and not the
// API's.
type senderGone struct{ err error }

func (e *senderGone) Error() string { return "the request's body broke off: " + e.err.Error() }
func (e *senderGone) Unwrap() error { return e.err }

// sent is the body of a client's request.
type sent struct{ io.ReadCloser }

func (s sent) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = &senderGone{err}
	}
	return n, err
}

// replayable gives r, which is the caller's own copy, a body that can be sent
// twice, as a rejected token asks for, by reading all of it when it says that it
// is no longer than limit. Any other streams through as it comes.
func replayable(r *http.Request, limit int64) error {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	r.Body = sent{r.Body}
	if r.ContentLength < 0 || r.ContentLength > limit {
		return nil
	}
	text := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, text); err != nil {
		return fmt.Errorf("reading %d bytes: %w", len(text), err)
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	r.Body, _ = r.GetBody()
	// Reading it asked the client to go on: the API need not be asked whether to.
	r.Header = r.Header.Clone()
	r.Header.Del("Expect")
	return nil
}
