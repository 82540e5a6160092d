package session_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/cli/internal/session"
)

// home gives the test a home, a working directory and an environment of its own.
func home(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		for _, prefix := range []string{"AUTHTRIP_", "SPRING_", "NHN"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "")
			}
		}
	}
	for name, sub := range map[string]string{"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"} {
		t.Setenv(name, filepath.Join(dir, sub))
	}
	t.Chdir(dir)
	return dir
}

// write writes a configuration of the emulator's client.
func write(t *testing.T, path string, cloud *authtest.NHN, ids ...string) {
	t.Helper()
	c := cloud.Credentials()
	var b strings.Builder
	b.WriteString("registration:\n")
	for _, id := range ids {
		fmt.Fprintf(&b, "  %s:\n    provider: nhn\n    client_id: %s\n    client_secret: %s\n    token_uri: %s/oauth2/token/create\n    revocation_uri: %s/oauth2/token/revoke\n",
			id, c.UserAccessKeyID, c.SecretAccessKey.Reveal(), cloud.AuthURL, cloud.AuthURL)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// token opens, gets a token and closes, as a run of the command does.
func token(t *testing.T, f session.Flags, name string) string {
	t.Helper()
	s, err := f.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := s.Source.Token(t.Context())
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return tok.AccessToken()
}

func TestTheConfigurationIsFoundInOrder(t *testing.T) {
	dir := home(t)
	cloud := authtest.NewNHN()
	defer cloud.Close()
	names := func(f session.Flags) string {
		all, err := f.Registrations()
		if err != nil {
			return err.Error()
		}
		var ids []string
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return f.Origin() + ": " + strings.Join(ids, " ")
	}
	step := func(want string, f session.Flags) {
		t.Helper()
		if got := names(f); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	step("there is no configuration: give --config FILE", session.Flags{})
	t.Setenv("NHN_USER_ACCESS_KEY_ID", "id")
	step("NHN_SECRET_ACCESS_KEY is not", session.Flags{})
	t.Setenv("NHN_SECRET_ACCESS_KEY", "secret")
	step("NHN Cloud's credentials in the environment: nhn", session.Flags{})
	t.Setenv("AUTHTRIP_REGISTRATION_MINE_PROVIDER", "nhn")
	step("environment: registration.mine: client_id is missing", session.Flags{})
	t.Setenv("AUTHTRIP_REGISTRATION_MINE_CLIENT_ID", "id")
	t.Setenv("AUTHTRIP_REGISTRATION_MINE_CLIENT_SECRET", "secret")
	step("the environment: mine", session.Flags{})
	write(t, "oauth2.yml", cloud, "here")
	step("oauth2.yml: here mine", session.Flags{})
	write(t, "variable.yml", cloud, "there")
	t.Setenv("AUTHTRIP_CONFIG", filepath.Join(dir, "variable.yml"))
	step("variable.yml: there mine", session.Flags{})
	write(t, "flag.yml", cloud, "given")
	step("flag.yml: given mine", session.Flags{Config: "flag.yml"})
	step("no such file", session.Flags{Config: "missing.yml"})
}

func TestAChoiceThatCannotBeMadeSaysWhatThereIs(t *testing.T) {
	home(t)
	cloud := authtest.NewNHN()
	defer cloud.Close()
	write(t, "oauth2.yml", cloud, "one", "two")
	for name, want := range map[string]string{"": "name one of one, two", "three": `no registration "three"; there are: one, two`} {
		_, err := new(session.Flags).Open(name)
		if choice, ok := errors.AsType[*session.ChoiceError](err); !ok || !strings.Contains(choice.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := (&session.Flags{User: "kim"}).Open("one"); err == nil || !strings.Contains(err.Error(), "leave out --user") {
		t.Error(err)
	}
	write(t, "oauth2.yml", cloud, "sole")
	if token(t, session.Flags{}, "") == "" {
		t.Error("the only one is not chosen")
	}
}

func TestRunsShareATokenThroughTheCache(t *testing.T) {
	dir := home(t)
	cloud := authtest.NewNHN()
	defer cloud.Close()
	write(t, "oauth2.yml", cloud, "nhn")
	first := token(t, session.Flags{}, "nhn")
	if second := token(t, session.Flags{}, "nhn"); second != first || cloud.Counts().TokenCalls != 1 {
		t.Errorf("%d token calls", cloud.Counts().TokenCalls)
	}
	if token(t, session.Flags{NoCache: true}, "nhn") == first || token(t, session.Flags{Cache: filepath.Join(dir, "other")}, "nhn") == first {
		t.Error("the cache was used where it should not be")
	}
	// Sealed, and for nobody else.
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.Contains(path, "cache") {
			return err
		}
		info, err := d.Info()
		if err == nil && runtime.GOOS != "windows" && path != filepath.Join(dir, "cache") && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		if d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), first) {
			t.Errorf("%s has the token as it is", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A login is found by its registration's name, and a file in another directory
// may have one of that name at a server of its own.
func TestAnotherServersRegistrationOfTheSameNameHasItsOwnCache(t *testing.T) {
	dir := home(t)
	count := func() int {
		found, _ := filepath.Glob(filepath.Join(dir, "cache", "authtrip", "*", "*.record"))
		return len(found)
	}
	for i := range 2 {
		cloud := authtest.NewNHN()
		defer cloud.Close()
		write(t, "oauth2.yml", cloud, "nhn")
		token(t, session.Flags{}, "nhn")
		if found, _ := filepath.Glob(filepath.Join(dir, "cache", "authtrip", "*")); len(found) != i+1 || count() != i+1 {
			t.Errorf("%d directories, %d records", len(found), count())
		}
	}
}

func TestTheKeyIsTheOwnersAlone(t *testing.T) {
	dir := home(t)
	cloud := authtest.NewNHN()
	defer cloud.Close()
	write(t, "oauth2.yml", cloud, "nhn")
	token(t, session.Flags{}, "nhn")
	path := filepath.Join(dir, "config", "authtrip", "cache.key")
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Fatal(err, info)
	}
	key, _ := os.ReadFile(path)
	fails := func(name, want string) {
		t.Helper()
		_, err := new(session.Flags).Open("nhn")
		if _, ok := errors.AsType[*session.ConfigurationError](err); !ok || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), strings.TrimSpace(string(key))) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if runtime.GOOS != "windows" {
		_ = os.Chmod(path, 0o640)
		fails("readable by the group", "chmod 600")
		_ = os.Chmod(path, 0o600)
	}
	_ = os.WriteFile(path, key[:20], 0o600)
	fails("cut off", "is no key")
}

func TestOfTwoFirstRunsOneMakesTheKey(t *testing.T) {
	home(t)
	cloud := authtest.NewNHN()
	defer cloud.Close()
	write(t, "oauth2.yml", cloud, "nhn")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := (&session.Flags{Warn: func(text string) { t.Error(text) }}).Open("nhn")
			if err != nil {
				t.Error(err)
				return
			}
			_, err = s.Source.Token(t.Context())
			if err := errors.Join(err, s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// All can open what any sealed: the next run makes no call.
	calls := cloud.Counts().TokenCalls
	token(t, session.Flags{}, "nhn")
	if cloud.Counts().TokenCalls != calls {
		t.Error("the runs had different keys")
	}
}

func TestACacheThatCannotBeWrittenCostsAWarning(t *testing.T) {
	dir := home(t)
	cloud := authtest.NewNHN()
	defer cloud.Close()
	write(t, "oauth2.yml", cloud, "nhn")
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]session.Flags{"the cache": {Cache: blocked}, "the key": {}} {
		var warnings []string
		f.Warn = func(text string) { warnings = append(warnings, text) }
		if name == "the key" {
			t.Setenv("XDG_CONFIG_HOME", blocked)
		}
		if token(t, f, "nhn") == "" || len(warnings) != 1 || !strings.Contains(warnings[0], "nothing is cached") {
			t.Errorf("%s: %q", name, warnings)
		}
	}
}

func TestABrokenCacheFileIsWrittenAnew(t *testing.T) {
	dir := home(t)
	cloud := authtest.NewNHN()
	defer cloud.Close()
	write(t, "oauth2.yml", cloud, "nhn")
	token(t, session.Flags{}, "nhn")
	files, _ := filepath.Glob(filepath.Join(dir, "cache", "authtrip", "*", "*.record"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	if err := os.WriteFile(files[0], []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var warnings []string
	f := session.Flags{Warn: func(text string) { mu.Lock(); defer mu.Unlock(); warnings = append(warnings, text) }}
	second := token(t, f, "nhn")
	if len(warnings) != 1 || !strings.Contains(warnings[0], "no record") {
		t.Errorf("%q", warnings)
	}
	if third := token(t, session.Flags{}, "nhn"); third != second || cloud.Counts().TokenCalls != 2 {
		t.Errorf("%d token calls", cloud.Counts().TokenCalls)
	}
}
