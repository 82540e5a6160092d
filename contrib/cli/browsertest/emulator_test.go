package browsertest

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/cli/internal/emulator"
	"github.com/authtrip/authtrip/contrib/config"
)

// emulate runs "authtrip emulator" nhn or prism until the test ends, and returns
// its address and a client that uses it as its configuration says.
func emulate(t *testing.T, which string, arguments ...string) (base string, client *http.Client) {
	t.Helper()
	base, client, stop := emulateUntil(t, which, arguments...)
	t.Cleanup(stop)
	return base, client
}

// emulateUntil does so until stop is called.
func emulateUntil(t *testing.T, which string, arguments ...string) (base string, client *http.Client, stop func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "emulator.yml")
	ctx, cancel := context.WithCancel(context.Background())
	out, printed := io.Pipe()
	command := emulator.Command()
	command.SetArgs(append([]string{which, "--listen", "127.0.0.1:0", "--quiet", "--config-out", file}, arguments...))
	command.SetOut(printed)
	command.SilenceErrors, command.SilenceUsage = true, true
	done := make(chan error, 1)
	go func() {
		err := command.ExecuteContext(ctx)
		_ = printed.CloseWithError(io.EOF)
		done <- err
	}()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	base, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %v", err, <-done)
	}
	base = strings.TrimSpace(base)

	registrations, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := authtrip.NewManager(registrations)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mgr.Close() })
	return base, &http.Client{Transport: &authtrip.Transport{Source: mgr}}, stop
}

// get calls the API and returns the status.
func get(t *testing.T, client *http.Client, url string) int {
	t.Helper()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // a test
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}
