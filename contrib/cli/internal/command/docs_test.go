package command_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
)

// The shell sessions of docs/cli.md are run, and what they print must be what is
// written there. With -write it is written anew:
//
//	go test ./internal/command -run TestDocs -write
//
// Every block of kind "console" is a session: a line "$ …" is a command, those
// that begin with "> " go on with it, and what follows is what it prints, both
// outputs together. A session is one bash, which ends what it left running; they
// run in order, in one home and one directory. Ports are real ones in place of
// those that are written: 8081 and 8082 are NHN Cloud's emulator and its API,
// 8083 is PRISM's, and any other 127.0.0.1:8… or 127.0.0.1:909… is a free one.
// $CODE is a code for the user kim. Of a command that is left running ("… &") what
// it prints at first is shown, and waited for.
var write = flag.Bool("write", false, "write the sessions of docs/cli.md anew")

// varying is what differs from run to run, and how it is written.
var varying = []struct {
	is    *regexp.Regexp
	means string
}{
	{regexp.MustCompile(`\b[A-Z2-7]{52}\b`), "<token>"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}\b`), "<code>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "2026-02-01T12:00:00Z"},
	{regexp.MustCompile(`"age":[0-9.e-]+,"left":[0-9.]+`), `"age":0.02,"left":86389.98`},
	{regexp.MustCompile(`issued in \d+ ms`), "issued in 3 ms"},
	{regexp.MustCompile(`used for another [0-9hms.]+`), "used for another 59m50s"},
	{regexp.MustCompile(`authtrip \S+( [0-9a-f]{12})? go1\S+ \S+`), "authtrip v1.0.0 go1.26.0 linux/amd64"},
}

func TestDocs(t *testing.T) {
	for _, needed := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Fatalf("the sessions need %s: install it: %v", needed, err)
		}
	}
	path, before := readDocument(t, "docs/cli.md")
	s := newShell(t)
	after := regexp.MustCompile("(?ms)^```console\n(.*?)^```$").ReplaceAllStringFunc(before, func(block string) string {
		lines := strings.TrimSuffix(strings.TrimPrefix(block, "```console\n"), "```")
		return "```console\n" + s.session(commandsOf(lines)) + "```"
	})
	if *write {
		if err := os.WriteFile(path, []byte(after), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
		return
	}
	if before != after {
		t.Errorf("the sessions print something else than docs/cli.md has; go test ./internal/command -run TestDocs -write writes it anew\n%s", firstDifference(before, after))
	}
}

// commandsOf are the commands of a session, with the lines that go on with them.
func commandsOf(lines string) (commands []string) {
	for line := range strings.Lines(lines) {
		line = strings.TrimSuffix(line, "\n")
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			commands = append(commands, command)
		} else if more, ok := strings.CutPrefix(line, "> "); ok && len(commands) > 0 {
			commands[len(commands)-1] += "\n" + more
		}
	}
	return commands
}

// shell is what the sessions run in.
type shell struct {
	t     *testing.T
	world *world
	ports map[string]string // as written → real
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{t: t, ports: map[string]string{}}
	here := s.real("http://127.0.0.1:8765/callback")
	s.world = newWorld(t, authtest.RedirectURIs(here))
	w, p := s.world, s.world.live.Client()
	for written, address := range map[string]string{"8081": w.cloud.AuthURL, "8082": w.cloud.APIURL, "8083": w.live.URL} {
		s.ports[written] = address[strings.LastIndexByte(address, ':')+1:]
	}
	w.write("oauth2.yml", fmt.Sprintf(`registration:
  nhn:
    client_id: %s
    client_secret: ${NHN_SECRET}
    token_uri: %[2]s/oauth2/token/create
    revocation_uri: %[2]s/oauth2/token/revoke
    origins: %[3]s
  prism:
    client_id: %[4]s
    client_secret: ${PRISM_SECRET}
    service_api_domain: %[5]s
    service_id: %[6]s
  here:
    provider: prism
    client_id: %[4]s
    client_secret: ${PRISM_SECRET}
    service_api_domain: %[5]s
    redirect_uri: %[7]s
`, w.cloud.Credentials().UserAccessKeyID, w.cloud.AuthURL, w.cloud.APIURL, p.ClientID, p.ServiceAPIDomain, p.ServiceID, here))
	t.Setenv("PATH", filepath.Dir(binary(t))+string(os.PathListSeparator)+os.Getenv("PATH"))
	return s
}

var writtenPort = regexp.MustCompile(`127\.0\.0\.1:(8\d\d\d|909\d)\b`)

// real is a command with the ports that are used.
func (s *shell) real(text string) string {
	return writtenPort.ReplaceAllStringFunc(text, func(address string) string {
		_, written, _ := strings.Cut(address, ":")
		if s.ports[written] == "" {
			s.ports[written] = strings.TrimPrefix(freeAddress(s.t), "127.0.0.1:")
		}
		return "127.0.0.1:" + s.ports[written]
	})
}

// written is an output as the document has it.
func (s *shell) written(text string) string {
	for written, real := range s.ports {
		text = regexp.MustCompile(`127\.0\.0\.1(:|%3A)`+real+`\b`).ReplaceAllString(text, "127.0.0.1${1}"+written)
	}
	text = strings.ReplaceAll(text, s.world.dir, "~")
	for _, v := range varying {
		text = v.is.ReplaceAllString(text, v.means)
	}
	return text
}

const separator = "\x1e\n"

// session runs commands in one shell, and returns them with what they print.
func (s *shell) session(commands []string) string {
	s.t.Helper()
	var script strings.Builder
	script.WriteString("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n")
	for _, command := range commands {
		if left, ok := strings.CutSuffix(command, " &"); ok {
			printed := filepath.Join(s.t.TempDir(), "printed")
			command = fmt.Sprintf("%s >%s 2>&1 &\nuntil [ -s %[2]s ]; do sleep 0.02; done; cat %[2]s", left, printed)
		}
		fmt.Fprintf(&script, "__code=$?; printf '%s'; (exit $__code)\n%s\n", `\036\n`, s.real(command))
	}
	fmt.Fprintf(&script, "printf '%s'\n", `\036\n`)
	cmd := exec.Command("bash", "-c", script.String())
	cmd.Dir = s.world.dir
	cmd.Env = append(os.Environ(), "CODE="+s.world.live.Code("kim"))
	printed := &watcher{page: func(address string) { browse(s.t, address) }}
	cmd.Stdout, cmd.Stderr = io.Writer(printed), io.Writer(printed)
	_ = cmd.Run() // the last command's code is the session's
	parts := strings.Split(printed.String(), separator)
	if len(parts) != len(commands)+2 {
		s.t.Fatalf("%d parts of %d commands: %s", len(parts), len(commands), printed)
	}
	var b bytes.Buffer
	for i, command := range commands {
		b.WriteString("$ " + strings.ReplaceAll(command, "\n", "\n> ") + "\n")
		out := s.written(parts[i+1])
		for _, secret := range s.world.secrets {
			if strings.Contains(out, secret) && !strings.HasPrefix(command, "authtrip emulator") { // which shows its own
				s.t.Errorf("%s shows a secret", command)
			}
		}
		b.WriteString(out)
		if out != "" && !strings.HasSuffix(out, "\n") {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// firstDifference is where two texts part.
func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("line %d:\n-%s\n+%s", i+1, as[i], bs[i])
		}
	}
	return "one is longer"
}
