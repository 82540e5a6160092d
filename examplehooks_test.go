package authtrip_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
)

// What goes well is at level Debug; a change of state at Warn, once.
func ExampleWithLogger() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // what differs from run to run
			switch a.Key {
			case slog.TimeKey, "server", "duration", "wait", "lifetime":
				return slog.Attr{}
			}
			return a
		},
	}))
	options := append(cloud.Options(), nhn.With(authtrip.WithLogger(logger)))
	client, err := nhn.NewClient(cloud.Credentials(), options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 { // the second is sent with a token that was revoked
		res, err := client.Get(cloud.APIURL + "/v1/organizations")
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = res.Body.Close()
		cloud.RevokeAll()
	}
	// Output:
	// level=DEBUG msg="authtrip: token call" registration=nhn why="first use" outcome=issued attempts=1
	// level=DEBUG msg="authtrip: waited for a token" registration=nhn
	// level=WARN msg="authtrip: token rejected" registration=nhn status=401 first=true
	// level=DEBUG msg="authtrip: token call" registration=nhn why=rejected outcome=issued attempts=1
	// level=DEBUG msg="authtrip: waited for a token" registration=nhn
	// level=DEBUG msg="authtrip: request sent again" registration=nhn accepted=true
}

// Hooks are plain funcs; those that are nil are not called.
func ExampleHooks() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), append(cloud.Options(), nhn.With(authtrip.Hooks{
		TokenCallDone: func(_ context.Context, call authtrip.TokenCall) {
			fmt.Println(call.Registration, call.Why, call.Outcome, call.Lifetime.Round(time.Hour), len(call.Waiters))
		},
	}))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil
	if _, err := src.Token(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: nhn first use issued 24h0m0s 1
}

// A health page says whether tokens can be had, and how long the one in use lasts.
func ExampleSource_Stats() {
	cloud := authtest.NewNHN()
	defer cloud.Close()
	src, err := nhn.NewSource(cloud.Credentials(), cloud.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close() //nolint:errcheck // it returns nil
	health := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s := src.Stats()
		if s.Circuit == "open" && (s.Token == "none" || s.Token == "expired") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"token": s.Token, "circuit": s.Circuit, "token_calls": s.TokenCalls, "rejections": s.Rejections})
	})

	if _, err := src.Token(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	page := httptest.NewRecorder()
	health(page, nil)
	fmt.Print(page.Code, " ", page.Body)
	// Output: 200 {"circuit":"closed","rejections":0,"token":"fresh","token_calls":1}
}
