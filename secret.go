package authtrip

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// redacted is what stands where a secret would have been.
const redacted = "[redacted]"

// Secret holds a client secret. However it is printed, logged or marshalled,
// alone or inside another value, the text does not show: fmt with every verb,
// JSON, text and slog print "[redacted]" or an address. The zero Secret is
// empty.
//
// A Secret is safe for concurrent use.
type Secret struct {
	// A pointer: fmt does not call the methods of unexported fields, and would
	// print a string held here directly.
	text *string
}

var (
	_ fmt.Formatter  = Secret{}
	_ json.Marshaler = Secret{}
	_ slog.LogValuer = Secret{}
)

// NewSecret returns a Secret that holds text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text. It is for the code that must send it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Format implements [fmt.Formatter] and prints "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// LogValue implements [slog.LogValuer].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler] and returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON implements [json.Marshaler] and returns "[redacted]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
