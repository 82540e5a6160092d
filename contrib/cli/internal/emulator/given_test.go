package emulator_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/cli/internal/emulator"
	"github.com/authtrip/authtrip/contrib/config"
)

// running is "authtrip emulator" while it runs.
type running struct {
	*testing.T
	base   string
	config string // the file that --config-out wrote
	// stop ends it and waits for that.
	stop func()
}

// given runs "authtrip emulator" with arguments until the test ends.
func given(t *testing.T, which string, arguments ...string) *running {
	t.Helper()
	x := &running{T: t, config: filepath.Join(t.TempDir(), "emulator.yml")}
	ctx, cancel := context.WithCancel(context.Background())
	out, printed := io.Pipe()
	command := emulator.Command()
	command.SetArgs(append([]string{which, "--listen", "127.0.0.1:0", "--quiet", "--config-out", x.config}, arguments...))
	command.SetOut(printed)
	command.SilenceErrors, command.SilenceUsage = true, true
	done := make(chan error, 1)
	go func() {
		err := command.ExecuteContext(ctx)
		_ = printed.Close()
		done <- err
	}()
	x.stop = func() {
		cancel()
		if err, ok := <-done; ok && err != nil {
			t.Error(err)
		} else if ok {
			close(done)
		}
	}
	t.Cleanup(x.stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %v", err, <-done)
	}
	x.base = strings.TrimSpace(line)
	return x
}

// refused runs "authtrip emulator" with arguments that it does not take, and
// returns the error.
func refused(t *testing.T, arguments ...string) string {
	t.Helper()
	command := emulator.Command()
	command.SetArgs(arguments)
	command.SetOut(io.Discard)
	command.SilenceErrors, command.SilenceUsage = true, true
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := command.ExecuteContext(ctx)
	if err == nil {
		t.Errorf("%q is taken", arguments)
		return ""
	}
	return err.Error()
}

// client uses the emulator as the configuration says.
func (x *running) client() *http.Client {
	x.Helper()
	registrations, err := config.Load(x.config)
	if err != nil {
		text, _ := os.ReadFile(x.config)
		x.Fatalf("%v\n%s", err, text)
	}
	mgr, err := authtrip.NewManager(registrations)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = mgr.Close() })
	return &http.Client{Transport: &authtrip.Transport{Source: mgr}}
}

// send makes a request, whose path may begin at the emulator's address.
func (x *running) send(client *http.Client, method, at string, header http.Header, body string) (*http.Response, string) {
	x.Helper()
	if strings.HasPrefix(at, "/") {
		at = x.base + at
	}
	req, err := http.NewRequest(method, at, strings.NewReader(body))
	if err != nil {
		x.Fatal(err)
	}
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Host = header.Get("Host")
	res, err := client.Do(req)
	if err != nil {
		x.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // a test
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		x.Fatal(err)
	}
	return res, b.String()
}

// plain follows no redirect and adds no token.
var plain = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (x *running) get(at string, header http.Header) (*http.Response, string) {
	x.Helper()
	return x.send(plain, http.MethodGet, at, header, "")
}

// throw posts a form of the page's and returns status and text.
func (x *running) throw(action string, form url.Values, header http.Header) (int, string) {
	x.Helper()
	h := header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	res, text := x.send(plain, http.MethodPost, "/_emulator/"+action, h, form.Encode())
	return res.StatusCode, text
}

// issue asks for a token of NHN Cloud's by hand.
func (x *running) issue() (*http.Response, string) {
	x.Helper()
	req, err := http.NewRequest(http.MethodPost, x.base+"/oauth2/token/create", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		x.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("emulated-key-id", "emulated+secret/=&%")
	res, err := plain.Do(req)
	if err != nil {
		x.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // a test
	b, err := io.ReadAll(res.Body)
	if err != nil {
		x.Fatal(err)
	}
	return res, string(b)
}

func (x *running) page() string {
	x.Helper()
	res, text := x.get("/_emulator/", nil)
	if res.StatusCode != http.StatusOK {
		x.Fatalf("%s %s", res.Status, text)
	}
	return text
}
