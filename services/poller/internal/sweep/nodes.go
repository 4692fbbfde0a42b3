package sweep

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// nodes are the places that keep the sessions of a sweep's devices. One that is down or cannot be trusted is found
// out once: the first device that goes there goes alone, and when it fails for the node's sake, no other goes.
type nodes struct {
	mu     sync.Mutex
	byHost map[string]*node
}

type node struct {
	host string
	turn chan struct{} // held while the first device is there

	mu      sync.Mutex
	good    bool
	reason  error // why it is given up; nil while it is not
	devices map[int64]bool
}

func newNodes() *nodes { return &nodes{byHost: map[string]*node{}} }

// reportingService stands for the one place that knows the sessions of all Microsoft 365 tenants.
const reportingService = "reporting"

// of returns the place that keeps the sessions of a device's data source.
func (n *nodes) of(account cove.Account, source string) *node {
	host := strings.ToLower(account.Node)
	if about, _ := columns.SourceOf(source); about.M365 {
		host = reportingService
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byHost[host] == nil {
		n.byHost[host] = &node{host: host, turn: make(chan struct{}, 1), devices: map[int64]bool{}}
	}
	return n.byHost[host]
}

// ask asks the node on behalf of a device, unless it was given up: then givenUp says why and asked is not called. A
// failure after the end of the context, which is the sweep's, says nothing about the node.
func (n *node) ask(ctx context.Context, device int64, asked func() error) (givenUp, err error) {
	if good, reason := n.state(); reason != nil {
		return n.skip(device, reason), nil
	} else if !good {
		select {
		case n.turn <- struct{}{}:
			defer func() { <-n.turn }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if _, reason := n.state(); reason != nil {
			return n.skip(device, reason), nil
		}
	}
	err = asked()
	n.mu.Lock()
	defer n.mu.Unlock()
	if ctx.Err() == nil && isNodesFault(err) {
		n.reason = cmp.Or(n.reason, err)
		n.devices[device] = true
	}
	n.good = n.good || err == nil
	return nil, err
}

func (n *node) state() (good bool, reason error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.good, n.reason
}

func (n *node) skip(device int64, reason error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.devices[device] = true
	return reason
}

// isNodesFault tells failures of the place from those of one device: another device would fare no better.
func isNodesFault(err error) bool {
	if err == nil || errors.Is(err, cove.ErrNoTurn) {
		return false
	}
	if untrusted, ok := errors.AsType[*cove.SkippedNodeError](err); ok {
		return untrusted.Reason != cove.SkipNoNode
	}
	switch errclass.Of(err) {
	case errclass.Transient, errclass.RateLimited, errclass.AuthTenant:
		return true
	case errclass.Bug, errclass.Rejected, errclass.NotFound, errclass.Conflict, errclass.UnknownOutcome:
	}
	return false
}

// skipped returns the places that were given up, sorted by host.
func (n *nodes) skipped() []*statusv1.SkippedNode {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []*statusv1.SkippedNode
	for _, each := range n.byHost {
		if _, reason := each.state(); reason != nil {
			list = append(list, &statusv1.SkippedNode{Host: each.host, Reason: reason.Error(), Devices: uint32(len(each.devices))})
		}
	}
	slices.SortFunc(list, func(a, b *statusv1.SkippedNode) int { return strings.Compare(a.GetHost(), b.GetHost()) })
	return list
}
