package nhn

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/authtrip/authtrip"
)

// Credentials are a User Access Key, made in the console under the account's
// API Security Settings. They print without the secret.
type Credentials struct {
	UserAccessKeyID string
	SecretAccessKey authtrip.Secret
}

// families are the pairs of variables that hold credentials: ours, then those
// that other NHN Cloud tools read.
var families = [][2]string{
	{"NHN_USER_ACCESS_KEY_ID", "NHN_SECRET_ACCESS_KEY"},
	{"NHNCLOUD_ACCESS_KEY_ID", "NHNCLOUD_SECRET_ACCESS_KEY"},
	{"NHN_CLOUD_ACCESS_KEY", "NHN_CLOUD_SECRET_KEY"},
}

// CredentialsFromEnv reads NHN_USER_ACCESS_KEY_ID and NHN_SECRET_ACCESS_KEY,
// or NHNCLOUD_ACCESS_KEY_ID and NHNCLOUD_SECRET_ACCESS_KEY, or
// NHN_CLOUD_ACCESS_KEY and NHN_CLOUD_SECRET_KEY. Both halves come from one
// pair; two complete pairs that differ are an error, as is none. White space
// around a value is dropped.
func CredentialsFromEnv() (Credentials, error) {
	var found Credentials
	var from [2]string
	var halves []string
	for _, f := range families {
		id, secret := env(f[0]), env(f[1])
		switch {
		case id == "" && secret == "":
		case secret == "":
			halves = append(halves, fmt.Sprintf("%s is set and %s is not", f[0], f[1]))
		case id == "":
			halves = append(halves, fmt.Sprintf("%s is set and %s is not", f[1], f[0]))
		case from == [2]string{}:
			found, from = Credentials{id, authtrip.NewSecret(secret)}, f
		case id != found.UserAccessKeyID || secret != found.SecretAccessKey.Reveal():
			return Credentials{}, fmt.Errorf("nhn: %s and %s differ from %s and %s: unset one pair", from[0], from[1], f[0], f[1])
		}
	}
	switch {
	case from != [2]string{}:
		return found, nil
	case halves != nil:
		return Credentials{}, fmt.Errorf("nhn: credentials are incomplete: %s", strings.Join(halves, "; "))
	}
	var pairs []string
	for _, f := range families {
		pairs = append(pairs, f[0]+" and "+f[1])
	}
	return Credentials{}, errors.New("nhn: no credentials in the environment: set " + strings.Join(pairs, ", or "))
}

func env(name string) string { return strings.TrimSpace(os.Getenv(name)) }
