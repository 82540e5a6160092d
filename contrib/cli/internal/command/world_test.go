package command_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/cli/internal/command"
)

// world is a home, a working directory with a configuration, and emulators that
// it points at.
type world struct {
	t     *testing.T
	dir   string
	cloud *authtest.NHN
	live  *authtest.PRISM
	// secrets may be in no output but the token's own.
	secrets []string
}

func newWorld(t *testing.T, live ...authtest.Option) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), cloud: authtest.NewNHN(authtest.Services()), live: authtest.NewPRISM(live...)}
	t.Cleanup(w.cloud.Close)
	t.Cleanup(w.live.Close)
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		for _, prefix := range []string{"AUTHTRIP_", "SPRING_", "NHN"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "")
			}
		}
	}
	t.Setenv("HOME", w.dir)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(w.dir, "config"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(w.dir, "cache"))
	t.Chdir(w.dir)
	c, p := w.cloud.Credentials(), w.live.Client()
	t.Setenv("NHN_SECRET", c.SecretAccessKey.Reveal())
	t.Setenv("PRISM_SECRET", p.ClientSecret.Reveal())
	w.secrets = []string{c.SecretAccessKey.Reveal(), p.ClientSecret.Reveal()}
	w.configure("")
	return w
}

// configure writes oauth2.yml: the emulators' registrations, with more lines for
// NHN Cloud's.
func (w *world) configure(more ...string) {
	w.t.Helper()
	p := w.live.Client()
	w.write("oauth2.yml", fmt.Sprintf(`registration:
  nhn:
    client_id: %s
    client_secret: ${NHN_SECRET}
    token_uri: %[2]s/oauth2/token/create
    revocation_uri: %[2]s/oauth2/token/revoke
    origins: [%[3]s]
%[4]s
  prism:
    client_id: %[5]s
    client_secret: ${PRISM_SECRET}
    service_api_domain: %[6]s
    service_id: %[7]s
`, w.cloud.Credentials().UserAccessKeyID, w.cloud.AuthURL, w.cloud.APIURL, strings.Join(more, "\n"), p.ClientID, p.ServiceAPIDomain, p.ServiceID))
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// result is what a run came to.
type result struct {
	code      int
	out, errs string
}

func (w *world) run(args ...string) result { return w.runWith("", args...) }

// runWith is run with a standard input. No output shows a secret.
func (w *world) runWith(in string, args ...string) result {
	w.t.Helper()
	var out, errs bytes.Buffer
	code := command.Run(args, strings.NewReader(in), &out, &errs)
	r := result{code, out.String(), errs.String()}
	for _, s := range w.secrets {
		if strings.Contains(r.out+r.errs, s) {
			w.t.Errorf("%v shows a secret: %s%s", args, r.out, r.errs)
		}
	}
	return r
}

// want runs, and checks the exit code and the parts of what is printed, those
// that begin with "!" not to be there.
func (w *world) want(code int, args []string, parts ...string) result {
	w.t.Helper()
	r := w.run(args...)
	r.check(w.t, args, code, parts...)
	return r
}

func (r result) check(t *testing.T, what any, code int, parts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("%v: exit code %d, want %d\n%s%s", what, r.code, code, r.out, r.errs)
	}
	for _, part := range parts {
		absent, not := strings.CutPrefix(part, "!")
		if not == strings.Contains(r.out+r.errs, absent) {
			t.Errorf("%v: want %q\n%s%s", what, part, r.out, r.errs)
		}
	}
}

func args(line string) []string { return strings.Fields(line) }
