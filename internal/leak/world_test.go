package leak_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/internal/leak"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
	"github.com/go-resty/resty/v2"
)

const (
	theSecret   = `cs.S3cr3t+/=&%"va\lue`
	theKey      = "4ppl1c4t10n-k3y-Q8zR"
	theSealKey  = "p8nF/q2tW0sLr5+VxJ7eYb3KdHmUcGzA1oQ6NiTEk9E="
	theCode     = "c0de/W5pL2xN9+tail"
	newTokens   = "at.Jq7WmZ4kXc8R.%d"
	newRefreshs = "rt.Vb3NfH6yTd1L/%d"
)

// world has one value of everything that the library gives, each after it was
// used for something that has a secret.
type world struct {
	reg, user         authtrip.Registration
	mgr, sealed       *authtrip.Manager
	keys              authtrip.Encryption
	src, userSrc, own *authtrip.Source
	tok               authtrip.Token
	transport         *authtrip.Transport
	http              *http.Client
	flow              authtrip.Flow
	store, memory     authtrip.Store
	hooks             authtrip.Hooks
	calls             []authtrip.TokenCall // guarded by mu; what TokenCallDone was told
	err               error
	said              *authtrip.ServerError
	sent              *http.Request
	res, rejected     *http.Response
	nhn               nhn.Credentials
	prism             prism.Client
	resty             *resty.Client

	mu     sync.Mutex
	broken bool     // guarded by mu; the servers say no and repeat what they were sent
	n      int      // guarded by mu
	issued []string // guarded by mu
}

// newWorld is for a process that panics, too: it needs no test.
func newWorld() *world {
	secret := authtrip.NewSecret(theSecret)
	w := &world{memory: authtrip.NewMemoryStore(0)}
	w.store = &failing{Store: w.memory}
	w.hooks = authtrip.Hooks{NotReplayed: func(context.Context, string, error) {}, StoreFailed: func(string, error) {}, StoreChanged: func(error) {},
		TokenCallDone: func(_ context.Context, call authtrip.TokenCall) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.calls = append(w.calls, call)
		}}
	w.reg = authtrip.Registration{
		ID: "own", ClientID: "id", ClientSecret: secret, TokenEndpoint: authtrip.Endpoint{URL: "https://as.example/token"},
		Origins: []string{"api.example"}, HostHeaders: map[string]map[string]authtrip.Secret{"api.example": {"X-App-Key": authtrip.NewSecret(theKey)}},
		Envelopes: map[string]authtrip.Envelope{"api.example": {Code: "code", Rejected: []string{"1"}}},
	}
	w.user = w.reg
	w.user.ID, w.user.Grant, w.user.AuthorizationEndpoint.URL = "user", authtrip.AuthorizationCode, "https://as.example/authorize"
	w.nhn = nhn.Credentials{UserAccessKeyID: "id", SecretAccessKey: secret}
	w.prism = prism.Client{ServiceAPIDomain: "https://service.example", ClientID: "id", ClientSecret: secret, ServiceID: "s"}
	w.use()
	return w
}

// use has a token of each kind, and then trouble of each kind.
func (w *world) use() {
	var err error
	ctx := context.Background()
	w.mgr, err = authtrip.NewManager([]authtrip.Registration{w.reg, w.user}, authtrip.WithPlaintextStore(w.store), authtrip.WithTokenTransport(w), w.hooks)
	w.must(err)
	w.src, err = w.mgr.Source("own")
	w.must(err)
	w.userSrc, err = w.mgr.SourceFor("user", "ann")
	w.must(err)
	w.keys = authtrip.Encryption{Keys: []authtrip.Secret{authtrip.NewSecret(theSealKey)}, NameKey: authtrip.NewSecret(theSealKey)}
	w.sealed, err = authtrip.NewManager([]authtrip.Registration{w.user}, authtrip.WithStore(w.store), authtrip.WithTokenTransport(w), w.keys)
	w.must(err)
	sealedSrc, err := w.sealed.SourceFor("user", "bob")
	w.must(err)
	w.must(sealedSrc.ExchangeCode(ctx, theCode, nil))
	w.own, err = authtrip.NewSource(w.reg, authtrip.WithTokenTransport(w), w.hooks)
	w.must(err)
	w.tok, err = w.own.Token(ctx)
	w.must(err)
	_, w.flow, err = w.userSrc.AuthCodeURL(ctx)
	w.must(err)
	w.must(w.userSrc.ExchangeCode(ctx, theCode, nil))

	w.transport = &authtrip.Transport{Source: w.own, Base: apiOf(w)}
	w.http = &http.Client{Transport: w.transport}
	w.sent, err = http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/", nil)
	w.must(err)
	w.res, err = w.http.Do(w.sent)
	w.must(err)
	w.resty = resty.New().SetTransport(apiOf(w)).SetDebug(true).SetLogger(quiet{})
	w.must(middleware.Install(w.resty, w.own))
	_, err = w.resty.R().Get("https://api.example/")
	w.must(err)

	w.store.(*failing).fails = true
	tok, err := w.userSrc.Token(ctx)
	w.must(err)
	w.userSrc.Invalidate(tok) // and the next cannot be saved
	_, err = w.userSrc.Token(ctx)
	w.must(err)
	w.broken = true
	w.rejected, err = w.http.Do(w.sent)
	w.must(err)
	w.own.Invalidate(w.tok)
	if _, w.err = w.own.Token(ctx); !errors.As(w.err, &w.said) {
		panic(fmt.Errorf("no *ServerError but %w", w.err))
	}
}

func (w *world) must(err error) {
	if err != nil {
		panic(err)
	}
}

// secrets are all that there were.
func (w *world) secrets() []string {
	text, err := w.flow.MarshalText()
	w.must(err)
	sealKey, err := base64.StdEncoding.DecodeString(theSealKey)
	w.must(err)
	return append([]string{theSecret, theKey, theSealKey, string(sealKey), theCode, string(text)}, w.issued...)
}

// RoundTrip is the token endpoint.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if w.broken {
		form, _ := url.ParseQuery(string(body))
		said, err := json.Marshal(map[string]string{"error": "invalid_client", "error_description": fmt.Sprint(form, r.Header)})
		return reply(r, http.StatusBadRequest, string(said)), err
	}
	w.n++
	token, refresh := fmt.Sprintf(newTokens, w.n), fmt.Sprintf(newRefreshs, w.n)
	w.issued = append(w.issued, token, refresh)
	return reply(r, http.StatusOK, fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"expires_in":3600}`, token, refresh)), nil
}

// api sees the token and rejects it when the world is broken.
type api struct{ w *world }

func apiOf(w *world) http.RoundTripper { return api{w} }

func (a api) RoundTrip(r *http.Request) (*http.Response, error) {
	dump, err := httputil.DumpRequestOut(r, false)
	if err != nil || leak.Find([]string{string(dump)}, a.w.issued) == nil || !strings.Contains(string(dump), theKey) {
		return nil, fmt.Errorf("the request has no token or no key, or they are not found: %w", err)
	}
	status := http.StatusOK
	if a.w.broken {
		status = http.StatusUnauthorized
	}
	return reply(r, status, `{"code":0}`), nil
}

func (a api) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "the API") } // it is the test's

func (w *world) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "the token endpoint") }

func reply(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// kept is a Store with all secrets that nobody uses: the Manager's own may be
// written to while it is printed.
func (w *world) kept() authtrip.Store {
	store := authtrip.NewMemoryStore(0)
	_, err := store.Save(context.Background(), "login", fmt.Append(nil, w.secrets()), "", 0)
	w.must(err)
	return store
}

// failing is a Store that breaks when something new is to be kept.
type failing struct {
	authtrip.Store
	fails bool
}

func (s *failing) Save(ctx context.Context, key string, value []byte, version string, lifetime time.Duration) (string, error) {
	if s.fails && !strings.Contains(string(value), `"intent"`) {
		return "", fmt.Errorf("disk full while writing %s", value)
	}
	return s.Store.Save(ctx, key, value, version, lifetime)
}

// quiet is a Resty logger.
type quiet struct{}

func (quiet) Errorf(string, ...any) {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Debugf(string, ...any) {}
