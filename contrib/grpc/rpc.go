package authgrpc

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc/credentials"
)

// rpc is one RPC of an interceptor: the credentials that it goes with, twice at
// most.
//
// gRPC asks them more than once when it retries by itself; the last answer is
// what the RPC's end is a verdict on. An interceptor that sends the RPC several
// times at once has them asked concurrently: that verdict may be on another's
// token, but none is sent to the wrong place, or twice.
type rpc struct {
	src  *authtrip.Source
	ctx  context.Context               // the caller's
	next credentials.PerRPCCredentials // the caller's own for this RPC, or nil

	mu      sync.Mutex
	current *exchange // guarded by mu; waits for the RPC's end
	second  *exchange // guarded by mu; what it attached is for the repeat
	ended   bool      // guarded by mu
	// attached is what other credentials of the Source have attached, by the
	// context that gRPC asks all credentials of one attempt with. Guarded by mu.
	attached map[context.Context]map[string]string
}

var _ credentials.PerRPCCredentials = (*rpc)(nil)

// rpcKey is where the context has the rpc, for the connection's credentials of
// the same Source.
type rpcKey struct{ src *authtrip.Source }

// GetRequestMetadata implements [credentials.PerRPCCredentials].
func (r *rpc) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	all := map[string]string{}
	done, ok := r.takeAttached(ctx)
	if r.next != nil {
		others, err := r.next.GetRequestMetadata(ctx, uri...)
		if err != nil {
			return nil, err
		}
		for key, value := range others {
			if _, there := done[strings.ToLower(key)]; !there {
				all[strings.ToLower(key)] = value
			}
		}
	}
	if _, byNext := r.takeAttached(ctx); ok || byNext {
		return all, nil
	}
	req, err := newRequest(ctx, uri)
	if err != nil {
		return nil, err
	}
	own, err := r.attach(req)
	if err != nil {
		return nil, err
	}
	maps.Copy(all, own)
	return all, nil
}

// RequireTransportSecurity implements [credentials.PerRPCCredentials].
func (*rpc) RequireTransportSecurity() bool { return true }

// attachFor attaches for other credentials of the Source, in r's place.
func (r *rpc) attachFor(ctx context.Context, req *http.Request) (map[string]string, error) {
	md, err := r.attach(req)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.attached[ctx] = md
	}
	return md, err
}

func (r *rpc) takeAttached(ctx context.Context) (map[string]string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	md, ok := r.attached[ctx]
	delete(r.attached, ctx)
	return md, ok
}

func (r *rpc) attach(req *http.Request) (map[string]string, error) {
	r.mu.Lock()
	second, ended := r.second, r.ended
	r.mu.Unlock()
	switch {
	case second != nil && second.uri == req.URL.String():
		return second.md, nil
	case second != nil || ended:
		// The authority is another than the first time, and so is the origin; or
		// the context was used for another RPC. The outcome of either says
		// nothing of the repeat.
		r.setCurrent(nil)
		return attach(r.src, req)
	}
	x, err := begin(r.ctx, r.src, req)
	if err != nil {
		r.setCurrent(nil)
		return nil, err
	}
	r.setCurrent(x)
	return x.md, nil
}

// setCurrent ends the exchange that x takes the place of, or x, if nobody is
// left to judge it.
func (r *rpc) setCurrent(x *exchange) {
	r.mu.Lock()
	old := r.current
	if r.current = x; r.ended {
		r.current, old = nil, x
	}
	r.mu.Unlock()
	if old != nil {
		old.end()
	}
}

// judge is told how the RPC ended, and reports whether to send it again. An
// error is to be returned instead of the RPC's own.
func (r *rpc) judge(outcome error) (again bool, _ error) {
	r.mu.Lock()
	x := r.current
	r.current = nil
	r.mu.Unlock()
	if x == nil { // it was not sent with what an exchange attached
		return false, nil
	}
	verdict := verdictOf(outcome)
	if !x.judge(verdict) {
		x.end()
		if verdict != 0 && x.err != nil { // the caller's context ended
			return false, failed(r.ctx, x.err)
		}
		return false, nil
	}
	r.mu.Lock()
	r.current, r.second = x, x
	r.mu.Unlock()
	return true, nil
}

// end is called when the RPC is over.
func (r *rpc) end() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.setCurrent(nil)
}

// Format implements [fmt.Formatter]: interceptors may print an RPC's options,
// and this one holds a token.
func (r *rpc) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "authgrpc.UnaryClientInterceptor(%v)", r.src)
}
