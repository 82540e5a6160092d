package authtrip

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// ClientAuth is how a client proves itself at the authorization server
// (RFC 6749 §2.3.1), by its name in RFC 7591 §2 where it has one.
type ClientAuth string

const (
	// ClientSecretBasic sends id and secret by HTTP Basic, each form-encoded
	// first, as RFC 6749 §2.3.1 says.
	ClientSecretBasic ClientAuth = "client_secret_basic"
	// ClientSecretBasicRaw sends them by HTTP Basic as they are, as NHN Cloud
	// and many servers expect.
	ClientSecretBasicRaw ClientAuth = "client_secret_basic_raw"
	// ClientSecretPost sends them as the parameters client_id and
	// client_secret.
	ClientSecretPost ClientAuth = "client_secret_post"
	// ClientSecretHeaders sends them in two headers of their own, which
	// Registration.ClientIDHeader and ClientSecretHeader name.
	ClientSecretHeaders ClientAuth = "client_secret_headers"
	// ClientAuthNone sends the parameter client_id alone: for public clients,
	// which have no secret, and for those that a certificate proves (RFC 8705
	// §2; see WithTokenTransport).
	ClientAuthNone ClientAuth = "none"
)

// credentials are what a client proves itself with in one token call.
type credentials struct {
	id     string
	secret Secret
}

func (c credentials) same(other credentials) bool {
	return c.id == other.id && c.secret.Reveal() == other.secret.Reveal()
}

// credentials returns those to use: what Registration.Credentials gave, unless
// they are the refused ones; then it is asked anew. That calls the user's code:
// run it contained.
func (c *client) credentials(ctx context.Context, refused *credentials) (credentials, error) {
	if c.Credentials == nil {
		return credentials{c.ClientID, c.ClientSecret}, nil
	}
	if known := c.known.Load(); known != nil && (refused == nil || !known.same(*refused)) {
		return *known, nil
	}
	id, secret, err := c.Credentials(ctx)
	got := credentials{id, secret}
	if err == nil && !c.complete(got) {
		err = errors.New("it returned an empty client id or secret")
	}
	if err != nil {
		return credentials{}, err
	}
	if ctx.Err() == nil { // else they come late, and newer ones may be known
		c.known.Store(&got)
	}
	return got, nil
}

// complete reports whether nothing is missing that the client must send.
func (c *client) complete(cred credentials) bool {
	return cred.id != "" && (cred.secret.Reveal() != "" || c.Authenticate != nil || c.ClientAuth == ClientAuthNone)
}

func (c *client) checkCredentials(fault func(string, ...any)) {
	secret := c.ClientSecret.Reveal()
	if c.Credentials != nil {
		if c.ClientID != "" || secret != "" {
			fault("Credentials is set beside ClientID or ClientSecret: set one or the other")
		}
	} else {
		if c.ClientID == "" {
			fault("ClientID is empty: set it, or Credentials")
		}
		if secret == "" && c.ClientAuth != ClientAuthNone && c.Authenticate == nil {
			fault("ClientSecret is empty: set it, or Credentials")
		}
	}
	if secret != "" && c.ClientAuth == ClientAuthNone {
		fault("ClientSecret is set, and ClientAuthNone sends none: take one of them away")
	}
	c.checkClientAuth(fault)
}

func (c *client) checkClientAuth(fault func(string, ...any)) {
	names := []string{c.ClientIDHeader, c.ClientSecretHeader}
	switch {
	case c.ClientAuth == ClientSecretHeaders:
		for _, name := range names {
			if canonical := textproto.CanonicalMIMEHeaderKey(name); !isToken(name) || slices.Contains(unfitHeaders, canonical) {
				fault("%q cannot carry a credential: set ClientIDHeader and ClientSecretHeader to header names", name)
			}
		}
		if strings.EqualFold(names[0], names[1]) {
			fault("ClientIDHeader and ClientSecretHeader are the same")
		}
		return
	case names[0] != "" || names[1] != "":
		fault("ClientIDHeader and ClientSecretHeader are for ClientSecretHeaders: set ClientAuth to it, or leave them empty")
	}
	switch c.ClientAuth {
	case "":
		if c.Authenticate == nil {
			c.ClientAuth = ClientSecretBasic
		}
		return
	case ClientSecretBasic, ClientAuthNone:
	case ClientSecretPost:
		for name, e := range map[string]Endpoint{"TokenEndpoint": c.TokenEndpoint, "RevocationEndpoint": c.RevocationEndpoint} {
			if e.Method == http.MethodGet {
				fault("ClientSecretPost at a %s that is called by GET would put the secret into the URL (RFC 6749 §2.3.1)", name)
			}
		}
	case ClientSecretBasicRaw:
		if strings.Contains(c.ClientID, ":") {
			fault("ClientID holds a colon, which raw Basic cannot carry (RFC 7617 §2)")
		}
	default:
		fault("ClientAuth %q is unknown: use ClientSecretBasic, ClientSecretBasicRaw, ClientSecretPost, ClientSecretHeaders or ClientAuthNone", c.ClientAuth)
	}
	if c.Authenticate != nil {
		fault("Authenticate is set beside ClientAuth: set one or the other")
	}
}

// prove adds the client's proof to a call's header and parameters, and returns
// what no error may show.
func (c *client) prove(ctx context.Context, cred credentials, header http.Header, params url.Values) (secrets []string, err error) {
	id, secret := cred.id, cred.secret.Reveal()
	secrets = []string{secret, url.QueryEscape(secret)}
	switch c.ClientAuth {
	case ClientSecretBasic:
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
		fallthrough
	case ClientSecretBasicRaw:
		proof := base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
		header.Set("Authorization", "Basic "+proof)
		return append(secrets, proof), nil
	case ClientSecretPost:
		params.Set("client_id", id)
		params.Set("client_secret", secret)
		return secrets, nil
	case ClientSecretHeaders:
		header.Set(c.ClientIDHeader, id)
		header.Set(c.ClientSecretHeader, secret)
		return secrets, nil
	case ClientAuthNone:
		params.Set("client_id", id)
		return nil, nil
	}
	return c.proveByFunc(ctx, cred, header, params, secrets)
}

// proveByFunc lets Registration.Authenticate add to copies, so that what it
// added is known.
func (c *client) proveByFunc(ctx context.Context, cred credentials, header http.Header, params url.Values, secrets []string) ([]string, error) {
	added, more := http.Header{}, url.Values{}
	if err := c.Authenticate(ctx, cred.id, cred.secret, added, more); err != nil {
		return nil, &configError{"Authenticate", describe("", err, func(text string) string { return scrub(text, secrets) })}
	}
	for name, values := range added {
		header[name] = values
		for _, v := range values {
			secrets = append(secrets, v, v[strings.LastIndexByte(v, ' ')+1:])
		}
	}
	for name, values := range more {
		params[name] = values
		if name != "client_id" && name != "client_assertion_type" {
			secrets = append(secrets, values...)
		}
	}
	return secrets, nil
}
