package emulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip/authtest"
)

// counting counts how often services are made.
type counting struct {
	provider
	made int
}

func (c *counting) services() []service {
	c.made++
	return c.provider.services()
}

func TestEventsMakeNoServices(t *testing.T) {
	c := &counting{provider: newNHN(flags{services: true, lifetime: time.Hour})}
	defer c.Close()
	j := newJournal()
	p := newPage(j, newSwitches(c, j, time.Hour), guide{})
	before := c.made
	if v, _ := p.look(0); !v.Services || c.made != before {
		t.Errorf("services: %v; they are made %d times", v.Services, c.made-before)
	}
}

// browser is one that watches; the server's side of it.
type browser struct {
	*httptest.ResponseRecorder
	t        *testing.T
	deadline time.Time
}

func (b *browser) SetWriteDeadline(at time.Time) error { b.deadline = at; return nil }

func (b *browser) Flush() {
	if left := time.Until(b.deadline); left <= 0 || left > patience {
		b.t.Errorf("it may take %v for what is sent", left)
	}
}

func watched(t *testing.T, tokens ...authtest.TokenInfo) (*page, *browser) {
	p := &holding{provider: newNHN(flags{lifetime: time.Hour}), tokens: tokens}
	t.Cleanup(p.Close)
	j := newJournal()
	return newPage(j, newSwitches(p, j, time.Hour), guide{}), &browser{httptest.NewRecorder(), t, time.Time{}}
}

// holding has tokens in force.
type holding struct {
	provider
	tokens []authtest.TokenInfo
}

func (h *holding) Tokens() []authtest.TokenInfo { return h.tokens }

func TestAStreamEndsWithTheEmulatorAndWaitsForNoBrowserForEver(t *testing.T) {
	for _, after := range []time.Duration{pause / 2, 2 * pause, 2*beat + pause} {
		synctest.Test(t, func(t *testing.T) {
			p, b := watched(t)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				p.stream(b, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(t.Context()))
			}()
			time.Sleep(after)
			closed := time.Now()
			p.close()
			select {
			case <-ended:
			case <-time.After(time.Hour):
			}
			if took := time.Since(closed); took > 0 {
				t.Errorf("closed after %v, it ends %v later", after, took)
			}
		})
	}
}

func TestThePageChangesWhenTheFirstOfTheTokensExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) authtest.TokenInfo { return authtest.TokenInfo{Expires: time.Now().Add(d)} }
		p, _ := watched(t, in(3*time.Minute), in(time.Minute), in(2*time.Minute), authtest.TokenInfo{})
		if _, _, expires, err := p.news(0, map[string]string{}); err != nil || expires != time.Minute {
			t.Errorf("%v, %v", expires, err)
		}
	})
}

func TestTokensAreNotRememberedWithoutEnd(t *testing.T) {
	var k knownTokens
	for i := range maxKnown + 10 {
		k.remember(strconv.Itoa(i), json.Number("60"))
	}
	if len(k.expiry) > maxKnown {
		t.Errorf("%d are", len(k.expiry))
	}
}
