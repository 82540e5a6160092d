//go:build unix

package command_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAConfigurationThatWasFoundIsNobodyElses(t *testing.T) {
	w := newWorld(t)
	if err := os.Chmod("oauth2.yml", 0o666); err != nil {
		t.Fatal(err)
	}
	w.want(codeConfiguration, args("token nhn"), "--config oauth2.yml")
	w.want(0, args("token nhn --config oauth2.yml"))
}

func TestAPipeIsNoKey(t *testing.T) {
	w := newWorld(t)
	base, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(base, "authtrip", "cache.key")
	if err := os.MkdirAll(filepath.Dir(key), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(key, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := w.run("token", "nhn"); r.code != codeConfiguration {
		t.Errorf("%+v", r)
	}
}
