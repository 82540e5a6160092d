package emulator

import (
	"fmt"
	"io"
	"strings"
)

// guide is what a newcomer needs to go on, printed at the start and on the
// page. The secrets in it are the emulator's, and open to nothing else.
type guide struct {
	Name         string // of what is emulated
	Base         string // the address, without a final slash
	Registration string // its ID in Config
	Facts        []fact
	Config       string // for authtrip, YAML
	Steps        []step
}

type fact struct{ Name, Value string }

// step is a command to run, and what for.
type step struct{ What, Command string }

func (g guide) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s emulator at %s until Ctrl-C\n\n", g.Name, g.Base)
	for _, f := range g.Facts {
		fmt.Fprintf(&b, "  %-20s %s\n", f.Name, f.Value)
	}
	fmt.Fprintf(&b, "\nA configuration for authtrip, which --config-out FILE writes:\n\n%s", indented(g.Config))
	fmt.Fprintf(&b, "\nWith it (after restarting the emulator, add --fresh once):\n\n  authtrip token %s --config FILE\n", g.Registration)
	for _, s := range g.Steps {
		fmt.Fprintf(&b, "\n%s:\n\n%s", s.What, indented(s.Command+"\n"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func indented(lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// quoted is a YAML text that stands for itself, whatever is in it.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
