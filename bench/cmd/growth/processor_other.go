//go:build !unix

package main

import "time"

var began = time.Now()

// processor is the time that has passed, for want of a better figure: only
// what one goroutine does is right.
func processor() time.Duration { return time.Since(began) }
