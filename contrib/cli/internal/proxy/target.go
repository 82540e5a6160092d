package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/authtrip/authtrip"
)

// parseTarget reads --to.
func parseTarget(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("--to is missing: give the API's address, such as https://core.api.nhncloudservice.com")
	case err != nil: // not repeated: the URL may hold a password
		return nil, errors.New("--to is no URL")
	case u.User != nil:
		return nil, errors.New("--to holds user information: leave that out")
	case (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "":
		return nil, fmt.Errorf("--to %q: write it with scheme and host, such as https://core.api.nhncloudservice.com", text)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("--to %q: leave out what follows the path", text)
	}
	return u, nil
}

// mayHaveToken reports, without any call, why requests to target would go
// without a token, or nil. A Transport passes on what is for an origin that the
// registration does not list, which a proxy that is asked to add tokens must not.
func mayHaveToken(r authtrip.Registration, target *url.URL) error {
	src, err := authtrip.NewSource(r) // has no token, and nobody is told of it
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // it has nothing to save
	// In a context that has ended a token is not waited for.
	ended, end := context.WithCancel(context.Background())
	end()
	req, err := http.NewRequestWithContext(ended, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	err = src.Attach(req)
	switch {
	case err == nil:
		return fmt.Errorf("--to %s: registration %q sends no token there: add the host to its origins, if it may have the token", target, r.ID)
	case errors.Is(err, context.Canceled):
		return nil
	}
	return fmt.Errorf("--to %s: %w", target, err)
}

// origin is u's scheme, host and port in one spelling.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Scheme) + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
