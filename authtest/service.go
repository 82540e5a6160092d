package authtest

import (
	"io"
	"net/http"
	"slices"

	"github.com/authtrip/authtrip/nhn"
)

// Service is one of the services that [Services] starts. They tell by their
// envelope what became of a request; GET /forbidden denies a permission, every
// other path repeats what was asked, as [API] does. Result codes are numbers,
// those of Partner and Deploy strings.
type Service string

// The services, and their result codes for success, a rejected token and a
// denied permission.
const (
	Framework  Service = "framework"   // 0, 80007, -8
	Partner    Service = "partner"     // "0", "80401", "80403"
	RDS        Service = "rds"         // 0, 80401, 80403; wants X-TC-APP-KEY, and answers 10005 without it
	APIGateway Service = "api-gateway" // 0, 401100003, 403100000
	// NotificationHub answers with the HTTP statuses 200, 401 and 403, unless
	// X-NC-ALWAYS-200-OK asks for 200: 0, 401001, 403001. It wants X-NC-APP-KEY,
	// and answers 400 and 400001 without it.
	NotificationHub Service = "notification-hub"
	NCR             Service = "ncr"    // 200, HTTP 401 to a rejected token, 403
	Deploy          Service = "deploy" // "SUCCESS", HTTP 401 to a rejected token, "FORBIDDEN"
)

// Services makes [NewNHN] start every [Service], each at an origin of its own,
// and a customer's API beside them, [NHN.ThirdPartyURL].
func Services() Option { return func(s *setup) { s.services = true } }

// Service returns the address of a service, without a final slash. It is empty
// without the option [Services].
func (s *NHN) Service(name Service) string { return s.services[name] }

// refusal is an HTTP status and a result code.
type refusal struct {
	status int
	code   any
}

// serviceRules are the ways of one service.
type serviceRules struct {
	name      Service
	ok        any // its result code for success
	rejected  refusal
	denied    refusal
	appKey    string // a header that it wants, if any
	noAppKey  refusal
	always200 string   // a header that asks for status 200, if any
	rejects   []string // codes that reject a token in an envelope with status 200
}

var allServices = []serviceRules{
	{
		name: Framework, ok: 0, rejected: refusal{200, 80007}, denied: refusal{200, -8},
		rejects: []string{"80007"},
	}, {
		name: Partner, ok: "0", rejected: refusal{200, "80401"}, denied: refusal{200, "80403"},
		rejects: []string{"80401"},
	}, {
		name: RDS, ok: 0, rejected: refusal{200, 80401}, denied: refusal{200, 80403},
		appKey: "X-TC-APP-KEY", noAppKey: refusal{200, 10005},
		rejects: []string{"80401"},
	}, {
		name: APIGateway, ok: 0, rejected: refusal{200, 401100003}, denied: refusal{200, 403100000},
		rejects: []string{"401100003"},
	}, {
		name: NotificationHub, ok: 0, rejected: refusal{401, 401001}, denied: refusal{403, 403001},
		appKey: "X-NC-APP-KEY", noAppKey: refusal{400, 400001},
		always200: "X-NC-ALWAYS-200-OK", rejects: []string{"401*"},
	}, {
		name: NCR, ok: 200, rejected: refusal{401, 401}, denied: refusal{200, 403},
	}, {
		name: Deploy, ok: "SUCCESS", rejected: refusal{401, "UNAUTHORIZED"}, denied: refusal{200, "FORBIDDEN"},
	},
}

// serviceHandler serves one service.
func (s *NHN) serviceHandler(rules serviceRules) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.record(string(rules.name), r)
		refuse := func(v refusal, message string) {
			_, _ = io.Copy(io.Discard, r.Body) // so that the connection can serve again
			if rules.always200 != "" && r.Header.Get(rules.always200) != "" {
				v.status = http.StatusOK
			}
			writeJSON(w, v.status, envelope(false, v.code, message, nil))
		}
		switch {
		case !s.accepts(r.Header):
			refuse(rules.rejected, "the token is not valid")
			return
		case rules.appKey != "" && r.Header.Get(rules.appKey) == "":
			refuse(rules.noAppKey, rules.appKey+" is missing")
			return
		case r.Method == http.MethodGet && r.URL.Path == "/forbidden":
			refuse(rules.denied, "the permission is denied")
			return
		}
		members, isOrganizations := organizations(r)
		if rules.name != Framework || !isOrganizations {
			var err error
			if members, err = repeat(r); err != nil {
				refuse(refusal{http.StatusBadRequest, -1}, "the body broke off")
				return
			}
		}
		writeJSON(w, http.StatusOK, envelope(true, rules.ok, "SUCCESS", members))
	}
}

// serveThirdParty is a host that takes whatever it is sent.
func (s *NHN) serveThirdParty(w http.ResponseWriter, r *http.Request) {
	s.record("third-party", r)
	if slices.ContainsFunc([]string{nhn.HeaderAuthentication, nhn.HeaderAuthorization, "Authorization"}, func(name string) bool {
		return len(r.Header.Values(name)) > 0
	}) {
		s.mu.Lock()
		s.counts.Leaked++
		s.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, r.Body)
	writeJSON(w, http.StatusOK, map[string]any{"stage": "a customer's"})
}
