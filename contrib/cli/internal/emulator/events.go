package emulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

const (
	// pause is the least time between two events of one stream: what happens
	// meanwhile is in the second.
	pause = 100 * time.Millisecond
	// beat is how often a silent stream shows that it lives.
	beat = 15 * time.Second
	// again is after how long a browser that lost the stream asks for another.
	again = time.Second
	// patience is how long a browser may take for one event.
	patience = 10 * time.Second
)

// event is what changed on the page, as fragments of it.
type event struct {
	// Whole says that the calls are all there are, as at a stream's begin.
	Whole   bool              `json:"whole"`
	Regions map[string]string `json:"regions"` // by the element's ID
	Calls   []row             `json:"calls"`   // the latest last
	On      []string          `json:"on"`      // the fault, or empty, and the choices
}

type row struct {
	ID   int    `json:"id"`
	HTML string `json:"html"`
}

// regions are the elements that are replaced whole.
var regions = []string{"health", "done", "counts", "tokens"}

// stream sends events until the browser leaves or the emulator stops. Each
// stream looks for itself: a slow one holds up nobody.
func (p *page) stream(w http.ResponseWriter, r *http.Request) {
	woken, leave := p.journal.watch()
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	sent := map[string]string{}
	revision := 0
	_, _ = fmt.Fprintf(w, "retry: %d\n\n", again.Milliseconds())
	for first := true; ; first = false {
		e, now, expires, err := p.news(revision, sent)
		if err != nil {
			return
		}
		revision, e.Whole = now, first
		text, err := json.Marshal(e)
		if err != nil {
			return
		}
		_ = out.SetWriteDeadline(time.Now().Add(patience))
		if _, err := fmt.Fprintf(w, "data: %s\n\n", text); err != nil || out.Flush() != nil {
			return
		}
		if !p.wait(r, w, out, woken, expires) {
			return
		}
	}
}

// wait returns when there is news, or when a token expires, if one does; or
// false at the stream's end.
func (p *page) wait(r *http.Request, w http.ResponseWriter, out *http.ResponseController, woken <-chan struct{}, expires time.Duration) bool {
	soonest := time.NewTimer(pause)
	defer soonest.Stop()
	select {
	case <-soonest.C:
	case <-r.Context().Done():
		return false
	case <-p.closed:
		return false
	}
	var expiry <-chan time.Time
	if expires > 0 {
		timer := time.NewTimer(expires)
		defer timer.Stop()
		expiry = timer.C
	}
	heart := time.NewTicker(beat)
	defer heart.Stop()
	for {
		select {
		case <-woken:
			return true
		case <-expiry:
			return true
		case <-r.Context().Done():
			return false
		case <-p.closed:
			return false
		case <-heart.C:
			_ = out.SetWriteDeadline(time.Now().Add(patience))
			if _, err := fmt.Fprint(w, ":\n\n"); err != nil || out.Flush() != nil {
				return false
			}
		}
	}
}

// news are the regions that are not as they were sent, and the calls since a
// revision; and when the next token expires.
func (p *page) news(since int, sent map[string]string) (e event, revision int, expires time.Duration, err error) {
	v, revision := p.look(since)
	e = event{Regions: map[string]string{}, On: slices.AppendSeq([]string{v.State.Fault}, maps.Values(v.State.Chosen))}
	for _, name := range regions {
		html, err := fragment(name+".html", v)
		if err != nil {
			return e, 0, 0, err
		}
		if last, ok := sent[name]; !ok || html != last {
			e.Regions[name], sent[name] = html, html
		}
	}
	for i := len(v.Calls) - 1; i >= 0; i-- {
		html, err := fragment("call.html", v.Calls[i])
		if err != nil {
			return e, 0, 0, err
		}
		e.Calls = append(e.Calls, row{v.Calls[i].ID, html})
	}
	for _, t := range v.Tokens {
		if t.Left > 0 && (expires == 0 || t.Left < expires) {
			expires = t.Left
		}
	}
	return e, revision, expires, nil
}
