package config_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/config"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// roundTripFunc stands between a Manager and the emulator.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestASecretThatWasReplacedInItsFileIsPickedUp within the token call that the
// old one was refused in. The path is relative to the configuration's.
func TestASecretThatWasReplacedInItsFileIsPickedUp(t *testing.T) {
	onlyEnviron(t)
	srv := authtest.NewNHN()
	defer srv.Close()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	write(t, secret, "the old one\n")
	write(t, filepath.Join(dir, "app.yml"), "registration:\n  cloud:\n    provider: nhn\n    client_id: "+srv.Credentials().UserAccessKeyID+
		"\n    client_secret_file: ./secret\n    token_uri: "+srv.AuthURL+"/oauth2/token/create\n")
	all, err := config.Load(filepath.Join(dir, "app.yml"))
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	mgr, err := authtrip.NewManager(all, authtrip.WithTokenTransport(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if calls++; calls == 1 { // mounted secrets are replaced by a link to another file
			write(t, secret+".new", srv.Credentials().SecretAccessKey.Reveal()+"\r\n")
			if err := os.Rename(secret+".new", secret); err != nil {
				t.Error(err)
			}
		}
		return srv.Transport().RoundTrip(r)
	})))
	if err != nil {
		t.Fatal(err)
	}
	defer mgr.Close() //nolint:errcheck // it returns nil
	src, err := mgr.Source("cloud")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Token(t.Context()); err != nil || calls != 2 {
		t.Errorf("%d calls, %v", calls, err)
	}
	// A file that has gone is told with its path, which is known to be one.
	if err := os.Remove(secret); err != nil {
		t.Fatal(err)
	}
	if _, _, err := all[0].Credentials(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "client_secret_file "+secret) {
		t.Errorf("without the file: %v", err)
	}
}

func TestARefreshTokensFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "one\n")
	r := parse(t, one("authorization_grant_type: refresh_token", "refresh_token_file: "+path))[0]
	write(t, path, "two\n\n")
	if got, err := r.RefreshToken(t.Context(), ""); err != nil || got.Reveal() != "two\n" {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
	if got, err := r.RefreshToken(t.Context(), "somebody"); err != nil || got.Reveal() != "" {
		t.Errorf("somebody: %q, %v", got.Reveal(), err)
	}
}

func TestASecretFromTheEnvironmentGoesOverTheFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, "in its file")
	byFile := strings.Replace(one(), "client_secret: s3cr3t", "client_secret_file: /is/not/read", 1)
	r := parse(t, byFile, "AUTHTRIP_REGISTRATION_A_CLIENT_SECRET=x")[0]
	if r.Credentials != nil || r.ClientSecret.Reveal() != "x" {
		t.Errorf("got %+v", r)
	}
	r = parse(t, one(), "AUTHTRIP_REGISTRATION_A_CLIENT_SECRET_FILE="+path)[0]
	if id, secret, err := r.Credentials(t.Context()); err != nil || id != "id" || secret.Reveal() != "in its file" {
		t.Errorf("got %s, %q, %v", id, secret.Reveal(), err)
	}
}

func TestLoadSaysWhichFileIsNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.yml")
	if _, err := config.Load(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if _, err := config.Load(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: %v", err)
	}
}
