package proxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// address is where the proxy listens.
type address struct {
	network string // "tcp", "tcp4" or "unix"
	text    string // host:port, or a path
	remote  bool   // others than this machine may reach it
}

// parseAddress reads --listen and --admin: "host:port" or "unix:/path".
func parseAddress(text string) (address, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if path == "" {
			return address{}, fmt.Errorf("%q: give the socket's path, such as unix:/run/user/1000/authtrip.sock", text)
		}
		return address{network: "unix", text: path}, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return address{}, fmt.Errorf("%q: write it as host:port, such as 127.0.0.1:8080, or unix:/path", text)
	}
	ip := net.ParseIP(host)
	local := strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
	network := "tcp"
	if ip.To4() != nil { // 0.0.0.0 would be IPv6's addresses too
		network = "tcp4"
	}
	return address{network: network, text: text, remote: !local}, nil
}

func (a address) listen() (net.Listener, error) {
	if a.network == "unix" {
		return listenUnix(a.text)
	}
	l, err := net.Listen(a.network, a.text)
	if err != nil {
		return nil, err
	}
	// "localhost" is what the machine's resolver makes of it.
	if tcp, ok := l.Addr().(*net.TCPAddr); !a.remote && (!ok || !tcp.IP.IsLoopback()) {
		_ = l.Close()
		return nil, fmt.Errorf("%s is %s here, which is no loopback address: write 127.0.0.1", a.text, l.Addr())
	}
	return l, nil
}

// listenUnix makes a socket for its owner alone. One that a process left that is
// no more is in the way, and removed.
func listenUnix(path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		conn, err := net.Dial("unix", path)
		if err == nil {
			_ = conn.Close()
			return nil, fmt.Errorf("another process listens on %s", path)
		}
		if errors.Is(err, os.ErrPermission) { // somebody else's, who may well be there
			return nil, err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	l, err := listenPrivately(path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// urlOf is how clients call what listens.
func urlOf(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return "unix:" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}
