package faultmatrix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/internal/vitals"
)

var sent atomic.Int64

// circuitOpen is a kind of failure.
const circuitOpen = "circuit open"

// send sends one request and says how it failed, or nothing, and whether the
// response was what the server sent.
func (c *client) send(patience time.Duration) (kind string, whole bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, c.setup.Method, c.setup.APIURL+"/thing", nil)
	if err != nil {
		return err.Error(), true
	}
	if c.setup.Method == http.MethodPost {
		c.fill(req)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.said.hear(err)
		if ctx.Err() != nil {
			return "nothing in time", true
		}
		return c.kindOf(err), true
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	req.Header.Del(sumHeader)
	c.said.note(fmt.Sprintf("%+v %+v", res.Request.Header, res.Request.URL))
	whole = err == nil && res.Header.Get(sumHeader) == sumOf(body)
	if res.StatusCode != http.StatusOK {
		return strconv.Itoa(res.StatusCode), whole
	}
	return "", whole
}

// fill gives req a body of its own, which can be had again.
func (c *client) fill(req *http.Request) {
	text := bytes.Repeat(fmt.Appendf(nil, "line %d of a body\n", sent.Add(1)), 200)
	req.Header.Set(sumHeader, sumOf(text))
	req.ContentLength = int64(len(text))
	req.GetBody = func() (io.ReadCloser, error) { return c.bodies.open(text), nil }
	req.Body = c.bodies.open(text)
}

// bodies counts request bodies that were opened and closed.
type bodies struct{ opened, closed atomic.Int64 }

func (b *bodies) open(text []byte) io.ReadCloser {
	b.opened.Add(1)
	return &body{Reader: bytes.NewReader(text), all: b}
}

type body struct {
	io.Reader
	all  *bodies
	once sync.Once
}

func (b *body) Close() error {
	b.once.Do(func() { b.all.closed.Add(1) })
	return nil
}

func (c *client) kindOf(err error) string {
	var said *authtrip.ServerError
	switch {
	case errors.Is(err, authtrip.ErrCircuitOpen):
		return circuitOpen
	case errors.As(err, &said):
		return "server said no"
	case errors.Is(err, context.DeadlineExceeded):
		return "time-out"
	}
	return "network"
}

// settled waits until the process holds no more goroutines and files than
// before, a few seconds at most, and returns what it holds.
func settled(before vitals.Vitals) vitals.Vitals {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		now := vitals.ReadCollected()
		if now.Goroutines <= before.Goroutines && now.OpenFiles <= before.OpenFiles || time.Now().After(end) {
			return now
		}
	}
}
