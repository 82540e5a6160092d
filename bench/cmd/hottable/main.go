// Command hottable makes tables of the hot path's benchmarks: it reads the output
// of many rounds of go test -bench and prints one table per benchmark and number
// of cores, with medians, and their ratios to the floor and to the best of the
// other libraries.
//
//	go run ./cmd/hottable [-md FILE] results/hot.txt
package main

import (
	"errors"
	"flag"
	"fmt"

	"github.com/authtrip/authtrip/bench/harness"
)

func main() {
	markdown := flag.String("md", "", "write the tables to this `file` as Markdown too")
	flag.Parse()
	if err := run(flag.Args(), *markdown); err != nil {
		harness.Exit(err)
	}
}

func run(paths []string, markdown string) error {
	if len(paths) == 0 {
		return errors.New("hottable: name the files that go test -bench wrote")
	}
	all, err := read(paths)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("hottable: the files hold no results")
	}
	title := fmt.Sprintf("hot path: a token is there; medians of %d rounds", all[0].rounds())
	var tables []harness.Table
	for _, b := range all {
		t := b.table()
		t.Goals = append(b.goals(), b.scaling(all)...)
		tables = append(tables, t)
	}
	return harness.Print([]harness.Section{{Title: title, Tables: tables}}, markdown)
}
