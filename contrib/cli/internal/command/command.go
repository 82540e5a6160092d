// Package command is the authtrip command, and each of its commands.
package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/authtrip/authtrip/contrib/cli/internal/emulator"
	"github.com/authtrip/authtrip/contrib/cli/internal/proxy"
	"github.com/spf13/cobra"
)

// Run runs the command with its arguments, until it ends or a signal ends it,
// and returns the exit code.
func Run(args []string, in io.Reader, out, errs io.Writer) int {
	ctx, ended := untilSignal()
	defer ended(nil)
	root := newRoot(in, out, errs)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if s, ok := context.Cause(ctx).(*signalled); ok && err != nil {
		err = s
	}
	report(errs, err)
	return exitCode(err)
}

func newRoot(in io.Reader, out, errs io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "authtrip",
		Short: "Get OAuth 2.0 tokens, use them from any program, and find out why that does not work",
		Long: `authtrip gets OAuth 2.0 tokens for the same configuration as the library of that
name, keeps them between its runs, and finds out why that does not work.

It reads --config FILE, or the file that $AUTHTRIP_CONFIG names, or oauth2.yml in
the working directory, or the environment; with NHN Cloud's credentials in the
environment it needs none of these. See "authtrip help configuration".`,
		Example: `  authtrip token payments
  curl -H "$(authtrip token nhn -o header | head -1)" https://core.api.nhncloudservice.com/v1/organizations
  authtrip doctor nhn`,
		Version:                    version(),
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		Args:                       knownCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{cmd, err} })
	root.AddCommand(tokenCommand(), revokeCommand(), loginCommand(), doctorCommand(), proxy.Command(), emulator.Command(), versionCommand(), exitCodesTopic(), configurationTopic())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  authtrip help token\n  authtrip help exit-codes"
			cmd.Run, cmd.RunE = nil, help
		case "completion":
			cmd.Example = "  source <(authtrip completion bash)\n  authtrip completion zsh > ~/.zfunc/_authtrip\n  authtrip completion fish > ~/.config/fish/completions/authtrip.fish"
		}
	}
	checkUsage(root)
	return root
}

// help is for what there is: cobra's own shows the root's for all else.
func help(cmd *cobra.Command, args []string) error {
	about, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return &usageError{cmd, fmt.Errorf("there is no help on %q", strings.Join(args, " "))}
	}
	about.InitDefaultHelpFlag()
	return about.Help()
}

// signalled is the end by a signal.
type signalled struct{ signal os.Signal }

func (s *signalled) Error() string { return "ended by a signal: " + s.signal.String() }

// untilSignal is a context that a first signal ends. A second one ends the
// process, should the end take long: a refresh token that is being redeemed is
// waited for, since it may be replaced.
func untilSignal() (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			cancel(&signalled{s})
		case <-ctx.Done():
		}
		signal.Stop(signals)
	}()
	return ctx, cancel
}
