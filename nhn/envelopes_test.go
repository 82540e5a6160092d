package nhn_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

// rejects reports whether the preset takes an API's answer for a rejected
// token: whether the request is sent again with another.
func rejects(t *testing.T, host string, status int, body string, options ...nhn.Option) bool {
	t.Helper()
	issued := 0
	tokens := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		issued++
		return answer(r, fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","expires_in":86400}`, issued))
	})
	src, err := nhn.NewSource(nhn.Credentials{UserAccessKeyID: "id", SecretAccessKey: authtrip.NewSecret("s")},
		append(options, nhn.With(authtrip.WithTokenTransport(tokens)))...)
	if err != nil {
		t.Fatal(err)
	}
	var carried []string
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		carried = append(carried, r.Header.Get(nhn.HeaderAuthorization))
		res, err := answer(r, body)
		res.StatusCode = status
		res.Header.Set("Content-Type", "application/json;charset=UTF-8")
		return res, err
	})}
	url := host
	if !strings.Contains(host, "://") {
		url = "https://" + host
	}
	req, err := http.NewRequest(http.MethodGet, url+"/v1/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if got, err := io.ReadAll(res.Body); string(got) != body || err != nil || res.StatusCode != status {
		t.Errorf("%s: the caller got %d %q, %v", host, res.StatusCode, got, err)
	}
	switch strings.Join(carried, ", ") {
	case "Bearer token-1":
		return false
	case "Bearer token-1, Bearer token-2":
		return true
	}
	t.Errorf("%s: sent with the tokens %q", host, carried)
	return false
}

// says is an envelope with a code as JSON has it.
func says(successful bool, code string) string {
	return fmt.Sprintf(`{"header": {"isSuccessful": %v, "resultCode": %s, "resultMessage": "…"}, "body": null}`, successful, code)
}

// TestHowEachServiceRejectsAToken is the vendor's table: which codes, on which
// hosts, with HTTP 200.
func TestHowEachServiceRejectsAToken(t *testing.T) {
	framework := []string{"80007", "80401"}
	frameworkNot := []string{"-6", "-8", "0", "-80007", "80403", "401", "401100003"}
	rds := []string{"80401"}
	rdsNot := []string{"80403", "80007", "401", "804010", "200"}
	none := []string{"80007", "80401", "401100003", "401", "-6", "200", "0"}
	type row struct {
		rejected, accepted []string
		government         bool
	}
	table := map[string]row{
		"core.api.nhncloudservice.com":     {framework, frameworkNot, false},
		"core.api.gov-nhncloudservice.com": {framework, frameworkNot, true},
		"notification-hub.api.nhncloudservice.com": {
			[]string{"401", "4010", "401001", "401999"}, []string{"403", "403001", "400401", "140100", "80401", "40"}, false,
		},
		"ocr.api.nhncloudservice.com":         {nil, none, false},
		"speech.api.nhncloudservice.com":      {nil, none, false},
		"api-tcd.nhncloudservice.com":         {nil, none, false},
		"api-tcd.gov-nhncloudservice.com":     {nil, none, true},
		"api-lncs-search.nhncloudservice.com": {nil, none, false},
	}
	for _, region := range []string{"kr1", "kr2", "kr3", "jp1"} {
		host := func(service string) string { return region + "-" + service + ".api.nhncloudservice.com" }
		for _, engine := range []string{"rds-mysql", "rds-mariadb", "rds-postgres"} {
			table[host(engine)] = row{rds, rdsNot, false}
		}
		table[host("apigateway")] = row{[]string{"401100003"}, []string{"403100000", "401", "4011000030", "401100004", "80401"}, false}
		for _, service := range []string{"ncr", "ncs", "easyqueue"} {
			table[host(service)] = row{nil, none, false}
		}
	}
	for _, host := range []string{"kr1-rds-mysql", "kr2-rds-mysql", "kr1-rds-mariadb", "kr2-rds-mariadb"} {
		table[host+".api.gov-nhncloudservice.com"] = row{rds, rdsNot, true}
	}

	listed := append(nhn.Registration(nhn.Credentials{}).Origins, nhn.Registration(nhn.Credentials{}, nhn.Government()).Origins...)
	for _, host := range listed {
		if _, ok := table[host]; !ok {
			t.Errorf("%s takes the token and is not in this table", host)
		}
	}
	for host, row := range table {
		var options []nhn.Option
		if row.government {
			options = append(options, nhn.Government())
		}
		check := func(status int, body string, want bool) {
			t.Helper()
			if got := rejects(t, host, status, body, options...); got != want {
				t.Errorf("%s: %d %s: rejected %v, want %v", host, status, body, got, want)
			}
		}
		for _, code := range row.rejected {
			check(200, says(false, code), true)
			check(200, says(false, `"`+code+`"`), true)
			check(200, says(true, code), false) // isSuccessful decides
			check(201, says(false, code), false)
		}
		for _, code := range append(row.accepted, "10005") { // which means another thing on each host
			check(200, says(false, code), false)
			check(200, says(false, `"`+code+`"`), false)
		}
		for _, code := range []string{"0", "200", `"SUCCESS"`} {
			check(200, says(true, code), false)
		}
		check(401, says(false, "0"), true)
		check(403, says(false, "80007"), false)
	}
}

func TestRejectedCodesAddsToThoseThatAreKnown(t *testing.T) {
	const own, stage, core = "http://localhost:8080", "kr1-mine.api.nhncloudservice.com", "core.api.nhncloudservice.com"
	options := []nhn.Option{
		nhn.Origins(own, stage), nhn.RejectedCodes(own, "E1"), nhn.RejectedCodes(own, "E2", "70*"), nhn.RejectedCodes("https://CORE.api.nhncloudservice.com/", "10005"),
		nhn.RejectedCodes("kr1-ncr.api.nhncloudservice.com", "401"),
	}
	for _, c := range []struct {
		host, code string
		rejected   bool
	}{
		{own, `"E1"`, true}, {own, `"E2"`, true}, {own, "70", true}, {own, "7012", true}, {own, "80007", false}, {own, "10005", false},
		{core, "10005", true}, {core, "80007", true}, {core, `"80401"`, true}, {core, "-6", false}, {core, `"E1"`, false},
		{"kr1-ncr.api.nhncloudservice.com", "401", true}, {"kr2-ncr.api.nhncloudservice.com", "401", false},
		{"kr1-rds-mysql.api.nhncloudservice.com", "80401", true}, {"kr1-rds-mysql.api.nhncloudservice.com", "10005", false},
		{stage, "80007", false}, // a customer's own API has the codes that it is given
	} {
		if got := rejects(t, c.host, 200, says(false, c.code), options...); got != c.rejected {
			t.Errorf("%s: code %s: rejected %v, want %v", c.host, c.code, got, c.rejected)
		}
	}
	// What one was told, or its owner changed, is not known to the next.
	nhn.Registration(nhn.Credentials{}, options...).Envelopes[core].Rejected[0] = "1"
	nhn.Registration(nhn.Credentials{}).Envelopes[core].Rejected[0] = "1"
	if rejects(t, core, 200, says(false, "10005")) || rejects(t, core, 200, says(false, "1")) || !rejects(t, core, 200, says(false, "80007")) {
		t.Fatal("the preset itself was changed")
	}
}

func TestFaultsOfRejectedCodesAreSaid(t *testing.T) {
	for fault, option := range map[string]nhn.Option{
		"*.api.nhncloudservice.com": nhn.RejectedCodes("*.api.nhncloudservice.com", "1"),
		"needs Code and Rejected":   nhn.RejectedCodes("own.example"),
		"every response has":        nhn.RejectedCodes("own.example", "*"),
	} {
		_, err := nhn.NewSource(nhn.Credentials{UserAccessKeyID: "id", SecretAccessKey: authtrip.NewSecret("s")}, option)
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%v does not say %q", err, fault)
		}
	}
}
