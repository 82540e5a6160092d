package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/authtrip/authtrip"
)

// missingURL and missing stand for what was already found missing, so that
// the rest can be checked.
const (
	missing    = "missing"
	missingURL = "https://missing.invalid"
)

// fitGrant takes out what belongs to another grant, when it is the provider's
// or the preset's, which others share; the registration's own is a fault.
func (d *draft) fitGrant() {
	if d.reg.Grant != authtrip.AuthorizationCode {
		for _, name := range []string{"authorization_uri", "redirect_uri", "callback_issuer", "no_pkce", "send_state"} {
			if s, ok := d.group.settings[keys[fold(name)]]; ok && !d.grantFailed() {
				d.c.faults.add(s.at, "%s: %s is for authorization_grant_type authorization_code, which this is not", d.group, name)
			}
		}
		d.reg.AuthorizationEndpoint, d.reg.RedirectURI, d.reg.Issuer = authtrip.Endpoint{}, "", ""
		d.reg.NoPKCE, d.reg.SendState = false, false
	}
	if d.reg.ClientAuth != authtrip.ClientSecretHeaders && d.preset == "prism" {
		for name, field := range map[string]*string{"client_id_header": &d.reg.ClientIDHeader, "client_secret_header": &d.reg.ClientSecretHeader} {
			if _, ok := d.setting(name); !ok {
				*field = ""
			}
		}
	}
	_, given := d.setting("refresh_token")
	_, byFile := d.setting("refresh_token_file")
	switch {
	case d.reg.Grant == authtrip.RefreshToken && !given && !byFile:
		d.fault("refresh_token is missing: the grant needs it, or refresh_token_file")
	case (d.reg.Grant == "" || d.reg.Grant == authtrip.ClientCredentials) && (given || byFile) && !d.grantFailed():
		d.fault("refresh_token is given, and authorization_grant_type client_credentials has no use for it")
	}
}

// grantFailed reports whether the grant is not known because it could not be
// read.
func (d *draft) grantFailed() bool {
	_, given := d.setting("authorization_grant_type")
	return given && d.reg.Grant == ""
}

// check has the registration checked as NewManager will, and says what is
// wrong in the file's words.
func (d *draft) check() {
	probe := d.reg
	d.checkClient(&probe)
	d.checkTokenURI(&probe)
	switch _, given := d.setting("authorization_uri"); {
	case probe.Grant != authtrip.RefreshToken && probe.Grant != authtrip.AuthorizationCode:
		probe.RefreshToken = nil
	case probe.Grant == authtrip.RefreshToken && probe.RefreshToken == nil:
		probe.RefreshToken = refreshTokenFrom(nil)
	case given && probe.AuthorizationEndpoint.URL == "":
		probe.AuthorizationEndpoint.URL = missingURL
	}
	mgr, err := authtrip.NewManager([]authtrip.Registration{probe})
	if err == nil {
		_ = mgr.Close() // it holds nothing yet
		return
	}
	for _, line := range slices.Sorted(strings.SplitSeq(err.Error(), "\n")) { // maps have no order
		d.coreFault(line)
	}
}

func (d *draft) checkClient(probe *authtrip.Registration) {
	if _, ok := d.setting("client_id"); !ok {
		d.fault("client_id is missing")
	}
	if probe.ClientID == "" {
		probe.ClientID = missing
	}
	_, secret := d.setting("client_secret")
	_, byFile := d.setting("client_secret_file")
	none := probe.ClientAuth == authtrip.ClientAuthNone
	switch {
	case none && (secret || byFile):
		d.fault("client_secret is given, and client_authentication_method none sends none: take one of them out")
	case !none && !secret && !byFile:
		d.fault("client_secret is missing: write it, client_secret_file, or client_authentication_method: none")
	}
	if probe.ClientAuth == authtrip.ClientSecretHeaders && (probe.ClientIDHeader == "" || probe.ClientSecretHeader == "") {
		d.fault("client_id_header and client_secret_header are missing: client_authentication_method client_secret_headers needs both")
		probe.ClientIDHeader, probe.ClientSecretHeader = "X-Missing-ID", "X-Missing-Secret"
	}
	if none {
		probe.ClientSecret = authtrip.Secret{}
	} else if probe.ClientSecret.Reveal() == "" {
		probe.ClientSecret = authtrip.NewSecret(missing)
	}
}

func (d *draft) checkTokenURI(probe *authtrip.Registration) {
	if probe.TokenEndpoint.URL != "" {
		return
	}
	probe.TokenEndpoint.URL = missingURL
	if _, given := d.setting("token_uri"); given || d.unknown {
		return
	}
	if issuer, ok := d.setting("issuer_uri"); ok {
		d.c.faults.add(issuer.at, "%s: issuer_uri is not asked for its endpoints: write token_uri, which its /.well-known/openid-configuration has as token_endpoint", issuer.group)
		return
	}
	d.fault("token_uri is missing: write it, or a provider that has it; there are: %s", list(d.known()))
}

// coreFields are how the authtrip package's faults begin, and the keys that
// they are about; the first that is given says the line.
var coreFields = []struct {
	begins string
	keys   []string
}{
	{"TokenEndpoint.URL", []string{"token_uri", "service_api_domain"}},
	{"RevocationEndpoint.URL", []string{"revocation_uri"}},
	{"AuthorizationEndpoint.URL", []string{"authorization_uri", "service_api_domain"}},
	{"RedirectURI", []string{"redirect_uri"}},
	{"Scopes", []string{"scope"}},
	{"Params", []string{"params"}},
	{"Headers", []string{"headers"}},
	{"in Origins", []string{"origins", "more_origins", "service_api_domain"}},
	{"in AllowHTTP", []string{"allow_http"}},
	{"Envelopes", []string{"envelopes"}},
	{"HostHeaders", []string{"app_keys", "host_headers"}},
	{"ClientID", []string{"client_id"}},
}

// coreWords are the names in what follows.
var coreWords = strings.NewReplacer("Registration.AllowHTTP", "allow_http", "not in Origins", "not in origins")

// coreNames are the names in what is left.
var coreNames = strings.NewReplacer(
	"ClientSecretHeaders", "client_secret_headers", "ClientIDHeader", "client_id_header", "ClientSecretHeader", "client_secret_header",
	"ClientAuth", "client_authentication_method", "Registration.AllowHTTP", "allow_http",
)

// coreFault is one fault of the authtrip package.
func (d *draft) coreFault(text string) {
	text = strings.TrimPrefix(text, fmt.Sprintf("authtrip: registration %q: ", d.group.id))
	if rest, ok := strings.CutPrefix(text, "HostHeaders"); ok {
		if s, ok := d.written[aboutHeaders.FindString(rest)]; ok { // else they are the app_keys'
			d.c.faults.add(s.at, "%s: %s%s", s.group, s.key.name, coreWords.Replace(rest))
			return
		}
	}
	for _, field := range coreFields {
		rest, ok := strings.CutPrefix(text, field.begins)
		if !ok || rest == "" || !strings.Contains(": ", rest[:1]) {
			continue
		}
		for _, name := range field.keys {
			if s, ok := d.setting(name); ok {
				d.c.faults.add(s.at, "%s: %s%s", s.group, name, coreWords.Replace(rest))
				return
			}
		}
	}
	d.fault("%s", coreNames.Replace(text))
}
