package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// mainRole has the test's program be the program.
const mainRole = "main"

func TestMain(m *testing.M) {
	if startedAgain() {
		return
	}
	if len(os.Args) > 1 && os.Args[1] == mainRole {
		os.Args = append(os.Args[:1], os.Args[2:]...)
		main()
		return
	}
	os.Exit(m.Run())
}

var small = size{processes: 4, workers: 10}

func TestASmallFleetGoesOnWithoutRedisAndSharesAgain(t *testing.T) {
	t.Parallel()
	err := story(t.Context(), small, []act{
		{"cold start", (*stage).coldStart, 1, inAll},
		{"revocation", (*stage).revocation, 1, inAll},
		{"outage", (*stage).outage, 1, inEach},
		{"recovery", (*stage).recovery, 2, inAll},
		{"revocation", (*stage).revocation, 1, inAll},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestACountThatDiffersIsAnError(t *testing.T) {
	t.Parallel()
	err := story(t.Context(), size{2, 2}, []act{{"cold start", (*stage).coldStart, 2, inAll}})
	if err == nil || !strings.Contains(err.Error(), "cold start: 1 token calls, expected 2") {
		t.Error(err)
	}
}

func TestARequestThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	err := story(t.Context(), size{2, 2}, []act{
		{"cold start", (*stage).coldStart, 1, inAll},
		{"no token to be had", func(s *stage) error {
			s.cloud.Break(authtest.Fault{Status: 400})
			s.cloud.RevokeAll()
			return s.pass(1500 * time.Millisecond) // a request of each worker
		}, 50, inEach},
	})
	if err == nil || !strings.Contains(err.Error(), "requests failed, expected none") || !strings.Contains(err.Error(), "401 Unauthorized") {
		t.Error(err)
	}
}

// What a program starts holds its stderr open for as long as it lives.
func TestNoProcessOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	cmd := again(t, "-processes", "3", "-workers", "2")
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir()) // a killed program leaves files
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	left, held, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = held
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = held.Close()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "cold start") {
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := left.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(left)
	if err != nil || len(said) > 0 {
		t.Errorf("somebody lives: %v; said %q", err, said)
	}
	_ = cmd.Wait()
}

func TestWithoutRedisTheProgramSaysHowToGetIt(t *testing.T) {
	t.Parallel()
	cmd := again(t)
	cmd.Env = append(os.Environ(), "PATH=")
	said, err := cmd.CombinedOutput()
	if ended, ok := errors.AsType[*exec.ExitError](err); !ok || ended.ExitCode() != 2 || !strings.Contains(string(said), "apt-get install redis-server") {
		t.Errorf("%v: %s", err, said)
	}
}

// again is the program, with arguments.
func again(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(self, append([]string{mainRole}, args...)...)
}
