package xoauth2_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/authtrip/authtrip"
)

func TestOfATokenSourceThatHangsOneCallIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls, most, now atomic.Int64
		release := make(chan struct{})
		client := over(t, tokenFunc(func() (*oauth2.Token, error) {
			calls.Add(1)
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			<-release
			return &oauth2.Token{AccessToken: "late"}, nil
		}), &apiStub{accepts: func(string) bool { return true }})
		goroutines := runtime.NumGoroutine()
		for range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/", nil)
			if res, err := client.Do(req); err == nil {
				_ = res.Body.Close()
				t.Fatal("no error")
			} else if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, authtrip.ErrCircuitOpen) {
				t.Fatal(err)
			}
			<-ctx.Done()
			cancel()
		}
		time.Sleep(time.Minute) // what was under way has ended, but for that call
		if calls.Load() != 1 || most.Load() != 1 || runtime.NumGoroutine() > goroutines+2 {
			t.Fatalf("%d calls, %d at once, %d goroutines more", calls.Load(), most.Load(), runtime.NumGoroutine()-goroutines)
		}
		close(release)
		time.Sleep(time.Second)
		wantAll(t, client, 1, http.StatusOK) // what came when nobody waited is not used
		if n := calls.Load(); n != 2 {
			t.Fatalf("%d calls", n)
		}
	})
}

func TestASlowTokenSourceHasTheWholeFetchTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &counted{}
		client := over(t, tokenFunc(func() (*oauth2.Token, error) {
			time.Sleep(8 * time.Second)
			return vendor.Token()
		}), &apiStub{accepts: func(string) bool { return true }})
		began := time.Now()
		wantAll(t, client, 10, http.StatusOK)
		if took := time.Since(began); took != 8*time.Second || vendor.count() != 1 {
			t.Fatalf("%v, %d calls", took, vendor.count())
		}
	})
}

func TestATokenSourceThatDiesIsAnError(t *testing.T) {
	for name, dies := range map[string]tokenFunc{
		"panic":     func() (*oauth2.Token, error) { panic("it holds " + theRefreshToken) },
		"nil error": func() (*oauth2.Token, error) { var none *oauth2.RetrieveError; return nil, none },
		"Goexit":    func() (*oauth2.Token, error) { runtime.Goexit(); return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			dying := true
			client := over(t, tokenFunc(func() (*oauth2.Token, error) {
				if dying {
					return dies()
				}
				return &oauth2.Token{AccessToken: "token"}, nil
			}), &apiStub{accepts: func(string) bool { return true }})
			_, err := get(client, "https://api.example/")
			if err == nil || strings.Contains(err.Error(), theRefreshToken) {
				t.Fatal(err)
			}
			if strings.Contains(err.Error(), "reply.go") {
				t.Errorf("the panic is ours: %v", err)
			}
			if name == "panic" && !strings.Contains(err.Error(), "trouble_test.go:") {
				t.Errorf("it does not say where: %v", err)
			}
			dying = false
			if status, err := get(client, "https://api.example/"); status != http.StatusOK {
				t.Fatal(err) // its turn was given back
			}
		})
	}
}

func TestWhatIsNoTokenIsRefusedInWords(t *testing.T) {
	for name, c := range map[string]struct {
		tok  *oauth2.Token
		says string
	}{
		"nil":                {nil, "no access_token"},
		"empty":              {&oauth2.Token{}, "no access_token"},
		"another type":       {&oauth2.Token{AccessToken: "t", TokenType: "mac"}, `token_type is "mac", not bearer`},
		"no header's value":  {&oauth2.Token{AccessToken: "a\r\nb"}, "characters that no token may have"},
		"no text":            {&oauth2.Token{AccessToken: "a\xffb"}, "characters that no token may have"},
		"what JSON escapes":  {&oauth2.Token{AccessToken: `a<"\&>b`, TokenType: "BEARER"}, ""},
		"end of time":        {&oauth2.Token{AccessToken: "t", Expiry: time.Unix(1<<40, 0)}, ""},
		"long before Christ": {&oauth2.Token{AccessToken: "t", Expiry: time.Unix(-1<<40, 0)}, ""},
	} {
		asked := atomic.Int64{}
		src := newSource(t, mustFrom(t, "vendor", tokenFunc(func() (*oauth2.Token, error) { asked.Add(1); return c.tok, nil })))
		tok, err := src.Token(t.Context())
		switch {
		case c.says == "" && (err != nil || tok.AccessToken() != c.tok.AccessToken):
			t.Errorf("%s: %v", name, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || asked.Load() != 1):
			t.Errorf("%s: %v, asked %d times", name, err, asked.Load())
		}
	}
}
