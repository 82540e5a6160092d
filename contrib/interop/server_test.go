package interop_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
)

// server is an authorization server made of fosite with its in-memory storage:
// HMAC tokens, refresh tokens that rotate, PKCE with S256 for everybody who
// sends users.
type server struct {
	*httptest.Server
	seen *seen

	// mu is held while fosite works, too: not every method of its in-memory
	// storage is safe beside the others.
	mu          sync.Mutex
	provider    fosite.OAuth2Provider
	storage     *storage.MemoryStore
	calls       []tokenCall  // guarded by mu
	revocations []url.Values // guarded by mu
}

// lenient keeps the access token that was issued before when a refresh token
// rotates, as a server does that cannot look its access tokens up. fosite's own
// storage ends it.
type lenient struct{ *storage.MemoryStore }

func (s lenient) RotateRefreshToken(ctx context.Context, requestID, _ string) error {
	return s.RevokeRefreshToken(ctx, requestID)
}

// tokenCall is what reached the token endpoint, and what came of it.
type tokenCall struct {
	form    url.Values
	refused string // fosite's error code; empty: tokens were issued
	access  string
	refresh string
}

func newServer(t *testing.T, seen *seen, isLenient bool) *server {
	secret := []byte(rand.Text() + rand.Text())
	config := &fosite.Config{
		GlobalSecret: secret,
		EnforcePKCE:  true,
		// Set here what fosite would otherwise set at the first call.
		ScopeStrategy:            fosite.ExactScopeStrategy,
		AudienceMatchingStrategy: fosite.DefaultAudienceMatchingStrategy,
	}
	config.ClientSecretsHasher = &fosite.BCrypt{Config: &fosite.Config{HashCost: 4}}
	s := &server{storage: storage.NewMemoryStore(), seen: seen}
	var storage any = s.storage
	if isLenient {
		storage = lenient{s.storage}
	}
	s.provider = compose.Compose(config, storage, compose.NewOAuth2HMACStrategy(config),
		compose.OAuth2AuthorizeExplicitFactory,
		compose.OAuth2ClientCredentialsGrantFactory,
		compose.OAuth2RefreshTokenGrantFactory,
		compose.OAuth2TokenIntrospectionFactory,
		compose.OAuth2TokenRevocationFactory,
		compose.OAuth2PKCEFactory, // after the handler that makes the code
	)
	for _, c := range clients {
		hash, err := config.ClientSecretsHasher.Hash(context.Background(), []byte(c.secret))
		if err != nil {
			t.Fatal(err)
		}
		s.storage.Clients[c.id] = &fosite.DefaultOpenIDConnectClient{
			TokenEndpointAuthMethod: string(c.auth), // and no other
			DefaultClient: &fosite.DefaultClient{
				ID: c.id, Secret: hash, Public: c.secret == "", RedirectURIs: []string{callbackURL},
				GrantTypes: []string{"client_credentials", "authorization_code", "refresh_token"}, Scopes: scopes,
			},
		}
		seen.secret("client secret", c.secret)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /revoke", s.revoke)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// authorize has the user whom the cookie names consent to everything.
func (s *server) authorize(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := r.Context()
	request, err := s.provider.NewAuthorizeRequest(ctx, r)
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, rw, request, err)
		return
	}
	user, err := r.Cookie("user")
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, rw, request, fosite.ErrAccessDenied)
		return
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	response, err := s.provider.NewAuthorizeResponse(ctx, request, &fosite.DefaultSession{Subject: user.Value})
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, rw, request, err)
		return
	}
	s.seen.secret("code", response.GetCode())
	s.provider.WriteAuthorizeResponse(ctx, rw, request, response)
}

func (s *server) token(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := r.Context()
	session := new(fosite.DefaultSession)
	request, err := s.provider.NewAccessRequest(ctx, r, session)
	s.seen.secret("code verifier", r.PostForm.Get("code_verifier"))
	s.seen.secret("refresh token", r.PostForm.Get("refresh_token"))
	var response fosite.AccessResponder
	if err == nil {
		if request.GetGrantTypes().ExactOne("client_credentials") {
			session.Subject = request.GetClient().GetID()
			for _, scope := range request.GetRequestedScopes() {
				request.GrantScope(scope)
			}
		}
		response, err = s.provider.NewAccessResponse(ctx, request)
	}
	if err != nil {
		s.calls = append(s.calls, tokenCall{form: r.PostForm, refused: fosite.ErrorToRFC6749Error(err).ErrorField})
		s.provider.WriteAccessError(ctx, rw, request, err)
		return
	}
	refresh, _ := response.GetExtra("refresh_token").(string)
	s.seen.secret("access token", response.GetAccessToken())
	s.seen.secret("refresh token", refresh)
	s.calls = append(s.calls, tokenCall{form: r.PostForm, access: response.GetAccessToken(), refresh: refresh})
	s.provider.WriteAccessResponse(ctx, rw, request, response)
}

func (s *server) revoke(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.provider.NewRevocationRequest(r.Context(), r)
	s.revocations = append(s.revocations, r.PostForm)
	s.provider.WriteRevocationResponse(r.Context(), rw, err)
}

// introspect returns whose token it is, if it is active and for use as use.
func (s *server) introspect(token string, use fosite.TokenUse) (subject string, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, request, err := s.provider.IntrospectToken(context.Background(), token, use, new(fosite.DefaultSession))
	if err != nil || found != use {
		return "", false
	}
	return request.GetSession().GetSubject(), true
}

// revokeAccess ends all access tokens, directly in the storage. Refresh tokens
// live on.
func (s *server) revokeAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.storage.AccessTokens)
}

// expireAccess has all access tokens be out of date.
func (s *server) expireAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, request := range s.storage.AccessTokens {
		request.GetSession().SetExpiresAt(fosite.AccessToken, time.Now().Add(-time.Minute))
	}
}

// tokenCalls returns the calls so far: all, or those of a grant.
func (s *server) tokenCalls(grant string) []tokenCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	var of []tokenCall
	for _, c := range s.calls {
		if grant == "" || c.form.Get("grant_type") == grant {
			of = append(of, c)
		}
	}
	return of
}

// revocationHints returns what the tokens of all revocation calls so far were
// said to be.
func (s *server) revocationHints() (hints []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range s.revocations {
		hints = append(hints, form.Get("token_type_hint"))
	}
	return hints
}
