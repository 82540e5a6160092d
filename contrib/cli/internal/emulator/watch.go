package emulator

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// watcher writes calls into a journal.
type watcher struct {
	journal *journal
	known   *knownTokens
	token   func(http.Header) string
}

// watch hands calls on to next, and writes down that they began and how they
// ended.
func (x watcher) watch(service string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		token := x.token(r.Header)
		id := x.journal.begin(call{
			At: began, Service: service, Method: shown(r.Method, 10), Path: shown(r.URL.Path, 200), Agent: shown(r.UserAgent(), 60),
			Token: abbreviated(token), Result: waiting, Says: "no answer yet",
		})
		a := &answer{ResponseWriter: w}
		// Deferred, for a handler may end with a panic to drop a connection.
		defer func() {
			result, says, issued := x.known.judge(r, token, a)
			x.journal.end(id, func(c *call) {
				c.Status, c.Result, c.Says, c.Took = a.status, result, says, time.Since(began)
				if issued != "" {
					c.Token = issued
				}
			})
		}()
		next.ServeHTTP(a, r)
	})
}

// maxAnswer is how much of an answer's body is looked at.
const maxAnswer = 4 << 10

// answer keeps the status and the beginning of the body.
type answer struct {
	http.ResponseWriter
	status  int
	body    []byte
	dropped bool // the connection, without an answer
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.body = append(a.body, p[:min(len(p), maxAnswer-len(a.body))]...)
	return a.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Hijack implements [http.Hijacker]; the emulators drop connections by it.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.dropped = true
	return http.NewResponseController(a.ResponseWriter).Hijack()
}

// shown is what a caller sent, made fit for display.
func shown(text string, most int) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return '�'
	}, text)
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return text
}

// abbreviated is the start of a token: enough to tell tokens apart, too little
// to use one.
func abbreviated(token string) string {
	if token == "" {
		return ""
	}
	letters := []rune(shown(token, len(token)))
	return string(letters[:min(6, len(letters)/2)]) + "…"
}
