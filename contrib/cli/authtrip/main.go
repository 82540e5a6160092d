// Authtrip gets OAuth 2.0 tokens, puts them on requests of programs in any
// language, and finds out why that does not work.
package main

import (
	"os"

	"github.com/authtrip/authtrip/contrib/cli/internal/command"
)

func main() { os.Exit(command.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
