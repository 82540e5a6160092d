package authtrip_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
)

func TestAStoreIsEncryptedOrWaivedByName(t *testing.T) {
	memory, shared := authtrip.NewMemoryStore(0), newShelf()
	waiver := "give Encryption too, or the Store by WithPlaintextStore if it may"
	for name, c := range map[string]struct {
		options []authtrip.Option
		says    string // nothing: it is well
	}{
		"no Store":                           {nil, ""},
		"none, and keys":                     {[]authtrip.Option{sealedBy(1)}, ""},
		"memory":                             {[]authtrip.Option{authtrip.WithStore(memory)}, ""},
		"memory, and keys":                   {[]authtrip.Option{authtrip.WithStore(memory), sealedBy(1)}, ""},
		"nil":                                {[]authtrip.Option{authtrip.WithStore(nil), authtrip.WithPlaintextStore(nil)}, ""},
		"nil, and keys":                      {[]authtrip.Option{authtrip.WithPlaintextStore(nil), sealedBy(1)}, ""},
		"shared":                             {[]authtrip.Option{authtrip.WithStore(shared)}, waiver},
		"shared, and keys":                   {[]authtrip.Option{authtrip.WithStore(shared), sealedBy(1)}, ""},
		"keys, and shared":                   {[]authtrip.Option{sealedBy(1), authtrip.WithStore(shared)}, ""},
		"waived":                             {[]authtrip.Option{authtrip.WithPlaintextStore(shared)}, ""},
		"waived, and keys":                   {[]authtrip.Option{authtrip.WithPlaintextStore(shared), sealedBy(1)}, "give it by WithStore"},
		"waived memory, and keys":            {[]authtrip.Option{authtrip.WithPlaintextStore(memory), sealedBy(1)}, "give it by WithStore"},
		"the waiver is of a Store before":    {[]authtrip.Option{authtrip.WithPlaintextStore(shared), authtrip.WithStore(shared)}, waiver},
		"the waiver is of the Store at last": {[]authtrip.Option{authtrip.WithStore(shared), authtrip.WithPlaintextStore(shared)}, ""},
		"no keys":                            {[]authtrip.Option{authtrip.WithStore(shared), authtrip.Encryption{}}, "Encryption.Keys is empty"},
		"the later keys hold":                {[]authtrip.Option{authtrip.WithStore(shared), authtrip.Encryption{}, sealedBy(1)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := authtrip.NewManager([]authtrip.Registration{user()}, c.options...)
			if c.says != "" {
				wantAll(t, err, "authtrip: ", c.says)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = m.Close()
		})
	}
}

func TestAKeyIsReadAsFilesAndVariablesHoldIt(t *testing.T) {
	good := sealingKey(1).Reveal()
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = byte(250 + i) // + and / are in it
	}
	for name, c := range map[string]struct{ key, says string }{
		"as it is":             {good, ""},
		"with a new line":      {good + "\n", ""},
		"with a Windows one":   {good + "\r\n", ""},
		"with space around it": {" \t" + good + " ", ""},
		"empty":                {"", "is empty"},
		"a new line":           {"\n", "is empty"},
		"short":                {base64.StdEncoding.EncodeToString(raw[:31]), "is not 32 bytes in base64"},
		"of 16 bytes":          {base64.StdEncoding.EncodeToString(raw[:16]), "is not 32 bytes in base64"},
		"long":                 {base64.StdEncoding.EncodeToString(append(raw, 1)), "is not 32 bytes in base64"},
		"hex":                  {hex.EncodeToString(raw), "neither hex"},
		"bytes":                {string(raw), "is not 32 bytes in base64"},
		"a password":           {"correct horse battery staple", "is not 32 bytes in base64"},
		"URLs' base64":         {base64.URLEncoding.EncodeToString(raw), "nor the URLs' alphabet"},
		"without padding":      {strings.TrimRight(good, "="), "44 characters"},
		"two":                  {good + "\n" + good, "is not 32 bytes in base64"},
	} {
		t.Run(name, func(t *testing.T) {
			key := authtrip.NewSecret(c.key)
			for where, e := range map[string]authtrip.Encryption{
				"Encryption.Keys: number 1": {Keys: []authtrip.Secret{key}},
				"Encryption.Keys: number 2": {Keys: []authtrip.Secret{sealingKey(9), key}, NameKey: sealingKey(9)},
				"Encryption.NameKey":        {Keys: []authtrip.Secret{sealingKey(9)}, NameKey: key},
			} {
				_, err := authtrip.NewManager([]authtrip.Registration{user()}, e)
				if c.says == "" {
					if err != nil {
						t.Fatalf("%s: %v", where, err)
					}
					continue
				}
				wantAll(t, err, where+" ", c.says, `"openssl rand -base64 32" makes a key`)
				if text := strings.TrimSpace(c.key); strings.Count(err.Error(), "\n") > 0 || len(text) > 8 && strings.Contains(fmt.Sprintf("%v %#v", err, err), text[:8]) {
					t.Errorf("it shows the key: %v", err)
				}
			}
		})
	}
}

func TestKeysThatDoNotFitTogetherAreAllToldAtOnce(t *testing.T) {
	var e authtrip.Encryption
	e.Keys = []authtrip.Secret{sealingKey(1), {}, authtrip.NewSecret(sealingKey(1).Reveal() + "\n"), authtrip.NewSecret("x")}
	_, err := authtrip.NewManager([]authtrip.Registration{user()}, authtrip.WithStore(newShelf()), e, authtrip.Policy{FetchTimeout: -1})
	wantAll(t, err, "Encryption.Keys: number 2 is empty", "number 3 is number 1 again", "number 4 is not 32 bytes", "FetchTimeout",
		"Encryption.NameKey is not given, and there are several Keys: set it to the one that was the only one")
}

// With an empty one no record would be found, and nothing would say why.
func TestANameKeyThatWasToBeGivenAndIsEmptyIsRefused(t *testing.T) {
	e := authtrip.Encryption{Keys: []authtrip.Secret{sealingKey(1)}, NameKey: authtrip.NewSecret("")}
	_, err := authtrip.NewManager([]authtrip.Registration{user()}, authtrip.WithStore(newShelf()), e)
	wantAll(t, err, "Encryption.NameKey is empty")
}
