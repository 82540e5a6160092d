package command_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
)

// The codes, as scripts have them written down.
const (
	codeOther = 1 + iota
	codeUsage
	codeConfiguration
	codeRefused
	codeUnreachable
	codeAuthorization
	codeFound
	codeRejected
)

func TestTheTableOfExitCodesIsInTheHelp(t *testing.T) {
	w := newWorld(t)
	for _, how := range []string{"help exit-codes", "exit-codes"} {
		r := w.want(0, args(how))
		for _, code := range []int{0, codeOther, codeUsage, codeConfiguration, codeRefused, codeUnreachable, codeAuthorization, codeFound, codeRejected, 130, 143} {
			if !strings.Contains(r.out, " "+strconv.Itoa(code)+"  ") {
				t.Errorf("%s: no %d", how, code)
			}
		}
	}
}

func TestUsageErrors(t *testing.T) {
	w := newWorld(t)
	for line, want := range map[string]string{
		"tokn":                           "did you mean token?; see authtrip --help",
		"token --foo":                    "unknown flag: --foo; see authtrip token --help",
		"token nhn prism":                "one registration at a time, not 2",
		"token":                          "there are several registrations: name one of nhn, prism",
		"token nothing":                  `no registration "nothing"; there are: nhn, prism`,
		"token nhn -o xml":               "-o is text, json or header",
		"token nhn --timeout soon":       "invalid argument",
		"token nhn --timeout -1s":        "--timeout is -1s; it must be above 0",
		"token nhn --user kim":           "leave out --user",
		"login nhn":                      "has no users to log in",
		"login prism --no-cache":         "leave out --no-cache",
		"doctor nhn -o xml":              "-o is text or json",
		"doctor nhn --code x":            "--code is for users' grants",
		"help nothing":                   `there is no help on "nothing"; see authtrip help --help`,
		"emulator nhn --lifetime 0s":     "--lifetime is 0s: set one from 1s",
		"emulator nhn --listen foo":      "--listen wants an address and a port",
		"emulator nhn --listen 0.0.0.0:": "add --allow-remote",
		"version now":                    "unknown command",
		"doctor nothing":                 "there are: nhn, prism",
		"completion tcsh":                `there is no command "tcsh"`,
		"completion":                     "name one of bash, fish, powershell, zsh",
		"revoke nhn --config= --foo=bar": "unknown flag",
	} {
		r := w.want(codeUsage, args(line), want)
		if r.out != "" || strings.Count(r.errs, "\n") != 1 || !strings.HasPrefix(r.errs, "authtrip: ") {
			t.Errorf("%s: out %q, errs %q", line, r.out, r.errs)
		}
	}
}

func TestAWrongConfiguration(t *testing.T) {
	w := newWorld(t)
	w.configure("    client_ids: x", "    raw_token: maybe")
	r := w.want(codeConfiguration, args("token nhn"), `authtrip: oauth2.yml:8: registration.nhn: unknown key "client_ids"; did you mean "client_id"?`, "authtrip: oauth2.yml:9: ")
	if strings.Count(r.errs, "\n") != 2 {
		t.Errorf("%q", r.errs)
	}
	w.want(codeConfiguration, args("token nhn --config missing.yml"), "missing.yml")
	w.want(codeFound, args("doctor nhn"), "FAIL  configuration  oauth2.yml:8:")
	if err := os.Remove("oauth2.yml"); err != nil {
		t.Fatal(err)
	}
	w.want(codeConfiguration, args("token"), "there is no configuration: give --config FILE")
}

func TestABrokenKeyOfTheCache(t *testing.T) {
	w := newWorld(t)
	w.want(0, args("token nhn"))
	path := filepath.Join(w.dir, "config", "authtrip", "cache.key")
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.secrets = append(w.secrets, strings.TrimSpace(string(key)))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	w.want(codeConfiguration, args("token nhn"), "may be read or written by others (0644)")
	w.want(0, args("token nhn --no-cache"))
}

func TestTheServerRefuses(t *testing.T) {
	w := newWorld(t)
	t.Setenv("NHN_SECRET", "a-wrong-secret")
	w.secrets = append(w.secrets, "a-wrong-secret")
	r := w.want(codeRefused, args("token nhn"), "invalid_client")
	if r.out != "" || strings.Count(r.errs, "\n") != 1 {
		t.Errorf("%q %q", r.out, r.errs)
	}
	w.secrets = append(w.secrets, "a-made-up-code")
	w.want(codeRefused, args("login prism --user kim --code a-made-up-code"), "invalid_grant")
}

func TestTheServerIsDown(t *testing.T) {
	w := newWorld(t)
	w.cloud.Break(authtest.Fault{Status: 503})
	w.want(codeUnreachable, args("token nhn"), "503")
	w.cloud.Break(authtest.Fault{Status: 429, RetryAfter: "7"})
	w.want(codeUnreachable, args("token nhn --no-cache"), "429", "it asks to come back in 7s")
	// A page is no word of an authorization server's.
	w.cloud.Break(authtest.Fault{Status: 404, Body: "<html>not here"})
	w.want(codeUnreachable, args("token nhn --no-cache"), "404")
	w.cloud.Break(authtest.Fault{Body: "<html>log in"})
	w.want(codeUnreachable, args("token nhn --no-cache"))
	w.cloud.Break(authtest.Fault{Reset: true})
	w.want(codeUnreachable, args("token nhn --no-cache"))
	w.cloud.Break(authtest.Fault{Hang: true})
	before := w.cloud.Counts().TokenCalls
	w.want(codeUnreachable, args("token nhn --no-cache --timeout 600ms"), "no answer")
	if n := w.cloud.Counts().TokenCalls - before; n < 2 {
		t.Errorf("%d attempts: one took all of the time", n)
	}
	// Nobody is there at all, or somebody who speaks no TLS.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	_ = l.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, address := range []string{"http://" + nobody, strings.Replace(plain.URL, "http:", "https:", 1)} {
		w.write("down.yml", "registration: {a: {client_id: a, client_secret: b, token_uri: '"+address+"'}}")
		w.want(codeUnreachable, args("token --config down.yml"))
	}
}

func TestAuthorizationIsRequired(t *testing.T) {
	w := newWorld(t)
	w.want(codeAuthorization, args("token prism --user kim"), "run authtrip login prism --user kim")
	w.want(0, args("login prism --user kim --code "+w.live.Code("kim")))
	w.live.EndLogins()
	r := w.want(codeAuthorization, args("token prism --user kim --fresh"), "run authtrip login prism --user kim")
	if r.out != "" {
		t.Errorf("printed %q", r.out)
	}
	user := "o'neill; rm"
	if r := w.run("token", "prism", "--user", user); !strings.Contains(r.errs, `--user 'o'\''neill; rm'`) {
		t.Errorf("%q", r.errs)
	}
}
