package proxy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// seen has an API keep the latest request's head.
func seen(last *http.Request) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { *last = *r.Clone(r.Context()) }
}

func TestARequestGetsATokenWhateverTheClientSent(t *testing.T) {
	var last http.Request
	w := newWorld(t, serving(seen(&last)))
	for _, headers := range [][]string{
		nil,
		{"X-Nhn-Authorization", "Bearer another's"},
		{"X-NHN-AUTHENTICATION", "Bearer another's", "x-nhn-authentication", "Bearer one more's"},
		{"Connection", "X-Nhn-Authorization", "X-Nhn-Authorization", "Bearer another's"},
	} {
		if res, _ := w.get("/v1/organizations", headers...); res.StatusCode != 200 {
			t.Fatalf("with %q: %s", headers, res.Status)
		}
		for _, name := range []string{"X-Nhn-Authorization", "X-Nhn-Authentication"} {
			if v := last.Header[name]; len(v) != 1 || !strings.HasPrefix(v[0], "Bearer ") || strings.Contains(v[0], "another") {
				t.Fatalf("with %q the API got %s %q", headers, name, v)
			}
		}
	}
	w.wantTokenCalls(1)
}

func TestAClientsOwnAuthorizationIsReplacedWhereTheTokenGoes(t *testing.T) {
	var last http.Request
	api := httptest.NewServer(seen(&last))
	defer api.Close()
	w := newWorld(t, to(api.URL), configured("headers: [Authorization]"))
	w.get("/", "Authorization", "Basic b2xkOm9sZA==", "authorization", "Bearer old")
	if v := last.Header["Authorization"]; len(v) != 1 || !strings.HasPrefix(v[0], "Bearer ") || v[0] == "Bearer old" {
		t.Fatalf("the API got %q", v)
	}
}

func TestTheAPISeesAClientThatCallsItDirectly(t *testing.T) {
	var last http.Request
	w := newWorld(t, serving(seen(&last)), below("/base/"))
	w.get("/a%2Fb//c?x=1;y=%zz&&z", "X-Forwarded-For", "10.1.2.3", "X-Forwarded-Host", "inside", "Forwarded", "for=10.1.2.3",
		"Keep-Alive", "1", "Proxy-Authorization", "Basic c2VjcmV0", "Connection", "X-Hop", "X-Hop", "1", "X-Own", "kept", "Authorization", "Basic b3du",
		"Accept-Encoding", "br")

	if got, want := last.RequestURI, "/base/a%2Fb//c?x=1;y=%zz&&z"; got != want {
		t.Errorf("the API was asked for %s, want %s", got, want)
	}
	if want := strings.TrimPrefix(w.cloud.APIURL, "http://"); last.Host != want {
		t.Errorf("the API was called by the name %s, want %s", last.Host, want)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Keep-Alive", "Proxy-Authorization", "X-Hop", "Via", "Connection"} {
		if v, ok := last.Header[name]; ok {
			t.Errorf("the API got %s %q", name, v)
		}
	}
	for name, want := range map[string]string{"X-Own": "kept", "Authorization": "Basic b3du", "Accept-Encoding": "br", "User-Agent": "Go-http-client/1.1"} {
		if got := last.Header.Get(name); got != want {
			t.Errorf("the API got %s %q, want %q", name, got, want)
		}
	}
	conn, r := w.dial()
	write(t, conn, "GET /raw HTTP/1.1", "Host: "+w.host(), "", "")
	if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	for _, name := range []string{"User-Agent", "Accept-Encoding"} {
		if v, ok := last.Header[name]; ok {
			t.Errorf("the API got %s %q, which the client did not send", name, v)
		}
	}
}

func TestWhatTheAPIAnswersComesAsItIs(t *testing.T) {
	w := newWorld(t, serving(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header()["X-Twice"] = []string{"1", "2"}
		w.Header().Set("Authtrip-Error", "of the API's")
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprint(w, "no gzip at all")
	}))
	res, text := w.get("/")
	if res.StatusCode != http.StatusTeapot || text != "no gzip at all" || len(res.Header["X-Twice"]) != 2 || res.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%s, %q, %q", res.Status, res.Header, text)
	}
	if v, ok := res.Header["Authtrip-Error"]; ok {
		t.Fatalf("the API answered, and Authtrip-Error is %q", v)
	}
}

func TestARedirectComesBackToTheProxyIfItLeadsToTheAPI(t *testing.T) {
	var location string
	api := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
	}
	bare, based := newWorld(t, serving(api)), newWorld(t, serving(api), below("/base"))
	for _, c := range []struct {
		w              *world
		location, want string // API and PROXY stand for their addresses
	}{
		{bare, "API/next?a=1&b=%2F#there", "PROXY/next?a=1&b=%2F#there"},
		{bare, "API", "PROXY/"},
		{bare, "/next", "PROXY/next"},
		{bare, "next", "PROXY/dir/next"},
		{bare, "//elsewhere.example/x", "//elsewhere.example/x"},
		{bare, "https://elsewhere.example/x?y", "https://elsewhere.example/x?y"},
		{bare, "mailto:a@b.example", "mailto:a@b.example"},
		{based, "API/base/next", "PROXY/next"},
		{based, "API/base", "PROXY/"},
		{based, "/base/a%2Fb", "PROXY/a%2Fb"},
		{based, "API/basement", "API/basement"},
		{based, "/elsewhere", "API/elsewhere"},
		{based, "//elsewhere.example/base/x", "//elsewhere.example/base/x"},
	} {
		location = strings.ReplaceAll(c.location, "API", c.w.cloud.APIURL)
		res, _ := c.w.get("/dir/page")
		want := strings.NewReplacer("API", c.w.cloud.APIURL, "PROXY", c.w.url).Replace(c.want)
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("below %q, %s became %s, want %s", c.w.path, location, got, want)
		}
	}
	location = bare.cloud.APIURL + "/next"
	res, _ := bare.get("/", "Host", "localhost:1234")
	if got := res.Header.Get("Location"); got != "http://localhost:1234/next" {
		t.Errorf("to who calls it localhost:1234, Location is %s", got)
	}
	elsewhere := strings.Replace(bare.cloud.APIURL, "http://", "https://", 1) + "/x"
	location = elsewhere
	if res, _ := bare.get("/"); res.Header.Get("Location") != elsewhere {
		t.Errorf("another scheme is another origin: Location is %s", res.Header.Get("Location"))
	}
	password := strings.Replace(bare.cloud.APIURL, "http://", "http://user:password@", 1) + "/x"
	location = password
	if res, _ := bare.get("/"); res.Header.Get("Location") != password {
		t.Errorf("it loses its user: Location is %s", res.Header.Get("Location"))
	}
}
