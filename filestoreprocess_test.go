//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package authtrip_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
)

// fileStoreDir names the directory that a process shares with the one that
// started it, to do its part of the same test.
const fileStoreDir = "AUTHTRIP_TEST_FILE_STORE"

func TestOfProcessesThatCountInAFileStoreNoneLosesAnUpdate(t *testing.T) {
	const processes, laps = 4, 25
	if dir := os.Getenv(fileStoreDir); dir != "" {
		s := authtrip.NewFileStore(dir)
		for done := 0; done < laps; {
			value, version, err := s.Load(t.Context(), "counter")
			if err != nil && !errors.Is(err, authtrip.ErrNotFound) {
				t.Fatal(err)
			}
			n, _ := strconv.Atoi(string(value)) // nothing is none
			switch _, err := s.Save(t.Context(), "counter", []byte(strconv.Itoa(n+1)), version, 0); {
			case err == nil:
				done++
			case !errors.Is(err, authtrip.ErrConflict):
				t.Fatal(err)
			}
		}
		return
	}
	dir := filepath.Join(t.TempDir(), "authtrip") // which one of them makes
	var all []*exec.Cmd
	for range processes {
		p := anotherProcess(t, dir)
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	for _, p := range all {
		if err := p.Wait(); err != nil {
			t.Errorf("%v: %s", err, p.Stdout)
		}
	}
	value, _, err := authtrip.NewFileStore(dir).Load(t.Context(), "counter")
	if string(value) != strconv.Itoa(processes*laps) || err != nil {
		t.Fatalf("it counted to %q, %v, want %d", value, err, processes*laps)
	}
	if left := filesIn(t, dir); len(left) != 2 {
		t.Errorf("left are %q, want the lock and a record", left)
	}
}

func TestAProcessKilledWhileWritingLeavesAWholeRecordAndTheLockFree(t *testing.T) {
	const size = 1 << 20
	if dir := os.Getenv(fileStoreDir); dir != "" {
		s := authtrip.NewFileStore(dir)
		_, version, err := s.Load(t.Context(), "k")
		if err != nil && !errors.Is(err, authtrip.ErrNotFound) {
			t.Fatal(err)
		}
		for n := byte(0); ; n++ {
			if version, err = s.Save(t.Context(), "k", bytes.Repeat([]byte{n}, size), version, 0); err != nil {
				t.Fatal(err)
			}
			if n == 2 {
				_, _ = os.Stdout.WriteString("writing\n")
			}
		}
	}
	dir := t.TempDir()
	for range 5 {
		p := anotherProcess(t, dir)
		waitFor(t, p, "writing")
		kill(t, p)
		s := authtrip.NewFileStore(dir)
		value, version, err := s.Load(t.Context(), "k")
		if err != nil || len(value) != size || !bytes.Equal(value, bytes.Repeat(value[:1], size)) {
			t.Fatalf("%d bytes are left of a record, %v", len(value), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := s.Save(ctx, "k", value, version, 0); err != nil {
			t.Fatalf("the next to save: %v", err)
		}
		if left := filesIn(t, dir); len(left) != 2 {
			t.Fatalf("left are %q, want the lock and a record", left)
		}
	}
}

func TestWhoWaitsForAnotherProcessLeavesWithItsContext(t *testing.T) {
	if dir := os.Getenv(fileStoreDir); dir != "" {
		f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("locked\n")
		_, _ = io.Copy(io.Discard, os.Stdin) // until the end
		return
	}
	dir := t.TempDir()
	s := authtrip.NewFileStore(dir)
	version := mustSave(t, s, "k", "x", "", 0)
	p := anotherProcess(t, dir)
	waitFor(t, p, "locked")
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, saveErr := s.Save(ctx, "k", []byte("y"), version, 0)
	for method, err := range map[string]error{"Save": saveErr, "Delete": s.Delete(ctx, "k", version)} {
		wantTrouble(t, method, err)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want DeadlineExceeded", method, err)
		}
	}
	wantAll(t, saveErr, "another process holds the lock", filepath.Join(dir, "lock"))
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if value, _, err := s.Load(t.Context(), "k"); string(value) != "x" || err != nil {
		t.Errorf("who reads finds %q, %v", value, err)
	}
	kill(t, p)
	mustSave(t, s, "k", "y", version, 0)
}

// A disk that is full ends a write in the middle, as does a limit of files'
// sizes, which takes no disk.
func TestAFullDiskTakesNoRecordAway(t *testing.T) {
	if dir := os.Getenv(fileStoreDir); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 10_000, Max: 10_000}); err != nil {
			t.Fatal(err)
		}
		s := authtrip.NewFileStore(dir)
		version := mustSave(t, s, "k", "whole", "", 0)
		_, err := s.Save(t.Context(), "k", make([]byte, 100_000), version, 0)
		wantTrouble(t, "Save", err)
		if value, now, err := s.Load(t.Context(), "k"); string(value) != "whole" || now != version || err != nil {
			t.Fatalf("left is %q, %v", value, err)
		}
		if left := filesIn(t, dir); len(left) != 2 {
			t.Fatalf("left are %q, want the lock and a record", left)
		}
		mustSave(t, s, "k", "again", version, 0)
		_, _ = os.Stdout.WriteString("all of it done\n")
		return
	}
	p := anotherProcess(t, t.TempDir())
	if err := p.Run(); err != nil || !strings.Contains(p.Stdout.(*bytes.Buffer).String(), "all of it done") {
		t.Fatalf("%v: %s", err, p.Stdout)
	}
}

// anotherProcess runs the same test, on the directory.
func anotherProcess(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	p := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	p.Env = append(os.Environ(), fileStoreDir+"="+dir)
	p.Stdout = &bytes.Buffer{}
	p.Stderr = p.Stdout
	return p
}

// waitFor starts a process and waits until it says that.
func waitFor(t *testing.T, p *exec.Cmd, line string) {
	t.Helper()
	p.Stdout, p.Stderr = nil, nil
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.StdinPipe(); err != nil { // it stays open
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); said = append(said, lines.Text()) {
		if lines.Text() == line {
			return
		}
	}
	t.Fatalf("another process said %q, and not %q", said, line)
}

// kill ends a process with SIGKILL.
func kill(t *testing.T, p *exec.Cmd) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
}
