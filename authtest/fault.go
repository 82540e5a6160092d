package authtest

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// Fault is how the token endpoint fails. The zero Fault does nothing.
type Fault struct {
	// Delay is waited before anything else.
	Delay time.Duration
	// Hang gives no answer until the caller leaves, or Heal or Close is called.
	Hang bool
	// Reset drops the connection without an answer.
	Reset bool
	// Status answers with it; 500 and up with the OAuth error
	// "temporarily_unavailable", 429 with "slow_down", others with
	// "invalid_request". RetryAfter, if not empty, is sent as that header.
	Status     int
	RetryAfter string
	// Body is sent as it is, instead of a token or an error, with Status or 200.
	Body string
	// SameToken issues the latest token again while it is valid, with the time
	// it has left, as NHN Cloud may.
	SameToken bool
	// Times is for how many token calls the fault lasts; 0 is until Heal.
	Times int
}

type fault struct {
	Fault
	left   int
	healed chan struct{}
}

// Break makes the token endpoint fail from now on, in place of an earlier
// fault.
func (e *emulator) Break(f Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heal()
	e.fault = &fault{Fault: f, left: f.Times, healed: make(chan struct{})}
}

// Heal ends a fault, also for token calls that hang.
func (e *emulator) Heal() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heal()
}

func (e *emulator) heal() {
	if e.fault != nil {
		close(e.fault.healed)
		e.fault = nil
	}
}

// nextFault counts one token call and returns the fault that befalls it, or nil.
func (e *emulator) nextFault() *fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.fault
	if f == nil || f.Times == 0 {
		return f
	}
	if f.left--; f.left < 0 {
		return nil
	}
	return f
}

// strike does what f says and reports whether the request is answered.
func (e *emulator) strike(f *fault, w http.ResponseWriter, r *http.Request) bool {
	if f.Delay > 0 && !e.wait(r, time.NewTimer(f.Delay).C, nil) {
		return true
	}
	switch {
	case f.Hang:
		if e.wait(r, nil, f.healed) {
			return false
		}
		reset(w)
	case f.Reset:
		reset(w)
	case f.Body != "":
		if strings.HasPrefix(f.Body, "<") {
			w.Header().Set("Content-Type", "text/html")
		} else {
			w.Header().Set("Content-Type", "application/json")
		}
		f.header(w, http.StatusOK)
		_, _ = w.Write([]byte(f.Body))
	case f.Status >= 500:
		f.retryAfter(w)
		oauthError(w, f.Status, "temporarily_unavailable", "")
	case f.Status == http.StatusTooManyRequests:
		f.retryAfter(w)
		oauthError(w, f.Status, "slow_down", "")
	case f.Status != 0:
		f.retryAfter(w)
		oauthError(w, f.Status, "invalid_request", "")
	default:
		return false
	}
	return true
}

// wait reports false when the caller left or the emulator was closed.
func (e *emulator) wait(r *http.Request, timer <-chan time.Time, healed <-chan struct{}) bool {
	select {
	case <-timer:
		return true
	case <-healed:
		return true
	case <-r.Context().Done():
	case <-e.closed:
	}
	return false
}

func (f *fault) header(w http.ResponseWriter, status int) {
	f.retryAfter(w)
	if f.Status != 0 {
		status = f.Status
	}
	w.WriteHeader(status)
}

func (f *fault) retryAfter(w http.ResponseWriter) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
}

// reset drops the connection; over TCP the caller sees a reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
