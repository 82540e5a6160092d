package authtrip

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

var byteOrderMark = []byte("\ufeff")

// search looks through the beginning of a JSON text, as much as has come, for
// what an envelope says. It keeps no bytes and allocates nothing, but for a
// string with escapes where a name or a code is looked for.
type search struct {
	rule    *envelopeRule
	at      int   // text[:at] has been read, to the end of a token
	may     kinds // what may come next
	objects int   // so many are open, without those in arrays

	success, code trail
	failed, coded bool // what is known so far

	// Of what is open in the outermost array, itself included, one bit each
	// says which are objects.
	nested int
	object [envelopeLimit / 64]uint64 // what is above nested means nothing
}

// kinds is a set of kinds of JSON tokens.
type kinds uint8

const (
	aName kinds = 1 << iota
	aColon
	aValue // or what begins one
	aComma
	anEnd // of what was opened last
)

// begin begins anew.
func (s *search) begin(r *envelopeRule) {
	s.rule, s.at, s.may, s.objects, s.nested = r, 0, aValue, 0, 0
	s.success, s.code = trail{path: r.success, here: true}, trail{path: r.code, here: true}
	s.failed, s.coded = r.success == nil, false
}

// read reads on to where it is decided; findingNone means that more is needed.
// Each time it is given the whole text, to its end if ended says so.
func (s *search) read(text []byte, ended bool) finding {
	if s.at == 0 { // a mark is not JSON, and some servers send it (RFC 8259 §8.1)
		switch {
		case bytes.HasPrefix(text, byteOrderMark):
			s.at = len(byteOrderMark)
		case bytes.HasPrefix(byteOrderMark, text):
			return findingNone
		}
	}
	for {
		for s.at < len(text) && isSpace(text[s.at]) {
			s.at++
		}
		if s.at == len(text) {
			return findingNone
		}
		rest := text[s.at:]
		if s.may&kindOf(rest[0]) == 0 {
			return findingBroken
		}
		n := tokenLen(rest, ended && s.objects == 0)
		if n == 0 {
			return findingNone
		}
		if n < 0 {
			return findingBroken
		}
		s.at += n
		if found := s.take(rest[:n]); found != findingNone {
			return found
		}
	}
}

// take goes on by one token, of which the kind may come.
func (s *search) take(token []byte) finding {
	inObject := s.nested == 0 || s.object[(s.nested-1)/64]>>((s.nested-1)%64)&1 == 1
	switch token[0] {
	case ',':
		s.may = aValue
		if inObject {
			s.may = aName
		}
	case ':':
		s.may = aValue
	case '{':
		s.may = aName | anEnd
		if s.nested > 0 {
			s.nest(1)
			break
		}
		s.objects++
		s.success.enter()
		s.code.enter()
	case '[':
		if s.objects == 0 {
			return findingAccepted // it is no envelope
		}
		s.may = aValue | anEnd
		s.nest(0)
	case '}', ']':
		if inObject != (token[0] == '}') {
			return findingBroken
		}
		s.may = aComma | anEnd
		if s.nested > 0 {
			s.nested--
			break
		}
		success, code := s.success.leave(s.objects), s.code.leave(s.objects)
		if s.objects--; s.objects == 0 || code && (success || s.rule.success == nil) {
			return findingAccepted // it would have been said there
		}
	default:
		if s.may&aName != 0 {
			s.may = aColon
			if s.nested == 0 {
				s.success.name(s.objects, token)
				s.code.name(s.objects, token)
			}
			break
		}
		s.may = aComma | anEnd
		if s.nested == 0 {
			return s.scalar(token)
		}
	}
	return findingNone
}

// nest opens an array, 0, or an object in one, 1.
func (s *search) nest(object uint64) {
	word, bit := &s.object[s.nested/64], s.nested%64
	*word = *word&^(1<<bit) | object<<bit
	s.nested++
}

// scalar takes a value that is neither object nor array, nor in an array.
func (s *search) scalar(token []byte) finding {
	if s.objects == 0 {
		return findingAccepted // it is no envelope
	}
	if s.success.at(s.objects) {
		if s.failed = string(token) == "false"; !s.failed {
			return findingAccepted
		}
	}
	if s.code.at(s.objects) {
		if s.coded = s.rule.rejects(token); !s.coded {
			return findingAccepted
		}
	}
	if s.failed && s.coded {
		return findingRejected
	}
	return findingNone
}

// trail follows one path into nested objects.
type trail struct {
	path []string
	in   int  // of the open objects so many are on the path, from the first
	here bool // the next value is, too
}

func (t *trail) enter() {
	if t.here {
		t.in++
	}
}

// name reads a member's name in the innermost of so many objects.
func (t *trail) name(objects int, token []byte) {
	t.here = t.in == objects && objects <= len(t.path) && is(token, t.path[objects-1])
}

// at reports whether the path ends at the next value.
func (t *trail) at(objects int) bool { return t.here && objects == len(t.path) }

// leave ends the innermost object, and reports whether the path's end belongs
// in there.
func (t *trail) leave(objects int) bool {
	if t.in < objects {
		return false
	}
	t.in--
	return objects == len(t.path)
}

// rejects reports whether a code, as JSON has it, is one that rejects.
func (r *envelopeRule) rejects(token []byte) bool {
	switch token[0] {
	case 't', 'f', 'n':
		return false
	case '"':
		return r.lists(bytes.TrimSpace(unquote(token)))
	}
	// Java writes 401100003 as 4.01100003E8 once it went through a double.
	if f, err := strconv.ParseFloat(string(token), 64); err == nil && math.Abs(f) < 1<<53 {
		var digits [24]byte
		return r.lists(strconv.AppendFloat(digits[:0], f, 'f', -1, 64))
	}
	return r.lists(token)
}

func (r *envelopeRule) lists(code []byte) bool {
	for _, rejected := range r.rejected {
		prefix, open := strings.CutSuffix(rejected, "*")
		if string(code) == rejected || open && len(code) >= len(prefix) && string(code[:len(prefix)]) == prefix {
			return true
		}
	}
	return false
}

// is reports whether token, a JSON string, is text.
func is(token []byte, text string) bool { return string(unquote(token)) == text }

// unquote returns what token, a JSON string, stands for.
func unquote(token []byte) []byte {
	inner := token[1 : len(token)-1]
	plain := true
	for _, c := range inner {
		plain = plain && c < utf8.RuneSelf && c != '\\'
	}
	if plain || bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	var text string
	_ = json.Unmarshal(token, &text) // is known to be one
	return []byte(text)
}
