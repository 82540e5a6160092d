package main

import "testing"

func TestAuthtripMeetsItsGoals(t *testing.T) {
	for _, name := range []string{"authtrip/getbody", "authtrip/stream", "authtrip-resty/getbody"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait more than they work
			for _, missed := range scenario().Counted(name) {
				t.Error(missed)
			}
		})
	}
}
