package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// place is where something was written: a line of a file, or a variable. The
// zero place is the environment as a whole.
type place struct {
	file     string
	line     int
	variable string
}

func (p place) String() string {
	switch {
	case p.variable != "":
		return p.variable
	case p.file == "":
		return "environment"
	case p.line == 0:
		return p.file
	}
	return p.file + ":" + strconv.Itoa(p.line)
}

// on is another line of the same file; a variable has none.
func (p place) on(line int) place {
	if p.variable == "" {
		p.line = line
	}
	return p
}

// number is the line alone.
func (p place) number() string { return strconv.Itoa(p.line) }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(q.file, p.file), cmp.Compare(p.line, q.line), cmp.Compare(p.variable, q.variable))
}

type fault struct {
	at   place
	text string
}

// faults are what is wrong, found in any order.
type faults struct {
	all     []fault
	secrets []string // appear in no error, wherever they were copied to
}

// maxFaults are as many as anybody reads; twenty times as many are looked for,
// to show the first ones.
const maxFaults = 50

func (f *faults) none() bool { return len(f.all) == 0 }

// enough reports whether to look for no more.
func (f *faults) enough() bool { return len(f.all) >= 20*maxFaults }

func (f *faults) add(at place, format string, args ...any) {
	found := fault{at, fmt.Sprintf(format, args...)}
	// A provider's fault is found again for each registration that uses it.
	if !f.enough() && !slices.Contains(f.all, found) {
		f.all = append(f.all, found)
	}
}

// hide keeps a secret out of the error.
func (f *faults) hide(secret string) {
	if len(secret) < 4 { // it would be found in every other word
		return
	}
	quoted := strconv.Quote(secret)
	f.secrets = append(f.secrets, secret, quoted[1:len(quoted)-1])
}

// err is all faults in the order of their places, or nil.
func (f *faults) err() error {
	slices.SortStableFunc(f.all, func(a, b fault) int { return a.at.compare(b.at) })
	// The longest first: of a secret that begins with another no end is left.
	slices.SortFunc(f.secrets, func(a, b string) int { return len(b) - len(a) })
	var errs []error
	for i, found := range f.all {
		if i == maxFaults {
			errs = append(errs, errors.New("and more faults: mend these first"))
			break
		}
		text := found.at.String() + ": " + found.text
		for _, s := range f.secrets {
			text = strings.ReplaceAll(text, s, "[redacted]")
		}
		errs = append(errs, errors.New(text))
	}
	return errors.Join(errs...)
}

// plain reports whether text is a name that an error may repeat as it is.
// Anything else may be a value that lost its key.
func plain(text string) bool {
	return text != "" && len(text) <= 64 && !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", r)
	})
}

// shown is a name or a word in an error.
func shown(text string) string {
	if plain(text) {
		return strconv.Quote(text)
	}
	return "(not shown)"
}
