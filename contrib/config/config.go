package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/authtrip/authtrip"
)

// maxSize is how long a file may be, and a value after its expansion.
const maxSize = 1 << 20

// Load reads the YAML file at path, with the process's environment over it,
// and returns what [authtrip.NewManager] takes, in the file's order. All
// faults come in one error, each with its line; it holds no secret. The secret
// files that are named are read too, to see that they can be.
func Load(path string) ([]authtrip.Registration, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return Parse(path, data, os.Environ())
}

// Parse is Load for a file's content that came another way. Name stands for
// the file in errors, and paths of secret files are relative to its directory.
// Environ is in the form of [os.Environ]; nil is an empty environment.
func Parse(name string, data []byte, environ []string) ([]authtrip.Registration, error) {
	c := newCollection(environ)
	c.dir = filepath.Dir(name)
	if !c.readFile(name, data) {
		return nil, c.faults.err() // what is missing would only follow from that
	}
	c.readEnviron()
	return c.registrations()
}

// FromEnv returns the registrations that the process's environment describes
// by itself, in the order of their variables' names. None is an error. Paths of
// secret files are relative to the working directory.
func FromEnv() ([]authtrip.Registration, error) {
	c := newCollection(os.Environ())
	c.readEnviron()
	if len(c.groups) == 0 && c.faults.none() {
		c.faults.add(place{}, "no registration in it: set %[1]s<ID>_CLIENT_ID, %[1]s<ID>_CLIENT_SECRET, %[1]s<ID>_PROVIDER or %[1]s<ID>_TOKEN_URI", environPrefixes[0].text)
	}
	return c.registrations()
}
