package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
)

// What becomes of a request.
const (
	ok         = iota
	rejected   // the API's 401 was handed on, since no other token could be had
	twice      // it was sent twice, with two tokens that were revoked at one time
	open       // the circuit was open
	refused    // the authorization server said no, or had said so just before
	broken     // the token call got no answer
	cut        // the API's connection broke
	left       // the caller's own context ended
	wrong      // none of these
	outcomes   // how many there are
	afterFault = 5 * time.Millisecond
)

var outcomeNames = [outcomes]string{"served", "401", "401 twice", "circuit open", "server said no", "no answer", "API cut", "left", "wrong"}

// tally counts requests by what became of them.
type tally [outcomes]int64

func (t tally) minus(o tally) tally {
	for i := range t {
		t[i] -= o[i]
	}
	return t
}

func (t tally) all() (n int64) {
	for _, x := range t {
		n += x
	}
	return n
}

// forWantOfAToken is how many failed since no token could be had.
func (t tally) forWantOfAToken() int64 { return t[rejected] + t[open] + t[refused] + t[broken] }

// load is the workers that send requests as fast as they are answered.
type load struct {
	client   *http.Client
	url      string
	ledger   *ledger
	findings *findings
	seed     uint64

	counts  [outcomes]atomic.Int64
	gate    sync.RWMutex // held for reading during each request
	stopped atomic.Bool
	workers sync.WaitGroup
}

// bodies are cut from it.
var material = func() []byte {
	b := make([]byte, 256<<10)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}()

func (l *load) start(workers int) {
	for i := range workers {
		rnd := rand.New(rand.NewPCG(l.seed, uint64(i)))
		l.workers.Go(func() {
			for !l.stopped.Load() {
				l.gate.RLock()
				what := l.request(rnd, i < 2)
				l.gate.RUnlock()
				l.counts[what].Add(1)
				if what != ok && what != left {
					<-time.After(afterFault) // else failing fast is all that is done in an outage
				}
			}
		})
	}
}

func (l *load) stop() {
	l.stopped.Store(true)
	l.workers.Wait()
}

// pause waits until no request is under way; none begins before the func that
// it returns is called.
func (l *load) pause() (resume func()) {
	l.gate.Lock()
	return l.gate.Unlock
}

func (l *load) tally() (t tally) {
	for i := range l.counts {
		t[i] = l.counts[i].Load()
	}
	return t
}

// request sends one, of a kind that rnd chooses, and says what became of it. A
// restless caller cancels at random.
func (l *load) request(rnd *rand.Rand, restless bool) int {
	ctx := context.Background()
	switch {
	case restless && rnd.IntN(2) == 0:
		c, cancel := context.WithCancel(ctx)
		defer time.AfterFunc(time.Duration(rnd.Int64N(int64(5*time.Millisecond))), cancel).Stop()
		defer cancel()
		ctx = c
	case rnd.IntN(50) == 0:
		c, cancel := context.WithTimeout(ctx, time.Duration(rnd.Int64N(int64(20*time.Millisecond))))
		defer cancel()
		ctx = c
	}
	method, body := http.MethodGet, []byte(nil)
	if rnd.IntN(2) == 0 {
		method = http.MethodPost
		size := rnd.IntN(8 << 10)
		if rnd.IntN(200) == 0 {
			size = rnd.IntN(len(material))
		}
		from := rnd.IntN(len(material) - size + 1)
		body = material[from : from+size]
	}
	return l.send(ctx, method, body)
}

func (l *load) send(ctx context.Context, method string, body []byte) int {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, l.url+"/v1/things", reader)
	if err != nil {
		l.findings.add("%v", err)
		return wrong
	}
	sum := sumOf(body)
	sent := new(sends)
	req = req.WithContext(context.WithValue(ctx, sends{}, sent))
	req.Header.Set(headerSum, sum)
	req.Header.Set(headerSize, strconv.Itoa(len(body)))
	start := time.Now()
	res, err := l.client.Do(req)
	if err != nil {
		return l.failed(ctx, err, start)
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	_ = res.Body.Close()
	switch {
	case err != nil:
		return l.failed(ctx, brokenConnection{err}, start)
	case res.StatusCode == http.StatusUnauthorized && sent.rejected == 2:
		return twice // nothing is sent three times; each rejection had its reason
	case res.StatusCode == http.StatusUnauthorized:
		return l.blame(rejected, start)
	case res.StatusCode != http.StatusOK:
		l.findings.add("a request got status %d", res.StatusCode)
		return wrong
	case string(answer) != sum:
		l.findings.add("the API answered for another body than was sent")
		return wrong
	}
	return ok
}

func (l *load) failed(ctx context.Context, err error, start time.Time) int {
	_, atAPI := errors.AsType[brokenConnection](err)
	_, said := errors.AsType[*authtrip.ServerError](err)
	switch {
	case ctx.Err() != nil:
		return left
	case atAPI:
		return cut
	case errors.Is(err, authtrip.ErrCircuitOpen):
		return l.blame(open, start)
	case said:
		return l.blame(refused, start)
	}
	return l.blame(broken, start)
}

// blame looks for the reason of a failure for want of a token.
func (l *load) blame(what int, start time.Time) int {
	if l.ledger.served(start, time.Now()) {
		l.findings.add(needless+" (%s)", outcomeNames[what])
	}
	return what
}
