package proxy_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAddressesThatOthersReachAreRefused(t *testing.T) {
	for _, listen := range []string{":0", "0.0.0.0:0", "[::]:0", "192.168.1.1:8080", "somewhere.example:80"} {
		for _, flag := range []string{"--listen", "--admin"} {
			w := prepare(t, args(flag, listen))
			err := w.refused()
			if err == nil {
				t.Fatalf("%s %s is not refused", flag, listen)
			}
			wantAll(t, err.Error(), flag, listen, "would act with your token", "--allow-remote")
		}
	}
}

func TestAnAddressThatOthersReachIsAllowedAloud(t *testing.T) {
	w := newWorld(t, args("--listen", "0.0.0.0:0", "--allow-remote"))
	wantAll(t, w.log.String(), "WARNING: whoever reaches 0.0.0.0:", "acts with your token")
	_, port, _ := net.SplitHostPort(w.host())
	w.url = "http://127.0.0.1:" + port
	for host, status := range map[string]int{"192.168.1.1:80": 200, "[2001:db8::1]": 200, "evil.example": 421} {
		if res, _ := w.get("/", "Host", host); res.StatusCode != status {
			t.Errorf("called by %s: %s, want %d", host, res.Status, status)
		}
	}
}

func TestASocketIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	w := prepare(t, args("--listen", "unix:"+path))
	if err := w.refused(); err == nil || !strings.Contains(err.Error(), "another process listens on "+path) {
		t.Fatalf("where another listens: %v", err)
	}
	left.SetUnlinkOnClose(false) // as a process that was killed leaves it
	_ = left.Close()
	w = newWorld(t, args("--listen", "unix:"+path))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v; want 0600", info.Mode(), err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	res, err := client.Get("http://anything/v1/organizations")
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	_ = res.Body.Close()
	w.mustStop()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatalf("the socket is left behind: %v", err)
	}
}

func TestAFileIsNoSocketAndStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := prepare(t, args("--listen", "unix:"+path)).refused(); err == nil {
		t.Fatal("it listens")
	}
	if text, _ := os.ReadFile(path); string(text) != "mine" {
		t.Fatal("the file is gone")
	}
}

func TestAnAddressInUseIsSaidAndNothingIsLeftBehind(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test is over
	for _, flag := range []string{"--listen", "--admin"} {
		w := prepare(t, args(flag, l.Addr().String()))
		if err := w.refused(); err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
			t.Fatalf("%s: %v", flag, err)
		}
	}
	noGoroutineOf(t, "contrib/cli/internal/proxy.")
}
