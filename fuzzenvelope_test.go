package authtrip

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func FuzzEnvelope(f *testing.F) {
	for _, body := range []string{
		`{"header":{"isSuccessful":false,"resultCode":80007,"resultMessage":"x"}}`, `{"header":{"resultCode":"401.7","isSuccessful":false},"a":[1,{}]}`,
		`{"header":{"isSuccessful":true,"resultCode":200}}`, `{"body":{"header":{"isSuccessful":false,"resultCode":80007}},"header":{}}`,
		`{"header":{"isSuccessful":false,"resultCode":8.0007e4}}`, `{"header":{"isSuccessful":false,"resultCode":1e999}}`,
		"\ufeff {\"header\":{\"isSuccessful\":false,\"resultCode\":-6}}", `{"header":[{"isSuccessful":false}],"a\u0000":null}`,
		`{"header":{"isSuccessful":false,"resultCode":80007`, `[`, `"x"`, `12`, ``, "\ufeff", "\xef\xbb", `{"a":`,
	} {
		for encoding := range uint8(4) {
			f.Add([]byte(body), encoding, uint8(encoding), uint16(0), encoding == 1)
			f.Add([]byte(body), encoding, uint8(7), uint16(4096), false)
			f.Add([]byte(body), encoding, uint8(255), uint16(4096-len(body)), true)
		}
	}
	rule := Envelope{Success: "header.isSuccessful", Code: "header.resultCode", Rejected: []string{"80007", "-6", "401*"}}
	broke := errors.New("the connection broke")
	f.Fuzz(func(t *testing.T, text []byte, encoding, chunk uint8, padding uint16, breaks bool) {
		// Space before the envelope moves it over the limit, space after it
		// does not.
		text = append(bytes.Repeat([]byte(" "), int(padding%5000)), text...)
		plain := append(slices.Clone(text), bytes.Repeat([]byte("\n"), int(padding/5000)*1000)...)
		sent := plain
		res := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}}
		coding := []string{"", "gzip", "gzip", "br"}[encoding%4]
		if encoding%4 == 1 {
			sent = zip(sent)
		}
		if coding != "" {
			res.Header.Set("Content-Encoding", coding)
		}
		end := io.EOF
		if breaks {
			end = broke
		}
		res.Body = io.NopCloser(&inChunks{io.MultiReader(bytes.NewReader(sent), iotest.ErrReader(end)), int(chunk) + 1})

		opened, verdict, undecided := openEnvelope(t.Context(), res, rule.rule(), time.Hour)
		got, err := io.ReadAll(opened.Body)
		if breaks != (err == broke) || !breaks && err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("read %q, %v; the server sent %q", got, err, sent)
		}
		if undecided != nil && verdict != TokenAccepted {
			t.Fatalf("%v and rejected", undecided)
		}
		if encoding%4 > 1 && !bytes.HasPrefix(sent, []byte{0x1f, 0x8b}) {
			if verdict != TokenAccepted || undecided == nil && (coding == "br" || len(sent) > 0) {
				t.Fatalf("%v (%v) though it cannot be read", verdict, undecided)
			}
			return
		}
		if encoding%4 > 1 || len(sent) >= envelopeLimit && encoding%4 == 1 {
			return
		}
		if want, wantErr := oracle(rule).says(plain, end).verdict(); verdict != want || undecided != wantErr {
			t.Fatalf("%q: verdict %v (%v), want %v (%v)", plain, verdict, undecided, want, wantErr)
		}
		rejects, ok := rejectsByTheBook(text)
		if ok && len(text) <= envelopeLimit && ((verdict == TokenRejected) != rejects || undecided != nil) {
			t.Fatalf("%q: verdict %v (%v), want rejected %v", text, verdict, undecided, rejects)
		}
	})
}

// inChunks gives its bytes in chunks, one of that many and others.
type inChunks struct {
	io.Reader
	size int
}

func (c *inChunks) Read(p []byte) (int, error) {
	size := c.size
	c.size = size*5%257 + 1
	return c.Reader.Read(p[:min(len(p), size)])
}

func zip(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	return b.Bytes()
}

// rejectsByTheBook judges a whole text. It is not ok if that is no JSON object,
// or one that says something twice.
func rejectsByTheBook(text []byte) (rejects, ok bool) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var all map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if !json.Valid(text) || dec.Decode(&all) != nil || all == nil || members(all) != membersWritten(text) {
		return false, false
	}
	header, _ := all["header"].(map[string]any)
	code, _ := header["resultCode"].(string)
	if n, ok := header["resultCode"].(json.Number); ok {
		code = string(n)
		if f, err := n.Float64(); err == nil && f == float64(int64(f)) && f < 1<<53 && f > -1<<53 {
			code = strconv.FormatInt(int64(f), 10)
		}
	}
	code = strings.TrimSpace(code)
	return header["isSuccessful"] == false && (code == "80007" || code == "-6" || strings.HasPrefix(code, "401")), true
}

// members counts the members of all objects in value.
func members(value any) (n int) {
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			n += 1 + members(v)
		}
	case []any:
		for _, v := range value {
			n += members(v)
		}
	}
	return n
}

// membersWritten counts the members in text: outside strings, a colon each.
func membersWritten(text []byte) (n int) {
	for in, i := false, 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			in = !in
		case c == '\\':
			i++
		case c == ':' && !in:
			n++
		}
	}
	return n
}
