package authtrip

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// oracle judges as an Envelope does, by encoding/json, with no thought of what
// that costs.
type oracle Envelope

// says judges text, after which comes end.
func (e oracle) says(text []byte, end error) finding {
	if len(text) >= envelopeLimit {
		text, end = text[:envelopeLimit], io.EOF
	}
	if end == io.EOF && len(bytes.TrimPrefix(text, []byte("\ufeff"))) == 0 {
		return findingAccepted // nothing is no envelope
	}
	// A json.Decoder waits for what comes after a string or a word, too. Only a
	// number may go on.
	if n := len(text); n > 0 && (text[n-1] == '"' || text[n-1] == 'e' || text[n-1] == 'l') {
		text = append(slices.Clip(text), ' ')
	}
	verdict, err := e.judge(newJSONText(io.MultiReader(bytes.NewReader(text), failing{end})))
	switch {
	case err != nil:
		return findingBroken
	case verdict == TokenRejected:
		return findingRejected
	}
	return findingAccepted
}

// failing is an io.Reader that gives nothing but an error.
type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// judge reads JSON until it is decided. An error means that it is not.
func (e oracle) judge(text *jsonText) (Verdict, error) {
	dec := json.NewDecoder(text)
	dec.UseNumber()
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return TokenAccepted, err // an array or a scalar is no envelope
	}
	text.open = true
	success, code := splitPath(e.Success), splitPath(e.Code)
	failed, coded := success == nil, false // what is known so far
	path := []string{""}                   // of the member that is read: the last step is its name
	for {
		name, err := dec.Token()
		if err != nil {
			return TokenAccepted, err
		}
		if name == json.Delim('}') {
			path = path[:len(path)-1] // of the object that has ended
			if len(path) == 0 || holds(path, code) && (success == nil || holds(path, success)) {
				return TokenAccepted, nil
			}
			continue
		}
		path[len(path)-1] = name.(string)
		value, err := dec.Token()
		if err != nil {
			return TokenAccepted, err
		}
		switch value {
		case json.Delim('{'):
			path = append(path, "")
			continue
		case json.Delim('['):
			if err := skipArray(dec); err != nil {
				return TokenAccepted, err
			}
			continue
		}
		if slices.Equal(path, success) {
			if failed = value == false; !failed {
				return TokenAccepted, nil
			}
		}
		if slices.Equal(path, code) {
			if coded = e.rejects(value); !coded {
				return TokenAccepted, nil
			}
		}
		if failed && coded {
			return TokenRejected, nil
		}
	}
}

// holds reports whether the object at path has the member at member.
func holds(path, member []string) bool {
	return len(path) == len(member)-1 && slices.Equal(path, member[:len(path)])
}

// rejects reports whether a code, as JSON has it, is one of Rejected.
func (e oracle) rejects(value json.Token) bool {
	switch value := value.(type) {
	case json.Number:
		// Java writes 401100003 as 4.01100003E8 once it went through a double.
		if f, err := value.Float64(); err == nil && math.Abs(f) < 1<<53 {
			return e.lists(strconv.FormatFloat(f, 'f', -1, 64))
		}
		return e.lists(value.String())
	case string:
		return e.lists(strings.TrimSpace(value))
	}
	return false
}

func (e oracle) lists(code string) bool {
	return slices.ContainsFunc(e.Rejected, func(r string) bool {
		prefix, open := strings.CutSuffix(r, "*")
		return code == r || open && strings.HasPrefix(code, prefix)
	})
}

func splitPath(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, ".")
}

// skipArray reads to the end of the array that dec has just begun.
func skipArray(dec *json.Decoder) error {
	for depth := 1; depth > 0; {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return nil
}

// jsonText is what an envelope is read from.
type jsonText struct {
	*bufio.Reader
	open bool // a value has begun that is not at its end
}

// newJSONText drops a byte order mark, which JSON must not have and some
// servers send (RFC 8259 §8.1).
func newJSONText(r io.Reader) *jsonText {
	text := &jsonText{Reader: bufio.NewReader(r)}
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	return text
}

// Read implements [io.Reader]. It ends in an error where a value is open, lest
// a json.Decoder takes the beginning of a number for the number.
func (t *jsonText) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if err == io.EOF && t.open {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
