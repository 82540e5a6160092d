package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// The servers run in a process of their own, the same program again, so that
// the figures of this one are the client's alone. It reads orders from its
// standard input, a line of JSON each, and answers each with a line.

// serverVariable is set in the environment of the servers' process.
const serverVariable = "AUTHTRIP_SOAK_SERVER"

// order is what the servers are told; each part that is set is done.
type order struct {
	Lifetime time.Duration   // of tokens issued from now on
	Revoke   bool            // end all tokens
	Break    *authtest.Fault // make the token endpoint fail
	Heal     bool            // end that
	Cut      int             // so many API requests lose their connection
}

// state is what they answer: what they have seen so far.
type state struct {
	AuthURL, APIURL string
	authtest.Counts
	Bodies    int64 // that were read to their end
	Lost      int64 // of these, those that are not what was sent
	BrokenOff int64 // bodies that ended early: their senders left
	Cut       int64 // connections that were cut
}

// api is the API behind the emulator's check of the token.
type api struct{ bodies, lost, brokenOff, cut, toCut atomic.Int64 }

const (
	headerSum  = "X-Body-Sum"
	headerSize = "X-Body-Size"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sumOf(body []byte) string {
	return strconv.FormatUint(uint64(crc32.Checksum(body, castagnoli)), 16)
}

// ServeHTTP answers with the sum of the body it got.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sum := crc32.New(castagnoli)
	n, err := io.Copy(sum, r.Body)
	switch {
	case err != nil:
		a.brokenOff.Add(1)
		return
	case a.toCut.Load() > 0 && a.toCut.Add(-1) >= 0:
		a.cut.Add(1)
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
		}
		return
	}
	got := strconv.FormatUint(uint64(sum.Sum32()), 16)
	a.bodies.Add(1)
	if got != r.Header.Get(headerSum) || strconv.FormatInt(n, 10) != r.Header.Get(headerSize) {
		a.lost.Add(1)
	}
	_, _ = io.WriteString(w, got)
}

// serve is the servers' process: it ends with its input.
func serve(in io.Reader, out io.Writer, withTLS bool) error {
	a := &api{}
	cloud := authtest.NewNHN(emulatorOptions(withTLS, authtest.API(a))...)
	defer cloud.Close()
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if o.Lifetime > 0 {
			cloud.SetLifetime(o.Lifetime)
		}
		if o.Break != nil {
			cloud.Break(*o.Break)
		}
		if o.Revoke {
			cloud.RevokeAll()
		}
		if o.Heal {
			cloud.Heal()
		}
		a.toCut.Store(int64(o.Cut))
		if err := answers.Encode(state{
			AuthURL: cloud.AuthURL, APIURL: cloud.APIURL, Counts: cloud.Counts(), Bodies: a.bodies.Load(),
			Lost: a.lost.Load(), BrokenOff: a.brokenOff.Load(), Cut: a.cut.Load(),
		}); err != nil {
			return err
		}
	}
}

func emulatorOptions(withTLS bool, more ...authtest.Option) []authtest.Option {
	if withTLS {
		more = append(more, authtest.TLS())
	}
	return more
}

// serveIfAsked is the servers' process, when this is it.
func serveIfAsked() {
	kind := os.Getenv(serverVariable)
	if kind == "" {
		return
	}
	if err := serve(os.Stdin, os.Stdout, kind == "tls"); err != nil {
		fmt.Fprintln(os.Stderr, "soak: the servers:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// servers is the other process, as this one sees it. It is not safe for
// concurrent use.
type servers struct {
	process *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
}

func startServers(withTLS bool) (*servers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	kind := "plain"
	if withTLS {
		kind = "tls"
	}
	process := exec.Command(self)
	process.Env = append(os.Environ(), serverVariable+"="+kind)
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	return &servers{process: process, in: in, orders: json.NewEncoder(in), answers: json.NewDecoder(out)}, nil
}

// tell gives an order and returns what the servers have seen once it is done.
func (s *servers) tell(o order) (state, error) {
	var seen state
	err := s.orders.Encode(o)
	if err == nil {
		err = s.answers.Decode(&seen)
	}
	if err != nil {
		return seen, fmt.Errorf("the servers' process does not answer: %w", err)
	}
	return seen, nil
}

func (s *servers) stop() error {
	_ = s.in.Close()
	return s.process.Wait()
}
