// Package hot holds the benchmarks of the path that every request takes: a token
// is there and valid, and has to get onto the request.
//
// Among the peers are floors, the least that could be done in their place.
package hot
