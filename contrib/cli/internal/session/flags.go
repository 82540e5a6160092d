// Package session opens what a command needs: a registration of the library's
// own configuration, and its Source over a cache that the command's runs share.
//
//	var flags session.Flags
//	flags.Bind(cmd.Flags())                       // --config, --user, --cache, --no-cache
//	s, err := flags.Open(name, hooks, policy)     // options of the authtrip package
//	defer s.Close()
//	tok, err := s.Source.Token(ctx)
//
// Errors: a *[ConfigurationError] for what is wrong with the configuration or
// the cache's key, and a *[ChoiceError] for a registration or a user that cannot
// be chosen. None holds a secret.
package session

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authtrip/authtrip"
	"github.com/spf13/pflag"
)

// Flags are what a user says of the session. The zero Flags are the defaults.
// Fill or Bind them, then Open; they are not safe for concurrent use.
type Flags struct {
	// Config is the configuration's file. Empty is $AUTHTRIP_CONFIG, else
	// oauth2.yml in the working directory if there is one, else the environment.
	Config string
	// User is the principal of a user's grant; empty is the principal "".
	User string
	// Cache is the directory of the cache. Empty is authtrip in the user's cache
	// directory.
	Cache string
	// NoCache keeps tokens in this process alone.
	NoCache bool
	// Warn, if set, is told what went wrong and ends nothing: a cache that
	// cannot be written, say. It is one line without a secret, and may come from
	// any goroutine.
	Warn func(text string)
}

// Bind adds the flags to a command's.
func (f *Flags) Bind(flags *pflag.FlagSet) {
	flags.StringVar(&f.Config, "config", "", "configuration `FILE` (default $AUTHTRIP_CONFIG, then ./oauth2.yml, then the environment)")
	flags.StringVar(&f.User, "user", "", "`NAME` of the user whose token it is, for users' grants")
	flags.StringVar(&f.Cache, "cache", "", "`DIR` of the cached tokens (default authtrip in the user's cache directory)")
	flags.BoolVar(&f.NoCache, "no-cache", false, "cache nothing, and use nothing cached")
}

// Session is an open registration.
type Session struct {
	Registration authtrip.Registration
	Source       *authtrip.Source
	manager      *authtrip.Manager
}

// Close closes the Source's Manager, and waits for what has to be saved.
func (s *Session) Close() error { return s.manager.Close() }

// Open opens a registration by its name. Without one there must be one
// registration only. The options come after the session's own, so that Hooks
// given replace those that Warn is told by: call [Flags.Hooks] for them.
func (f *Flags) Open(name string, options ...authtrip.Option) (*Session, error) {
	r, err := f.Registration(name)
	if err != nil {
		return nil, err
	}
	return f.OpenAs(r, options...)
}

// OpenAs is Open for a registration that the caller has, and may have changed.
func (f *Flags) OpenAs(r authtrip.Registration, options ...authtrip.Option) (*Session, error) {
	if f.User != "" && !hasUsers(r) {
		return nil, &ChoiceError{fmt.Errorf("registration %q has no users: its token is the client's own; leave out --user", r.ID)}
	}
	all := []authtrip.Option{f.Hooks()}
	if !f.NoCache {
		cache, err := f.openCache(r)
		if err != nil {
			return nil, &ConfigurationError{err}
		}
		all = append(all, cache...)
	}
	m, err := authtrip.NewManager([]authtrip.Registration{r}, append(all, options...)...)
	if err != nil {
		return nil, &ConfigurationError{err}
	}
	src, err := m.Source(r.ID)
	if hasUsers(r) {
		src, err = m.SourceFor(r.ID, f.User)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &Session{r, src, m}, nil
}

// Hooks are those that Warn is told by, to be filled and given to Open.
func (f *Flags) Hooks() authtrip.Hooks {
	return authtrip.Hooks{
		StoreFailed: func(_ string, err error) { f.warn("the cache: %v", err) },
		StoreChanged: func(err error) {
			if err != nil {
				f.warn("the cache: %v", err)
			}
		},
	}
}

func (f *Flags) warn(format string, args ...any) {
	if f.Warn != nil {
		f.Warn(strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
	}
}

func hasUsers(r authtrip.Registration) bool {
	return slices.Contains([]authtrip.Grant{authtrip.AuthorizationCode, authtrip.RefreshToken}, r.Grant)
}

// ConfigurationError is what is wrong with the configuration. Where there are
// several faults each has a line.
type ConfigurationError struct{ err error }

func (e *ConfigurationError) Error() string { return e.err.Error() }
func (e *ConfigurationError) Unwrap() error { return e.err }

// ChoiceError says that what was asked for is not in the configuration.
type ChoiceError struct{ err error }

func (e *ChoiceError) Error() string { return e.err.Error() }
func (e *ChoiceError) Unwrap() error { return e.err }
