package faultmatrix

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/authtrip/authtrip/internal/vitals"
)

// Age is how old the client's token is when the fault begins.
type Age string

// The ages: none, in its first two thirds, in the last, past its end, and young
// but ended by the server.
const (
	Cold    Age = "cold"
	Fresh   Age = "fresh"
	Stale   Age = "stale"
	Expired Age = "expired"
	Revoked Age = "just revoked"
)

var ages = []Age{Cold, Fresh, Stale, Expired, Revoked}

// Settings are the matrix's figures.
type Settings struct {
	Workers      int
	Think        time.Duration // between a worker's requests
	FetchTimeout time.Duration
	BreakerDelay time.Duration
	BreakerMax   time.Duration
	After        time.Duration // what Retry-After asks for
	Short, Long  time.Duration // how long a fault lasts: one that answers, one that does not
	Slack        time.Duration // what a busy machine may add to a wait
	Attempts     int           // that a token call may need where all works, on a machine that is slow
	Parallel     int           // cells at once
}

// lifetime of a token. Only the cells in which the client is suspended wait for
// one to end; the others have the client's clocks moved.
const lifetime = time.Hour

// Cell is one square of the matrix.
type Cell struct {
	Settings
	Fault  Fault
	Age    Age
	Method string
}

// Result is what happened in a cell.
type Result struct {
	Cell
	Work work

	Calls    int // token calls that arrived
	Strayed  int // of these, with another host's name
	Issued   int // tokens
	Rejected int // requests with a bad token
	Told     int // of these, with one that the API had rejected before
	Bare     int // requests without a token
	Served   int // requests with a good one
	Damaged  int // requests and responses that were not whole

	Recovered           time.Duration // from the fault's end to the next success
	Then                work          // all workers, after that
	Before, Idle, After vitals.Vitals // without requests: at first, then, and after Close
	Said                []string
	Dropped             int      // texts that were too many for Said
	Secrets             []string // what Said must not hold
	BodiesOpen          int      // of requests
}

func (c Cell) lasts() time.Duration {
	switch {
	case c.Fault.SuspendClient:
		return c.lifetime() + time.Second
	case c.Fault.Slow:
		return c.Long
	}
	return c.Short
}

func (c Cell) lifetime() time.Duration {
	if c.Fault.SuspendClient {
		return 3 * time.Second // and it is suspended for longer
	}
	return lifetime
}

// Run runs one cell in processes and servers of its own.
func (c Cell) Run(trusted *authority) (_ Result, err error) {
	r := Result{Cell: c}
	w, err := newWorld(c, trusted)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	started, err := w.client.ask(order{Do: "set up", Setup: w.setup()})
	if err != nil {
		return r, err
	}
	r.Before = started.Vitals
	if err := w.grow(); err != nil {
		return r, err
	}
	calls, issued := w.auth.calls.Load(), w.auth.ledger.count()
	rejected, told, served := w.api.rejected.Load(), w.api.told.Load(), w.api.served.Load()
	if err := w.befall(); err != nil {
		return r, err
	}
	worked, err := w.work()
	if err != nil {
		return r, err
	}
	r.Work = worked.Work
	r.Calls, r.Issued = int(w.auth.calls.Load()-calls), w.auth.ledger.count()-issued
	r.Rejected, r.Told, r.Served = int(w.api.rejected.Load()-rejected), int(w.api.told.Load()-told), int(w.api.served.Load()-served)
	if err := w.mend(); err != nil {
		return r, err
	}
	recovered, err := w.client.ask(order{Do: "recover", For: time.Minute})
	if err != nil {
		return r, err
	}
	then, err := w.client.ask(order{Do: "work", For: w.Think})
	if err != nil {
		return r, err
	}
	idle, err := w.client.ask(order{Do: "rest"})
	if err != nil {
		return r, err
	}
	ended, err := w.client.ask(order{Do: "end"})
	if err != nil {
		return r, err
	}
	r.Recovered, r.Then, r.Idle, r.After = recovered.Took, then.Work, idle.Vitals, ended.Vitals
	r.Said, r.Dropped, r.BodiesOpen = ended.Said, ended.Dropped, ended.BodiesOpen
	r.Strayed, r.Bare = int(w.auth.strayed.Load()), int(w.api.bare.Load())
	r.Damaged = int(w.api.damaged.Load()) + r.Work.Damaged
	r.Secrets = append(w.auth.ledger.tokens(), w.secret)
	return r, nil
}

// world is a cell's servers and processes.
type world struct {
	Cell
	secret  string
	trusted *authority
	auth    *AuthServer
	api     *api
	relay   *process // nil unless the server is to be suspended
	client  *process
	port    int // of the token endpoint
}

func newWorld(c Cell, trusted *authority) (w *world, err error) {
	w = &world{Cell: c, trusted: trusted, secret: "cs." + rand.Text() + "/+ " + rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	l := newLedger(c.lifetime())
	w.api = newAPI(l)
	if w.auth, err = NewAuthServer(l, trusted); err != nil {
		return w, err
	}
	w.port = w.auth.port()
	if c.Fault.SuspendServer {
		if err := w.startRelay(); err != nil {
			return w, err
		}
	}
	w.client, err = start("client", "GODEBUG=x509usefallbackroots=1")
	return w, err
}

func (w *world) startRelay() (err error) {
	if w.relay, err = start("relay " + w.auth.address); err != nil {
		return err
	}
	line, err := w.relay.out.ReadString('\n')
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	w.port, err = strconv.Atoi(strings.TrimSpace(line))
	return err
}

func (w *world) close() error {
	var faults []error
	for _, p := range []*process{w.client, w.relay} {
		if p != nil {
			_ = p.resume()
			faults = append(faults, p.end())
		}
	}
	if w.auth != nil {
		w.auth.Close()
	}
	w.api.server.CloseClientConnections()
	w.api.server.Close()
	return errors.Join(faults...)
}

func (w *world) setup() setup {
	return setup{
		APIURL: w.api.server.URL, TokenURL: w.auth.tokenURL(w.port), NameServer: w.auth.names.conn.LocalAddr().String(),
		Trusted: w.trusted.cert.Raw, ClientID: "matrix", ClientSecret: w.secret, Method: w.Method, Workers: w.Workers, Think: w.Think,
		FetchTimeout: w.FetchTimeout, BreakerDelay: w.BreakerDelay, BreakerMax: w.BreakerMax,
		Patience: w.longest() + 10*time.Second,
	}
}

// grow gives the client a token of the cell's age.
func (w *world) grow() error {
	if w.Age == Cold {
		return nil
	}
	if _, err := w.client.ask(order{Do: "send one"}); err != nil {
		return err
	}
	var aged time.Duration
	switch w.Age {
	case Stale:
		aged = w.lifetime() * 3 / 4
	case Expired:
		aged = w.lifetime()
		w.auth.ledger.endAll()
	case Revoked:
		w.auth.ledger.endAll()
	}
	_, err := w.client.ask(order{Do: "age", For: aged})
	return err
}

// befall begins the fault.
func (w *world) befall() error {
	w.auth.Break(w.Fault)
	if w.Fault.SuspendServer {
		if err := w.relay.suspend(); err != nil {
			return err
		}
	}
	if w.Fault.Wall != 0 {
		_, err := w.client.ask(order{Do: "set the clock", For: w.Fault.Wall})
		return err
	}
	return nil
}

// work has the client's workers send for as long as the fault lasts.
func (w *world) work() (report, error) {
	type done struct {
		report
		error
	}
	worked := make(chan done, 1)
	go func() {
		r, err := w.client.ask(order{Do: "work", For: w.lasts()})
		worked <- done{r, err}
	}()
	var faults []error
	if w.Fault.SuspendClient {
		time.Sleep(300 * time.Millisecond)
		faults = append(faults, w.client.suspend())
		time.Sleep(w.lifetime())
		faults = append(faults, w.client.resume())
	}
	d := <-worked
	return d.report, errors.Join(append(faults, d.error)...)
}

// mend ends the fault.
func (w *world) mend() error {
	if w.Fault.SuspendServer {
		if err := w.relay.resume(); err != nil {
			return err
		}
	}
	return w.auth.Heal()
}

var methods = []string{http.MethodGet, http.MethodPost}
