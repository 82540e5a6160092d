package proxy

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/spf13/cobra"

	"github.com/authtrip/authtrip/contrib/cli/internal/session"
)

// flags are what a user says of the proxy.
type flags struct {
	session      session.Flags
	to           string
	listen       string
	admin        string
	allowRemote  bool
	allowHosts   []string
	allowOrigins []string
	replayLimit  size
	drain        time.Duration
	verbose      bool
}

// UsageError is a command line that is wrong: a flag's value, or an API that the
// registration has no token for.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

// Command is "authtrip proxy". It ends, without an error, when the command's
// context does and the requests in flight have ended.
func Command() *cobra.Command {
	f := flags{replayLimit: 64 << 10}
	cmd := &cobra.Command{
		Use:   "proxy [REGISTRATION] --to URL",
		Short: "Run a local reverse proxy that adds tokens to requests",
		Long: `Run a local reverse proxy that adds tokens to requests, for programs in any
language: they call it in the API's place, without a token.

A token that the API rejects is replaced, and the request sent again, if its
body is no longer than --replay-limit. Without a token no request is sent on.

Whoever reaches the proxy acts with your token: every user and program of this
machine, for which it listens on loopback only, or just you, with
--listen unix:PATH. What web pages in a browser send is refused.

GET /.authtrip/health and /.authtrip/metrics (for Prometheus) are the proxy's
own. It runs until Ctrl-C (SIGINT) or SIGTERM, and lets the requests in flight
end; a second one does not.`,
		Example: `  authtrip proxy --to https://core.api.nhncloudservice.com
  curl http://127.0.0.1:8080/v1/organizations

  authtrip proxy payments --to https://api.bank.example/v2 --listen 127.0.0.1:9000
  authtrip proxy nhn --to https://core.api.nhncloudservice.com --listen unix:/run/user/1000/nhn.sock
  curl --unix-socket /run/user/1000/nhn.sock http://localhost/v1/organizations`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return f.run(cmd.Context(), name, cmd.ErrOrStderr())
		},
	}
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		if all, err := f.session.Registrations(); err == nil && len(args) == 0 {
			for _, r := range all {
				names = append(names, r.ID)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	f.session.Bind(cmd.Flags())
	f.bind(cmd)
	return cmd
}

func (f *flags) bind(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.to, "to", "", "`URL` of the API, which must be one of the registration's origins (required)")
	fl.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on: host:port, or unix:PATH for a socket that only you can use")
	fl.StringVar(&f.admin, "admin", "", "`ADDRESS` for health and metrics instead of the proxy's own, so that all paths are the API's; or off")
	fl.BoolVar(&f.allowRemote, "allow-remote", false, "allow addresses that others can reach, who then act with your token")
	fl.StringArrayVar(&f.allowHosts, "allow-host", nil, "further `NAME` that clients may call the proxy by (repeatable)")
	fl.StringArrayVar(&f.allowOrigins, "allow-origin", nil, "`ORIGIN` of web pages that may use the proxy, such as http://localhost:3000 (repeatable)")
	fl.Var(&f.replayLimit, "replay-limit", "longest body that is kept to be sent again; longer ones stream through")
	fl.DurationVar(&f.drain, "drain", 10*time.Second, "how long requests in flight may take to end when the proxy stops")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "log every request (without its query) and every token call")
}

// run runs the proxy until ctx ends.
func (f *flags) run(ctx context.Context, name string, stderr io.Writer) error {
	plan, err := f.check()
	if err != nil {
		return &UsageError{err}
	}
	log := newLog(stderr, f.verbose)
	f.session.Warn = func(text string) { log.Warn(text) }
	w := watch{newMetrics(), new(health)}
	s, err := f.session.Open(name, authtrip.WithLogger(log), w.metrics.hooks(), w.health.hooks())
	if err != nil {
		return err
	}
	defer func() {
		if err := s.Close(); err != nil {
			log.Warn("closing", "error", err)
		}
	}()
	f.session.Warn = nil // from here on the log tells, and each change once
	if err := mayHaveToken(s.Registration, plan.target); err != nil {
		return &UsageError{err}
	}
	now, release := again(ctx)
	defer release()
	w.over(s.Source)
	return plan.run(ctx, now, s.Source, w, log, stderr)
}

// again is a context that ends with the first signal after ctx has ended.
func again(ctx context.Context) (context.Context, func()) {
	now, end := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	watched := context.AfterFunc(ctx, func() {
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		select {
		case <-signals:
			end()
		case <-now.Done():
		}
		signal.Stop(signals)
	})
	return now, func() { watched(); end() }
}

func newLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
