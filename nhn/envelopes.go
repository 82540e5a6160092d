package nhn

import (
	"slices"

	"github.com/authtrip/authtrip"
)

// Most services answer HTTP 200 to everything, and say in an envelope whether
// they did what they were asked:
//
//	{"header": {"isSuccessful": false, "resultCode": 80007, "resultMessage": "…"}, …}
//
// A code means nothing without its host: 10005 is a bad parameter on one and
// was seen for a token on another. So the codes that reject a token are listed
// by host; codes that deny a permission (-6 and -8 of the framework API, 80403
// of RDS, 403100000 of API Gateway) are not among them.

// frameworkCodes are those of the framework and partner APIs, which share
// hosts.
var frameworkCodes = []string{"80007", "80401"}

// serviceCodes are by what the host is named after.
var serviceCodes = map[string][]string{
	"core":             frameworkCodes,
	"rds-mysql":        {"80401"},
	"rds-mariadb":      {"80401"},
	"rds-postgres":     {"80401"},
	"apigateway":       {"401100003"},
	"notification-hub": {"401*"}, // with X-NC-ALWAYS-200-OK; without it a 401 says so
}

// rejectedCodes returns the codes for every host of both clouds that has some.
func rejectedCodes() map[string][]string {
	codes := map[string][]string{}
	for _, host := range append(publicHosts(), governmentHosts...) {
		if c := serviceCodes[serviceOf(host)]; c != nil {
			codes[host] = slices.Clone(c)
		}
	}
	return codes
}

func envelopes(codes map[string][]string) map[string]authtrip.Envelope {
	all := map[string]authtrip.Envelope{}
	for host, c := range codes {
		all[host] = authtrip.Envelope{Success: "header.isSuccessful", Code: "header.resultCode", Rejected: c}
	}
	return all
}
