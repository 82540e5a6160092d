package authtrip_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/storetest"
)

func TestAFileStoreIsAStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "of", "authtrip")
	storetest.Run(t, func(*testing.T) authtrip.Store { return authtrip.NewFileStore(dir) })
}

func TestALoginOutlivesItsProcessInAFileStore(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		before := s.manager(t, authtrip.WithPlaintextStore(authtrip.NewFileStore(dir)))
		s.login(t, of(t, before, "ann"), "ann")
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		after := s.manager(t, authtrip.WithPlaintextStore(authtrip.NewFileStore(dir)))
		s.mustBe(t, of(t, after, "ann"), "ann")
	})
}

func TestAFileStoreIsForItsOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are Unix's")
	}
	dir := filepath.Join(t.TempDir(), "authtrip")
	s := authtrip.NewFileStore(dir)
	version := mustSave(t, s, "login/users/ann", "secret", "", 0)
	mustSave(t, s, "login/users/ann", "secret", version, 0)
	mustSave(t, s, "flow/1", "used", "", time.Hour)
	for _, path := range append(filesIn(t, dir), ".") {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		if strings.Contains(path, "ann") {
			t.Errorf("%s names a principal", path)
		}
	}
}

func TestAFileStoreShowsNoDirectory(t *testing.T) {
	dir := t.TempDir()
	if dump := fmt.Sprintf("%v %+v %#v %s", authtrip.NewFileStore(dir), authtrip.NewFileStore(dir), authtrip.NewFileStore(dir), authtrip.NewFileStore(dir)); strings.Contains(dump, dir) {
		t.Fatal(dump)
	}
}

func TestAFileStoreMakesNoDirectoryForLooking(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "authtrip")
	s := authtrip.NewFileStore(dir)
	if _, _, err := s.Load(t.Context(), "k"); !errors.Is(err, authtrip.ErrNotFound) {
		t.Fatalf("%v, want ErrNotFound", err)
	}
	if err := s.Delete(t.Context(), "k", "v"); !errors.Is(err, authtrip.ErrNotFound) {
		t.Fatalf("%v, want ErrNotFound", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Fatal("the directory was made for nothing")
	}
}

func TestAFileStoreLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := authtrip.NewFileStore(dir)
		for i := range 100 { // more than are swept at once
			mustSave(t, s, fmt.Sprint("passes-", i), "x", "", time.Minute)
		}
		stays := mustSave(t, s, "stays", "x", "", 0)
		for name, text := range map[string]string{"1.record.new": `{"vers`, "notes.new": "", "notes.txt": "", "other.record": "not ours"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		settle(time.Hour)
		stays = mustSave(t, s, "stays", "x", stays, 0)
		if n := len(filesIn(t, dir)); n < 30 {
			t.Fatalf("one Save looked at more than a few files, and left %d", n)
		}
		stays = mustSave(t, s, "stays", "x", stays, 0)
		if err := s.Delete(t.Context(), "stays", stays); err != nil {
			t.Fatal(err)
		}
		if left, want := filesIn(t, dir), []string{"lock", "notes.new", "notes.txt", "other.record"}; !slices.Equal(left, want) {
			t.Fatalf("left are %q, want %q", left, want)
		}
	})
}

// Whoever starts anew removes what was left half-written.
func TestAFileStoreSweepsWhenItIsUsedFirst(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "1.record.new"), []byte(`{"vers`), 0o600); err != nil {
		t.Fatal(err)
	}
	mustSave(t, authtrip.NewFileStore(dir), "k", "x", "", 0)
	if left := filesIn(t, dir); len(left) != 2 {
		t.Fatalf("left are %q, want the lock and a record", left)
	}
}

func TestWhatIsNoRecordInAFileStoreIsTroubleAndIsLeft(t *testing.T) {
	for name, change := range map[string]func(text []byte) []byte{
		"cut":          func(text []byte) []byte { return text[:len(text)-5] },
		"empty":        func([]byte) []byte { return nil },
		"another JSON": func([]byte) []byte { return []byte("{}") },
		"longer":       func(text []byte) []byte { return append(text, text...) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := authtrip.NewFileStore(dir)
			version := mustSave(t, s, "k", "CANARY", "", 0)
			path := filepath.Join(dir, filesIn(t, dir)[0])
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			wrong := change(text)
			if err := os.WriteFile(path, wrong, 0o600); err != nil {
				t.Fatal(err)
			}
			for method, err := range everyMethod(t.Context(), s, version) {
				wantTrouble(t, method, err)
				wantAll(t, err, "the file Store", path, "put it back", "remove it")
				if strings.Contains(err.Error(), "CANARY") || strings.Contains(err.Error(), version) {
					t.Errorf("%s repeats what is in the file: %v", method, err)
				}
			}
			mustSave(t, s, "another", "x", "", 0)
			if now, err := os.ReadFile(path); err != nil || string(now) != string(wrong) {
				t.Errorf("it is not left as it was: %q, %v", now, err)
			}
		})
	}
}

func TestAFileStoreWithoutItsDirectoryIsTrouble(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for method, err := range everyMethod(t.Context(), authtrip.NewFileStore(file), "v") {
		wantTrouble(t, method, err)
		wantAll(t, err, "the file Store")
	}
	_, err := authtrip.NewFileStore("").Save(t.Context(), "k", nil, "", 0)
	wantAll(t, err, "give NewFileStore a directory")
}

// It is as if the disk were taken away: nobody is logged out for that.
func TestADirectoryThatGoesAwayIsTroubleUntilItIsBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "authtrip")
	for name, s := range map[string]authtrip.Store{
		"who saved":  authtrip.NewFileStore(dir),
		"who loaded": authtrip.NewFileStore(dir),
		"who looked": authtrip.NewFileStore(dir),
	} {
		t.Run(name, func(t *testing.T) {
			v := mustSave(t, authtrip.NewFileStore(dir), name, "x", "", 0)
			switch name {
			case "who saved":
				v = mustSave(t, s, name, "x", v, 0)
			case "who loaded":
				_, _, _ = s.Load(t.Context(), name)
			case "who looked":
				_, _, _ = s.Load(t.Context(), "not there")
			}
			if err := os.Rename(dir, dir+"-away"); err != nil {
				t.Fatal(err)
			}
			for method, err := range everyMethod(t.Context(), s, v) {
				wantTrouble(t, method, err)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Fatal("another directory was made in its place")
			}
			if err := os.Rename(dir+"-away", dir); err != nil {
				t.Fatal(err)
			}
			if _, now, err := s.Load(t.Context(), name); now != v || err != nil {
				t.Fatalf("it holds version %q, %v, want %q", now, err, v)
			}
			mustSave(t, s, name, "y", v, 0)
		})
	}
}

func everyMethod(ctx context.Context, s authtrip.Store, version string) map[string]error {
	_, _, load := s.Load(ctx, "k")
	_, save := s.Save(ctx, "k", []byte("y"), version, 0)
	return map[string]error{"Load": load, "Save": save, "Delete": s.Delete(ctx, "k", version)}
}

func wantTrouble(t *testing.T, method string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, authtrip.ErrNotFound) || errors.Is(err, authtrip.ErrConflict) {
		t.Fatalf("%s: %v, want trouble", method, err)
	}
}

func mustSave(t *testing.T, s authtrip.Store, key, value, version string, lifetime time.Duration) string {
	t.Helper()
	version, err := s.Save(t.Context(), key, []byte(value), version, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// filesIn lists a directory, sorted.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}
