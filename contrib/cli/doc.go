// Package cli holds the command authtrip, in the directory of that name: it gets
// tokens for what is not written in Go, and finds out why that does not work.
// docs/cli.md shows it at work.
//
//	authtrip/           the main function
//	internal/command    the commands, their help, and the exit codes
//	internal/session    a registration of the configuration, its cache and the cache's key
//	internal/doctor     the checks of authtrip doctor
//	internal/proxy      authtrip proxy
//	internal/emulator   authtrip emulator and its page; browsertest opens it in a browser
package cli
