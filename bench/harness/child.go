package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// runVariable tells a child the number of its run.
const runVariable = "AUTHTRIP_BENCH_RUN"

// Run is the number of the run that a child is, from 0: a seed that is the same
// for every peer and another in every run.
func Run() uint64 {
	n, _ := strconv.ParseUint(os.Getenv(runVariable), 10, 64)
	return n
}

func (s Scenario) prefix() string {
	if s.Name == "" {
		return ""
	}
	return s.Name + "/"
}

// runCase runs one case in this process.
func runCase(scenarios []Scenario, name string) []Row {
	for _, s := range scenarios {
		c, ok := strings.CutPrefix(name, s.prefix())
		if !ok {
			continue
		}
		rows, err := s.Run(c)
		if err != nil {
			return failed(err)
		}
		return rows
	}
	return failed(fmt.Errorf("no scenario has a case named %q", name))
}

// child runs one case in a process of its own.
func (s Scenario) child(name string, run int) ([]Row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	limit := s.Timeout
	if limit == 0 {
		limit = 2 * time.Minute
	}
	var out strings.Builder
	cmd := exec.Command(self, "-child", name)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", runVariable, run))
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	err = cmd.Wait()
	if !timer.Stop() {
		return nil, fmt.Errorf("not done after %v", limit)
	}
	if err != nil {
		return nil, err
	}
	var rows []Row
	err = json.Unmarshal([]byte(out.String()), &rows)
	return rows, err
}
