// Fleet shows what a fleet of processes costs an authorization server: 20
// processes of 100 workers each, which share one token in Redis. It runs on real
// processes, a real redis-server and real HTTP, all on loopback, against an
// emulated NHN Cloud: no account, no set-up.
//
//	go run .                                # in this directory; about half a minute
//	go run . -processes 5 -workers 10
//
// It needs redis-server in the PATH: on Debian and Ubuntu "apt-get install
// redis-server", on Fedora "dnf install redis" or "valkey-compat-redis", on a Mac
// "brew install redis". It starts one of its own, on a free port; one that runs
// already is left alone.
//
// Workers send requests all the time, and the program prints a line for each
// thing that happens to them. Requests and failures are counted by the workers,
// who count any answer but a 200 as failed. Rejected are those that the emulated
// API answered with 401, and token calls those that came to the emulated
// authorization server.
//
//   - A cold start, an expiry and a revocation cost one token call each, however
//     many processes there are.
//   - No request fails, not even while Redis is killed, and with kill -9. Until it
//     is back, each process makes calls of its own: one for each expiry and
//     revocation.
//   - When it is back they share again, from the next time each of them needs a
//     token. What Redis confirmed it has written down: when all start again, it and
//     the processes, they find their token and need no call.
//
// The program exits with 1 when a count differs from what it should be, and with
// 2 when there is no redis-server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if startedAgain() {
		return
	}
	var size size
	flag.IntVar(&size.processes, "processes", 20, "how many processes")
	flag.IntVar(&size.workers, "workers", 100, "how many workers in each")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	err := story(ctx, size, wholeStory)
	switch {
	case errors.Is(err, errNoRedis):
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}
