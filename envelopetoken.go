package authtrip

import "strings"

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// kindOf returns what a JSON token that begins with c may be.
func kindOf(c byte) kinds {
	switch c {
	case '"':
		return aName | aValue
	case ':':
		return aColon
	case ',':
		return aComma
	case '}', ']':
		return anEnd
	}
	return aValue
}

// tokenLen returns the length of the JSON token that rest begins with, 0 when
// its end has not come, and -1 when there is none. A number may go on where
// rest ends, unless that is the end of all.
func tokenLen(rest []byte, ended bool) int {
	switch rest[0] {
	case '{', '}', '[', ']', ':', ',':
		return 1
	case '"':
		return stringLen(rest)
	case 't':
		return wordLen(rest, "true")
	case 'f':
		return wordLen(rest, "false")
	case 'n':
		return wordLen(rest, "null")
	}
	return numberLen(rest, ended)
}

func wordLen(rest []byte, word string) int {
	rest = rest[:min(len(rest), len(word))]
	switch {
	case string(rest) == word:
		return len(word)
	case strings.HasPrefix(word, string(rest)):
		return 0
	}
	return -1
}

func stringLen(rest []byte) int {
	for i := 1; i < len(rest); {
		switch c := rest[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c != '\\':
			i++
		default:
			n := escapeLen(rest[i:])
			if n <= 0 {
				return n
			}
			i += n
		}
	}
	return 0
}

func escapeLen(rest []byte) int {
	switch {
	case len(rest) < 2:
		return 0
	case rest[1] != 'u':
		if strings.IndexByte(`"\/bfnrt`, rest[1]) < 0 {
			return -1
		}
		return 2
	}
	for i := 2; i < 6; i++ {
		switch {
		case i == len(rest):
			return 0
		case strings.IndexByte("0123456789abcdefABCDEF", rest[i]) < 0:
			return -1
		}
	}
	return 6
}

func numberLen(rest []byte, ended bool) int {
	i := 0
	is := func(some string) bool { return i < len(rest) && strings.IndexByte(some, rest[i]) >= 0 }
	digits := func() (any bool) {
		for ; is("0123456789"); i++ {
			any = true
		}
		return any
	}
	if is("-") {
		i++
	}
	whole := true
	if is("0") {
		i++
	} else {
		whole = digits()
	}
	if whole && is(".") {
		i++
		whole = digits()
	}
	if whole && is("eE") {
		if i++; is("+-") {
			i++
		}
		whole = digits()
	}
	switch {
	case i == len(rest) && !(whole && ended):
		return 0
	case !whole:
		return -1
	}
	return i
}
