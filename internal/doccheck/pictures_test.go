package doccheck

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Given every picture of docs that is drawn, then it is XML, and takes nothing
// from elsewhere.
func TestPicturesAreWholeAndTakeNothingFromElsewhere(t *testing.T) {
	files, err := filepath.Glob(root + "/docs/*.svg")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pictures found: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tokens := xml.NewDecoder(strings.NewReader(string(text)))
		for {
			token, err := tokens.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("%s: %v", file, err)
				break
			}
			element, _ := token.(xml.StartElement)
			for _, a := range element.Attr {
				if a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
					t.Errorf("%s takes %s from elsewhere", file, a.Value)
				}
			}
		}
	}
}
