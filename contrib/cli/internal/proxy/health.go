package proxy

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/authtrip/authtrip"
)

// health answers whether requests can have a token, for whoever watches the
// process. It makes no call: before the first request there is no token, and
// nothing wrong with that.
type health struct {
	src *authtrip.Source

	mu   sync.Mutex
	last error // of the latest token call; guarded by mu
}

// hooks tell h of token calls.
func (h *health) hooks() authtrip.Hooks {
	return authtrip.Hooks{TokenCallDone: h.called}
}

func (h *health) called(_ context.Context, call authtrip.TokenCall) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = call.Err
}

// report is the answer. Times are in seconds.
type report struct {
	Status       string   `json:"status"` // "ok", or "no token"
	Registration string   `json:"registration"`
	Server       string   `json:"server"`
	Token        string   `json:"token"`          // see authtrip.Stats
	Age          *float64 `json:"age,omitempty"`  // none without a token
	Left         *float64 `json:"left,omitempty"` // none where the server gave no lifetime, either
	Circuit      string   `json:"circuit"`
	LastError    string   `json:"last_error,omitempty"` // why the latest token call brought none
}

func (h *health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s := h.src.Stats()
	h.mu.Lock()
	last := h.last
	h.mu.Unlock()

	r := report{Status: "ok", Registration: s.Registration, Server: s.Server, Token: s.Token, Circuit: s.Circuit}
	if s.Token != "none" {
		r.Age = new(s.Age.Seconds())
		if s.Left >= 0 {
			r.Left = new(s.Left.Seconds())
		}
	}
	if last != nil {
		r.LastError = last.Error()
	}
	status := http.StatusOK
	if !usable(s) && (s.Circuit == "open" || last != nil) {
		r.Status, status = "no token", http.StatusServiceUnavailable
	}
	writeJSON(w, status, r)
}

// usable reports whether there is a token to send. One that was rejected goes on
// being sent until another can be had.
func usable(s authtrip.Stats) bool {
	return slices.Contains([]string{"fresh", "stale", "rejected"}, s.Token)
}
