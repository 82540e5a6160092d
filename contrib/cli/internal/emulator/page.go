package emulator

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

//go:embed page
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"words":   words,
	"clock":   func(t time.Time) string { return t.Format("15:04:05") },
	"stamp":   func(t time.Time) string { return t.Format(time.RFC3339Nano) },
	"seconds": func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) },
	"took":    took,
	// steps are the parts of a path, between which a line may break.
	"steps": func(path string) []string { return strings.SplitAfter(path, "/") },
}).ParseFS(files, "page/*.html"))

// page is what a browser is shown. It works without JavaScript; with it the
// same fragments come as events, see events.go.
type page struct {
	journal  *journal
	switches *switches
	guide    guide
	services bool // there are some at addresses of their own
	closed   chan struct{}
}

func newPage(j *journal, s *switches, g guide) *page {
	return &page{journal: j, switches: s, guide: g, services: len(s.provider.services()) > 0, closed: make(chan struct{})}
}

// close ends the streams of events. It is called once.
func (p *page) close() { close(p.closed) }

func (p *page) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pagePath+"{$}", p.show)
	mux.HandleFunc("GET "+pagePath+"events", p.stream)
	mux.HandleFunc("POST "+pagePath+"{action}", p.act)
	for _, name := range []string{"page.css", "page.js", "icon.svg"} {
		mux.HandleFunc("GET "+pagePath+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, "page/"+name)
		})
	}
	return mux
}

// view is what the templates are given.
type view struct {
	Guide  guide
	Own    []ownSwitch
	State  state
	Counts authtest.Counts
	Tokens []heldToken
	Calls  []call // the latest first
	// Services says that calls name theirs.
	Services bool
}

// heldToken is a token in force.
type heldToken struct {
	authtest.TokenInfo
	Left time.Duration // negative: for ever
}

// maxTokens is how many tokens the page lists.
const maxTokens = 50

// look is the page's content now, with the calls that changed since a revision.
func (p *page) look(since int) (v view, revision int) {
	v = view{Guide: p.guide, Own: p.switches.own, State: p.switches.now(), Services: p.services}
	// Before counts and tokens: what changes meanwhile is a later revision's.
	v.Calls, revision = p.journal.since(since)
	slices.Reverse(v.Calls)
	v.Counts = p.switches.provider.Counts()
	now := time.Now()
	for _, t := range p.switches.provider.Tokens() {
		left := t.Expires.Sub(now)
		if t.Expires.IsZero() {
			left = -1
		} else if left <= 0 {
			continue
		}
		v.Tokens = append(v.Tokens, heldToken{t, left})
	}
	return v, revision
}

// More is how many tokens are not listed.
func (v view) More() int { return max(0, len(v.Tokens)-maxTokens) }

// Listed are those that are.
func (v view) Listed() []heldToken { return v.Tokens[:min(len(v.Tokens), maxTokens)] }

func (p *page) show(w http.ResponseWriter, _ *http.Request) {
	v, _ := p.look(0)
	html, err := fragment("page.html", v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(html))
}

// maxForm is more than the page's forms need.
const maxForm = 4 << 10

// act throws a switch. A form gets the page again, the page's script nothing.
func (p *page) act(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "this is no form of the page's", http.StatusBadRequest)
		return
	}
	err := p.switches.throw(r.PathValue("action"), r.PostForm)
	switch {
	case errors.Is(err, errNoSuchSwitch):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case strings.Contains(r.Header.Get("Accept"), "text/html"):
		http.Redirect(w, r, pagePath, http.StatusSeeOther)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func fragment(name string, data any) (string, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, data)
	return strings.TrimSpace(b.String()), err
}

// took is a short time for people.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return words(d)
}
