package authgrpc

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/authtrip/authtrip"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// names are the metadata names that Sources put on an RPC. gRPC sends what the
// connection's credentials give and what the RPC's own give, though the names
// are the same: the server would get two tokens.
type names struct {
	mu    sync.Mutex
	taken map[place]*authtrip.Source // guarded by mu; nil when the RPC is over
}

// place is one name in the metadata of the attempt that ctx is of.
type place struct {
	ctx  context.Context
	name string
}

// namesKey is where the context has the names of the RPC: those of the innermost
// interceptor, whatever Source it is of.
type namesKey struct{}

// claim notes that src puts md on the attempt that ctx is of. It is an error if
// another Source has put one of the names there.
func claim(ctx context.Context, src *authtrip.Source, md map[string]string) error {
	n, ok := ctx.Value(namesKey{}).(*names)
	if !ok { // without an interceptor no credentials know of others
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(md)) {
		if first, ok := n.taken[place{ctx, name}]; ok && first != src {
			return status.Errorf(codes.Internal, "authtrip: two Sources put %q on one RPC: give both the same *authtrip.Source, or their registrations different Headers", name)
		}
		n.taken[place{ctx, name}] = src
	}
	return nil
}

// end forgets all: the context may be used when the RPC is over.
func (n *names) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.taken = nil
}
