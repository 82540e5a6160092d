package faultmatrix

import (
	"os/exec"
	"syscall"
)

// diesWithParent has the process killed when its parent's thread ends: one that
// is suspended does not see the end of its input.
func diesWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
