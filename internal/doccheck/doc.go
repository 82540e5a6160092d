// Package doccheck has the tests that hold the documents to what they say:
// their Go compiles, their configuration is read, their commands and JSON are
// what they seem, their links lead somewhere, the tests that they name are
// there, so are names and the command's flags, the errors' hints are those of
// the code, and figures stand beside the command that makes them.
//
// The code in the root package's documentation is looked at, too.
//
// A Go block is a whole file, declarations, or the inside of a func. What a
// document takes for granted, its imports and variables such as ctx, is in
// testdata/preludes: of docs/nhn.md in docs-nhn.go. All blocks of a document
// make one package, statements each a func that returns an error; variables
// need not be used. What they import is in imports.go, for go.mod.
//
// A comment on the line before a block or a table says what is not as it seems:
//
//	<!-- not compiled: why -->               a Go block; there may be two
//	<!-- not configuration: what else -->    a YAML block
//	<!-- figures that are set, not measured -->
package doccheck
