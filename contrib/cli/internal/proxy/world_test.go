package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/cli/internal/proxy"
)

// world is an emulator and the command before it, run as a user runs it.
type world struct {
	t     *testing.T
	cloud *authtest.NHN
	setup
	url    string // the proxy's, without a final slash
	log    *log
	client *http.Client
	stop   context.CancelFunc // as a first signal
	ended  chan struct{}
	err    error // of the command; set when ended is closed
}

type setup struct {
	to       string // "" is the emulator's API
	path     string // of to
	config   string // more lines of the registration
	args     []string
	emulator []authtest.Option
}

type option func(*setup)

func serving(h http.HandlerFunc) option {
	return func(s *setup) { s.emulator = append(s.emulator, authtest.API(h)) }
}
func to(url string) option          { return func(s *setup) { s.to = url } }
func below(path string) option      { return func(s *setup) { s.path = path } }
func args(args ...string) option    { return func(s *setup) { s.args = append(s.args, args...) } }
func configured(line string) option { return func(s *setup) { s.config += "    " + line + "\n" } }

// newWorld starts both; they end with the test.
func newWorld(t *testing.T, options ...option) *world {
	t.Helper()
	w := prepare(t, options...)
	w.start()
	return w
}

func prepare(t *testing.T, options ...option) *world {
	t.Helper()
	w := &world{t: t, log: newLog(), ended: make(chan struct{})}
	for _, o := range options {
		o(&w.setup)
	}
	w.cloud = authtest.NewNHN(w.emulator...)
	t.Cleanup(w.cloud.Close)
	if w.to == "" {
		w.to = w.cloud.APIURL
	}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return w
}

// arguments write the configuration and return the command's.
func (w *world) arguments() []string {
	w.t.Helper()
	creds := w.cloud.Credentials()
	file := filepath.Join(w.t.TempDir(), "oauth2.yml")
	text := fmt.Sprintf(`registration:
  cloud:
    provider: nhn
    client_id: %s
    client_secret: %s
    token_uri: %s/oauth2/token/create
    more_origins: ["%s", "%s"]
%s`, creds.UserAccessKeyID, creds.SecretAccessKey.Reveal(), w.cloud.AuthURL, w.cloud.APIURL, w.to, strings.ReplaceAll(w.config, "%API%", w.cloud.APIURL))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	all := []string{"cloud", "--config", file, "--no-cache", "--to", w.to + w.path}
	if !strings.Contains(strings.Join(w.args, " "), "--listen") {
		all = append(all, "--listen", "127.0.0.1:0")
	}
	return append(all, w.args...)
}

// run runs the command until ctx ends, or it fails.
func (w *world) run(ctx context.Context) error {
	cmd := proxy.Command()
	cmd.SetArgs(w.arguments())
	cmd.SetOut(w.log)
	cmd.SetErr(w.log)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	return cmd.ExecuteContext(ctx)
}

// refused returns why the command does not begin, or nil when it does.
func (w *world) refused() error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- w.run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-w.log.listening:
		stop()
		return <-ended
	}
}

var running atomic.Int64 // commands

func (w *world) start() {
	w.t.Helper()
	running.Add(1)
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() {
		defer close(w.ended)
		w.err = w.run(ctx)
	}()
	w.t.Cleanup(func() {
		w.mustStop()
		if running.Add(-1) > 0 {
			return
		}
		noGoroutineOf(w.t, "contrib/cli/internal/proxy.", "httputil.(*ReverseProxy)")
	})
	select {
	case w.url = <-w.log.listening:
	case <-w.ended:
		w.t.Fatalf("the command ended: %v\n%s", w.err, w.log)
	}
}

// mustStop stops the command as a first signal does.
func (w *world) mustStop() {
	w.t.Helper()
	w.stop()
	w.client.CloseIdleConnections()
	select {
	case <-w.ended:
	case <-time.After(20 * time.Second):
		w.t.Fatalf("the command does not end\n%s", stacks())
	}
	if w.err != nil {
		w.t.Errorf("the command ended with %v", w.err)
	}
	if strings.Contains(w.log.String(), "have not ended, and are left") {
		w.t.Errorf("what was cut off went on:\n%s", w.log)
	}
}

// noGoroutineOf waits for those that are about to end.
func noGoroutineOf(t *testing.T, packages ...string) {
	t.Helper()
	var text string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); runtime.Gosched() {
		text = stacks()
		left := false
		for _, p := range packages {
			left = left || strings.Contains(text, p)
		}
		if !left {
			return
		}
	}
	t.Errorf("goroutines are left behind:\n%s", text)
}

func stacks() string {
	text := make([]byte, 1<<20)
	return string(text[:runtime.Stack(text, true)])
}

// log is the command's stderr.
type log struct {
	mu        sync.Mutex
	text      strings.Builder // guarded by mu
	listening chan string
}

func newLog() *log { return &log{listening: make(chan string, 1)} }

var address = regexp.MustCompile(`(?m)^listening on (http://\S+|unix:\S+) →`)

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if m := address.FindSubmatch(p); m != nil {
		l.listening <- string(m[1])
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
