// Package cli holds the command authtrip, in the directory of that name.
package cli
