//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package authtrip_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// process is another one, of the same login.
type process struct {
	cmd   *exec.Cmd
	in    io.Writer
	out   *bufio.Scanner
	ended chan struct{} // closed when it has
}

func startProcess(t *testing.T, p part) *process {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	test, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), partOf+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started := &process{cmd, in, bufio.NewScanner(out), make(chan struct{})}
	go func() {
		_, _ = cmd.Process.Wait()
		close(started.ended)
	}()
	t.Cleanup(func() {
		started.kill()
		_, _ = in.Close(), out.Close()
	})
	return started
}

func (p *process) tell(t *testing.T, what string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, what); err != nil {
		t.Fatal(err)
	}
}

// mustAnswer waits for a line, and wants it to begin so.
func (p *process) mustAnswer(t *testing.T, want string) {
	t.Helper()
	if !p.out.Scan() {
		t.Fatalf("a process ended, want that it says %q", want)
	}
	if got := p.out.Text(); !strings.HasPrefix(got, want) {
		t.Fatalf("a process said %q, want %q", got, want)
	}
}

// mustDie waits until it is dead, and expects that it said nothing before.
func (p *process) mustDie(t *testing.T) {
	t.Helper()
	for p.out.Scan() {
		t.Errorf("a process that was to be killed said %q", p.out.Text())
		p.kill()
	}
	<-p.ended
}

// kill ends it by SIGKILL, and returns when it is dead.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// onLoopback serves it on a real network, and the API at /api.
func (s *server) onLoopback(t *testing.T) string {
	t.Helper()
	api := s.api()
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var to http.RoundTripper = s
		if r.URL.Path == "/api" {
			to = api
		}
		res, err := to.RoundTrip(r)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	t.Cleanup(served.Close)
	return served.URL
}

// hasty is the Policy of processes that are killed: nobody waits for them for
// longer than hastyIntent.
var hasty = authtrip.Policy{FetchTimeout: 500 * time.Millisecond}

const hastyIntent = 2*500*time.Millisecond + 5*time.Second

// managerAt is one of the server's users, over an encrypted Store.
func managerAt(t *testing.T, server string, store authtrip.Store, o ...authtrip.Option) *authtrip.Manager {
	t.Helper()
	r := user(func(r *authtrip.Registration) {
		r.TokenEndpoint.URL, r.RevocationEndpoint.URL = server+"/token", server+"/revoke"
	})
	m, err := authtrip.NewManager([]authtrip.Registration{r}, append([]authtrip.Option{authtrip.WithStore(store), sealedBy(1)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// askAt asks the API on loopback whose token it gets.
func askAt(server string, src *authtrip.Source) (string, error) {
	client := &http.Client{Transport: &authtrip.Transport{Source: src}}
	res, err := client.Get(server + "/api")
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	var who struct{ User string }
	if res.StatusCode != http.StatusOK {
		return res.Status, nil
	}
	return who.User, errors.Join(json.NewDecoder(res.Body).Decode(&who), res.Body.Close())
}
