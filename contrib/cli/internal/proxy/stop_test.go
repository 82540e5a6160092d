package proxy_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/authtrip/authtrip/contrib/cli/internal/proxy"
)

// TestMain runs the command instead when it is asked to: a process of its own
// can be sent signals.
func TestMain(m *testing.M) {
	if text := os.Getenv("AUTHTRIP_TEST_ARGUMENTS"); text != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		cmd := proxy.Command()
		cmd.SetArgs(strings.Split(text, "\n"))
		cmd.SilenceUsage = true
		if cmd.ExecuteContext(ctx) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// held is an API that answers when it is let go.
func held() (h http.HandlerFunc, arrived, let chan struct{}) {
	arrived, let = make(chan struct{}, 10), make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "the beginning, ")
		_ = http.NewResponseController(w).Flush()
		arrived <- struct{}{}
		select {
		case <-let:
			_, _ = io.WriteString(w, "the end")
		case <-r.Context().Done():
		}
	}, arrived, let
}

func TestRequestsInFlightEndAndNoOthersBegin(t *testing.T) {
	api, arrived, let := held()
	w := newWorld(t, serving(api), args("--drain", "1m"))
	res := w.send(w.request("GET", "/", nil))
	<-arrived
	w.stop()
	for { // until it does not listen any more
		conn, err := net.Dial("tcp", w.host())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	select {
	case <-w.ended:
		t.Fatal("it ended with a request in flight")
	default:
	}
	close(let)
	if _, text := read(t, res); text != "the beginning, the end" {
		t.Fatalf("%q", text)
	}
	w.mustStop()
}

func TestARequestThatDoesNotEndInTimeIsCutOff(t *testing.T) {
	api, arrived, _ := held()
	w := newWorld(t, serving(api), args("--drain", "10ms"))
	res := w.send(w.request("GET", "/", nil))
	<-arrived
	w.mustStop()
	if text, err := io.ReadAll(res.Body); err == nil {
		t.Fatalf("%q is taken for all", text)
	}
	wantAll(t, w.log.String(), "cut off")
}

func TestOneSignalEndsItGracefullyAndTheSecondAtOnce(t *testing.T) {
	api, arrived, let := held()
	for _, first := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		w := prepare(t, serving(api), args("--drain", "10m"))
		p := w.process()
		_ = w.send(w.request("GET", "/", nil))
		<-arrived
		p.signal(first)
		for {
			conn, err := net.Dial("tcp", w.host())
			if err != nil {
				break
			}
			_ = conn.Close()
		}
		p.signal(os.Interrupt)
		if code := p.wait(); code != 1 {
			t.Fatalf("after the second signal it exits with %d\n%s", code, w.log)
		}
		wantAll(t, w.log.String(), "stopped at once")
	}
	w := prepare(t, serving(api), args("--drain", "10m"))
	p := w.process()
	res := w.send(w.request("GET", "/", nil))
	<-arrived
	p.signal(syscall.SIGTERM)
	close(let)
	if _, text := read(t, res); text != "the beginning, the end" {
		t.Fatalf("%q", text)
	}
	w.client.CloseIdleConnections()
	if code := p.wait(); code != 0 {
		t.Fatalf("after one signal it exits with %d\n%s", code, w.log)
	}
}

type process struct {
	t    *testing.T
	log  *log
	cmd  *exec.Cmd
	done chan struct{}
}

// process starts the command as one of its own.
func (w *world) process(environ ...string) *process {
	w.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	p := &process{w.t, w.log, exec.Command(exe), make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), environ...), "AUTHTRIP_TEST_ARGUMENTS="+strings.Join(w.arguments(), "\n"))
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	go func() {
		defer close(p.done)
		for lines := bufio.NewReader(stderr); ; {
			line, err := lines.ReadBytes('\n')
			_, _ = w.log.Write(line)
			if err != nil {
				return
			}
		}
	}()
	select {
	case w.url = <-w.log.listening:
	case <-p.done:
		w.t.Fatalf("it does not start:\n%s", w.log)
	}
	return p
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // it shows what it waits for
		<-p.done
		p.t.Fatalf("it does not end\n%s", p.log)
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// It waits for nobody for ever: not for a body that does not come, and not for
// a header.
func TestAClientThatStallsIsCutOffToo(t *testing.T) {
	w := newWorld(t, serving(echo), args("--drain", "10ms"))
	for _, beginning := range []string{
		"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
		"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nhalf",
		"POST / HTTP/1.1\r\nHost: ",
	} {
		conn, _ := w.dial()
		write(t, conn, beginning)
	}
	for w.apiCalls() == 0 { // the second has come through
	}
	w.mustStop()
}
