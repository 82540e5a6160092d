package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// knownTokens remembers which tokens were issued, by their start, to say why one
// is refused. The zero value is ready to use. It is safe
// for concurrent use.
type knownTokens struct {
	mu     sync.Mutex
	expiry map[string]time.Time // guarded by mu; by start; zero: never
}

// reply is what the emulators answer: a token, an OAuth error, or the envelope
// of NHN Cloud's or PRISM's APIs.
type reply struct {
	AccessToken  string      `json:"access_token"`
	RefreshToken string      `json:"refresh_token"`
	ExpiresIn    json.Number `json:"expires_in"`
	Error        string      `json:"error"`
	Description  string      `json:"error_description"`

	Header *struct {
		OK      bool   `json:"isSuccessful"`
		Message string `json:"resultMessage"`
	} `json:"header"`

	OK      *bool   `json:"success"`
	Message *string `json:"message"`
}

// judge says what became of a call: by its answer, for that is what the caller
// has, too. It returns the start of a token that the answer has.
func (k *knownTokens) judge(r *http.Request, token string, a *answer) (result, string, string) {
	switch {
	case a.dropped:
		return broke, "the connection was dropped", ""
	case a.status == 0 && r.Context().Err() != nil:
		return broke, "the caller left before an answer", ""
	case a.status == 0:
		return broke, "no answer", ""
	case a.status == http.StatusFound:
		return judgeRedirect(a.Header().Get("Location"))
	}
	var said reply
	_ = json.Unmarshal(a.body, &said) // what is none says nothing
	switch {
	case said.AccessToken != "":
		start := abbreviated(said.AccessToken)
		k.remember(start, said.ExpiresIn)
		return good, "token issued" + flow(r.URL.Query(), said.RefreshToken), start
	case said.Error != "":
		if a.status >= http.StatusInternalServerError {
			return broke, said.Error, ""
		}
		return refused, strings.TrimSuffix(said.Error+": "+said.Description, ": "), ""
	case said.Header != nil && !said.Header.OK:
		return refused, k.why(said.Header.Message, token), ""
	case said.OK != nil && !*said.OK && said.Message != nil:
		return refused, k.why(*said.Message, token), ""
	case a.status >= http.StatusBadRequest:
		return refused, strings.TrimSpace(shown(string(a.body), 80)), ""
	case r.URL.Path == "/oauth2/token/revoke":
		return good, "revoked", ""
	case token == "":
		return good, "answered", ""
	}
	return good, "token accepted", ""
}

// flow says which of PRISM's flows a token came by.
func flow(query url.Values, refreshToken string) string {
	by := ""
	switch query.Get("grant_type") {
	case "authorization_code":
		by = " for a code"
	case "refresh_token":
		by = " for a refresh token"
	default:
		return ""
	}
	if refreshToken != "" {
		by += ", with refresh token " + abbreviated(refreshToken)
	}
	return by
}

// judgeRedirect says how the authorization page sent a browser back.
func judgeRedirect(location string) (result, string, string) {
	back, err := url.Parse(location)
	if err != nil {
		return refused, "sent back", ""
	}
	if e := back.Query().Get("error"); e != "" {
		return refused, "sent back to " + shown(back.Host, 60) + " with " + e, ""
	}
	return good, "sent back to " + shown(back.Host, 60) + " with a code", abbreviated(back.Query().Get("code"))
}

// why adds to the refusal of a token what is known of it.
func (k *knownTokens) why(message, token string) string {
	if message != "the token is not valid" {
		return message
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	expiry, known := k.expiry[abbreviated(token)]
	switch {
	case token == "":
		return "token rejected: there is none"
	case !known:
		return "token rejected: it was not issued here"
	case !expiry.IsZero() && !time.Now().Before(expiry):
		return "token rejected: it has expired"
	}
	return "token rejected: it was revoked"
}

// maxKnown is how many tokens are remembered; then it is begun anew.
const maxKnown = 10_000

func (k *knownTokens) remember(start string, expiresIn json.Number) {
	var expiry time.Time
	if seconds, err := strconv.ParseFloat(expiresIn.String(), 64); err == nil {
		expiry = time.Now().Add(time.Duration(seconds * float64(time.Second)))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.expiry == nil || len(k.expiry) >= maxKnown {
		k.expiry = map[string]time.Time{}
	}
	k.expiry[start] = expiry
}
