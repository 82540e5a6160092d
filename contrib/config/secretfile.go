package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/authtrip/authtrip"
)

// maxSecret is how long a secret file may be.
const maxSecret = 64 << 10

// readSecret returns a file's content without the line break at its end. Its
// error does not repeat the path: a secret may stand there by mistake.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", withoutPath(err)
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for, and be empty the next time
		return "", errors.New("it is no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", withoutPath(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", withoutPath(err)
	case len(b) > maxSecret:
		return "", fmt.Errorf("it is longer than %d KiB", maxSecret>>10)
	}
	secret := withoutLineBreak(string(b))
	if secret == "" {
		return "", errors.New("it is empty")
	}
	return secret, nil
}

func withoutLineBreak(s string) string {
	if line, ok := strings.CutSuffix(s, "\n"); ok {
		return strings.TrimSuffix(line, "\r")
	}
	return s
}

func withoutPath(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// secretFrom is readSecret for later, when the path is known to be one.
func secretFrom(key, path string) (authtrip.Secret, error) {
	secret, err := readSecret(path)
	if err != nil {
		return authtrip.Secret{}, fmt.Errorf("%s %s: %w", key, path, err)
	}
	return authtrip.NewSecret(secret), nil
}

// credentialsFrom reads the secret anew whenever it is asked, so that one that
// was replaced in the file is picked up.
func credentialsFrom(clientID, path string) func(context.Context) (string, authtrip.Secret, error) {
	return func(context.Context) (string, authtrip.Secret, error) {
		secret, err := secretFrom("client_secret_file", path)
		return clientID, secret, err
	}
}

// refreshTokenFrom gives the one user there is, the principal "", what read
// returns.
func refreshTokenFrom(read func() (authtrip.Secret, error)) func(context.Context, string) (authtrip.Secret, error) {
	return func(_ context.Context, principal string) (authtrip.Secret, error) {
		if principal != "" {
			return authtrip.Secret{}, nil
		}
		return read()
	}
}
