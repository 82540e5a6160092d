package command

import (
	"errors"

	"github.com/spf13/cobra"
)

func revokeCommand() *cobra.Command {
	var r run
	cmd := r.forRegistration(&cobra.Command{
		Use:   "revoke [registration]",
		Short: "End the cached token, here and at the server",
		Long: `End the cached token: it is removed from the cache and the authorization server is
told to end it. The next authtrip token asks for another.

Of a user's grant it is the end: the refresh token is revoked too, and the user has
to log in again. Where the server has no revocation endpoint the tokens are removed
from the cache, and the command says that the server was not told.`,
		Example: `  authtrip revoke payments
  authtrip revoke prism --user kim`,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if r.NoCache {
			return &usageError{cmd, errors.New("without the cache there is nothing to revoke: leave out --no-cache")}
		}
		s, err := r.open(cmd, args)
		if err != nil {
			return err
		}
		defer r.end(cmd, s)
		ctx, cancel := r.within(cmd)
		defer cancel()
		progress(cmd, "revoking the token")
		return because(ctx, s.Source.Revoke(ctx))
	}
	return cmd
}
