package proxy_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// apiCalls are the requests that reached the API.
func (w *world) apiCalls() int {
	n := 0
	for _, r := range w.cloud.Requests() {
		if r.Server == "api" {
			n++
		}
	}
	return n
}

func TestWhatAWebPageElsewhereSendsIsRefused(t *testing.T) {
	w := newWorld(t, args("--allow-host", "Proxy.Internal", "--allow-origin", "http://localhost:3000"))
	for _, path := range []string{"/v1/organizations", "/.authtrip/health", "/.authtrip/metrics"} {
		for _, c := range []struct {
			headers []string
			status  int
			kind    string
		}{
			{[]string{"Host", "evil.example"}, 421, "forbidden_host"},
			{[]string{"Host", "evil.example:8080"}, 421, "forbidden_host"},
			{[]string{"Host", "localhost.evil.example"}, 421, "forbidden_host"},
			{[]string{"Host", "127.0.0.1.evil.example"}, 421, "forbidden_host"},
			{[]string{"Host", "192.168.0.1"}, 421, "forbidden_host"},
			{[]string{"Host", "[2001:db8::1]:80"}, 421, "forbidden_host"},
			{[]string{"Host", "proxy.internal.evil.example"}, 421, "forbidden_host"},
			{[]string{"Origin", "https://evil.example"}, 403, "forbidden_origin"},
			{[]string{"Origin", "null"}, 403, "forbidden_origin"},
			{[]string{"Origin", "http://127.0.0.1:1"}, 403, "forbidden_origin"},
			{[]string{"Origin", "http://localhost:30001"}, 403, "forbidden_origin"},
			{[]string{"Origin", "https://localhost:3000"}, 403, "forbidden_origin"},
			{[]string{"Origin", "https://" + w.host()}, 403, "forbidden_origin"},
			{[]string{"Origin", w.url, "Origin", "https://evil.example"}, 403, "forbidden_origin"},
			{[]string{"Origin", ""}, 403, "forbidden_origin"},
			{[]string{"Host", "evil.example", "Origin", "http://evil.example"}, 421, "forbidden_host"},
			{[]string{"Sec-Fetch-Site", "cross-site"}, 403, "forbidden_origin"},
			{[]string{"Sec-Fetch-Site", "same-site"}, 403, "forbidden_origin"},
			{[]string{"Origin", w.url, "Sec-Fetch-Site", "cross-site"}, 403, "forbidden_origin"},
			{[]string{"Referer", "https://evil.example/page"}, 403, "forbidden_origin"},
			{[]string{"Referer", "http://" + w.host() + ".evil.example/"}, 403, "forbidden_origin"},
			{[]string{"Referer", "about:blank"}, 403, "forbidden_origin"},
			{[]string{"Referer", w.url + "/", "Referer", "https://evil.example/"}, 403, "forbidden_origin"},
			{[]string{"Host", "proxy.internal", "User-Agent", "Mozilla/5.0"}, 403, "forbidden_origin"},
			{[]string{"Sec-Fetch-Site", "none", "Sec-Fetch-Site", "cross-site"}, 403, "forbidden_origin"},
		} {
			res, text := w.get(path, c.headers...)
			if res.StatusCode != c.status {
				t.Fatalf("%s with %q: %s, want %d", path, c.headers, res.Status, c.status)
			}
			wantFault(t, res, text, c.status, c.kind)
		}
	}
	if res, _ := w.get("/", "Origin", "https://evil.example"); res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Fatal("the page may read what it got")
	}
	if n := w.apiCalls(); n != 0 || w.cloud.Counts().TokenCalls != 0 {
		t.Fatalf("%d requests reached the API", n)
	}
	for _, headers := range [][]string{
		nil,
		{"Host", "localhost"}, {"Host", "LOCALHOST:99"}, {"Host", "127.0.0.1"}, {"Host", "127.1.2.3:8"}, {"Host", "[::1]:8080"},
		{"Host", "proxy.internal"}, {"Host", "PROXY.internal:80"},
		{"Referer", w.url + "/a?b"}, {"Referer", "http://localhost:3000/page"}, {"User-Agent", "Mozilla/5.0"},
		{"Host", "proxy.internal", "User-Agent", "Mozilla/5.0", "Referer", "http://proxy.internal/"},
		{"Origin", w.url}, {"Origin", w.url, "Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"},
		{"Origin", "http://localhost:3000"}, {"Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site"},
	} {
		if res, _ := w.get("/v1/organizations", headers...); res.StatusCode != 200 {
			t.Fatalf("with %q: %s, want 200", headers, res.Status)
		}
	}
}

func TestAWebSocketOfAWebPageElsewhereIsRefused(t *testing.T) {
	w := newWorld(t)
	if _, _, res := w.upgrade("Origin: https://evil.example"); res.StatusCode != 403 {
		t.Fatalf("%s, want 403", res.Status)
	}
}

func TestItIsNoForwardProxy(t *testing.T) {
	w := newWorld(t)
	for first, status := range map[string]int{
		"GET http://evil.example/ HTTP/1.1":  421,
		"CONNECT evil.example:443 HTTP/1.1":  405,
		"GET / HTTP/1.0":                     421, // no Host at all
		"GET //evil.example/x HTTP/1.1":      200, // a path
		"GET http://localhost/path HTTP/1.1": 200,
	} {
		conn, r := w.dial()
		lines := []string{first, "Host: " + w.host(), "", ""}
		if strings.HasSuffix(first, "1.0") {
			lines = []string{first, "", ""}
		}
		write(t, conn, lines...)
		res, err := http.ReadResponse(r, nil)
		if err != nil || res.StatusCode != status {
			t.Fatalf("%s: %v, %v; want %d", first, res, err, status)
		}
	}
}

// A browser says nothing of whose page it is to plain HTTP that is not loopback.
func TestABrowserThatDoesNotSayWhoAskedIsRefusedWhereOthersReachTheProxy(t *testing.T) {
	w := newWorld(t, args("--listen", "0.0.0.0:0", "--allow-remote", "--allow-origin", "http://console.example"))
	w.url = strings.Replace(w.url, "0.0.0.0", "127.0.0.1", 1)
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
	res, text := w.get("/v1/organizations", "Host", "192.168.1.1:80", "User-Agent", browser)
	wantFault(t, res, text, 403, "forbidden_origin")
	if n := w.apiCalls(); n != 0 {
		t.Fatalf("%d requests reached the API", n)
	}
	for _, headers := range [][]string{
		{"User-Agent", "curl/8.5.0"},
		{"User-Agent", browser, "Sec-Fetch-Site", "none"},
		{"User-Agent", browser, "Referer", "http://192.168.1.1:80/page"},
		{"User-Agent", browser, "Origin", "http://console.example"},
		{"User-Agent", browser, "Referer", "http://console.example/"},
	} {
		if res, _ := w.get("/v1/organizations", append(headers, "Host", "192.168.1.1:80")...); res.StatusCode != 200 {
			t.Errorf("with %q: %s, want 200", headers, res.Status)
		}
	}
}

// A target without a path would go on as it is, to wherever it names.
func TestARequestLineWithoutAPathIsRefused(t *testing.T) {
	w := newWorld(t)
	for _, first := range []string{"GET x:http://evil.example/p HTTP/1.1", "GET mailto:a HTTP/1.1", "GET * HTTP/1.1"} {
		conn, r := w.dial()
		write(t, conn, first, "Host: "+w.host(), "", "")
		res, err := http.ReadResponse(r, nil)
		if err != nil || res.StatusCode != 400 || res.Header.Get("Authtrip-Error") != "bad_request" {
			t.Errorf("%s: %v, %v; want 400 bad_request", first, res, err)
		}
	}
	if w.apiCalls() != 0 || w.cloud.Counts().TokenCalls != 0 {
		t.Error("something was sent")
	}
}

func TestAPageThatMayCallIsToldSo(t *testing.T) {
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://console.example")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Set("X-Origin", strings.Join(r.Header.Values("Origin"), " "))
	}), args("--allow-origin", "http://localhost:3000"))
	page := "http://localhost:3000"

	res, _ := read(t, w.send(w.request("OPTIONS", "/x", nil, "Origin", page, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "content-type")))
	h := res.Header
	if res.StatusCode != 204 || h.Get("Access-Control-Allow-Origin") != page || h.Get("Access-Control-Allow-Methods") != "PUT" || h.Get("Access-Control-Allow-Headers") != "content-type" {
		t.Fatalf("the browser asks first, and hears %s %q", res.Status, h)
	}
	if n := w.apiCalls(); n != 0 {
		t.Fatal("the API was asked")
	}
	res, _ = w.get("/x", "Origin", page)
	if h := res.Header; !slices.Equal(h.Values("Access-Control-Allow-Origin"), []string{page}) || h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Vary") != "Origin" {
		t.Fatalf("the page may not read the answer: %q", h)
	}
	if got := res.Header.Get("X-Origin"); got != "" {
		t.Fatalf("the API heard of the page: %q", got)
	}
	if res, _ := w.get("/x", "Origin", w.url); res.Header.Get("Access-Control-Allow-Origin") != "https://console.example" {
		t.Fatal("what the API says of others is changed")
	}
	w.cloud.Close()
	if res, _ := w.get("/x", "Origin", page); res.StatusCode != 502 || res.Header.Get("Access-Control-Allow-Origin") != page {
		t.Fatalf("an error of the proxy's cannot be read by the page: %s %q", res.Status, res.Header)
	}
	if res, _ := read(t, w.send(w.request("OPTIONS", "/x", nil, "Origin", "https://evil.example", "Access-Control-Request-Method", "PUT"))); res.StatusCode != 403 {
		t.Fatalf("another page is told %s", res.Status)
	}
}
