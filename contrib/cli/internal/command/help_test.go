package command_test

import (
	"strings"
	"testing"

	"github.com/authtrip/authtrip/contrib/config"
)

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"token", "revoke", "login", "doctor", "proxy", "emulator", "emulator nhn", "emulator prism", "version", "completion", "help"} {
		for _, line := range []string{name + " --help", "help " + name} {
			r := w.want(0, args(line), "Usage:\n  authtrip "+name, "Examples:\n  ", "authtrip "+name)
			if r.errs != "" {
				t.Errorf("%s: %q", line, r.errs)
			}
		}
	}
	r := w.want(0, nil, "authtrip configuration", "authtrip exit-codes")
	w.want(0, args("--help"), r.out)
	w.want(0, args("version"), "authtrip ", " go1.")
	w.want(0, args("--version"), w.run("version").out)
}

func TestCompletion(t *testing.T) {
	w := newWorld(t)
	for shell, part := range map[string]string{"bash": "complete -o default", "zsh": "#compdef authtrip", "fish": "complete -c authtrip", "powershell": "Register-ArgumentCompleter"} {
		w.want(0, args("completion "+shell), part)
	}
	for line, want := range map[string]string{
		"token ":                          "nhn\nprism\n:4\n",
		"revoke ":                         "nhn\nprism\n:4\n",
		"doctor ":                         "nhn\nprism\n:4\n",
		"login ":                          "nhn\nprism\n:4\n",
		"token nhn ":                      ":4\n",
		"token nhn -o ":                   "text\njson\nheader\n:4\n",
		"doctor nhn -o ":                  "text\njson\n:4\n",
		"token --config missing.yml ":     ":4\n",
		"token --config=oauth2.yml prism": "prism\n:4\n",
	} {
		all := append([]string{"__complete"}, strings.Split(line, " ")...)
		if r := w.run(all...); !strings.HasSuffix(r.out, want) || r.code != 0 {
			t.Errorf("%q: %q %q", line, r.out, r.errs)
		}
	}
}

// The configurations in the help are what the commands read.
func TestTheConfigurationsInTheHelpWork(t *testing.T) {
	w := newWorld(t)
	text := w.want(0, args("help configuration")).out
	c, p := w.cloud.Credentials(), w.live.Client()
	real := strings.NewReplacer(
		"my-access-key-id", c.UserAccessKeyID, "http://127.0.0.1:8081", w.cloud.AuthURL, "http://127.0.0.1:8082", w.cloud.APIURL,
		"my-client-id", p.ClientID, "my-service", p.ServiceID, "http://127.0.0.1:8083", p.ServiceAPIDomain,
	)
	var files []string
	for _, part := range strings.Split(text, "\n\n") {
		if !strings.HasPrefix(part, "  registration:") {
			continue
		}
		file := real.Replace(strings.ReplaceAll(strings.TrimPrefix(part, "  "), "\n  ", "\n"))
		if _, err := config.Parse("help.yml", []byte(file), []string{"NHN_SECRET=a", "PRISM_SECRET=b", "BANK_SECRET=c"}); err != nil {
			t.Errorf("%s\n%v", file, err)
		}
		files = append(files, file)
	}
	if len(files) != 3 {
		t.Fatalf("%d files", len(files))
	}
	w.write("nhn.yml", files[1])
	w.want(0, args("doctor --config nhn.yml --call "+w.cloud.APIURL+"/v1/organizations"), "pass  rejection")
	w.write("prism.yml", files[2])
	w.want(0, args("doctor --config prism.yml --code "+w.live.Code("kim")))
}
