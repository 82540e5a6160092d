package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

// redisTask is what to run, and the configuration, which holds the password.
type redisTask struct{ Program, Config string }

// keepRedis runs a redis-server, and kills it when in ends.
func keepRedis(in io.Reader) error {
	var t redisTask
	if err := json.NewDecoder(in).Decode(&t); err != nil {
		return fmt.Errorf("there is no task: %w", err)
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // Ctrl-C goes to all at once, and Redis has to end first
	var said strings.Builder
	cmd := exec.Command(t.Program, "-") // the configuration is its stdin
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(t.Config), &said, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(io.Discard, in)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("redis-server ended (%v): %s", err, said.String())
	case <-over:
		_ = cmd.Process.Kill()
		<-ended
		return nil
	}
}
