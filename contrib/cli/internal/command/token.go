package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/cli/internal/session"
	"github.com/spf13/cobra"
)

func tokenCommand() *cobra.Command {
	var r run
	var output string
	var fresh bool
	var left time.Duration
	cmd := r.forRegistration(&cobra.Command{
		Use:   "token [registration]",
		Short: "Print an access token",
		Long: `Print an access token, and only that, on standard output.

It is kept in the cache until shortly before it expires: another run prints the
same one and calls no server. A user's token is renewed with the refresh token,
which is kept there too; authtrip login begins that.`,
		Example: `  authtrip token payments
  authtrip token nhn -o header | curl -H @- https://core.api.nhncloudservice.com/v1/organizations
  authtrip token nhn -o json | jq -r .expires_at
  authtrip token prism --user kim
  authtrip token nhn --fresh`,
	})
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json, or header for the lines that curl -H @- reads")
	cmd.Flags().DurationVar(&left, "valid-for", 15*time.Second, "how long the token must last at least; ask for another if the cached one does not, and warn if no token does")
	cmd.Flags().BoolVar(&fresh, "fresh", false, "ask for another token, whatever is cached")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json", "header"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		write, err := tokenWriter(output)
		if err != nil {
			return &usageError{cmd, err}
		}
		s, err := r.open(cmd, args)
		if err != nil {
			return err
		}
		defer r.end(cmd, s)
		tok, err := r.token(cmd, s, fresh, left)
		if err != nil {
			return loginHint(err, s.Registration, r.User)
		}
		return write(cmd.OutOrStdout(), s.Registration, tok)
	}
	return cmd
}

// token gets the token. A fresh one is another than the cache had; what comes of
// a call that was made just now is fresh already. Without another, one that is
// about to expire is better than none.
func (r *run) token(cmd *cobra.Command, s *session.Session, fresh bool, left time.Duration) (authtrip.Token, error) {
	ctx, cancel := r.within(cmd)
	defer cancel()
	tok, err := s.Source.Token(ctx)
	ends := err == nil && !tok.Expiry().IsZero() && time.Until(tok.Expiry()) < left
	if ends && r.calls.Load() > 0 {
		r.Warn(fmt.Sprintf("the server's tokens last for %v, less than --valid-for %v", time.Until(tok.Expiry()).Round(time.Second), left))
	}
	if err != nil || !fresh && !ends || r.calls.Load() > 0 {
		return tok, because(ctx, err)
	}
	s.Source.Invalidate(tok)
	another, err := s.Source.Token(ctx)
	if end := another.Expiry(); err == nil && !end.IsZero() && time.Until(end) < left {
		r.Warn(fmt.Sprintf("the server's tokens last for %v, less than --valid-for %v", time.Until(end).Round(time.Second), left))
	}
	if err != nil && !fresh && ctx.Err() == nil {
		r.Warn(fmt.Sprintf("the token ends soon, and there is no other: %v", err))
		return tok, nil
	}
	return another, because(ctx, err)
}

// because is err, or where ctx ended of itself, why.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// tokenWriter is how a token is printed.
func tokenWriter(output string) (func(io.Writer, authtrip.Registration, authtrip.Token) error, error) {
	switch output {
	case "text":
		return func(w io.Writer, _ authtrip.Registration, tok authtrip.Token) error {
			_, err := fmt.Fprintln(w, tok.AccessToken())
			return err
		}, nil
	case "header":
		return func(w io.Writer, reg authtrip.Registration, tok authtrip.Token) error {
			var b strings.Builder
			for _, name := range tokenHeaders(reg) {
				fmt.Fprintf(&b, "%s: %s\n", name, headerValue(reg, tok))
			}
			_, err := io.WriteString(w, b.String())
			return err
		}, nil
	case "json":
		return writeJSON, nil
	}
	return nil, fmt.Errorf("-o is text, json or header, not %q", output)
}

// tokenJSON is a token with what it takes to use it.
type tokenJSON struct {
	Registration string            `json:"registration"`
	AccessToken  string            `json:"access_token"`
	TokenType    string            `json:"token_type"`
	ExpiresAt    *time.Time        `json:"expires_at"` // null: the server did not say
	Headers      map[string]string `json:"headers"`
}

func writeJSON(w io.Writer, reg authtrip.Registration, tok authtrip.Token) error {
	out := tokenJSON{Registration: reg.ID, AccessToken: tok.AccessToken(), TokenType: "Bearer", Headers: map[string]string{}}
	if end := tok.Expiry(); !end.IsZero() {
		end = end.UTC().Truncate(time.Second)
		out.ExpiresAt = &end
	}
	for _, name := range tokenHeaders(reg) {
		out.Headers[name] = headerValue(reg, tok)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func tokenHeaders(reg authtrip.Registration) []string {
	if len(reg.Headers) == 0 {
		return []string{"Authorization"}
	}
	return reg.Headers
}

func headerValue(reg authtrip.Registration, tok authtrip.Token) string {
	if reg.RawToken {
		return tok.AccessToken()
	}
	return "Bearer " + tok.AccessToken()
}

// quoted is an argument as a shell reads it.
func quoted(text string) string {
	if text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./@:", c))
	}) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
