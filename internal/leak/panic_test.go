package leak_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/internal/leak"
)

// panicVariable tells this program, started again, what to panic with.
const panicVariable = "LEAK_PANIC"

// What the runtime prints of a program that ends in a panic, with the traces of
// all goroutines.
func TestI14_APanicShowsNoSecret(t *testing.T) {
	for name, what := range map[string]string{
		"an error": "invalid_client", "a Secret": "[redacted]", "a Token": "[redacted]", "a Source": "authtrip.Source",
		"a Registration": "authtrip.Registration", "a Manager": "authtrip.Manager", "the base, with the token on its way": "RoundTrip",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := panicOf(t, name)
			if !strings.Contains(text, what) || !strings.Contains(text, "goroutine ") {
				t.Fatalf("no panic of %s: %s", what, text)
			}
			secrets := []string{theSecret, theKey, theCode, fmt.Sprintf(newTokens, 1), fmt.Sprintf(newTokens, 2)}
			if found := leak.Find([]string{text}, secrets); found != nil {
				t.Error(strings.Join(found, "; "))
			}
		})
	}
	t.Run("but what shows is found", func(t *testing.T) {
		if leak.Find([]string{panicOf(t, "text")}, []string{theSecret}) == nil {
			t.Error("not found")
		}
	})
}

func panicOf(t *testing.T, name string) string {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = []string{panicVariable + "=" + name, "GOTRACEBACK=all"}
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		t.Fatalf("it ended with %v: %s", err, out)
	}
	return string(out)
}

// panicWith is what the child does.
func panicWith(what string) {
	w := newWorld()
	switch what {
	case "an error":
		panic(w.err)
	case "a Secret":
		panic(w.reg.ClientSecret)
	case "a Token":
		panic(w.tok)
	case "a Source":
		panic(w.userSrc)
	case "a Registration":
		panic(w.reg)
	case "a Manager":
		panic(w.mgr)
	case "text":
		panic(errors.New(w.reg.ClientSecret.Reveal()))
	}
	w.broken = false
	src, err := authtrip.NewSource(w.reg, authtrip.WithTokenTransport(w))
	w.must(err)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://api.example/", nil)
	w.must(err)
	_, err = (&authtrip.Transport{Source: src, Base: panicking{}}).RoundTrip(req)
	w.must(err)
}

type panicking struct{}

func (panicking) RoundTrip(r *http.Request) (*http.Response, error) { panic(r) }
