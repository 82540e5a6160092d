package command_test

import (
	"regexp"
	"strings"
	"testing"
)

// Given the commands of README.md's "Without Go", from the emulator on, when they
// are run one after the other, then each does what the text says. What serves is
// left running, as in a terminal of its own; ports are free ones.
func TestReadme(t *testing.T) {
	_, text := readDocument(t, "README.md")
	_, section, _ := strings.Cut(text, "\n## Without Go\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, marked, _ := strings.Cut(section, "<!-- run by contrib/cli/internal/command/readme_test.go")
	var commands []string
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(marked, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			if strings.HasPrefix(line, "authtrip emulator") || strings.HasPrefix(line, "authtrip proxy") {
				line += " &"
			}
			commands = append(commands, line)
		}
	}
	wants := []string{
		"NHN Cloud emulator at http://127.0.0.1:9090 until Ctrl-C\n",
		"<token>\n",
		`"isSuccessful":true`,
		"http://127.0.0.1:9090/v1/organizations: HTTP 200",
		"listening on http://127.0.0.1:8080 → http://127.0.0.1:9090\n",
		`"isSuccessful":true`,
	}
	if len(commands) != len(wants) {
		t.Fatalf("%d commands, want %d: %q", len(commands), len(wants), commands)
	}
	said := strings.Split("\n"+newShell(t).session(commands), "\n$ ")[1:]
	for i, want := range wants {
		command, output, _ := strings.Cut(said[i], "\n")
		output += "\n"
		if !strings.Contains(output, want) || strings.Contains(output, "FAIL") || strings.Contains(output, "authtrip: ") {
			t.Errorf("%s prints\n%s\nwant %q", command, output, want)
		}
	}
}
