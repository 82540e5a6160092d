package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/cli/internal/session"
	"github.com/spf13/cobra"
)

func loginCommand() *cobra.Command {
	var r run
	var code string
	cmd := r.forRegistration(&cobra.Command{
		Use:   "login [registration]",
		Short: "Let a user grant access, so that there is a token",
		Long: `Let a user grant access. It prints the address of the authorization page; what the
server gives is kept in the cache, and authtrip token and the others use it.

Where the redirect_uri is on this machine, such as http://127.0.0.1:8765/callback,
authtrip waits there for the user's browser; without a port it chooses one. Where it
is elsewhere, authtrip asks for the address that the browser ended at. A code that
came another way, as PRISM's does, is given with --code; "-" reads it from standard
input, where no other user of the machine sees it.`,
		Example: `  authtrip login drive --user kim
  authtrip login prism --user kim --code 8Yx3…
  authtrip login prism --user kim --code - < code.txt`,
	})
	cmd.Flags().StringVar(&code, "code", "", "a `CODE` that came another way, or - to read it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if r.NoCache {
			return &usageError{cmd, errors.New("without the cache a login is lost at once: leave out --no-cache")}
		}
		reg, err := r.Registration(append(args, "")[0])
		if err != nil {
			return err
		}
		if reg.Grant != authtrip.AuthorizationCode {
			return &usageError{cmd, fmt.Errorf("registration %q has no users to log in: its grant is not authorization_code", reg.ID)}
		}
		switch {
		case code != "":
			return r.loginByCode(cmd, reg, code)
		case isHere(reg.RedirectURI):
			return r.loginHere(cmd, reg)
		}
		return r.loginByHand(cmd, reg)
	}
	return cmd
}

// loginByCode redeems a code that came another way.
func (r *run) loginByCode(cmd *cobra.Command, reg authtrip.Registration, code string) error {
	if code == "-" {
		line, err := readLine(cmd)
		if err != nil {
			return err
		}
		code = line
	}
	s, err := r.openAs(cmd, reg)
	if err != nil {
		return err
	}
	defer r.end(cmd, s)
	ctx, cancel := r.within(cmd)
	defer cancel()
	return r.loggedIn(cmd, reg, because(ctx, s.Source.ExchangeCode(ctx, code, nil)))
}

// loginByHand has the user bring the address that the browser ended at.
func (r *run) loginByHand(cmd *cobra.Command, reg authtrip.Registration) error {
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
	say(cmd, "and paste the address that it ends at:")
	line, err := readLine(cmd)
	if err != nil {
		return err
	}
	callback, err := url.Parse(line)
	if err != nil || callback.RawQuery == "" {
		return errors.New("that is no address with a code: paste all of it, from https:// on, or give the code alone with --code")
	}
	return r.redeem(cmd, s, flow, callback.Query())
}

// redeem ends a flow.
func (r *run) redeem(cmd *cobra.Command, s *session.Session, flow authtrip.Flow, callback url.Values) error {
	ctx, cancel := r.within(cmd)
	defer cancel()
	return r.loggedIn(cmd, s.Registration, because(ctx, s.Source.Exchange(ctx, flow, callback)))
}

func (r *run) loggedIn(cmd *cobra.Command, reg authtrip.Registration, err error) error {
	if err != nil {
		return err
	}
	say(cmd, "logged in: authtrip token %s prints the token", argsFor(reg, r.User))
	return nil
}

func say(cmd *cobra.Command, format string, args ...any) {
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
}

// readLine reads a line of the standard input, until the command is ended.
func readLine(cmd *cobra.Command) (string, error) {
	type read struct {
		line string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		done <- read{strings.TrimSpace(line), err}
	}()
	select {
	case got := <-done:
		switch {
		case got.line != "":
			return got.line, nil
		case got.err != nil && got.err != io.EOF:
			return "", fmt.Errorf("the standard input: %w", got.err)
		}
		return "", errors.New("nothing was given on the standard input")
	case <-cmd.Context().Done():
		return "", context.Cause(cmd.Context())
	}
}
