//go:build !linux

package faultmatrix

import "os/exec"

// diesWithParent is for Linux only: elsewhere a process ends with its input.
func diesWithParent(*exec.Cmd) {}
