package emulator_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/cli/internal/emulator"
	"github.com/authtrip/authtrip/contrib/config"
)

func TestTheConfigurationGetsATokenThatTheAPITakes(t *testing.T) {
	for which, path := range map[string]string{"nhn": "/v1/organizations", "prism": "/prism/v1/service/user"} {
		t.Run(which, func(t *testing.T) {
			x := given(t, which)
			client := x.client()
			for range 2 { // the second time with another token
				if res, text := x.send(client, http.MethodGet, path, nil, ""); res.StatusCode != http.StatusOK {
					t.Errorf("%s %s", res.Status, text)
				}
				x.throw("revoke-all", nil, nil)
			}
		})
	}
}

func TestTheConfigurationReplacesNobodyElses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "oauth2.yml")
	const own = "registration: {mine: {}}\n"
	if err := os.WriteFile(file, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	arguments := []string{"nhn", "--listen", "127.0.0.1:0", "--config-out", file}
	if said := refused(t, arguments...); !strings.Contains(said, "is there, and not by this command") {
		t.Errorf("%q", said)
	}
	if text, _ := os.ReadFile(file); string(text) != own {
		t.Errorf("the file has %q", text)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time over its own
		given(t, arguments[0], arguments[1:]...).stop()
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info, err)
	}
}

// A redirect URI of one's own is the configuration's, so that a login can end
// there.
func TestALoginAtTheAuthorizationPage(t *testing.T) {
	x := given(t, "prism", "--redirect-uri", "http://127.0.0.1:8765/callback")
	registrations, err := config.Load(x.config)
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := authtrip.NewManager(registrations)
	if err != nil {
		t.Fatal(err)
	}
	defer mgr.Close() //nolint:errcheck // a test
	src, err := mgr.SourceFor("prism", "kim")
	if err != nil {
		t.Fatal(err)
	}
	page, flow, err := src.AuthCodeURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	res, _ := x.get(page, nil)
	back, err := res.Location()
	if err != nil || back.Host != "127.0.0.1:8765" {
		t.Fatalf("%v, %v", back, err)
	}
	if err := src.Exchange(t.Context(), flow, back.Query()); err != nil {
		t.Error(err)
	}
}

func TestServicesThatAnswer200ToEverything(t *testing.T) {
	x := given(t, "nhn", "--services")
	client := x.client()
	file, err := os.ReadFile(x.config)
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(file), "more_origins: [")
	list, _, _ = strings.Cut(list, "]")
	origins := strings.Split(strings.ReplaceAll(list, "'", ""), ", ")
	if len(origins) != 8 {
		t.Fatalf("the emulator and seven services are at %q", origins)
	}
	for _, origin := range origins {
		for range 2 {
			header := http.Header{"X-Tc-App-Key": {"key"}, "X-Nc-App-Key": {"key"}, "X-Nc-Always-200-Ok": {"true"}}
			res, text := x.send(client, http.MethodGet, origin+"/v1/x", header, "")
			if res.StatusCode != http.StatusOK || !strings.Contains(text, `"isSuccessful":true`) {
				t.Errorf("%s: %s %s", origin, res.Status, text)
			}
			x.throw("revoke-all", nil, nil)
		}
	}
	if page := x.page(); !strings.Contains(page, "at partner") || !strings.Contains(page, "token rejected: it was revoked") {
		t.Errorf("the page does not say what the services did:\n%s", page)
	}
}

func TestWhatIsPrinted(t *testing.T) {
	for which, wants := range map[string][]string{
		"nhn":   {"http://127.0.0.1:", "/_emulator/", "/oauth2/token/create", "emulated-key-id", "provider: nhn", "curl -u", "authtrip token nhn"},
		"prism": {"/oauth/authorize", "grant_type=authorization_code", "grant_type=refresh_token", "provider: prism", "refresh_token: '", "authtrip token prism"},
	} {
		var out bytes.Buffer
		command := emulator.Command()
		command.SetArgs([]string{which, "--listen", "127.0.0.1:0"})
		command.SetOut(&out)
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // it prints, and ends
		if err := command.ExecuteContext(ctx); err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: there is no %q in\n%s", which, want, &out)
			}
		}
	}
}

func TestWhatCannotBeServedIsRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // a test
	for want, arguments := range map[string][]string{
		"choose another port":        {"nhn", "--listen", taken.Addr().String()},
		"add --allow-remote":         {"nhn", "--listen", ":0"},
		"--listen 0.0.0.0:0 can be":  {"prism", "--listen", "0.0.0.0:0"},
		"wants an address and a por": {"nhn", "--listen", "9090"},
		"set one from 1s to":         {"nhn", "--listen", "127.0.0.1:0", "--lifetime", "5ms"},
		"--config-out: open":         {"nhn", "--listen", "127.0.0.1:0", "--config-out", t.TempDir() + "/no/such/place"},
		`unknown command "nnh"`:      {"nnh"},
	} {
		if said := refused(t, arguments...); !strings.Contains(said, want) {
			t.Errorf("%q: %q, want %q", arguments, said, want)
		}
	}
}

func TestABrowserIsSentToThePageAndAProgramIsNot(t *testing.T) {
	x := given(t, "nhn")
	for path, want := range map[string]int{"/": http.StatusSeeOther, "/_emulator": http.StatusSeeOther, "/favicon.ico": http.StatusSeeOther, "/v1/x": http.StatusUnauthorized} {
		if res, _ := x.get(path, http.Header{"Accept": {"text/html,*/*"}}); res.StatusCode != want {
			t.Errorf("a browser at %s: %s", path, res.Status)
		}
	}
	if res, _ := x.get("/", http.Header{"Accept": {"application/json"}}); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a program at /: %s", res.Status)
	}
	if page := x.page(); strings.Contains(page, "favicon") || !strings.Contains(page, "token rejected: there is none") {
		t.Errorf("the calls are not those of the emulator:\n%s", page)
	}
}
