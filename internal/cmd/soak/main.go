// Soak runs the library at full speed, for long, on loopback, with a fault
// every few seconds, and tells whether anything grew, was lost, or was done
// more often than it should be. It writes a report in Markdown, and exits with
// 1 and a sentence for everything that was not as predicted.
//
//	go run ./internal/cmd/soak -out docs/soak.md
//
// The servers are in a process of their own, so that the figures are those of
// the library and net/http alone.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	serveIfAsked()
	length := flag.Duration("for", 15*time.Minute, "how long")
	every := flag.Duration("every", 3*time.Second, "the time from one fault to the next, 1s or more; tokens live 5/3 of it")
	out := flag.String("out", "", "the file to write the report to; empty: print it")
	seed := flag.Uint64("seed", 1, "of the order of faults and the requests")
	withTLS := flag.Bool("tls", false, "over TLS, at a quarter of the speed")
	flag.Parse()
	if *every < time.Second || *length < 5**every || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "soak: -every must be 1s or more and -for five times that; there are no arguments")
		os.Exit(2)
	}
	set := newSettings(*length, *every)
	set.seed, set.tls = *seed, *withTLS
	found, err := soakAndReport(set, *out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	for _, f := range found {
		fmt.Fprintln(os.Stderr, "soak:", f)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

// soakAndReport returns what was not as predicted.
func soakAndReport(set settings, out string) (found []string, err error) {
	res, err := run(set)
	if err != nil {
		return nil, err
	}
	found = check(res)
	var report strings.Builder
	writeReport(&report, res, found)
	if out == "" {
		_, err = io.WriteString(os.Stdout, report.String())
	} else {
		err = os.WriteFile(out, []byte(report.String()), 0o644)
	}
	return found, err
}
