// Package doctor finds out why a registration does not work: it looks at the way
// from the configuration to an API that accepts the token, and says for each step
// what it found and what to do.
package doctor

import (
	"context"
	"errors"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/cli/internal/session"
)

var (
	// ErrFound: a check failed.
	ErrFound = errors.New("something is wrong")
	// ErrRejected: nothing failed but that the API did not accept the token.
	ErrRejected = errors.New("the API did not accept the token")
)

// Status is what a check came to.
type Status string

// Warn is for what works and is worth a look; it is no failure.
const (
	Pass Status = "pass"
	Fail Status = "FAIL"
	Warn Status = "warn"
	Skip Status = "skip"
)

// Result is a check's. No text in it holds a secret.
type Result struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	Do     string `json:"do,omitempty"`
}

// Report is what was found.
type Report struct {
	Registration string   `json:"registration"`
	OK           bool     `json:"ok"`
	Results      []Result `json:"results"`

	rejected bool // a failure is the API's rejection
}

// Err is nil, ErrRejected or ErrFound.
func (r *Report) Err() error {
	failed := 0
	for _, result := range r.Results {
		if result.Status == Fail {
			failed++
		}
	}
	switch {
	case failed == 0:
		return nil
	case failed == 1 && r.rejected:
		return ErrRejected
	}
	return ErrFound
}

// Doctor examines one registration.
type Doctor struct {
	Registration authtrip.Registration
	// Args are those of the other commands for it.
	Args string
	// Origin says where the configuration is.
	Origin string
	// Open opens the registration with options.
	Open func(...authtrip.Option) (*session.Session, error)
	// Call is the URL of an API that takes the token; empty is the preset's
	// example, if it has one.
	Call string
	// Code is one to log in with first.
	Code string

	report  *Report
	tokens  *recorder
	session *session.Session
}

// Unreadable is the report on a configuration that cannot be read.
func Unreadable(name string, err error) *Report {
	return &Report{Registration: name, Results: []Result{{"configuration", Fail, oneLine(err.Error()), "correct what it says; authtrip help configuration shows how it looks"}}}
}

// Examine makes all checks, one after the other, until ctx ends.
func (d *Doctor) Examine(ctx context.Context) *Report {
	d.report = &Report{Registration: d.Registration.ID}
	d.tokens = newRecorder()
	d.add("configuration", Pass, "registration "+d.Registration.ID+" of "+d.Origin+", grant "+d.grant(), "")
	reachable := d.checkServer(ctx)
	if d.isPRISM() {
		d.checkContract(ctx, reachable)
	}
	has := d.checkToken(ctx, reachable)
	if d.session != nil {
		defer d.session.Close() //nolint:errcheck // what the cache did not take was told by its hook
	}
	d.checkUse()
	d.checkAPI(ctx, has)
	d.report.OK = d.report.Err() == nil
	return d.report
}

func (d *Doctor) add(check string, status Status, found, do string) {
	d.report.Results = append(d.report.Results, Result{check, status, oneLine(found), do})
}

func (d *Doctor) grant() string {
	if d.Registration.Grant == "" {
		return string(authtrip.ClientCredentials)
	}
	return string(d.Registration.Grant)
}
