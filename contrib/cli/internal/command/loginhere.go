package command

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/spf13/cobra"
)

// isHere reports whether a redirect URI is on this machine's loopback.
func isHere(redirectURI string) bool {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// loginHere waits at the redirect URI for the user's browser (RFC 8252 §7.3).
func (r *run) loginHere(cmd *cobra.Command, reg authtrip.Registration) error {
	u, err := url.Parse(reg.RedirectURI)
	if err != nil {
		return err
	}
	port := u.Port()
	if port == "" {
		port = "0"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return fmt.Errorf("nobody can wait at the redirect_uri %s: %w", reg.RedirectURI, err)
	}
	if u.Port() == "" {
		_, chosen, _ := net.SplitHostPort(listener.Addr().String())
		u.Host = net.JoinHostPort(u.Hostname(), chosen) // the name is as registered
		reg.RedirectURI = u.String()
	}
	defer listener.Close() //nolint:errcheck // the server closes it, if there is one
	s, err := r.openAs(cmd, reg)
	if err != nil {
		return err
	}
	defer r.end(cmd, s)
	page, flow, err := s.Source.AuthCodeURL(cmd.Context())
	if err != nil {
		return err
	}
	state, err := stateOf(page)
	if err != nil {
		return err
	}
	callbacks := make(chan url.Values)
	outcome := make(chan error, 1)
	server := &http.Server{Handler: callbackHandler(u.Path, state, callbacks, outcome), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // Shutdown ends it
	defer shutDown(server)
	say(cmd, "open in a browser: %s", page)
	select {
	case callback := <-callbacks:
		err := r.redeem(cmd, s, flow, callback)
		outcome <- err
		return err
	case <-cmd.Context().Done():
		return context.Cause(cmd.Context())
	}
}

// stateOf is the state that the authorization page will send back.
func stateOf(page string) (string, error) {
	u, err := url.Parse(page)
	if err != nil {
		return "", errors.New("the authorization page has no address that can be read: check authorization_uri")
	}
	state := u.Query().Get("state")
	if state == "" {
		return "", errors.New("the authorization page's address has no state: check authorization_uri")
	}
	return state, nil
}

// callbackHandler takes the first request that has a code or an error at the
// path, and answers it with what became of it. Any page can have the browser
// call here: only the flow's state tells that the server sent it.
func callbackHandler(path, state string, callbacks chan<- url.Values, outcome <-chan error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		query := req.URL.Query()
		if req.URL.Path != cmp.Or(path, "/") || !query.Has("code") && !query.Has("error") {
			http.NotFound(w, req)
			return
		}
		if req.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "a login ends with a GET", http.StatusMethodNotAllowed)
			return
		}
		if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(state)) != 1 {
			http.Error(w, "this is of another login: authtrip goes on waiting for its own", http.StatusBadRequest)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer") // the code is in the address
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		select {
		case callbacks <- query:
		case <-req.Context().Done():
			return
		}
		text := "You are logged in. This page may be closed."
		if err := <-outcome; err != nil {
			w.WriteHeader(http.StatusBadRequest)
			text = "That did not work; authtrip says why."
		}
		_, _ = fmt.Fprintln(w, text)
	})
}

// shutDown lets the browser have its answer.
func shutDown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = server.Close()
	}
}
