// Package modeltest drives authtrip through random schedules and compares what
// it does with a small model of what it may do.
//
// It has tests only.
package modeltest
