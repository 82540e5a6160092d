package command_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/cli/internal/command"
)

// freeAddress is a loopback address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it was only asked for its address
	return l.Addr().String()
}

// watcher is a standard error in which somebody watches for the page's address.
type watcher struct {
	mu   sync.Mutex
	text bytes.Buffer
	page func(address string) // called once
	once sync.Once
}

// Write implements [io.Writer].
func (w *watcher) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(text)
	_, address, found := strings.Cut(w.text.String(), "open in a browser: ")
	if address, _, whole := strings.Cut(address, "\n"); found && whole {
		w.once.Do(func() { go w.page(address) })
	}
	return len(text), nil
}

func (w *watcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// login runs a login in which browser goes to the page.
func (w *world) login(in io.Reader, browser func(address string), arguments ...string) result {
	w.t.Helper()
	errs := &watcher{page: browser}
	var out bytes.Buffer
	code := command.Run(append([]string{"login"}, arguments...), in, &out, errs)
	return result{code, out.String(), errs.String()}
}

// browse goes to the page and where it leads, and returns what is shown.
func browse(t *testing.T, address string) (status int, text string) {
	res, err := http.Get(address) //nolint:noctx // the servers are the test's own
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(body)
}

// worldOfLogins has a registration here whose redirect URI is on this machine.
func worldOfLogins(t *testing.T) *world {
	t.Helper()
	address := freeAddress(t)
	w := newWorld(t, authtest.RedirectURIs("http://"+address+"/callback"))
	p := w.live.Client()
	w.write("here.yml", "registration: {here: {provider: prism, service_api_domain: '"+p.ServiceAPIDomain+"', client_id: "+p.ClientID+
		", client_secret: '${PRISM_SECRET}', redirect_uri: 'http://"+address+"/callback'}}")
	return w
}

func TestALoginThroughTheBrowserOfThisMachine(t *testing.T) {
	w := worldOfLogins(t)
	shown := make(chan string, 1)
	r := w.login(nil, func(address string) {
		_, text := browse(t, address)
		shown <- text
	}, "here", "--config", "here.yml", "--user", "kim")
	r.check(t, "login", 0, "logged in: authtrip token here --user kim")
	if text := <-shown; !strings.Contains(text, "You are logged in") || r.out != "" {
		t.Errorf("the page says %q, out %q", text, r.out)
	}
	w.want(0, args("token here --config here.yml --user kim"))
	w.want(codeAuthorization, args("token here --config here.yml --user lee"))
}

func TestALoginThatTheUserDeclines(t *testing.T) {
	w := worldOfLogins(t)
	w.live.SetUser("")
	shown := make(chan int, 1)
	r := w.login(nil, func(address string) {
		status, _ := browse(t, address)
		shown <- status
	}, "here", "--config", "here.yml")
	r.check(t, "login", codeRefused, "access_denied")
	if status := <-shown; status != http.StatusBadRequest {
		t.Error(status)
	}
}

// Something else on the machine may ask for the callback's address.
func TestOnlyTheCallbackEndsALogin(t *testing.T) {
	w := worldOfLogins(t)
	r := w.login(nil, func(address string) {
		_, here, _ := strings.Cut(address, "redirect_uri=")
		here, _, _ = strings.Cut(here, "&")
		here = strings.NewReplacer("%3A", ":", "%2F", "/").Replace(here)
		for _, other := range []string{here, strings.TrimSuffix(here, "callback") + "favicon.ico?code=x"} {
			if status, _ := browse(t, other); status != http.StatusNotFound {
				t.Errorf("%s: %d", other, status)
			}
		}
		browse(t, address)
	}, "here", "--config", "here.yml")
	r.check(t, "login", 0, "logged in")
	// What has another state, or none, is refused, and the login goes on.
	r = w.login(nil, func(address string) {
		_, here, _ := strings.Cut(address, "redirect_uri=")
		here, _, _ = strings.Cut(here, "&")
		here = strings.NewReplacer("%3A", ":", "%2F", "/").Replace(here)
		for _, query := range []string{"?code=x&state=y", "?error=x", "?error=x&state="} {
			if status, _ := browse(t, here+query); status != http.StatusBadRequest {
				t.Errorf("%s: %d", query, status)
			}
		}
		if res, err := http.Post(here+"?error=x", "", nil); err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("a POST: %v, %v", res, err)
		}
		browse(t, address)
	}, "here", "--config", "here.yml")
	r.check(t, "login", 0, "logged in")
}

func TestALoginByTheAddressThatTheBrowserEndedAt(t *testing.T) {
	w := newWorld(t)
	reader, writer := io.Pipe()
	r := w.login(reader, func(address string) {
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Get(address)
		if err != nil {
			t.Error(err)
			return
		}
		_ = res.Body.Close()
		_, _ = io.WriteString(writer, res.Header.Get("Location")+"\n")
	}, "prism", "--user", "kim")
	r.check(t, "login", 0, "paste the address", "logged in")
	w.want(0, args("token prism --user kim"))
	w.runWith("what is this\n", "login", "prism").check(t, "login", codeOther, "no address with a code")
	w.runWith("", "login", "prism").check(t, "login", codeOther, "nothing was given")
}

// The server knows the redirect URI by its name.
func TestALoginKeepsTheNameOfTheRedirectURI(t *testing.T) {
	w := newWorld(t)
	p := w.live.Client()
	w.write("here.yml", "registration: {here: {provider: prism, service_api_domain: '"+p.ServiceAPIDomain+"', client_id: "+p.ClientID+
		", client_secret: '${PRISM_SECRET}', redirect_uri: 'http://localhost/cb'}}")
	r := w.login(nil, func(address string) {
		u, err := url.Parse(address)
		if err != nil {
			t.Error(err)
			return
		}
		here := u.Query().Get("redirect_uri")
		if !strings.HasPrefix(here, "http://localhost:") || !strings.HasSuffix(here, "/cb") {
			t.Errorf("the server is told %s", here)
		}
		browse(t, here+"?error=access_denied&state="+url.QueryEscape(u.Query().Get("state")))
	}, "here", "--config", "here.yml")
	r.check(t, "login", codeRefused, "access_denied")
}

func TestALoginWhoseRedirectURIIsTaken(t *testing.T) {
	w := worldOfLogins(t)
	r := w.login(nil, func(address string) {
		w.want(codeOther, args("login here --config here.yml"), "nobody can wait at the redirect_uri")
		browse(t, address)
	}, "here", "--config", "here.yml")
	r.check(t, "login", 0)
}

func TestALoginByACodeFromTheStandardInput(t *testing.T) {
	w := newWorld(t)
	code := w.live.Code("kim")
	w.secrets = append(w.secrets, code)
	w.runWith(code+"\n", "login", "prism", "--user", "kim", "--code", "-").check(t, "login", 0, "logged in")
	w.runWith(code+"\n", "login", "prism", "--user", "kim", "--code", "-").check(t, "login", codeRefused, "invalid_grant")
}
