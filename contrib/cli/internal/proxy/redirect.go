package proxy

import (
	"net/http"
	"net/url"
	"strings"
)

// rewriteLocation has a redirect to the API come back to the proxy, which the
// client knows as host: the API itself would get no token. One that leads
// elsewhere stays as it is, as does one to a path of the API that the proxy
// does not serve.
func rewriteLocation(res *http.Response, target *url.URL, host string) {
	text := res.Header.Get("Location")
	if text == "" || res.Request == nil {
		return
	}
	to, err := res.Request.URL.Parse(text)
	if err != nil || origin(to) != origin(target) || to.User != nil {
		return
	}
	path, served := below(target, to.EscapedPath())
	if !served { // absolute, since relative to the proxy it would be another
		res.Header.Set("Location", to.String())
		return
	}
	res.Header.Set("Location", "http://"+host+path+tail(to))
}

// below returns path as the proxy serves it, if it does.
func below(target *url.URL, path string) (string, bool) {
	prefix := strings.TrimSuffix(target.EscapedPath(), "/")
	rest, ok := strings.CutPrefix(path, prefix)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return "", false
	case rest == "":
		return "/", true
	}
	return rest, true
}

// tail is what follows u's path.
func tail(u *url.URL) string {
	text := ""
	if u.RawQuery != "" || u.ForceQuery {
		text = "?" + u.RawQuery
	}
	if u.Fragment != "" {
		text += "#" + u.EscapedFragment()
	}
	return text
}
