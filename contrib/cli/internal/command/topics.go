package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodesTopic is a text of help, and no command.
func exitCodesTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("The codes that authtrip exits with:\n\n")
	for _, c := range exitCodes {
		fmt.Fprintf(&b, "  %3d  %s\n", c.code, c.meaning)
	}
	b.WriteString("\nWhat serves until it is told to stop by a signal ends with 0 then.\n")
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: strings.TrimSpace(b.String())}
}

// exampleNHN and examplePRISM point the presets at emulators.
const (
	exampleNHN = `registration:
  nhn:
    client_id: my-access-key-id
    client_secret: ${NHN_SECRET}
    token_uri: http://127.0.0.1:8081/oauth2/token/create
    revocation_uri: http://127.0.0.1:8081/oauth2/token/revoke
    origins: http://127.0.0.1:8082
`
	examplePRISM = `registration:
  prism:
    client_id: my-client-id
    client_secret: ${PRISM_SECRET}
    service_api_domain: http://127.0.0.1:8083
    service_id: my-service
`
)

// configurationTopic says what is read.
func configurationTopic() *cobra.Command {
	return &cobra.Command{Use: "configuration", Short: "Where the configuration is, and how it looks", Long: `The first of these that is there is the configuration:

  --config FILE
  the file that $AUTHTRIP_CONFIG names
  oauth2.yml in the working directory
  variables such as AUTHTRIP_REGISTRATION_<ID>_CLIENT_ID
  NHN_USER_ACCESS_KEY_ID and NHN_SECRET_ACCESS_KEY, which make a registration nhn

It is the library's: YAML with a map of registrations, or a Spring application.yml,
and variables go over a file's settings. A file decides where secrets are sent:
run authtrip in directories that you trust.

  registration:
    payments:
      client_id: shop
      client_secret: ${BANK_SECRET}
      token_uri: https://auth.bank.example/oauth2/token

With an emulator of NHN Cloud, whose authorization server is at port 8081 and
whose API at 8082:

` + indented(exampleNHN) + `
And with one of a PRISM service:

` + indented(examplePRISM) + `
Tokens are cached in authtrip in your cache directory, sealed with a key that the
first run makes in authtrip/cache.key in your configuration directory.`}
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}
