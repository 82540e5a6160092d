package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxNesting is how deep a default may hold variables with defaults.
const maxNesting = 10

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

var (
	errNotClosed = errors.New(`holds "${" without its "}": close it, or write "\${" if it is meant as it is`)
	errNoName    = errors.New(`holds a "${" that no variable's name follows: write "\${" if it is meant as it is`)
	errNested    = errors.New("nests defaults too deep")
	errTooLong   = errors.New("expands to more than 1 MiB")
)

// unsetError is a variable that is not there and has no default.
type unsetError struct{ name string }

func (e *unsetError) Error() string {
	return fmt.Sprintf("the environment variable %s is not set, and ${%[1]s:…} gives no default", e.name)
}

// expand replaces ${NAME} and ${NAME:default}. What a variable holds is not
// expanded again.
func expand(text string, environ map[string]string, depth int) (string, error) {
	if depth > maxNesting {
		return "", errNested
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			break
		}
		if literal, ok := strings.CutSuffix(before, `\`); ok {
			b.WriteString(literal + "${")
			text = after
			continue
		}
		b.WriteString(before)
		inner, rest, ok := cutBrace(after)
		if !ok {
			return "", errNotClosed
		}
		value, err := variable(inner, environ, depth)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		if b.Len() > maxSize {
			return "", errTooLong
		}
		text = rest
	}
	return b.String(), nil
}

// variable is the value of what stood between the braces.
func variable(inner string, environ map[string]string, depth int) (string, error) {
	name, byDefault, hasDefault := strings.Cut(inner, ":")
	if !variableName.MatchString(name) {
		return "", errNoName
	}
	if value, ok := environ[name]; ok {
		return value, nil
	}
	if !hasDefault {
		return "", &unsetError{name}
	}
	return expand(byDefault, environ, depth+1)
}

// cutBrace cuts text at the brace that closes the one before it.
func cutBrace(text string) (inner, rest string, ok bool) {
	open := 1
	for i := range len(text) {
		switch text[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return text[:i], text[i+1:], true
			}
		}
	}
	return "", "", false
}

// isReference reports whether text is one ${…} and nothing besides.
func isReference(text string) bool {
	after, ok := strings.CutPrefix(text, "${")
	if !ok {
		return false
	}
	_, rest, ok := cutBrace(after)
	return ok && rest == ""
}
