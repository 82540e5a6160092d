package modeltest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"pgregory.net/rapid"
)

// schedule is what happens in one world, drawn as data: a bubble must not draw,
// and what failed can be printed and made smaller.
type schedule struct {
	lifetime   time.Duration // of tokens, until a step says otherwise
	untold     bool          // the client is not told how long tokens live
	endsOld    bool          // the server ends old tokens when it issues one
	replyDelay time.Duration // how long replies of the token endpoint are on their way
	steps      []step
}

// action is what a step does.
type action string

const (
	sends       action = "send"         // requests, all at once
	asks        action = "ask"          // for tokens: Source.Token
	passes      action = "pass"         // only time
	revokesAll  action = "revoke all"   // the server ends all tokens
	endsOne     action = "end one"      // the server ends the latest token before its time
	lives       action = "live"         // tokens issued from now on live so long
	breaksDown  action = "break"        // the token endpoint
	heals       action = "heal"         // the token endpoint
	apiTurns    action = "api"          // how the API answers from now on
	invalidates action = "invalidate"   // Source.Invalidate of the token that was seen last
	suspects    action = "suspect"      // Source.Suspect of it
	suspectsOld action = "suspect old"  // of the one before
	revokes     action = "revoke"       // Source.Revoke
	closes      action = "close"        // Source.Close
	stepsWall   action = "wall clock"   // is set
	repeats     action = "send, repeat" // requests one after the other
)

// step is one action and the time that passes after it.
type step struct {
	do      action
	callers []shape       // of sends, asks and repeats
	fault   int           // of breaksDown: an index of faults
	api     apiMode       // of apiTurns
	by      time.Duration // of lives and stepsWall; between repeats
	// then passes after the action; 0: until nothing moves at this instant;
	// below 0: the next step races with this one, or mostOfLife.
	then time.Duration
}

// mostOfLife passes three quarters of the time that tokens live just then: they
// are stale, and can be used still.
const mostOfLife time.Duration = -2

// shape is one caller's request.
type shape struct {
	body     bodyKind
	size     int           // of the body
	reply    int           // the size of the API's answer
	slow     bool          // the API pauses in the middle of its answer
	travel   time.Duration // before the API sees the request
	delay    time.Duration // before the API answers
	patience time.Duration // the caller's context ends then; 0: never
	cancels  bool          // it is cancelled and not a deadline
	noReplay bool
}

// bodyKind is what a request's body is and whether it can be had again.
type bodyKind string

const (
	noBody         bodyKind = "GET"
	again          bodyKind = "POST"
	chunked        bodyKind = "POST chunked"
	onlyOnce       bodyKind = "POST once"
	onlyOnceChunks bodyKind = "POST once, chunked"
	getBodyFails   bodyKind = "POST whose GetBody fails"
)

func (s shape) replayable() bool {
	return (s.body == noBody || s.body == again || s.body == chunked) && !s.noReplay
}

// apiMode is how the API treats valid tokens.
type apiMode string

const (
	apiServes  apiMode = "serves"
	apiRejects apiMode = "rejects every token"
	apiOdd     apiMode = "rejects one request" // one odd replica, then it serves
	apiForbids apiMode = "403"
	apiScope   apiMode = "401 insufficient_scope"
)

var apiModes = []apiMode{apiServes, apiRejects, apiOdd, apiForbids, apiScope}

// faults are what befalls the token endpoint.
var faults = []authtest.Fault{
	{Reset: true},
	{Status: http.StatusServiceUnavailable},
	{SameToken: true},
	{Status: http.StatusTooManyRequests},
	{Delay: 1500 * time.Millisecond},
	{Hang: true},
	{Delay: 300 * time.Millisecond, Reset: true},
	{Status: http.StatusServiceUnavailable, RetryAfter: "3"},
	{Status: http.StatusTooManyRequests, RetryAfter: "7"},
	{Status: http.StatusInternalServerError, Times: 6},
	{Body: "<html>a portal</html>"},
	{SameToken: true, Delay: 700 * time.Millisecond},
	{Status: http.StatusUnauthorized},
	{Delay: 40 * time.Millisecond},
	{Reset: true, Times: 1},
	{Delay: 4 * time.Second},
	{Body: `{"token_type":"Bearer"}`},
	{Status: http.StatusInternalServerError},
	{Status: http.StatusServiceUnavailable, RetryAfter: "90"},
	{Status: http.StatusBadRequest},
	{Delay: 2 * time.Second, Status: http.StatusBadGateway},
	{Reset: true, Times: 2},
	{Status: http.StatusServiceUnavailable, Times: 4},
	{Hang: true, Times: 1},
	{Status: http.StatusTooManyRequests, Times: 1},
	{SameToken: true, Times: 1},
}

func drawSchedule(t *rapid.T) schedule {
	s := schedule{
		lifetime:   rapid.SampledFrom(lifetimes).Draw(t, "lifetime"),
		untold:     rapid.IntRange(0, 5).Draw(t, "untold") == 5,
		endsOld:    rapid.IntRange(0, 5).Draw(t, "endsOld") == 5,
		replyDelay: rapid.SampledFrom([]time.Duration{0, 0, 0, 30 * time.Millisecond, 600 * time.Millisecond}).Draw(t, "replyDelay"),
		steps:      rapid.SliceOfN(rapid.Custom(drawStep), 6, 40).Draw(t, "steps"),
	}
	if n := rapid.IntRange(0, 8*len(motifs)-1).Draw(t, "motif"); n < len(motifs) {
		at := rapid.IntRange(0, len(s.steps)).Draw(t, "at")
		s.steps = slices.Insert(s.steps, at, motifs[n]()...)
	}
	return s
}

var lifetimes = []time.Duration{
	24 * time.Hour, time.Minute, 10 * time.Second, 2 * time.Second, 10 * time.Minute, time.Second, 30 * time.Second,
}

// actions are drawn by how often they stand here, the first and the last more
// often.
var actions = []action{
	sends, sends, repeats, sends, revokesAll, breaksDown, sends, heals, sends, apiTurns, repeats, endsOne, sends,
	breaksDown, passes, asks, revokesAll, suspects, invalidates, suspectsOld, apiTurns, lives, revokes, stepsWall, heals,
	breaksDown, closes, passes, repeats, sends,
}

func drawStep(t *rapid.T) step {
	s := step{do: rapid.SampledFrom(actions).Draw(t, "do")}
	switch s.do {
	case sends, asks, repeats:
		n := rapid.SampledFrom([]int{1, 1, 1, 2, 3, 6}).Draw(t, "callers")
		for range n {
			s.callers = append(s.callers, drawShape(t))
		}
		s.by = rapid.SampledFrom([]time.Duration{100 * time.Millisecond, 700 * time.Millisecond, 0, 3 * time.Second}).Draw(t, "by")
	case breaksDown:
		s.fault = rapid.IntRange(0, len(faults)-1).Draw(t, "fault")
	case apiTurns:
		s.api = rapid.SampledFrom(apiModes).Draw(t, "api")
	case lives:
		s.by = rapid.SampledFrom(lifetimes).Draw(t, "by")
	case stepsWall:
		s.by = rapid.SampledFrom([]time.Duration{time.Hour, -time.Hour, 5 * time.Second, -5 * time.Second}).Draw(t, "by")
	case closes: // rarely: what comes after is of little use
		if rapid.IntRange(0, 3).Draw(t, "indeed") != 3 {
			s.do = passes
		}
	}
	s.then = rapid.SampledFrom([]time.Duration{
		0, 0, 0, -1, -1, mostOfLife, time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond, time.Second, 1300 * time.Millisecond,
		2 * time.Second, 5 * time.Second, 9 * time.Second, 12 * time.Second, 41 * time.Second, 70 * time.Second, 130 * time.Second, 7 * time.Minute,
	}).Draw(t, "then")
	return s
}

func drawShape(t *rapid.T) shape {
	s := shape{
		body:     rapid.SampledFrom([]bodyKind{noBody, noBody, noBody, again, again, chunked, onlyOnce, onlyOnceChunks, getBodyFails}).Draw(t, "body"),
		reply:    rapid.SampledFrom([]int{30, 30, 0, 3000, 100_000}).Draw(t, "reply"),
		slow:     rapid.IntRange(0, 7).Draw(t, "slow") == 7,
		travel:   rapid.SampledFrom([]time.Duration{0, 0, 0, 0, 25 * time.Millisecond, 1200 * time.Millisecond}).Draw(t, "travel"),
		delay:    rapid.SampledFrom([]time.Duration{0, 0, 0, 15 * time.Millisecond, 400 * time.Millisecond, 4 * time.Second}).Draw(t, "delay"),
		patience: rapid.SampledFrom([]time.Duration{0, 0, 0, 0, 0, 10 * time.Millisecond, 200 * time.Millisecond, time.Second, 5 * time.Second}).Draw(t, "patience"),
	}
	if s.body != noBody {
		s.size = rapid.SampledFrom([]int{40, 40, 1, 5000, 90_000}).Draw(t, "size")
	}
	if s.patience > 0 {
		s.cancels = rapid.Bool().Draw(t, "cancels")
	}
	s.noReplay = rapid.IntRange(0, 15).Draw(t, "noReplay") == 15
	return s
}

func (s schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "tokens live %v (told: %v), issuing ends old ones: %v, replies take %v\n", s.lifetime, !s.untold, s.endsOld, s.replyDelay)
	for i, st := range s.steps {
		fmt.Fprintf(&b, "%3d. %s\n", i+1, st)
	}
	return b.String()
}

func (s step) String() string {
	what := string(s.do)
	switch s.do {
	case breaksDown:
		what += fmt.Sprintf(" %+v", faults[s.fault])
	case apiTurns:
		what += ": " + string(s.api)
	case lives, stepsWall:
		what += fmt.Sprintf(" %v", s.by)
	case repeats:
		what += fmt.Sprintf(" every %v", s.by)
	}
	for _, c := range s.callers {
		what += fmt.Sprintf(" [%v]", c)
	}
	switch {
	case s.then == mostOfLife:
		return what + ", then most of a token's life"
	case s.then < 0:
		return what
	case s.then == 0:
		return what + ", settle"
	}
	return what + fmt.Sprintf(", then %v", s.then)
}

func (s shape) String() string {
	text := string(s.body)
	for _, part := range []struct {
		name  string
		value any
		said  bool
	}{
		{"bytes", s.size, s.size > 0}, {"answered by", s.reply, s.reply != 30}, {"slowly", "", s.slow},
		{"travels", s.travel, s.travel > 0}, {"takes", s.delay, s.delay > 0}, {"no replay", "", s.noReplay},
		{"deadline in", s.patience, s.patience > 0 && !s.cancels}, {"cancelled in", s.patience, s.patience > 0 && s.cancels},
	} {
		if part.said {
			text += fmt.Sprint(" ", part.name, " ", part.value)
		}
	}
	return text
}
