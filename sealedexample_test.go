package authtrip_test

import (
	"fmt"

	"github.com/authtrip/authtrip"
)

// database stands for a Store that others can read too.
type database struct{ authtrip.Store }

// A Store in a database, in the middle of replacing a key.
func ExampleEncryption() {
	store := database{authtrip.NewMemoryStore(0)}
	reg := authtrip.Registration{
		ID: "photos", ClientID: "id", ClientSecret: authtrip.NewSecret("secret"),
		TokenEndpoint: authtrip.Endpoint{URL: "https://auth.example.com/oauth2/token"},
	}
	_, err := authtrip.NewManager([]authtrip.Registration{reg}, authtrip.WithStore(store))
	fmt.Println(err)

	// They come from where secrets are kept.
	first := authtrip.NewSecret("hVzWq0sJ3m1nUu7Yx5o2Cw9tKcEgRb8aPdLfQi4ZTXM=")
	second := authtrip.NewSecret("pQ2r8bVnYd0LkTzJ5xwGm7sCfHuEa1iXo3N9qRWt6cE=")
	mgr, err := authtrip.NewManager([]authtrip.Registration{reg}, authtrip.WithStore(store),
		authtrip.Encryption{Keys: []authtrip.Secret{second, first}, NameKey: first})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer mgr.Close() //nolint:errcheck // it returns nil
	fmt.Println("encrypted")
	// Output:
	// authtrip: the Store would hold tokens in plain text: give Encryption too, or the Store by WithPlaintextStore if it may
	// encrypted
}
