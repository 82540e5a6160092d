package command

import (
	"errors"
	"fmt"
	"io"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/cli/internal/doctor"
	"github.com/authtrip/authtrip/contrib/cli/internal/session"
	"github.com/spf13/cobra"
)

func doctorCommand() *cobra.Command {
	var r run
	var output, call, code string
	cmd := r.forRegistration(&cobra.Command{
		Use:   "doctor [registration]",
		Short: "Find out why a registration does not work",
		Long: `Check the way from the configuration to an API that accepts the token: the server's
name, TLS and clock, a real token call, how long the token lives, the headers it
goes in, the origins it may go to, a real call of an API, and the same with a
made-up token, which must be seen as rejected. For PRISM it checks whether the
customer's service keeps the contract, too.

Each check has a line: pass, FAIL, warn for what works and is worth a look, or skip;
and below it what to do. No line has a secret, nor more of an
answer than its status and its code. It exits with
7 when a check failed, and with 8 when nothing did but that the API did not accept
the token.

A client's own token is asked for anew, and not cached. A user's comes from the
cache, and PRISM's is renewed.`,
		Example: `  authtrip doctor nhn
  authtrip doctor payments --call https://api.bank.example/accounts
  authtrip doctor prism --user kim --code 8Yx3…
  authtrip doctor nhn -o json | jq '.results[] | select(.status == "FAIL")'`,
	})
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	cmd.Flags().StringVar(&call, "call", "", "`URL` of an API that needs a token; GET is sent to it, twice")
	cmd.Flags().StringVar(&code, "code", "", "a `CODE` to log a user in with, or - to read it")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output != "text" && output != "json" {
			return &usageError{cmd, fmt.Errorf("-o is text or json, not %q", output)}
		}
		report, err := r.examine(cmd, args, call, code)
		if err != nil {
			return err
		}
		write := map[string]func(io.Writer) error{"text": report.WriteText, "json": report.WriteJSON}[output]
		return errors.Join(write(cmd.OutOrStdout()), report.Err())
	}
	return cmd
}

func (r *run) examine(cmd *cobra.Command, args []string, call, code string) (*doctor.Report, error) {
	name := append(args, "")[0]
	reg, err := r.Registration(name)
	if _, ok := errors.AsType[*session.ConfigurationError](err); ok {
		return doctor.Unreadable(name, err), nil
	}
	if err != nil {
		return nil, err
	}
	if code != "" && reg.Grant != authtrip.AuthorizationCode {
		return nil, &usageError{cmd, fmt.Errorf("--code is for users' grants, which registration %q has not", reg.ID)}
	}
	if code == "-" {
		if code, err = readLine(cmd); err != nil {
			return nil, err
		}
	}
	if reg.Grant == "" || reg.Grant == authtrip.ClientCredentials {
		r.NoCache = true // what is cached would prove nothing
	}
	d := doctor.Doctor{
		Registration: reg, Args: argsFor(reg, r.User), Origin: r.Origin(), Call: call, Code: code,
		Open: func(options ...authtrip.Option) (*session.Session, error) { return r.openAs(cmd, reg, options...) },
	}
	ctx, cancel := r.within(cmd)
	defer cancel()
	report := d.Examine(ctx)
	return report, ended(cmd)
}

// ended is the signal that ended the command, if one did.
func ended(cmd *cobra.Command) error { return cmd.Context().Err() }
