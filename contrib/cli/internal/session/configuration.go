package session

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/config"
	"github.com/authtrip/authtrip/nhn"
)

const (
	configVariable = "AUTHTRIP_CONFIG"
	configFile     = "oauth2.yml"
)

// Registrations are all that the configuration has. Without any configuration,
// and with NHN Cloud's credentials in the environment, there is one, "nhn".
func (f *Flags) Registrations() ([]authtrip.Registration, error) {
	all, err := f.registrations()
	if err != nil {
		return nil, &ConfigurationError{err}
	}
	return all, nil
}

func (f *Flags) registrations() ([]authtrip.Registration, error) {
	if path := f.path(); path != "" {
		if f.Config == "" && os.Getenv(configVariable) == "" {
			if err := trust(path); err != nil {
				return nil, err
			}
		}
		return config.Load(path)
	}
	if inEnvironment() {
		return config.FromEnv()
	}
	creds, err := nhn.CredentialsFromEnv()
	switch {
	case err == nil:
		return []authtrip.Registration{nhn.Registration(creds)}, nil
	case !nhnInEnvironment():
		return nil, fmt.Errorf("there is no configuration: give --config FILE, set %s, write ./%s, or set NHN_USER_ACCESS_KEY_ID and NHN_SECRET_ACCESS_KEY for NHN Cloud", configVariable, configFile)
	}
	return nil, err
}

// Registration is one of them by its name. Without a name it is the only one.
func (f *Flags) Registration(name string) (authtrip.Registration, error) {
	all, err := f.Registrations()
	if err != nil {
		return authtrip.Registration{}, err
	}
	var names []string
	for _, r := range all {
		if r.ID == name || name == "" && len(all) == 1 {
			return r, nil
		}
		names = append(names, r.ID)
	}
	if name == "" {
		return authtrip.Registration{}, &ChoiceError{fmt.Errorf("there are several registrations: name one of %s", strings.Join(names, ", "))}
	}
	return authtrip.Registration{}, &ChoiceError{fmt.Errorf("there is no registration %q; there are: %s", name, strings.Join(names, ", "))}
}

// Origin says where the configuration comes from.
func (f *Flags) Origin() string {
	switch path := f.path(); {
	case path != "":
		return path
	case inEnvironment():
		return "the environment"
	}
	return "NHN Cloud's credentials in the environment"
}

// path is the configuration's file, or empty.
func (f *Flags) path() string {
	if f.Config != "" {
		return f.Config
	}
	if path := os.Getenv(configVariable); path != "" {
		return path
	}
	if _, err := os.Stat(configFile); !errors.Is(err, os.ErrNotExist) {
		return configFile
	}
	return ""
}

// inEnvironment reports whether the environment has settings of package config.
func inEnvironment() bool {
	return anyVariable("AUTHTRIP_REGISTRATION_", "AUTHTRIP_PROVIDER_", "SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_", "SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_")
}

// nhnInEnvironment reports whether half of NHN Cloud's credentials are there, or
// two pairs that differ: a fault to be told.
func nhnInEnvironment() bool {
	return anyVariable("NHN_USER_ACCESS_KEY_ID", "NHN_SECRET_ACCESS_KEY", "NHNCLOUD_ACCESS_KEY_ID", "NHNCLOUD_SECRET_ACCESS_KEY", "NHN_CLOUD_ACCESS_KEY", "NHN_CLOUD_SECRET_KEY")
}

// anyVariable reports whether a variable begins like one of these, and is not
// empty.
func anyVariable(prefixes ...string) bool {
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		for _, p := range prefixes {
			if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) && strings.TrimSpace(value) != "" {
				return true
			}
		}
	}
	return false
}
