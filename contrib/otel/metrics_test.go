package authotel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip/authtest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

const (
	tokenCalls = "authtrip.token_call.duration"
	waits      = "authtrip.token.wait.duration"
	rejections = "authtrip.token.rejections"
	replays    = "authtrip.request.replays"
)

func TestATokenCallIsMeasuredByWhyItWasMadeAndWhatCameOfIt(t *testing.T) {
	w := newWorld(t)
	first := w.mustToken()
	w.src.Invalidate(first)
	w.mustToken()
	w.cloud.RevokeAll()
	w.mustGet(context.Background(), w.over(nil))
	w.cloud.RevokeAll()
	w.cloud.Break(authtest.Fault{Status: 400})
	if status, err := w.get(context.Background(), w.over(nil)); status != 401 || err != nil {
		t.Fatalf("the caller got %d, %v, want the API's 401", status, err)
	}

	w.wantPoints(tokenCalls, map[string]float64{
		"authtrip.token_call.outcome=issued authtrip.token_call.why=first use":                            1,
		"authtrip.token_call.outcome=issued authtrip.token_call.why=forced":                               1,
		"authtrip.token_call.outcome=issued authtrip.token_call.why=rejected":                             1,
		"authtrip.token_call.outcome=refused authtrip.token_call.why=rejected error.type=invalid_request": 1,
	})
	m := w.metric(tokenCalls)
	point := m.Data.(metricdata.Histogram[float64]).DataPoints[0]
	if got := value(point.Attributes.ToSlice(), "server.address"); got != "127.0.0.1" {
		t.Errorf("server.address is %q", got)
	}
	if got := value(point.Attributes.ToSlice(), "server.port"); !strings.HasSuffix(w.cloud.AuthURL, ":"+got) || got == "" {
		t.Errorf("server.port is %q of %s", got, w.cloud.AuthURL)
	}
	if got := value(point.Attributes.ToSlice(), "authtrip.registration"); got != "nhn" {
		t.Errorf("authtrip.registration is %q", got)
	}
	if m.Unit != "s" || point.Sum <= 0 || point.Sum > 10 {
		t.Errorf("a call took %v %s", point.Sum, m.Unit)
	}
}

func TestADurationIsInSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.cloud.Break(authtest.Fault{Delay: 3 * time.Second})
		w.mustToken()
		for _, name := range []string{tokenCalls, waits} {
			for _, p := range w.metric(name).Data.(metricdata.Histogram[float64]).DataPoints {
				if p.Sum != 3 {
					t.Errorf("%s is %v, want 3", name, p.Sum)
				}
				if p.Bounds[0] > 0.01 || p.Bounds[len(p.Bounds)-1] < 10 {
					t.Errorf("the buckets of %s are %v", name, p.Bounds)
				}
			}
		}
	})
}

func TestAWaitIsCountedForEachRequestThatHadTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, []authtest.Option{authtest.InMemory()})
		w.cloud.Break(authtest.Fault{Delay: time.Second})
		for range 9 {
			go func() { _, _ = w.src.Token(context.Background()) }()
		}
		hasty, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		if _, err := w.src.Token(hasty); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the hasty caller got %v", err)
		}
		w.mustToken()
		synctest.Wait()
		w.mustToken() // it waits for nobody
		w.wantPoints(waits, map[string]float64{"": 10, "error.type=caller_timeout": 1})
	})
}

func TestWhatBecameOfRejectedRequestsIsCounted(t *testing.T) {
	const first = "authtrip.rejection.first=true http.response.status_code=401"
	for name, c := range map[string]struct {
		base       http.RoundTripper
		body       io.Reader
		outcome    string
		rejections map[string]float64
	}{
		"the other token is accepted":        {nil, nil, "authtrip.replay.outcome=accepted", map[string]float64{first: 1}},
		"the other is rejected too":          {rejects{}, nil, "authtrip.replay.outcome=rejected", map[string]float64{first: 2}},
		"the connection breaks":              {&breaksSecond{}, nil, "authtrip.replay.outcome=failed error.type=connection_reset", map[string]float64{first: 1}},
		"the body cannot be sent once again": {nil, io.MultiReader(strings.NewReader("once")), "authtrip.replay.outcome=not_replayed error.type=_OTHER", map[string]float64{first: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustToken()
			w.cloud.RevokeAll()
			req, err := http.NewRequest(http.MethodPost, w.cloud.APIURL+"/v1/things", c.body)
			if err != nil {
				t.Fatal(err)
			}
			if res, err := w.over(c.base).RoundTrip(req); err == nil {
				_ = res.Body.Close()
			}
			w.wantPoints(replays, map[string]float64{c.outcome: 1})
			w.wantPoints(rejections, c.rejections)
		})
	}
}

func TestATokenThatTheCallerSawRejectedCountsWithoutAStatus(t *testing.T) {
	w := newWorld(t)
	tok := w.mustToken()
	w.src.Suspect(tok)
	w.src.Suspect(tok)
	w.wantPoints(rejections, map[string]float64{"authtrip.rejection.first=true": 1, "authtrip.rejection.first=false": 1})
}

func TestAnEnvelopeThatCannotBeJudgedIsCounted(t *testing.T) {
	w := newWorld(t)
	w.tel.Hooks().Undecided(context.Background(), "enveloped", errors.New("cut off"))
	w.wantPoints("authtrip.response.undecided", map[string]float64{"authtrip.registration=enveloped": 1})
}

// breaksSecond fails the second request.
type breaksSecond struct{ n int }

func (b *breaksSecond) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.n++; b.n == 2 {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// rejects answers 401 to everything.
type rejects struct{}

func (rejects) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 401, Status: "401 Unauthorized", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}
