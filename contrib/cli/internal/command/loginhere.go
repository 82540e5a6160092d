package command

import (
	"cmp"
	"context"
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
		u.Host = listener.Addr().String()
		reg.RedirectURI = u.String()
	}
	callbacks := make(chan url.Values)
	outcome := make(chan error, 1)
	server := &http.Server{Handler: callbackHandler(u.Path, callbacks, outcome), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // Shutdown ends it
	defer shutDown(server)
	s, err := r.openAs(cmd, reg)
	if err != nil {
		return err
	}
	defer r.end(cmd, s)
	page, flow, err := s.Source.AuthCodeURL(cmd.Context())
	if err != nil {
		return err
	}
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

// callbackHandler takes the first request that has a code or an error at the
// path, and answers it with what became of it.
func callbackHandler(path string, callbacks chan<- url.Values, outcome <-chan error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		query := req.URL.Query()
		if req.URL.Path != cmp.Or(path, "/") || !query.Has("code") && !query.Has("error") {
			http.NotFound(w, req)
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
