package authtrip

import (
	"errors"
	"io"
	"slices"
	"testing"
)

var searchRules = []Envelope{
	{Success: "header.isSuccessful", Code: "header.resultCode", Rejected: []string{"80007", "-6", "401*"}},
	{Success: "success", Code: "errorCode", Rejected: []string{"401", "E*", "-0"}},
	{Success: "a", Code: "a.b.c", Rejected: []string{"1", "x y", "\ufffd*"}},
	{Success: "a.b", Code: "c.b", Rejected: []string{"9007199254740993", "0.5", "1*"}},
	{Code: "a.a", Rejected: []string{"1e3", "1000", "é"}},
	{Success: "a", Code: "a", Rejected: []string{"false", "0"}},
}

// FuzzSearch compares a search with the oracle, in whatever pieces the text
// comes, and expects it to stop as soon as the oracle does.
func FuzzSearch(f *testing.F) {
	for i, text := range []string{
		`{"header":{"isSuccessful":false,"resultCode":80007,"resultMessage":"x"}}`,
		`{"x":[1,{"header":[]},"]"],"header" : {"resultCode":"401.7","isSuccessful":false},"a":[1,{}]}`,
		`{"a":{"b":{"c":1.0}},"a":false}`, `{"a":{"a":1e3}}`, `{"a":{"\u0061":"\u00e9"}}`, "{\"a\":{\"b\":{\"c\":\"\xff\"}},\"a\":false}",
		`{"success":false,"errorCode":-0}`, `{"c":{"b":9007199254740993},"a":{"b":false}}`, `{"a":false}`, `{"a":1e999,"b":[[[]]]}`,
		"\ufeff {\"header\":{}}", `"x\n\"\\\/"`, `-12.5e+3`, `true`, `[`, ``, ` `, "\xef\xbb", `{"a":"\ud83d\ude00\ud800","b":nul}`, `01`, `1.`, `{"a" 1}`,
		`{"a":1,}`, `{"a":[1,]}`, `{,}`, `{"a":}`, `{"a":[}`, `{"a":{]}`, "{\"\x01\":1}", `{"a":"\x"}`, `{"a":"\u12G4"}`, `{"a":-}`, `{"a":1.e5}`,
		`{"a":truefalse}`, `{"a":"b""c":1}`, `]`, `:`, `{"header":{"isSuccessful":false,"resultCode":80007`, `{"header":{"header":{"isSuccessful":true}}}`,
	} {
		for rule := range searchRules {
			f.Add([]byte(text), []byte{1}, uint8(rule), i%2 == 0)
			f.Add([]byte(text), []byte{9, 2, 255}, uint8(rule), i%2 == 1)
		}
	}
	broke := errors.New("the connection broke")
	f.Fuzz(func(t *testing.T, text, pieces []byte, n uint8, breaks bool) {
		e := searchRules[int(n)%len(searchRules)]
		end := io.EOF
		if breaks {
			end = broke
		}
		text = text[:min(len(text), envelopeLimit)]
		want := oracle(e).says(text, end)
		read := 0
		got := looked(e, func(so []byte) ([]byte, error) {
			size := 1
			if len(pieces) > 0 {
				size += int(pieces[0])
				pieces = append(slices.Clip(pieces[1:]), pieces[0])
			}
			if read = min(len(so)+size, len(text)); read == len(so) {
				return so, end
			}
			return slices.Clone(text[:read]), nil // lest it relies on the place
		})
		if got != want {
			t.Fatalf("%q in pieces: %v, want %v", text, got, want)
		}
		read = 0
		got = looked(e, func(so []byte) ([]byte, error) {
			if read = len(so) + 1; read > len(text) {
				return so, end
			}
			return text[:read], nil
		})
		if got != want {
			t.Fatalf("%q byte by byte: %v, want %v", text, got, want)
		}
		if got == findingBroken || read > len(text) {
			return
		}
		if at := oracle(e).says(text[:read], broke); at != got {
			t.Fatalf("%q: %v after %d bytes, where the oracle has %v", text, got, read, at)
		}
		if read > 1 && len(text[:read-1]) > 0 {
			if before := oracle(e).says(text[:read-1], broke); before != findingBroken {
				t.Fatalf("%q: %v only after %d bytes, the oracle has %v before", text, got, read, before)
			}
		}
	})
}

// looked has a search look that was used before.
func looked(e Envelope, more func([]byte) ([]byte, error)) finding {
	s := search{at: 3, objects: 2, nested: 7, failed: true, coded: true}
	for i := range s.object {
		s.object[i] = 0x5555555555555555
	}
	s.begin(e.rule())
	return s.look(more)
}
