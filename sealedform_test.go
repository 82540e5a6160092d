package authtrip_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
)

// A record of an earlier version's, and where it is.
const (
	goldenKey    = "login/users/ann"
	goldenName   = "KmOBvLSbP5Hq4ELDdVQr_eP-GtiqjLUBGb7YHCAEf-A"
	goldenRecord = "01c8b0dcf27fcf4835bb60dab8027a8714e6c20c292cca7ff5cf7929d38ffd6fd758982824f47f4cb734f57bce4a9c16e36815b689fb164731e445eb8a16f1ed78ed29"
	goldenValue  = `{"form":1,"refresh_token":"r"}`
)

func TestWhatWasSealedOnceIsOpenedForEver(t *testing.T) {
	store := newShelf()
	over, err := sealedBy(1).Over(store)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := over.Save(t.Context(), goldenKey, []byte(goldenValue), "", 0); err != nil {
		t.Fatal(err)
	}
	if store.names[0] != goldenName {
		t.Fatalf("it is kept under %q", store.names[0])
	}
	if got := store.holds(goldenName); got[:9] != goldenSealed(t)[:9] || len(got) != len(goldenSealed(t)) {
		t.Fatalf("another form: %x", got)
	}
	store.put(t, goldenName, goldenSealed(t))
	if value, _, err := over.Load(t.Context(), goldenKey); err != nil || string(value) != goldenValue {
		t.Fatalf("%q, %v", value, err)
	}
}

func TestNoTwoRecordsAreSealedAlike(t *testing.T) {
	store := newShelf()
	over, _ := sealedBy(1).Over(store)
	seen := map[string]bool{}
	for _, key := range []string{"a", "b"} {
		version := ""
		for range 50 {
			var err error
			if version, err = over.Save(t.Context(), key, nil, version, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, text := range store.seen {
		if len(text) == 43 { // a name
			continue
		}
		if rest := text[9:]; seen[rest[:12]] || seen[rest[12:]] {
			t.Fatalf("%x came twice", rest)
		} else {
			seen[rest[:12]], seen[rest[12:]] = true, true
		}
	}
	if len(seen) != 200 {
		t.Fatalf("%d nonces and tags", len(seen))
	}
}

func TestARecordIsOpenedAsAWholeUnderItsNameOnly(t *testing.T) {
	store := newShelf()
	over, _ := sealedBy(1).Over(store)
	for _, key := range []string{"ann", "bob"} {
		if _, err := over.Save(t.Context(), key, []byte(goldenValue), "", 0); err != nil {
			t.Fatal(err)
		}
	}
	name, record := store.names[0], store.holds(store.names[0])
	try := func(what, record string) {
		t.Helper()
		store.put(t, name, record)
		value, version, err := over.Load(t.Context(), "ann")
		if !authtrip.Unreadable(err) || len(value) != 0 || version == "" {
			t.Fatalf("%s: %q, version %q, %v", what, value, version, err)
		}
	}
	for i := range len(record) {
		for bit := range 8 {
			b := []byte(record)
			b[i] ^= 1 << bit
			try("changed", string(b))
		}
		try("cut short", record[:i])
		try("cut in front", record[i+1:])
	}
	try("longer", record+"\x00")
	try("moved", store.holds(store.names[1]))
	store.put(t, name, record)
	if value, _, err := over.Load(t.Context(), "ann"); err != nil || string(value) != goldenValue {
		t.Fatalf("as it was: %q, %v", value, err)
	}
}

// FuzzSealed opens what anybody may have written: only the golden record opens,
// and no error shows any of what is there.
func FuzzSealed(f *testing.F) {
	golden, err := hex.DecodeString(goldenRecord)
	if err != nil {
		f.Fatal(err)
	}
	for _, record := range [][]byte{golden, nil, {1}, golden[:9], golden[:21], golden[:36], golden[:37], append(golden, 0), golden[1:], []byte(goldenValue), bytes.Repeat([]byte{1}, 100)} {
		f.Add(record)
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		store := newShelf()
		over, _ := sealedBy(2, 1).Over(store)
		store.put(t, goldenName, string(record))
		value, version, err := over.Load(t.Context(), goldenKey)
		switch {
		case version == "":
			t.Fatalf("no version: %v", err)
		case bytes.Equal(record, golden):
			if err != nil || string(value) != goldenValue {
				t.Fatalf("%q, %v", value, err)
			}
		case !authtrip.Unreadable(err) || value != nil:
			t.Fatalf("%x was opened: %q, %v", record, value, err)
		default:
			wantAll(t, err, goldenName, "cannot be read")
			if len(err.Error()) > 200 || len(record) > 12 && strings.Contains(err.Error(), string(record)) {
				t.Fatalf("it shows the record: %v", err)
			}
		}
	})
}

func goldenSealed(t *testing.T) string {
	t.Helper()
	b, err := hex.DecodeString(goldenRecord)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
