package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// stopping is how long calls under way may take when the server stops.
const stopping = 3 * time.Second

// server is a running emulator.
type server struct {
	base   string // its address, without a final slash
	guide  guide
	broken chan error // a listener that failed

	provider provider
	page     *page
	servers  []*http.Server
	serving  sync.WaitGroup
}

// start listens, and serves in the background. The emulator is made once the
// address is had.
func start(f flags, emulate func() provider) (*server, error) {
	main, err := listen(f.listen, f.allowRemote)
	if err != nil {
		return nil, err
	}
	s := &server{base: "http://" + shownAddress(main), provider: emulate()}
	journal := newJournal()
	watched := watcher{journal, &knownTokens{}, s.provider.token}
	handlers := map[string]http.Handler{"": watched.watch("", s.provider)}
	listeners := map[string]net.Listener{"": main}
	at := map[string]string{}
	_, port, _ := net.SplitHostPort(f.listen)
	next, _ := strconv.Atoi(port)
	for _, x := range s.provider.services() {
		if next != 0 {
			next++
		}
		host, _, _ := net.SplitHostPort(f.listen)
		l, err := listen(net.JoinHostPort(host, strconv.Itoa(next)), f.allowRemote)
		if err != nil {
			for _, l := range listeners {
				_ = l.Close()
			}
			s.provider.Close()
			return nil, fmt.Errorf("the service %s: %w", x.name, err)
		}
		handlers[x.name], listeners[x.name] = watched.watch(x.name, x.handler), l
		at[x.name] = "http://" + shownAddress(l)
	}
	s.guide = s.provider.guide(s.base, at, handlers[""])
	s.page = newPage(journal, newSwitches(s.provider, journal, f.lifetime), s.guide)
	handlers[""] = guard{f.allowRemote}.split(s.page.handler(), handlers[""])
	s.serve(listeners, handlers)
	return s, nil
}

func (s *server) serve(listeners map[string]net.Listener, handlers map[string]http.Handler) {
	s.broken = make(chan error, len(listeners))
	for name, l := range listeners {
		srv := &http.Server{Handler: handlers[name], ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
		s.servers = append(s.servers, srv)
		s.serving.Go(func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				s.broken <- fmt.Errorf("serving %s: %w", l.Addr(), err)
			}
		})
	}
}

// stop ends calls that hang and pages that watch, lets other calls end, and
// closes the rest.
func (s *server) stop() {
	s.page.close()
	s.provider.Close()
	ctx, cancel := context.WithTimeout(context.Background(), stopping)
	defer cancel()
	for _, srv := range s.servers {
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
	}
	s.serving.Wait()
}

// listen refuses addresses that other machines reach, unless that is wanted.
func listen(address string, allowRemote bool) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, &UsageError{fmt.Errorf("--listen wants an address and a port, such as 127.0.0.1:9090: %w", err)}
	}
	if !allowRemote && !tcp.IP.IsLoopback() {
		return nil, &UsageError{fmt.Errorf("--listen %s can be reached from other machines: name a loopback address, such as 127.0.0.1, or add --allow-remote", address)}
	}
	l, err := net.ListenTCP("tcp", tcp)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another port with --listen, or port 0 for a free one", err)
	}
	return l, nil
}

// shownAddress is one to dial: a listener on all addresses is on loopback too.
func shownAddress(l net.Listener) string {
	tcp := l.Addr().(*net.TCPAddr)
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(tcp.Port))
}
