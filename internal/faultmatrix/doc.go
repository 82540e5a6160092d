// Package faultmatrix breaks an authorization server in every way of a list,
// under clients whose token has every age, and measures what their callers
// feel: each [Cell] is one fault, one age and one method. The servers are real
// ones on loopback, the client is a process of its own with 200 workers, so
// that its goroutines, memory and open files are those of the library.
//
// [Run] makes the matrix, [Result.Check] says what the design allows, and
// [Document] writes docs/faults.md. The program is internal/cmd/faultmatrix.
package faultmatrix
