//go:build !race

package authtrip_test

const raceEnabled = false
