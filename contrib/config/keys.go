package config

import (
	"slices"

	"github.com/authtrip/authtrip"
)

// key is one key of the two maps.
type key struct {
	name string
	// registrationOnly keys do not stand in a provider.
	registrationOnly bool
	// secret values, and their errors, are not to be shown.
	secret bool
	// merged maps are the provider's and the registration's own together.
	merged bool
	// instead is the key that says the same in another way.
	instead string
	// set puts the value into the draft. Keys without are accepted and ignored,
	// or read where they are needed.
	set func(*draft, value)
}

// keys are all keys, by their folded names.
var keys = map[string]*key{}

func init() {
	for _, k := range allKeys {
		keys[fold(k.name)] = &k
	}
}

// keyNames are the keys that may stand in a map.
func keyNames(in string) (names []string) {
	for _, k := range allKeys {
		if in == registrationMap || !k.registrationOnly {
			names = append(names, k.name)
		}
	}
	return names
}

var allKeys = []key{
	{name: "provider", registrationOnly: true},
	{name: "client_name", registrationOnly: true},
	{name: "client_id", registrationOnly: true, set: text(func(d *draft) *string { return &d.reg.ClientID })},
	{name: "client_secret", registrationOnly: true, secret: true, instead: "client_secret_file", set: func(d *draft, v value) {
		d.reg.ClientSecret = authtrip.NewSecret(v.text())
	}},
	{name: "client_secret_file", registrationOnly: true, secret: true, instead: "client_secret", set: func(d *draft, v value) {
		d.clientSecretFile = v.path()
		d.reg.ClientSecret = authtrip.NewSecret(v.content(d.clientSecretFile))
	}},
	{name: "refresh_token", registrationOnly: true, secret: true, instead: "refresh_token_file", set: func(d *draft, v value) {
		token := authtrip.NewSecret(v.text())
		d.reg.RefreshToken = refreshTokenFrom(func() (authtrip.Secret, error) { return token, nil })
	}},
	{name: "refresh_token_file", registrationOnly: true, secret: true, instead: "refresh_token", set: func(d *draft, v value) {
		path := v.path()
		v.content(path)
		d.reg.RefreshToken = refreshTokenFrom(func() (authtrip.Secret, error) { return secretFrom("refresh_token_file", path) })
	}},
	{name: "client_authentication_method", set: func(d *draft, v value) { d.reg.ClientAuth = oneOf(v, clientAuths) }},
	{name: "client_id_header", set: text(func(d *draft) *string { return &d.reg.ClientIDHeader })},
	{name: "client_secret_header", set: text(func(d *draft) *string { return &d.reg.ClientSecretHeader })},
	{name: "authorization_grant_type", set: func(d *draft, v value) { d.reg.Grant = oneOf(v, grants) }},
	{name: "scope", set: func(d *draft, v value) { d.reg.Scopes = v.list() }},
	{name: "params", merged: true, set: setParams},
	{name: "redirect_uri", set: func(d *draft, v value) { d.reg.RedirectURI = v.redirectURI() }},
	{name: "callback_issuer", set: text(func(d *draft) *string { return &d.reg.Issuer })},
	{name: "no_pkce", set: flag(func(d *draft) *bool { return &d.reg.NoPKCE })},
	{name: "send_state", set: flag(func(d *draft) *bool { return &d.reg.SendState })},
	{name: "authorization_uri", set: text(func(d *draft) *string { return &d.reg.AuthorizationEndpoint.URL })},
	{name: "token_uri", set: text(func(d *draft) *string { return &d.reg.TokenEndpoint.URL })},
	{name: "token_method", set: func(d *draft, v value) { d.reg.TokenEndpoint.Method = oneOf(v, methods) }},
	{name: "revocation_uri", set: text(func(d *draft) *string { return &d.reg.RevocationEndpoint.URL })},
	{name: "revocation_method", set: func(d *draft, v value) { d.reg.RevocationEndpoint.Method = oneOf(v, methods) }},
	{name: "expires_in_remains", set: flag(func(d *draft) *bool { return &d.reg.ExpiresInRemains })},
	{name: "headers", set: func(d *draft, v value) { d.reg.Headers = v.list() }},
	{name: "raw_token", set: flag(func(d *draft) *bool { return &d.reg.RawToken })},
	{name: "origins", set: func(d *draft, v value) { d.reg.Origins = v.hosts() }},
	{name: "more_origins", set: func(d *draft, v value) { d.moreOrigins = v.hosts() }},
	{name: "allow_http", set: func(d *draft, v value) { d.reg.AllowHTTP = v.hosts() }},
	{name: "reject_status", set: func(d *draft, v value) { d.reg.RejectStatus = v.statuses() }},
	{name: "envelopes", merged: true, set: setEnvelopes},
	{name: "host_headers", merged: true, secret: true, set: setHostHeaders},
	// Of NHN Cloud; read before all others, as PRISM's are.
	{name: "app_keys", merged: true, secret: true},
	// Of PRISM.
	{name: "service_api_domain"},
	{name: "service_id"},
	// Spring's, for what happens after a user's login.
	{name: "issuer_uri"},
	{name: "user_info_uri"},
	{name: "user_info_authentication_method"},
	{name: "user_name_attribute"},
	{name: "jwk_set_uri"},
}

func text(field func(*draft) *string) func(*draft, value) {
	return func(d *draft, v value) { *field(d) = v.text() }
}

func flag(field func(*draft) *bool) func(*draft, value) {
	return func(d *draft, v value) { *field(d) = v.flag() }
}

// choice is a word that a key takes, and what it stands for.
type choice[T ~string] struct {
	word string
	is   T
}

var clientAuths = []choice[authtrip.ClientAuth]{
	{"client_secret_basic", authtrip.ClientSecretBasic},
	{"client_secret_basic_raw", authtrip.ClientSecretBasicRaw},
	{"client_secret_post", authtrip.ClientSecretPost},
	{"client_secret_headers", authtrip.ClientSecretHeaders},
	{"none", authtrip.ClientAuthNone},
}

var grants = []choice[authtrip.Grant]{
	{"client_credentials", authtrip.ClientCredentials},
	{"authorization_code", authtrip.AuthorizationCode},
	{"refresh_token", authtrip.RefreshToken},
}

var methods = []choice[string]{{"POST", "POST"}, {"GET", "GET"}}

// assertions are Spring's names for a proof that takes a key, and so code.
var assertions = []string{"privatekeyjwt", "clientsecretjwt", "tlsclientauth", "selfsignedtlsclientauth"}

func oneOf[T ~string](v value, choices []choice[T]) (none T) {
	text := v.text()
	if text == "" {
		return none
	}
	words := ""
	for i, c := range choices {
		if fold(c.word) == fold(text) {
			return c.is
		}
		if i > 0 {
			words += ", "
		}
		words += c.word
	}
	if slices.Contains(assertions, fold(text)) {
		v.fault("is %s, which a file cannot say: set Registration.Authenticate in code, or NewManager's WithTokenTransport for a certificate", shown(text))
		return none
	}
	v.fault("wants one of %s, and is %s", words, shown(text))
	return none
}
