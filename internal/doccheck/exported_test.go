package doccheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// others are names that documents have from elsewhere: Go's library, HTTP,
// libraries that are used beside this one, and Spring.
var others = strings.Fields(`
	GetBody RoundTripper
	Authorization Forwarded Host Location Origin Referer
	AuthStyleAutoDetect AuthStyleInHeader AuthStyleInParams CheckRetry MeterProvider SetAuthToken Unauthenticated WithRedactedHeaders WithoutHeaders
	AuthorizedClientServiceOAuth2AuthorizedClientManager ClientAuthorizationRequiredException InMemoryClientRegistrationRepository
	JdbcOAuth2AuthorizedClientService JwtBearerOAuth2AuthorizedClientProvider JwtDecoder NimbusJwtClientAuthenticationParametersConverter OidcUser
	RestClient ReuseTokenSource ServletOAuth2AuthorizedClientExchangeFilterFunction TokenExchangeOAuth2AuthorizedClientProvider WebClient
	AuthtripTokenEndsSoon`)

var (
	bareName = regexp.MustCompile("`([A-Z][a-z]\\w*)(?:\\([^`\n]*\\)|\\{[^`\n]*\\})?`")
	inBraces = regexp.MustCompile("`(?:\\w+\\.)?(" + strings.Join(types, "|") + ")\\{([A-Z]\\w+(?:, [A-Z]\\w+)*)\\}`")
	ofTests  = regexp.MustCompile(`^(?:Test|Example|Fuzz|Benchmark)`) // names_test.go looks for them
)

// Given every name in a document that stands by itself, as `WithStore(store)`,
// `ReplayDone` or the fields of `Policy{RenewAt, RenewSpread}` do, then one of
// this project's packages exports it, or it is one of others.
func TestTheNamesThatStandByThemselvesExist(t *testing.T) {
	exported, count := map[string]bool{}, 0
	for _, dir := range packages {
		for name := range exports(t, filepath.Join(root, dir)) {
			exported[name] = true
		}
	}
	for _, doc := range documents(t) {
		if strings.HasPrefix(doc.name, "bench/") {
			continue // it is about others
		}
		for _, name := range namesOf(doc.prose()) {
			count++
			if !exported[name] && !slices.Contains(others, name) {
				t.Errorf("%s names %s, which no package exports; if it is somebody else's, add it to others in exported_test.go", doc.name, name)
			}
		}
	}
	if count < 150 {
		t.Errorf("the documents have %d names that stand by themselves; are they still found?", count)
	}
}

func TestNamesThatStandByThemselvesAreFound(t *testing.T) {
	got := namesOf("`WithPlainStore`, `WithStore(store)`, `TestIt`, `https`, `POST`, `Policy{RenewAt, RenewSpread}` and `http.Client`")
	if want := []string{"WithPlainStore", "WithStore", "Policy", "RenewAt", "RenewSpread"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func namesOf(prose string) (names []string) {
	for _, m := range bareName.FindAllStringSubmatch(prose, -1) {
		if !ofTests.MatchString(m[1]) {
			names = append(names, m[1])
		}
	}
	for _, m := range inBraces.FindAllStringSubmatch(prose, -1) {
		names = append(names, strings.Split(m[2], ", ")...)
	}
	return names
}

// exports are the names that a package exports, its types' fields and methods
// among them.
func exports(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	add := func(all ...*ast.Ident) {
		for _, id := range all {
			if id.IsExported() {
				names[id.Name] = true
			}
		}
	}
	for _, entry := range files {
		if filepath.Ext(entry.Name()) != ".go" || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, entry.Name()), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				add(n.Name)
				return false
			case *ast.TypeSpec:
				add(n.Name)
			case *ast.ValueSpec:
				add(n.Names...)
			case *ast.Field: // of a struct, or a method of an interface
				add(n.Names...)
			}
			return true
		})
	}
	return names
}
