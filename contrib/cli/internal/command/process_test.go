package command_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// environ is as it was before any test changed it: go build keeps what it has
// built in the home.
var environ = os.Environ()

var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	keepNoResults()
	os.Exit(code)
}

// binary builds the command, once.
func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "authtrip"); built.err != nil {
			return
		}
		_, file, _, _ := runtime.Caller(0)
		cmd := exec.Command("go", "build", "-o", filepath.Join(built.dir, "authtrip"), "./authtrip")
		cmd.Dir = filepath.Join(filepath.Dir(file), "..", "..")
		cmd.Env = environ
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = errors.New(string(out))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "authtrip")
}

func (w *world) process(line string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	cmd = exec.Command(binary(w.t), args(line)...)
	cmd.Dir = w.dir
	out, errs = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd, out, errs
}

func TestProcessesShareATokenFromTheFirstRunOn(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	outs := make([]*bytes.Buffer, 4)
	binary(t)
	for i := range outs {
		wg.Go(func() {
			cmd, out, errs := w.process("token nhn")
			if err := cmd.Run(); err != nil || errs.Len() > 0 {
				t.Error(err, errs)
			}
			outs[i] = out
		})
	}
	wg.Wait()
	for _, out := range outs {
		if out.String() != outs[0].String() || out.Len() == 0 {
			t.Error("the first runs have different tokens")
		}
	}
	if n := w.cloud.Counts().TokenCalls; n != 1 {
		t.Errorf("%d token calls", n)
	}
}

func TestAProcessExitsWithTheCode(t *testing.T) {
	w := newWorld(t)
	for line, want := range map[string]int{"token nhn": 0, "token --foo": codeUsage, "token nhn --config no.yml": codeConfiguration, "token prism": codeAuthorization} {
		cmd, _, _ := w.process(line)
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%s: %d, want %d", line, got, want)
		}
	}
}

// A refresh token that is being redeemed may be replaced: the first signal waits
// for it, the second does not.
func TestASecondSignalEndsWhatTheFirstWaitsFor(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	w := newWorld(t)
	w.want(0, args("login prism --code "+w.live.Code("kim")))
	w.live.Break(authtest.Fault{Hang: true})
	before := w.live.Counts().TokenCalls
	cmd, out, _ := w.process("token prism --fresh")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for w.live.Counts().TokenCalls == before {
		runtime.Gosched()
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	_ = cmd.Process.Signal(os.Interrupt)
	for signals := 1; ; signals++ {
		select {
		case <-ended:
			if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || signals < 2 || out.Len() > 0 {
				t.Errorf("%v after %d signals; %s", cmd.ProcessState, signals, out)
			}
			return
		case <-time.After(100 * time.Millisecond):
			_ = cmd.Process.Signal(os.Interrupt)
		}
	}
}

func TestASignalEndsAProcessAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	w := newWorld(t)
	w.cloud.Break(authtest.Fault{Hang: true})
	for line, c := range map[string]struct {
		signal os.Signal
		code   int
	}{"token nhn --no-cache": {os.Interrupt, 130}, "doctor nhn": {syscall.SIGTERM, 143}, "login prism": {os.Interrupt, 130}} {
		before := w.cloud.Counts().TokenCalls
		cmd, out, errs := w.process(line)
		in, err := cmd.StdinPipe() // nothing comes
		if err != nil {
			t.Fatal(err)
		}
		page := make(chan string, 1)
		if strings.HasPrefix(line, "login") {
			cmd.Stderr = &watcher{page: func(address string) { page <- address }}
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for strings.Contains(line, "nhn") && w.cloud.Counts().TokenCalls == before {
			runtime.Gosched()
		}
		if strings.HasPrefix(line, "login") {
			<-page
		}
		_ = cmd.Process.Signal(c.signal)
		_ = cmd.Wait()
		_ = in.Close()
		if got := cmd.ProcessState.ExitCode(); got != c.code || out.Len() > 0 {
			t.Errorf("%s: exit code %d, want %d; %s%s", line, got, c.code, out, errs)
		}
	}
}
