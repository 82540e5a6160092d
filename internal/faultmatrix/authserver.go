package faultmatrix

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// serverName is what the client knows the authorization server by.
const serverName = "login.example.test"

// AuthServer is an authorization server over TLS that can be broken as
// a [Fault] says. Its methods are safe for concurrent use.
type AuthServer struct {
	ledger  *ledger
	address string // host:port, the same however often it is stopped

	right, wrong *tls.Certificate
	names        *names

	calls   atomic.Int64 // token calls that came this far
	strayed atomic.Int64 // of these, with another host's name

	mu     sync.Mutex
	server *http.Server  // guarded by mu; nil while stopped
	fault  *Fault        // guarded by mu
	healed chan struct{} // guarded by mu; closed when the fault ends
}

// NewAuthServer starts one, with a name server that knows it by its name.
func NewAuthServer(l *ledger, trusted *authority) (s *AuthServer, err error) {
	host := loopback()
	s = &AuthServer{ledger: l, address: net.JoinHostPort(host, "0")}
	if s.right, err = trusted.certify(serverName, strangerHost); err != nil {
		return nil, err
	}
	if s.wrong, err = trusted.certify("elsewhere.example.test"); err != nil {
		return nil, err
	}
	if s.names, err = newNames([4]byte(net.ParseIP(host).To4())); err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		_ = s.names.conn.Close()
		return nil, err
	}
	return s, nil
}

var servers atomic.Uint32

// loopback is an address for a server that stops and starts again. Where all of
// 127.0.0.0/8 is loopback, each has one of its own, since others could take the
// port in between.
func loopback() string {
	if runtime.GOOS == "linux" {
		n := servers.Add(1)
		return fmt.Sprintf("127.77.%d.%d", n/250%250, 1+n%250)
	}
	return "127.0.0.1"
}

func (s *AuthServer) port() int {
	_, port, _ := net.SplitHostPort(s.address)
	n, _ := strconv.Atoi(port)
	return n
}

// Close ends it, and answers that hang.
func (s *AuthServer) Close() {
	_ = s.Heal()
	s.stop()
	_ = s.names.conn.Close()
}

func (s *AuthServer) start() error {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.address = l.Addr().String()
	server := &http.Server{Handler: s, ErrorLog: silent}
	s.mu.Lock()
	s.server = server
	s.mu.Unlock()
	secure := tls.NewListener(l, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if f, _ := s.broken(); f != nil && f.Certificate {
			return s.wrong, nil
		}
		return s.right, nil
	}})
	go func() { _ = server.Serve(secure) }() // until stop
	return nil
}

func (s *AuthServer) stop() {
	s.mu.Lock()
	server := s.server
	s.server = nil
	s.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
}

func (s *AuthServer) broken() (*Fault, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault, s.healed
}

// Break makes it fail from now on.
func (s *AuthServer) Break(f Fault) {
	s.mu.Lock()
	s.fault, s.healed = &f, make(chan struct{})
	s.mu.Unlock()
	s.names.code.Store(f.Name)
	if f.Refuse {
		s.stop()
	}
}

// Heal ends the fault.
func (s *AuthServer) Heal() error {
	s.mu.Lock()
	f, healed := s.fault, s.healed
	s.fault = nil
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	close(healed)
	s.names.code.Store(noError)
	if !f.Refuse {
		return nil
	}
	err := s.start()
	for end := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(end); err = s.start() {
		time.Sleep(10 * time.Millisecond) // the port may be on its way back
	}
	return err
}

func (s *AuthServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls.Add(1)
	if host, _, _ := net.SplitHostPort(r.Host); host != serverName {
		s.strayed.Add(1)
	}
	f, healed := s.broken()
	if f != nil && f.Answer != nil {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			select {
			case <-healed:
				cancel()
			case <-ctx.Done():
			}
		}()
		f.Answer(ctx, w, r)
		return
	}
	if r.URL.Path == revocationPath {
		return // every token is revoked
	}
	token, lifetime := s.ledger.issue()
	reply := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": lifetime.Seconds()}
	if grant := r.FormValue("grant_type"); grant != "client_credentials" {
		reply["refresh_token"] = s.ledger.issueRefresh() // rotated each time
	}
	w.Header().Set("Content-Type", jsonType)
	_ = json.NewEncoder(w).Encode(reply)
}

// revocationPath is the revocation endpoint's; every other is the token
// endpoint's, by GET and by POST, for each grant.
const revocationPath = "/revoke"

// tokenURL has the server's name in it, so that the client asks for its address.
func (s *AuthServer) tokenURL(port int) string {
	return fmt.Sprintf("https://%s:%d/token", serverName, port)
}
