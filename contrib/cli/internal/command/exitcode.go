package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/cli/internal/doctor"
	"github.com/authtrip/authtrip/contrib/cli/internal/emulator"
	"github.com/authtrip/authtrip/contrib/cli/internal/proxy"
	"github.com/authtrip/authtrip/contrib/cli/internal/session"
	"github.com/spf13/cobra"
)

// The exit codes. exitCodes says what they mean.
const (
	codeOK = iota
	codeOther
	codeUsage
	codeConfiguration
	codeRefused
	codeUnreachable
	codeAuthorization
	codeFound
	codeRejected

	codeInterrupted = 130
	codeTerminated  = 143
)

// exitCodes is the table, in its order.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{codeOK, "all is well"},
	{codeOther, "another error"},
	{codeUsage, "the command line is wrong: a flag, a command, a registration that is not there"},
	{codeConfiguration, "the configuration, or the cache's key, is wrong or missing"},
	{codeRefused, "the authorization server refused: a wrong secret, scope, code or grant"},
	{codeUnreachable, "the authorization server cannot be reached, fails, is none, or asks to come back later"},
	{codeAuthorization, "the user has to log in: see authtrip login"},
	{codeFound, "doctor found something that is wrong"},
	{codeRejected, "doctor found nothing wrong but that the API did not accept the token"},
	{codeInterrupted, "ended by SIGINT, as Ctrl-C sends it"},
	{codeTerminated, "ended by SIGTERM"},
}

// exitCode is the code that an error ends the process with.
func exitCode(err error) int {
	s, isSignal := errors.AsType[*signalled](err)
	_, isUsage := errors.AsType[*usageError](err)
	_, isProxyUsage := errors.AsType[*proxy.UsageError](err)
	_, isEmulatorUsage := errors.AsType[*emulator.UsageError](err)
	_, isChoice := errors.AsType[*session.ChoiceError](err)
	_, isConfiguration := errors.AsType[*session.ConfigurationError](err)
	said, isSaid := errors.AsType[*authtrip.ServerError](err)
	switch {
	case err == nil:
		return codeOK
	case isSignal && s.signal == syscall.SIGTERM:
		return codeTerminated
	case isSignal:
		return codeInterrupted
	case isUsage, isProxyUsage, isEmulatorUsage, isChoice:
		return codeUsage
	case isConfiguration:
		return codeConfiguration
	case errors.Is(err, doctor.ErrFound):
		return codeFound
	case errors.Is(err, doctor.ErrRejected):
		return codeRejected
	case errors.Is(err, authtrip.ErrAuthorizationRequired):
		return codeAuthorization
	case errors.Is(err, authtrip.ErrCircuitOpen), isSaid && !refused(said):
		return codeUnreachable
	case isSaid:
		return codeRefused
	case isNetwork(err):
		return codeUnreachable
	}
	return codeOther
}

// refused reports whether a server works and said no, as an authorization server
// does: a page or a redirect is no such word.
func refused(said *authtrip.ServerError) bool {
	switch said.Status {
	case http.StatusTooManyRequests:
		return false
	case http.StatusUnauthorized, http.StatusForbidden:
		return true
	}
	return said.Code != "" && said.Status < 500
}

// isNetwork reports whether a server did not answer, or not as one does.
func isNetwork(err error) bool {
	op, isOp := errors.AsType[*net.OpError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	return isOp && op.Op != "listen" || isDNS || isCertificate || isRecord ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

// report writes an error, each of its lines with the command's name before it.
func report(errs io.Writer, err error) {
	if err == nil || errors.Is(err, doctor.ErrFound) || errors.Is(err, doctor.ErrRejected) {
		return // doctor has said what
	}
	text := strings.TrimSpace(err.Error())
	if said, ok := errors.AsType[*authtrip.ServerError](err); ok && said.RetryAfter > 0 {
		text += fmt.Sprintf("; it asks to come back in %v", said.RetryAfter)
	}
	for line := range strings.SplitSeq(text, "\n") {
		_, _ = fmt.Fprintln(errs, "authtrip: "+strings.TrimPrefix(line, "authtrip: "))
	}
}

// usageError is a command line that is wrong.
type usageError struct {
	cmd *cobra.Command
	err error
}

func (e *usageError) Error() string {
	return fmt.Sprintf("%v; see %s --help", e.err, e.cmd.CommandPath())
}
func (e *usageError) Unwrap() error { return e.err }

// checkUsage makes what is wrong with the arguments of all commands usage
// errors, and so it is to leave out which of its commands is meant.
func checkUsage(cmd *cobra.Command) {
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args = knownCommand
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			var names []string
			for _, sub := range cmd.Commands() {
				names = append(names, sub.Name())
			}
			return &usageError{cmd, fmt.Errorf("name one of %s", strings.Join(names, ", "))}
		}
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &usageError{cmd, err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		checkUsage(sub)
	}
}

// knownCommand is for what has commands: what is none of them is no argument.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("there is no command %q%s", args[0], hint)
}
