package emulator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// news is a stream of the page's events, as a browser has it.
type news struct {
	*running
	lines *bufio.Scanner
	leave context.CancelFunc
}

type event struct {
	Whole   bool
	Regions map[string]string
	Calls   []struct {
		ID   int
		HTML string
	}
	On []string
}

func (x *running) watch() *news {
	x.Helper()
	ctx, leave := context.WithTimeout(context.Background(), 20*time.Second)
	x.Cleanup(leave)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.base+"/_emulator/events", nil)
	if err != nil {
		x.Fatal(err)
	}
	res, err := plain.Do(req)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = res.Body.Close() })
	if kind := res.Header.Get("Content-Type"); kind != "text/event-stream" {
		x.Errorf("the events are %s", kind)
	}
	n := &news{running: x, lines: bufio.NewScanner(res.Body), leave: leave}
	n.lines.Buffer(nil, 1<<20)
	return n
}

func (n *news) next() (e event) {
	n.Helper()
	for n.lines.Scan() {
		if text, ok := strings.CutPrefix(n.lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				n.Fatal(err)
			}
			return e
		}
	}
	n.Fatalf("the events ended: %v", n.lines.Err())
	return e
}

// until reads events until one says so.
func (n *news) until(text string) event {
	n.Helper()
	for {
		e := n.next()
		if strings.Contains(fmt.Sprint(e), text) {
			return e
		}
	}
}

func TestEventsSayWhatChanged(t *testing.T) {
	x := given(t, "nhn")
	x.issue()
	n := x.watch()
	first := n.next()
	if !first.Whole || len(first.Calls) != 1 || len(first.Regions) != 4 {
		t.Errorf("the first event is %+v", first)
	}
	x.throw("unavailable", url.Values{"retry_after": {"7"}}, nil)
	e := n.until("Retry-After: 7")
	if e.Whole || len(e.Calls) != 0 || e.Regions["health"] == "" || e.Regions["counts"] != "" || !slices.Equal(e.On, []string{"unavailable"}) {
		t.Errorf("the fault's event is %+v", e)
	}
	x.issue()
	e = n.until("temporarily_unavailable")
	if len(e.Calls) != 1 || e.Calls[0].ID != 2 || e.Regions["counts"] == "" || e.Regions["health"] != "" {
		t.Errorf("the call's event is %+v", e)
	}
}

func TestATokenThatExpiresLeavesThePage(t *testing.T) {
	x := given(t, "nhn", "--lifetime", "1s")
	x.issue()
	n := x.watch()
	if first := n.next(); !strings.Contains(first.Regions["tokens"], "emulated-key-id") {
		t.Fatalf("no token is in force: %+v", first)
	}
	n.until("None. The first call that needs one gets one.")
}

// A browser that reads nothing holds up nobody, and the journal does not grow.
func TestASlowReaderHoldsUpNobody(t *testing.T) {
	x := given(t, "nhn")
	at, err := url.Parse(x.base)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a test
	if err := conn.(*net.TCPConn).SetReadBuffer(1 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET /_emulator/events HTTP/1.1\r\nHost: %s\r\n\r\n", at.Host); err != nil {
		t.Fatal(err)
	}
	n := x.watch()
	n.next()
	path := "/v1/" + strings.Repeat("long", 50)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				x.get(path, nil)
			}
		})
	}
	wg.Wait()
	x.issue()
	n.until("token issued")
	if rows := strings.Count(x.page(), `<tr id="call-`); rows != 200 {
		t.Errorf("the page has %d calls", rows)
	}
}

func TestNothingIsLeftAfterTheEnd(t *testing.T) {
	x := given(t, "nhn")
	n := x.watch()
	x.throw("hang", nil, nil)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		req, _ := http.NewRequest(http.MethodPost, x.base+"/oauth2/token/create", nil)
		if res, err := plain.Do(req); err == nil {
			_ = res.Body.Close()
		}
	}()
	n.until("no answer yet")
	began := time.Now()
	x.stop()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the end took %v", took)
	}
	<-gone
	for n.lines.Scan() { // to the end
	}
	if time.Since(began) > 5*time.Second {
		t.Error("the events go on")
	}
	// What has ended may take a moment to be gone.
	for end := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		left := ours(t)
		if left == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("this goes on:\n%s", left)
		}
	}
}

// ours are the stacks of goroutines that the emulator started.
func ours(t *testing.T) (found string) {
	t.Helper()
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	for stack := range strings.SplitSeq(stacks.String(), "\n\n") {
		if strings.Contains(stack, "internal/emulator.") || strings.Contains(stack, "/authtest.") {
			found += stack + "\n\n"
		}
	}
	return found
}
