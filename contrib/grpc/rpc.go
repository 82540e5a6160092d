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
	src   *authtrip.Source
	ctx   context.Context               // the caller's
	next  credentials.PerRPCCredentials // the caller's own for this RPC, or nil
	names names

	mu sync.Mutex
	// attached is what attempts go with, by the context that gRPC asks all
	// credentials of one attempt with. Guarded by mu; nil when the RPC is over.
	attached map[context.Context]attachment
	current  context.Context // guarded by mu; of the attempt that was sent last, or nil
	second   *exchange       // guarded by mu; what it attached is for the repeat
}

// attachment is what one attempt goes with.
type attachment struct {
	md map[string]string
	x  *exchange // nil: how the attempt ends is no verdict
}

var _ credentials.PerRPCCredentials = (*rpc)(nil)

// rpcKey is where the context has the rpc, for the connection's credentials of
// the same Source.
type rpcKey struct{ src *authtrip.Source }

// GetRequestMetadata implements [credentials.PerRPCCredentials]. GRPC asks it
// after the connection's credentials: only when it has answered is the attempt
// sent. An error of any before that is no verdict of the server's.
func (r *rpc) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	r.drop(r.takeCurrent()) // of the attempt before
	req, err := newRequest(ctx, uri)
	if err != nil {
		return nil, err
	}
	byOthers := r.isAttached(ctx)
	own, err := r.attachFor(ctx, req)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	if r.next != nil { // last: it may be another Source's rpc, to which its own answer is the last
		others, err := r.next.GetRequestMetadata(ctx, uri...)
		if err != nil {
			return nil, err
		}
		for key, value := range others {
			if _, there := own[strings.ToLower(key)]; !there {
				all[strings.ToLower(key)] = value
			}
		}
	}
	if !byOthers {
		maps.Copy(all, own)
	}
	r.setCurrent(ctx)
	return all, nil
}

// RequireTransportSecurity implements [credentials.PerRPCCredentials].
func (*rpc) RequireTransportSecurity() bool { return true }

func (r *rpc) isAttached(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.attached[ctx]
	return ok
}

// attachFor attaches to the attempt that ctx is of: for r, or for other
// credentials of the Source. All get the same.
func (r *rpc) attachFor(ctx context.Context, req *http.Request) (map[string]string, error) {
	r.mu.Lock()
	a, ok := r.attached[ctx]
	r.mu.Unlock()
	if ok {
		return a.md, nil
	}
	a, err := r.attach(req)
	if err != nil {
		return nil, err
	}
	if err := claim(ctx, r.src, a.md); err != nil {
		r.drop(a.x)
		return nil, err
	}
	r.keep(ctx, a)
	return a.md, nil
}

func (r *rpc) attach(req *http.Request) (attachment, error) {
	r.mu.Lock()
	second, over := r.second, r.attached == nil
	r.mu.Unlock()
	switch {
	case second != nil && second.uri == req.URL.String():
		return attachment{second.md, second}, nil
	case second != nil || over:
		// The authority is another than the first time, and so is the origin; or
		// the context was used for another RPC. The outcome of either says
		// nothing of the repeat.
		md, err := attach(r.src, req)
		return attachment{md, nil}, err
	}
	x, err := begin(r.ctx, r.src, req)
	if err != nil {
		return attachment{}, err
	}
	return attachment{x.md, x}, nil
}

// keep notes what an attempt goes with, or drops it, if nobody is left to judge.
func (r *rpc) keep(ctx context.Context, a attachment) {
	r.mu.Lock()
	over := r.attached == nil
	if !over {
		r.attached[ctx] = a
	}
	r.mu.Unlock()
	if over {
		r.drop(a.x)
	}
}

// setCurrent makes the RPC's end a verdict on the attempt that ctx is of.
func (r *rpc) setCurrent(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current = ctx
}

// takeCurrent returns the exchange that the RPC's end is a verdict for, or nil,
// and makes it one for none.
func (r *rpc) takeCurrent() *exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.attached[r.current].x
	delete(r.attached, r.current)
	r.current = nil
	return x
}

// drop ends x, unless it is the repeat's, which only end does.
func (r *rpc) drop(x *exchange) {
	r.mu.Lock()
	keep := x == r.second
	r.mu.Unlock()
	if !keep {
		x.end()
	}
}

// judge is told how the RPC ended, and reports whether to send it again. An
// error is to be returned instead of the RPC's own.
func (r *rpc) judge(outcome error) (again bool, _ error) {
	x := r.takeCurrent()
	if x == nil { // it was not sent with what an exchange attached
		return false, nil
	}
	verdict := verdictOf(outcome)
	if !x.judge(verdict) {
		if verdict != 0 && x.err != nil { // the caller's context ended
			return false, failed(r.ctx, x.err)
		}
		return false, nil
	}
	r.mu.Lock()
	r.second = x
	r.mu.Unlock()
	return true, nil
}

// end is called when the RPC is over, and leaves no exchange behind.
func (r *rpc) end() {
	r.mu.Lock()
	left, second := r.attached, r.second
	r.attached = nil
	r.mu.Unlock()
	for _, a := range left {
		a.x.end()
	}
	second.end()
	r.names.end()
}

// Format implements [fmt.Formatter]: interceptors may print an RPC's options,
// and this one holds a token.
func (r *rpc) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "authgrpc.UnaryClientInterceptor(%v)", r.src)
}
