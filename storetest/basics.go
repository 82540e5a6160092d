package storetest

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/authtrip/authtrip"
)

func absent(s *suite) {
	s.handle().mustBeAbsent("never there")
}

func saved(s *suite) {
	all := s.handles(2)
	v := all[0].mustSave("k", "one", "", 0)
	for range 3 {
		for _, h := range all {
			h.mustHold("k", "one", v)
		}
	}
	v2 := all[1].mustSave("k", "two", v, 0)
	for _, h := range all {
		h.mustHold("k", "two", v2)
	}
}

func conflicts(s *suite) {
	all := s.handles(2)
	v := all[0].mustSave("k", "one", "", 0)
	v2 := all[0].mustSave("k", "two", v, 0)
	for name, version := range map[string]string{"none": "", "an older one": v, "another": v2 + "x", "a part of it": v2[:len(v2)-1]} {
		for _, h := range all {
			if _, ok := h.save("k", "three", version, 0); ok {
				s.Fatalf("Save over another version (%s): want ErrConflict", name)
			}
			if err := h.delete("k", version); err != authtrip.ErrConflict {
				s.Fatalf("Delete of another version (%s): %v, want ErrConflict", name, err)
			}
			h.mustHold("k", "two", v2)
		}
	}
}

func deleted(s *suite) {
	all := s.handles(2)
	v := all[0].mustSave("k", "one", "", 0)
	if err := all[1].delete("k", v); err != nil {
		s.Fatalf("Delete: %v", err)
	}
	for _, h := range all {
		h.mustBeAbsent("k")
	}
	if err := all[0].delete("k", v); err != authtrip.ErrNotFound {
		s.Fatalf("Delete again: %v, want ErrNotFound", err)
	}
	if _, ok := all[0].save("k", "two", v, 0); ok {
		s.Fatal("Save over the version of what was deleted: want ErrConflict")
	}
	again := all[0].mustSave("k", "one", "", 0)
	if again == v {
		s.Fatal("a version of what was deleted is used again")
	}
	if err := all[1].delete("k", v); err != authtrip.ErrConflict {
		s.Fatalf("Delete by a version of what was there before: %v, want ErrConflict", err)
	}
}

func copied(s *suite) {
	h := s.handle()
	given := []byte("a value")
	v, err := h.store.Save(s.Context(), s.prefix+"k", given, "", 0)
	if err != nil {
		s.Fatal(err)
	}
	if string(given) != "a value" {
		s.Fatalf("Save changed the value that it was given to %q", given)
	}
	clear(given)
	got, _, _ := h.load("k")
	clear(got)
	h.mustHold("k", "a value", v)
}

func values(s *suite) {
	all := s.handles(2)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	noise := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise)
	for name, value := range map[string]string{
		"empty": "", "one byte": "\x00", "text": "été ✓", "every byte": string(every), "quotes": `'"\` + "`", "one MB": string(noise),
	} {
		v := all[0].mustSave(name, value, "", 0)
		all[1].mustHold(name, value, v)
	}
	v := all[0].mustSave("shrinks", string(noise), "", 0)
	all[1].mustSave("shrinks", "", v, 0)
	all[0].mustHold("shrinks", "", "")
	if _, err := all[0].store.Save(s.Context(), s.prefix+"nil", nil, "", 0); err != nil {
		s.Fatalf("Save of nil: %v", err)
	}
	all[1].mustHold("nil", "", "")
}

// keys wants every key to be a record of its own.
func keys(s *suite) {
	all := s.handles(2)
	long := strings.Repeat("long ", 80)
	names := []string{
		"", "k", "K", "k ", " k", "k/", "k/l", "k/./l", "k//l", "../k", "..", ".", "k\\l", "k%2Fl", "k*", "k?", "[k]", "{k}", "k:l", "k;l", "'k'", `"k"`, "-k", "~k",
		"é", "e\u0301", "ﬁ", "fi", "İ", "i", "\xff", "\xc3\x28", "\xed\xa0\x80", "k\x00", "k\x00l", "\r\n", long, long + "k", long + "l",
	}
	for b := range 256 {
		names = append(names, "byte "+string([]byte{byte(b)}))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	versions := map[string]string{}
	for i, name := range names {
		versions[name] = all[i%2].mustSave(name, "of "+name, "", 0)
	}
	for i, name := range names {
		all[(i+1)%2].mustHold(name, "of "+name, versions[name])
	}
	for i, name := range names {
		if err := all[i%2].delete(name, versions[name]); err != nil {
			s.Fatalf("Delete of %q: %v", name, err)
		}
	}
	for _, name := range names {
		if _, _, found := all[0].load(name); found {
			s.Fatalf("%q is there after it was deleted", name)
		}
	}
}
