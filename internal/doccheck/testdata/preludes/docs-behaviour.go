package documents

import "github.com/authtrip/authtrip"

var registration authtrip.Registration
