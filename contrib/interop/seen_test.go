package interop_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// seen notes the secrets that the server saw or made, and the errors that the
// library returned or told a hook of. No test may end with one in another.
type seen struct {
	mu      sync.Mutex
	secrets map[string]string // guarded by mu; the kind of each
	errors  []error           // guarded by mu
}

func (s *seen) secret(kind, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text != "" {
		s.secrets[text] = kind
	}
}

func (s *seen) error(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.errors = append(s.errors, err)
	}
}

// lastError returns the error that was noted last.
func (s *seen) lastError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.errors) == 0 {
		return nil
	}
	return s.errors[len(s.errors)-1]
}

// has reports whether a secret of the kind was noted.
func (s *seen) has(kind string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(slices.Collect(maps.Values(s.secrets)), kind)
}

// shown returns a sentence for every secret that an error shows.
func (s *seen) shown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var faults []string
	for _, err := range s.errors {
		for _, text := range printed(err) {
			for secret, kind := range s.secrets {
				for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
					if strings.Contains(text, form) {
						faults = append(faults, fmt.Sprintf("a %T shows a %s: %s", err, kind, text))
					}
				}
			}
		}
	}
	return faults
}

// printed is err and all that it wraps, each in every way that shows anything.
func printed(err error) []string {
	js, _ := json.Marshal(err)
	out := []string{err.Error(), fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), fmt.Sprintf("%q", err), string(js)}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		if inner := wrapper.Unwrap(); inner != nil {
			out = append(out, printed(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			out = append(out, printed(inner)...)
		}
	}
	return out
}

func TestASecretInAnErrorIsFound(t *testing.T) {
	for name, err := range map[string]error{
		"plain":           errors.New("the token s3cret/ was refused"),
		"escaped":         &url.Error{Op: "Get", URL: "https://auth.example.com/?code=s3cret%2F", Err: errors.New("reset")},
		"wrapped":         &hidden{fmt.Errorf("%w", errors.New("s3cret/"))},
		"joined, in JSON": &hidden{errors.Join(errors.New("a"), &said{"s3cret/"})},
	} {
		s := &seen{secrets: map[string]string{}}
		s.secret("token", "s3cret/")
		s.error(err)
		if len(s.shown()) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

// hidden wraps without a word.
type hidden struct{ err error }

func (*hidden) Error() string   { return "hidden" }
func (h *hidden) Unwrap() error { return h.err }

// said shows what it holds in JSON only.
type said struct{ Text string }

func (*said) Error() string                { return "said" }
func (s *said) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("said")) }
