package faultmatrix

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// roleVariable tells this program, started again, what it is: the matrix is
// one binary, whether a test or a program.
const roleVariable = "FAULTMATRIX_ROLE"

// Role runs what this process was started as by [Run], and reports whether it
// was: then the program is done. Call it first thing in main or TestMain.
func Role() bool {
	var err error
	switch role, target, _ := strings.Cut(os.Getenv(roleVariable), " "); role {
	case "":
		return false
	case "client":
		err = Client(os.Stdin, os.Stdout)
	case "relay":
		err = relay(os.Stdin, os.Stdout, target)
	default:
		err = fmt.Errorf("%s is %q, which is no role", roleVariable, role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// process is this program, started again.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err *bytes.Buffer // what it says when it breaks
}

func start(role string, env ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self), err: &bytes.Buffer{}}
	// Nothing else is inherited: no proxy, no debugging switches.
	p.cmd.Env = append(env, roleVariable+"="+role, "PATH="+os.Getenv("PATH"))
	p.cmd.Stderr = p.err
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	diesWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// patience is how long an order may take.
const patience = 2 * time.Minute

// ask gives an order and waits for its report.
func (p *process) ask(o order) (r report, err error) {
	stuck := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer stuck.Stop()
	if err := json.NewEncoder(p.in).Encode(o); err != nil {
		return r, fmt.Errorf("%s: %w", o.Do, err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil { // what it said before it broke is in the error of its end
		return r, fmt.Errorf("%s: it broke, or took longer than %v: %w", o.Do, patience, err)
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("%s: %w", o.Do, err)
	}
	if r.Error != "" {
		return r, fmt.Errorf("%s: %s", o.Do, r.Error)
	}
	return r, nil
}

// end closes its input, which ends it, and kills it if it does not.
func (p *process) end() error {
	_ = p.in.Close()
	kill := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	if err := p.cmd.Wait(); err != nil {
		return errors.Join(err, errors.New(p.err.String()))
	}
	return nil
}
