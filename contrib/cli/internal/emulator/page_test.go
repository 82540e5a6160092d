package emulator

import (
	"testing"
	"time"
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
