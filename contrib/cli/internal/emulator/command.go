package emulator

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// flags are what both emulators take.
type flags struct {
	listen      string
	allowRemote bool
	lifetime    time.Duration
	configOut   string
	quiet       bool
	services    bool
	redirect    []string
}

// UsageError is a command line that is wrong: a flag's value.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

// Command is "emulator" with its two emulators. It runs until the command's
// context ends.
func Command() *cobra.Command {
	all := &cobra.Command{
		Use:   "emulator nhn|prism",
		Short: "Serve an emulator of NHN Cloud or of a PRISM customer's service",
		Long: `Serves what authtrip is used with, on this machine and without an account: an
authorization server that issues tokens, an API that takes them, and a page on
which one watches tokens and calls and makes the token endpoint fail. It runs
until Ctrl-C, and everything is forgotten then: after restarting it, add --fresh
once to "authtrip token", which has a token of before in its cache.`,
		Example: `  authtrip emulator nhn
  authtrip emulator prism`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	all.AddCommand(nhnCommand(), prismCommand())
	return all
}

func nhnCommand() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "nhn",
		Short: "NHN Cloud: client credentials, and an API behind them",
		Long: `Serves NHN Cloud's token endpoint and a framework API at one address, and a
page to watch them at /_emulator/. It runs until Ctrl-C, and everything is
forgotten then.`,
		Example: `  authtrip emulator nhn
  authtrip emulator nhn --listen 127.0.0.1:0 --lifetime 30s
  authtrip emulator nhn --config-out emulator.yml
  authtrip token nhn --config emulator.yml    # in another terminal`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, func() provider { return newNHN(f) })
		},
	}
	f.add(cmd, "127.0.0.1:9090", 24*time.Hour)
	cmd.Flags().BoolVar(&f.services, "services", false, "serve the services with envelopes of their own too, each at a port of its own")
	return cmd
}

func prismCommand() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "prism",
		Short: "PRISM: a customer's service with codes and refresh tokens",
		Long: `Serves what a customer of B2B PRISM Live Studio serves: the authorization page,
the token endpoint, a service API; and a page to watch them at /_emulator/.
It runs until Ctrl-C, and everything is forgotten then. A user is logged in from
the start: the configuration has that login's refresh token.`,
		Example: `  authtrip emulator prism
  authtrip emulator prism --config-out emulator.yml
  authtrip token prism --config emulator.yml  # in another terminal
  authtrip emulator prism --redirect-uri http://127.0.0.1:8765/callback`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, func() provider { return newPRISM(f) })
		},
	}
	f.add(cmd, "127.0.0.1:9091", time.Hour)
	cmd.Flags().StringArrayVar(&f.redirect, "redirect-uri", nil, "a redirect `URI` that the authorization page knows besides PRISM's own; may be repeated; the first is in the configuration")
	return cmd
}

func (f *flags) add(cmd *cobra.Command, listen string, lifetime time.Duration) {
	cmd.Flags().StringVar(&f.listen, "listen", listen, "`ADDRESS` to listen on; port 0 takes a free one")
	cmd.Flags().BoolVar(&f.allowRemote, "allow-remote", false, "listen where other machines reach it: whoever does may watch and switch")
	cmd.Flags().DurationVar(&f.lifetime, "lifetime", lifetime, "how long tokens live")
	cmd.Flags().StringVar(&f.configOut, "config-out", "", "write a configuration for authtrip into this `FILE`")
	cmd.Flags().BoolVar(&f.quiet, "quiet", false, "print the address only")
}

// run serves until the command's context ends.
func run(cmd *cobra.Command, f flags, emulate func() provider) error {
	if f.lifetime < time.Second || f.lifetime > maxLifetime {
		return &UsageError{fmt.Errorf("--lifetime is %v: set one from 1s to %v", f.lifetime, maxLifetime)}
	}
	s, err := start(f, emulate)
	if err != nil {
		return err
	}
	defer s.stop()
	if f.configOut != "" {
		if err := writeConfig(f.configOut, s.guide.Config); err != nil {
			return fmt.Errorf("--config-out: %w", err)
		}
	}
	if f.quiet {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), s.base)
	} else {
		err = s.guide.print(cmd.OutOrStdout())
	}
	if err != nil {
		return err
	}
	select {
	case <-cmd.Context().Done():
		return nil
	case err := <-s.broken:
		return err
	}
}
