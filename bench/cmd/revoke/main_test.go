package main

import "testing"

func TestAuthtripMeetsItsGoals(t *testing.T) {
	for _, name := range []string{"authtrip/500-in-flight", "authtrip/always401", "authtrip-nhn/mixed401"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait more than they work
			for _, missed := range scenario().Counted(name) {
				t.Error(missed)
			}
		})
	}
}
