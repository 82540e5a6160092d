package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/redisstore"
	"github.com/authtrip/authtrip/nhn"
	"github.com/redis/go-redis/v9"
)

// newManager is all that a program needs to be one of a fleet: its registration
// as ever, the Redis that all of them use, and the key that all of them have.
func newManager(t task, client *redis.Client, hooks authtrip.Hooks) (*authtrip.Manager, error) {
	registration := nhn.Registration(
		nhn.Credentials{UserAccessKeyID: t.UserAccessKeyID, SecretAccessKey: authtrip.NewSecret(t.SecretAccessKey)},
		nhn.AuthServer(t.AuthURL), nhn.Origins(t.APIURL)) // the emulator's, not NHN Cloud's
	return authtrip.NewManager([]authtrip.Registration{registration},
		authtrip.WithStore(redisstore.New(client)),
		authtrip.Encryption{Keys: []authtrip.Secret{authtrip.NewSecret(t.EncryptionKey)}},
		hooks)
}

// beProcess is a process of the fleet. It obeys until its orders end.
func beProcess(orders *json.Decoder, reports *json.Encoder) error {
	var t task
	if err := orders.Decode(&t); err != nil {
		return fmt.Errorf("there is no task: %w", err)
	}
	redis.SetLogger(silent{})
	store := redis.NewClient(&redis.Options{
		Addr: t.RedisAddr, Password: t.RedisPassword,
		ContextTimeoutEnabled: true, DialerRetries: 1, // see redisstore.New
	})
	defer func() { _ = store.Close() }()

	c := &crew{process: strconv.Itoa(t.Process), url: t.APIURL + "/v1/organizations"}
	mgr, err := newManager(t, store, authtrip.Hooks{StoreChanged: c.storeChanged})
	if err != nil {
		return err
	}
	defer func() { _ = mgr.Close() }()
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = t.Workers // by default 2, and all others would dial each time
	c.client = &http.Client{Transport: &authtrip.Transport{Source: mgr, Base: base}, Timeout: 30 * time.Second}

	c.gate.Lock()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range t.Workers {
		go c.work(ctx)
	}
	return c.obey(orders, reports)
}

// crew is the workers of a process.
type crew struct {
	process string
	url     string
	client  *http.Client
	// gate is locked while the crew rests. Who sends a request holds it for
	// reading, so that locking it waits for them.
	gate sync.RWMutex

	mu   sync.Mutex
	done report // guarded by mu
}

// obey does what it is ordered to, until stdin ends.
func (c *crew) obey(orders *json.Decoder, reports *json.Encoder) error {
	for resting := true; ; {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		switch {
		case o == send && resting:
			c.gate.Unlock()
			resting = false
		case o == rest && !resting:
			c.gate.Lock()
			resting = true
		}
		if err := reports.Encode(c.report()); err != nil {
			return err
		}
	}
}

// report is what happened since the last one.
func (c *crew) report() report {
	c.mu.Lock()
	defer c.mu.Unlock()
	done := c.done
	c.done = report{}
	return done
}

// work sends requests, with a breath between them: 2,000 workers must not want
// more than two processors can do.
func (c *crew) work(ctx context.Context) {
	for ctx.Err() == nil {
		c.gate.RLock()
		c.note(c.request(ctx))
		c.gate.RUnlock()
		time.Sleep(500*time.Millisecond + rand.N(500*time.Millisecond))
	}
}

// request sends one. Any answer but 200 is an error.
func (c *crew) request(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return err
	}
	req.Header.Set(processHeader, c.process)
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

func (c *crew) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done.Requests++
	if err == nil {
		return
	}
	c.done.Failed++
	if len(c.done.Failures) < 3 {
		c.done.Failures = append(c.done.Failures, fmt.Sprintf("process %s: %v", c.process, err))
	}
}

func (c *crew) storeChanged(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done.StoreChanges = append(c.done.StoreChanges, text)
}
