package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// chromium is one browser for all tests; each has a tab of its own.
var chromium context.Context

func TestMain(m *testing.M) {
	path, err := findBrowser()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Geteuid() == 0 { // Chromium's sandbox does not run as root
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	var leave context.CancelFunc
	chromium, leave = chromedp.NewContext(allocator)
	if err := chromedp.Do(chromium, chromedp.Navigate("about:blank")); err != nil {
		fmt.Fprintf(os.Stderr, "%s does not start: %v\n", path, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = chromedp.Cancel(chromium)
	leave()
	stop()
	os.Exit(code)
}

func findBrowser() (string, error) {
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no browser: install one, such as Debian's chromium (none of %s is in the PATH)", strings.Join(names, ", "))
}

// tab is one page in the browser.
type tab struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string // guarded by mu; their URLs
	faults   []string // guarded by mu; of the console
}

func open(t *testing.T, steps ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	x := &tab{T: t}
	ctx, leave := chromedp.NewContext(chromium, chromedp.WithListener(x.hear))
	t.Cleanup(leave)
	x.ctx = ctx
	x.do(steps...)
	return x
}

// hear writes down requests, and what the console would show as an error.
func (x *tab) hear(event any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		x.requests = append(x.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		x.faults = append(x.faults, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		x.faults = append(x.faults, fmt.Sprintf("console.%s", e.Type))
	case *log.EventEntryAdded:
		x.faults = append(x.faults, e.Entry.Text+" "+e.Entry.URL)
	}
}

func (x *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, 20*time.Second)
	defer cancel()
	// The first step's context is the tab's own: it would end with it.
	if err := chromedp.Do(x.ctx); err != nil {
		x.Fatal(err)
	}
	if err := chromedp.Do(ctx, steps...); err != nil {
		x.Fatal(err)
	}
}

// ask is what a JavaScript expression says.
func ask[T any](x *tab, expression string) T {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, 20*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		x.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for the page to change so that a JavaScript condition is true.
func (x *tab) until(condition string) {
	x.Helper()
	ok := ask[bool](x, `new Promise((resolve) => {
		const holds = () => { if (`+condition+`) { resolve(true); return true; } };
		if (holds()) return;
		new MutationObserver(holds).observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
		setTimeout(() => resolve(false), 10000);
	})`)
	if !ok {
		x.Fatalf("never: %s; the page:\n%s", condition, ask[string](x, "document.body.innerText"))
	}
}

// press goes to a button by the Tab key and presses another key on it.
func (x *tab) press(button, key string) {
	x.Helper()
	for range 60 {
		x.do(chromedp.KeyEvent(kb.Tab))
		if ask[string](x, "document.activeElement.textContent.trim()") == button {
			if !ask[bool](x, "getComputedStyle(document.activeElement).outlineStyle !== 'none'") {
				x.Errorf("%q has the focus, and it does not show", button)
			}
			x.do(chromedp.KeyEvent(key))
			return
		}
	}
	x.Fatalf("the Tab key does not come to %q", button)
}

// clean fails the test for errors in the console and requests to elsewhere.
func (x *tab) clean(base string) {
	x.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.faults) > 0 {
		x.Errorf("the console has:\n%s", strings.Join(x.faults, "\n"))
	}
	if len(x.requests) < 4 { // page, style, script, events
		x.Errorf("only these requests were seen: %q", x.requests)
	}
	for _, url := range slices.Compact(slices.Sorted(slices.Values(x.requests))) {
		if !strings.HasPrefix(url, base+"/_emulator/") {
			x.Errorf("a request to %s", url)
		}
	}
}
