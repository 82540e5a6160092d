package proxy_test

import (
	"strings"
	"testing"

	"github.com/authtrip/authtrip/contrib/cli/internal/proxy"
)

func TestAnAPIThatWouldGetNoTokenIsRefusedAtTheStart(t *testing.T) {
	for target, parts := range map[string][]string{
		"https://api.bank.example":            {`registration "cloud" sends no token there`, "add the host to its origins"},
		"https://127.0.0.1:1":                 {`registration "cloud" sends no token there`},
		"http://core.api.nhncloudservice.com": {"plain http would show the token"},
	} {
		w := prepare(t, func(s *setup) { s.args = []string{"--to", target} })
		err := w.refused()
		if err == nil {
			t.Fatalf("--to %s is taken", target)
		}
		wantAll(t, err.Error(), append(parts, "--to "+target)...)
		if strings.Contains(w.log.String(), "listening") || w.cloud.Counts().TokenCalls != 0 {
			t.Fatalf("it began: %s", w.log)
		}
	}
}

func TestWhatTheFlagsLackIsSaidAtOnce(t *testing.T) {
	cmd := proxy.Command()
	cmd.SetArgs([]string{"--listen", "8080", "--admin", "unix:", "--allow-origin", "localhost:3000/", "--allow-host", "a:1", "--drain", "-1s"})
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	if err == nil {
		t.Fatal("it runs")
	}
	wantAll(t, err.Error(), "--to is missing", `--listen "8080"`, `--admin "unix:"`, `--allow-origin "localhost:3000/"`, `--allow-host "a:1"`, "--drain -1s")
}

func TestATargetIsAnAddressAndNothingElse(t *testing.T) {
	for target, part := range map[string]string{
		"core.api.nhncloudservice.com":   "with scheme and host",
		"ftp://a.example":                "with scheme and host",
		"https://":                       "with scheme and host",
		"https://a.example/?key=1":       "leave out what follows the path",
		"https://a.example/#x":           "leave out what follows the path",
		"https://user:CANARY@a.example/": "user information",
		"https://CANARY@a b":             "is no URL",
	} {
		w := prepare(t, func(s *setup) { s.args = []string{"--to", target} })
		err := w.refused()
		if err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("--to %s: %v; want %q", target, err, part)
		}
	}
}

func TestASizeIsReadAsItIsShown(t *testing.T) {
	for text, shown := range map[string]string{"0": "0", "1": "1", "4096": "4KiB", "64KiB": "64KiB", "1MiB": "1MiB", "1500": "1500", "1024KiB": "1MiB"} {
		flag := proxy.Command().Flags().Lookup("replay-limit")
		if flag.DefValue != "64KiB" {
			t.Fatalf("the default is shown as %s", flag.DefValue)
		}
		if err := flag.Value.Set(text); err != nil || flag.Value.String() != shown {
			t.Errorf("%s is %s, %v; want %s", text, flag.Value, err, shown)
		}
	}
	for _, text := range []string{"", "-1", "1GB", "x", "1.5MiB", "99999999MiB"} {
		if err := proxy.Command().Flags().Lookup("replay-limit").Value.Set(text); err == nil {
			t.Errorf("%q is taken for a size", text)
		}
	}
}
