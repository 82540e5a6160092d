package doccheck

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/contrib/config"
)

// notConfiguration is the marker of a YAML block that is for another program;
// which follows it.
const notConfiguration = "not configuration:"

// Given every YAML block of every document, when contrib/config reads it, then
// it finds no fault.
func TestEveryYAMLBlockIsConfiguration(t *testing.T) {
	count := 0
	for _, doc := range documents(t) {
		for _, b := range doc.blocks {
			if b.language != "yaml" || strings.HasPrefix(b.marker, notConfiguration) {
				continue
			}
			count++
			if err := configure(t, b.text); err != nil {
				t.Errorf("%s:%d: %v", b.document, b.line, err)
			}
		}
	}
	if count == 0 {
		t.Error("no document shows configuration")
	}
}

func TestABrokenYAMLBlockIsFound(t *testing.T) {
	text := "registration:\n  cloud:\n    provider: nhn\n    client_id: ${ID}\n    client_secret_file: /run/secrets/nhn\n"
	if err := configure(t, text); err != nil {
		t.Error(err)
	}
	if err := configure(t, text+"    client_ids: shop\n"); err == nil {
		t.Error("an unknown key is no fault")
	}
}

// configure reads a configuration whose variables are set and whose secret
// files are there.
func configure(t *testing.T, text string) error {
	t.Helper()
	dir := t.TempDir()
	var environ []string
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(text, -1) {
		environ = append(environ, m[1]+"=value")
	}
	for _, m := range regexp.MustCompile(`(?m)_file: /run/secrets/(\S+)$`).FindAllStringSubmatch(text, -1) {
		if err := os.WriteFile(filepath.Join(dir, m[1]), []byte("value"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text = strings.ReplaceAll(text, "/run/secrets/", dir+"/")
	_, err := config.Parse("block.yml", []byte(text), environ)
	return err
}

// Given every JSON block, then it is JSON; one with several values has one a
// line or more.
func TestEveryJSONBlockIsJSON(t *testing.T) {
	for _, doc := range documents(t) {
		for _, b := range doc.blocks {
			if b.language != "json" {
				continue
			}
			values := json.NewDecoder(strings.NewReader(b.text))
			for values.More() {
				var v any
				if err := values.Decode(&v); err != nil {
					t.Errorf("%s:%d: %v", b.document, b.line, err)
					break
				}
			}
		}
	}
}
