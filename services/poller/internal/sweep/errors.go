package sweep

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/cove"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

// History is what reading session errors needs of Cove.
type History interface {
	Account(ctx context.Context, id int64) (cove.Account, error)
	SessionErrors(ctx context.Context, account cove.Account, source string, since time.Time, limits cove.Limits) (cove.TroubledSession, bool, error)
}

const (
	errorsParallel = 4                   // devices asked about at once
	errorsSince    = 30 * 24 * time.Hour // how far back a session still explains anything
	errorsKept     = 5                   // distinct errors of a source that are kept
	deviceBudget   = 20 * time.Second    // real time for one device: a dead storage node must not use up the sweep's
)

// history is what was learnt about one device's sessions.
type history struct {
	sources []*statusv1.SourceErrors
	missing bool // the budget ended before the device was asked about
}

// readErrors reads the session errors of the devices in trouble, gravest first. It never fails the sweep:
// what could not be read is said in the snapshot, and what the budget did not reach is marked missing.
func readErrors(ctx context.Context, client History, req Request, changed []fleet.Device) map[int64]history {
	histories := make(map[int64]history, len(changed))
	var wanted []fleet.Device
	for _, d := range changed {
		if len(fleet.Troubled(d)) > 0 {
			wanted = append(wanted, d)
		}
	}
	slices.SortStableFunc(wanted, func(a, b fleet.Device) int { return cmp.Compare(fleet.Gravity(a), fleet.Gravity(b)) })

	ctx, cancel := context.WithTimeout(ctx, req.ErrorsBudget)
	defer cancel()
	var mu sync.Mutex
	var workers errgroup.Group
	workers.SetLimit(errorsParallel)
	for _, d := range wanted {
		workers.Go(func() error {
			h := readDevice(ctx, client, req, d)
			mu.Lock()
			defer mu.Unlock()
			histories[d.ID] = h
			return nil
		})
	}
	_ = workers.Wait() // the workers return no errors
	return histories
}

func readDevice(ctx context.Context, client History, req Request, d fleet.Device) history {
	// Out of time for the sweep is not the device's fault: it is asked about in the next one.
	if ctx.Err() != nil {
		return history{missing: true}
	}
	deviceCtx, cancel := context.WithTimeout(ctx, deviceBudget)
	defer cancel()
	var h history
	account, err := client.Account(deviceCtx, d.ID)
	for _, code := range fleet.Troubled(d) {
		entry := &statusv1.SourceErrors{SourceCode: code}
		if err != nil {
			entry.Unavailable = "the device's storage node is not known: " + err.Error()
		} else {
			fill(deviceCtx, client, req, account, entry)
		}
		h.sources = append(h.sources, entry)
	}
	if ctx.Err() != nil {
		return history{missing: true}
	}
	return h
}

func fill(ctx context.Context, client History, req Request, account cove.Account, entry *statusv1.SourceErrors) {
	session, found, err := client.SessionErrors(ctx, account, entry.GetSourceCode(), req.Clock.Now().Add(-errorsSince), cove.Limits{})
	if err != nil {
		entry.Unavailable = err.Error()
		return
	}
	if !found {
		return
	}
	entry.SessionId = strconv.FormatInt(session.SessionID, 10)
	entry.SessionStatus = session.Status
	entry.SessionStartedAt = stamp(session.Started)
	entry.ErrorsTotal = session.Total
	for _, e := range session.Errors[:min(len(session.Errors), errorsKept)] {
		entry.Errors = append(entry.Errors, &statusv1.SessionError{Text: e.Text, Item: e.Item, Count: e.Count, Code: e.Code, OccurredAt: stamp(e.Time)})
	}
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
