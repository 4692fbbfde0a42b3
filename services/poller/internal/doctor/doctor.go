package doctor

import (
	"context"
	"time"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/services/poller/internal/sweep"
)

// Client is what an examination needs of Cove: what a sweep needs, and two questions about the server.
type Client interface {
	sweep.Client
	ServerInfo(ctx context.Context) (cove.ServerInfo, error)
	Columns(ctx context.Context, partner int64) ([]string, error)
}

// Options say what is examined. Clock is required.
type Options struct {
	Username string // of the login, to name it
	Partner  string // as the settings have it; may be empty
	Password string // where the password is kept, in words
	Root     int64  // partner whose subtree is watched; 0: the login's own
	Clock    clock.Clock

	TrialsExcluded bool // policy leaves out the devices of customers in trial
}

// Run examines a login, from the login itself to the session errors of a device. It stops at the first finding that
// leaves nothing further to look at. The only error is the end of the context.
func Run(ctx context.Context, client Client, opts Options) ([]Check, error) {
	e := &examination{client: client, opts: opts}
	e.run(ctx)
	return e.checks, ctx.Err()
}

// examination is one look under way.
type examination struct {
	client Client
	opts   Options
	checks []Check
}

// add notes a finding and returns its level.
func (e *examination) add(c Check) Level {
	e.checks = append(e.checks, c)
	return c.Level
}

func (e *examination) run(ctx context.Context) {
	who, in := e.login(ctx)
	if !in {
		return
	}
	e.clocks(ctx)
	top, found := e.top(ctx, who)
	if !found {
		return
	}
	tree := e.partners(ctx, top)
	seen, complete := e.devices(ctx, top)
	e.columns(ctx, top, seen)
	if tree != nil && complete {
		e.places(tree, seen.devices)
	}
	if complete || len(seen.devices) > 0 {
		e.sessions(ctx, seen.devices)
	}
}

// nodeTimeout bounds one question to a storage node, in real time: one that is down must not hold up the examination.
const nodeTimeout = 20 * time.Second
