package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/cli/internal/session"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// run is what the commands that open a registration have in common.
type run struct {
	session.Flags
	timeout time.Duration
	calls   atomic.Int32 // token calls begun
}

// forRegistration makes cmd a command for one registration, with the flags that
// this takes.
func (r *run) forRegistration(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("one registration at a time, not %d", len(args))
		}
		if r.timeout <= 0 {
			return fmt.Errorf("--timeout is %v; it must be above 0", r.timeout)
		}
		return nil
	}
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var names []string
		if all, err := r.Registrations(); err == nil && len(args) == 0 {
			for _, reg := range all {
				names = append(names, reg.ID)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	r.Bind(cmd.Flags())
	cmd.Flags().DurationVar(&r.timeout, "timeout", 30*time.Second, "how long to wait for servers")
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		r.Warn = func(text string) { _, _ = fmt.Fprintln(cmd.ErrOrStderr(), "authtrip: warning: "+text) }
	}
	return cmd
}

// open opens the registration that the arguments name, or the only one.
func (r *run) open(cmd *cobra.Command, args []string) (*session.Session, error) {
	reg, err := r.Registration(append(args, "")[0])
	if err != nil {
		return nil, err
	}
	return r.openAs(cmd, reg)
}

func (r *run) openAs(cmd *cobra.Command, reg authtrip.Registration, options ...authtrip.Option) (*session.Session, error) {
	hooks := r.Hooks()
	hooks.TokenCallStart = func(flight, _ context.Context, _ authtrip.TokenCall) context.Context {
		r.calls.Add(1)
		progress(cmd, "asking %s for a token", withoutQuery(reg.TokenEndpoint.URL))
		return flight
	}
	// A run that ends at once renews nothing behind itself: it would ask for a
	// token and not be there when it comes.
	policy := authtrip.Policy{RenewAt: 1 - 1e-9, RenewSpread: -1}
	if cmd.Flags().Changed("timeout") {
		policy.FetchTimeout = r.timeout
	}
	return r.OpenAs(reg, append(options, hooks, policy)...)
}

// within bounds ctx by --timeout.
func (r *run) within(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(cmd.Context(), r.timeout, fmt.Errorf("no answer within %v: %w", r.timeout, context.DeadlineExceeded))
}

// end closes the session. What could not be saved takes nothing from what the
// command did. A refresh token or a code that is being redeemed is waited for.
func (r *run) end(cmd *cobra.Command, s *session.Session) {
	late := time.AfterFunc(time.Second, func() { progress(cmd, "waiting for what was redeemed, which would be lost; another Ctrl-C ends that") })
	defer late.Stop()
	if err := s.Close(); err != nil && !errors.Is(err, authtrip.ErrClosed) {
		r.Warn(err.Error())
	}
}

// progress says what is under way to somebody who sits there.
func progress(cmd *cobra.Command, format string, args ...any) {
	if isTerminal(cmd.ErrOrStderr()) {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// withoutQuery is a URL without what may be nobody's business.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the authorization server"
	}
	u.RawQuery, u.User = "", nil
	return u.String()
}

// argsFor are the arguments of the commands for a registration and its user.
func argsFor(reg authtrip.Registration, user string) string {
	if user == "" {
		return quoted(reg.ID)
	}
	return quoted(reg.ID) + " --user " + quoted(user)
}

// loginHint says what to do when the user has to log in.
func loginHint(err error, reg authtrip.Registration, user string) error {
	if !errors.Is(err, authtrip.ErrAuthorizationRequired) {
		return err
	}
	if reg.Grant != authtrip.AuthorizationCode {
		return fmt.Errorf("%w: give another refresh_token in the configuration", err)
	}
	return fmt.Errorf("%w: run authtrip login %s", err, argsFor(reg, user))
}
