package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// The program starts itself again in two roles, which its one argument names.
// What they are to do they read from their stdin, so that no secret stands in a
// list of processes. Stdin's end ends them: so they end with the program that
// started them, however that ends.
const (
	processRole = "process" // one of the fleet
	redisRole   = "redis"   // looks after a redis-server
)

// startedAgain plays the role that the program was started for, if it was.
func startedAgain() bool {
	if len(os.Args) != 2 {
		return false
	}
	var err error
	switch os.Args[1] {
	case processRole:
		err = beProcess(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout))
	case redisRole:
		err = keepRedis(os.Stdin)
	default:
		return false
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "fleet: %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
	return true
}

// startAgain starts the program in a role. When ctx ends it is killed.
func startAgain(ctx context.Context, role string) (cmd *exec.Cmd, in io.WriteCloser, out io.Reader, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	cmd = exec.CommandContext(ctx, self, role)
	cmd.Stderr = os.Stderr
	if in, err = cmd.StdinPipe(); err != nil {
		return nil, nil, nil, err
	}
	if out, err = cmd.StdoutPipe(); err != nil {
		return nil, nil, nil, err
	}
	return cmd, in, out, cmd.Start()
}
