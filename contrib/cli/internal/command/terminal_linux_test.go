package command_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// openTerminal returns the two ends of a terminal.
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	var number, locked uint32
	for request, value := range map[uintptr]*uint32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &locked} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, keyboard.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return keyboard, terminal
}

func TestProgressIsForTerminalsOnly(t *testing.T) {
	w := newWorld(t)
	w.want(0, args("token nhn --no-cache"), "!asking")
	keyboard, terminal := openTerminal(t)
	defer keyboard.Close() //nolint:errcheck // nothing is written to it
	cmd, out, _ := w.process("token nhn --no-cache")
	cmd.Stderr = terminal
	err := cmd.Run()
	_ = terminal.Close()
	var shown bytes.Buffer
	_, _ = io.Copy(&shown, keyboard) // until an error: the terminal was closed
	if err != nil || strings.TrimSpace(shown.String()) != "asking "+w.cloud.AuthURL+"/oauth2/token/create for a token" || strings.Contains(out.String(), "asking") {
		t.Errorf("%v; the terminal shows %q", err, shown.String())
	}
}
