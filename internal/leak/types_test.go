package leak_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/internal/leak"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(panicVariable); what != "" {
		panicWith(what)
		return // never the tests: they would start it again
	}
	os.Exit(m.Run())
}

// Every exported type of the root, of the presets and of middleware, after it
// was used, alone and in other values.
func TestI14_NothingExportedPrintsASecretHoweverItIsWritten(t *testing.T) {
	w := newWorld()
	values := w.values()
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			texts := leak.Print(v)
			if marshals := strings.Contains(name, "Flow"); marshals {
				maps.DeleteFunc(texts, func(how, _ string) bool { return slices.ContainsFunc(keptByMarshalling, isPrefixOf(how)) })
			}
			for _, found := range leak.Find(told(texts), w.secrets()) {
				t.Error(found)
			}
		})
	}
	t.Run("none is forgotten", func(t *testing.T) {
		var printed []string
		for _, v := range values {
			printed = append(printed, strings.TrimPrefix(reflect.TypeOf(v).String(), "*"))
		}
		for _, name := range exportedTypes(t) {
			if !slices.Contains(printed, name) && !slices.Contains(interfaces, name) {
				t.Errorf("%s is exported, and is not printed here", name)
			}
		}
	})
	t.Run("but what shows is found", func(t *testing.T) {
		for how, text := range leak.Print(struct{ S string }{theSecret}) {
			verb, _, _ := strings.Cut(how, " in a struct")
			shows := strings.HasPrefix(how, "%") && strings.ContainsAny(verb[len(verb)-1:], "vsqxX") && !strings.Contains(how, ".") || strings.Contains(how, "JSON, alone")
			if shows && leak.Find([]string{text}, []string{theSecret}) == nil {
				t.Errorf("by %s, %.80q…: not found", how, text)
			}
		}
	})
}

// told has each text with how it was written.
func told(texts map[string]string) (all []string) {
	for how, text := range texts {
		all = append(all, "by "+how+": "+text)
	}
	return all
}

// A Flow is made to be marshalled: into its user's session.
var keptByMarshalling = []string{"JSON", "XML", "gob", "slog JSON in a struct", "slog text in a struct"}

func isPrefixOf(how string) func(string) bool {
	return func(prefix string) bool { return strings.HasPrefix(how, prefix) }
}

// interfaces are of the program's own values, or of those that are printed.
var interfaces = []string{"authtrip.Authorizer", "authtrip.Option", "authtrip.Store"}

func (w *world) values() map[string]any {
	return map[string]any{
		"Secret": w.reg.ClientSecret, "*Secret": &w.reg.ClientSecret,
		"Registration": w.reg, "*Registration": &w.reg, "Registration of a user": w.user, "HostHeaders": w.reg.HostHeaders,
		"Endpoint": w.reg.TokenEndpoint, "Envelope": w.reg.Envelopes["api.example"], "ClientAuth": w.reg.ClientAuth, "Grant": w.reg.Grant,
		"Token": w.tok, "*Token": &w.tok, "Verdict": authtrip.TokenRejected, "Policy": authtrip.Policy{},
		"Manager": w.mgr, "Source": w.src, "a user's Source": w.userSrc, "Source of one": w.own,
		"Transport": authtrip.Transport{Source: w.own}, "*Transport": w.transport, "*http.Client": w.http,
		"Flow": w.flow, "*Flow": &w.flow, "Store": &failing{Store: w.kept()}, "MemoryStore": w.kept(), "Hooks": w.hooks, "TokenCall": w.calls[0], "all TokenCalls": w.calls, "Stats": w.src.Stats(), "WithLogger": authtrip.WithLogger(slog.Default()),
		"Encryption": w.keys, "*Encryption": &w.keys, "encrypted Manager": w.sealed, "WithStore": authtrip.WithStore(w.store),
		"WithPlaintextStore": authtrip.WithPlaintextStore(w.store), "WithTokenTransport": authtrip.WithTokenTransport(w.transport),
		"context": authtrip.WithScopes(authtrip.WithPrincipal(context.Background(), "ann"), "a"),
		"error":   w.err, "*ServerError": w.said, "ServerError": *w.said, "errors": []error{w.err, w.said},
		"request": w.sent, "response": w.res, "its request": w.res.Request, "a rejected request": w.rejected.Request, "its context": w.rejected.Request.Context(),
		"nhn.Credentials": w.nhn, "*nhn.Credentials": &w.nhn, "nhn.Authenticator": nhn.Authenticator{Source: w.own},
		"nhn.Option": nhn.AppKey("rds-mysql", w.nhn.SecretAccessKey), "nhn.Registration": nhn.Registration(w.nhn, nhn.AppKey("rds-mysql", w.nhn.SecretAccessKey)),
		"prism.Client": w.prism, "*prism.Client": &w.prism, "prism.Option": prism.SendState(), "prism.Registration": prism.Registration(w.prism),
		"resty client": w.resty, "BeforeRequest": middleware.BeforeRequest(w.own),
	}
}

// exportedTypes are those in the source.
func exportedTypes(t *testing.T) (names []string) {
	for pkg, dir := range map[string]string{"authtrip": "../..", "middleware": "../../middleware", "nhn": "../../nhn", "prism": "../../prism"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || files == nil {
			t.Fatalf("no source in %s: %v", dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.TypeSpec); ok && s.Name.IsExported() {
					names = append(names, fmt.Sprintf("%s.%s", pkg, s.Name.Name))
				}
				return true
			})
		}
	}
	return names
}
