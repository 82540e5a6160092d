package faultmatrix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/internal/vitals"
)

var sent atomic.Int64

// send sends one request and says how it failed, or nothing, and whether the
// response was what the server sent.
func (c *client) send() (kind string, whole bool) {
	req, err := http.NewRequest(c.setup.Method, c.setup.APIURL+"/thing", c.body())
	if err != nil {
		return err.Error(), true
	}
	if req.Body != nil {
		body, _ := io.ReadAll(req.Body)
		req.Body, _ = req.GetBody()
		req.Header.Set(sumHeader, sumOf(body))
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.said.hear("request", err)
		return c.kindOf(err), true
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	c.said.note(fmt.Sprintf("%+v %+v", res.Request.Header, res.Header))
	whole = err == nil && res.Header.Get(sumHeader) == sumOf(body)
	if res.StatusCode != http.StatusOK {
		return strconv.Itoa(res.StatusCode), whole
	}
	return "", whole
}

func (c *client) body() io.Reader {
	if c.setup.Method == http.MethodGet {
		return nil
	}
	return bytes.NewReader(bytes.Repeat(fmt.Appendf(nil, "line %d of a body\n", sent.Add(1)), 200))
}

func (c *client) kindOf(err error) string {
	var said *authtrip.ServerError
	switch {
	case errors.Is(err, authtrip.ErrCircuitOpen):
		return "circuit open"
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
