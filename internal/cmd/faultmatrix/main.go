// Command faultmatrix breaks authorization servers in every way under clients
// whose token has every age, and compares what their callers feel with what the
// design allows. It ends with status 1 if anything differs.
//
//	go run ./internal/cmd/faultmatrix                      every cell, about a quarter of an hour
//	go run ./internal/cmd/faultmatrix -out docs/faults.md  the same, with the document
//	go run ./internal/cmd/faultmatrix -fast                with shorter times, about a minute
//	go run ./internal/cmd/faultmatrix -only "503, cold"    the cells whose name has this in it
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/authtrip/authtrip/internal/faultmatrix"
)

func main() {
	if faultmatrix.Role() {
		return
	}
	fast := flag.Bool("fast", false, "use the tests' shorter times")
	only := flag.String("only", "", "run only the cells whose name, such as \"503, cold, GET\", has `text` in it")
	out := flag.String("out", "", "write the document to `file`")
	flag.Parse()
	if err := run(*fast, *only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "faultmatrix:", err)
		os.Exit(1)
	}
}

func run(fast bool, only, out string) error {
	settings := faultmatrix.Full()
	if fast {
		settings = faultmatrix.Fast()
	}
	var cells []faultmatrix.Cell
	for _, c := range settings.Cells() {
		if strings.Contains(c.String(), only) {
			cells = append(cells, c)
		}
	}
	if len(cells) == 0 {
		return fmt.Errorf("no cell's name has %q in it", only)
	}
	if out != "" && (only != "" || fast) {
		return fmt.Errorf("the document has all cells at full length: -out goes with neither -only nor -fast")
	}
	start, wrong := time.Now(), 0
	var results []faultmatrix.Result
	err := faultmatrix.Run(cells, settings.Parallel, func(r faultmatrix.Result, err error) {
		faults := r.Check()
		if err != nil {
			faults = []string{err.Error()}
		}
		w := r.Work
		fmt.Printf("%-60s failed %d of %d, rejected %d, token calls %d, longest %v, opened %d\n",
			r.Cell, w.Failed, w.Requests, r.Rejected, w.Attempts, w.Longest.Round(time.Millisecond), w.Opened)
		for _, f := range faults {
			fmt.Printf("    NOT AS DESIGNED: %s\n", f)
			wrong++
		}
		if err == nil {
			results = append(results, r)
		}
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d cells in %v, %d faults\n", len(results), time.Since(start).Round(time.Second), wrong)
	if out != "" {
		var text bytes.Buffer
		if err := faultmatrix.Document(&text, settings, results); err != nil {
			return err
		}
		if err := os.WriteFile(out, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d figures are not as the design says", wrong)
	}
	return nil
}
