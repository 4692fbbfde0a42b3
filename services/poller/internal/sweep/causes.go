package sweep

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

// History is what reading session errors needs of Cove.
type History interface {
	Account(ctx context.Context, id int64) (cove.Account, error)
	SessionErrors(ctx context.Context, account cove.Account, source string, since time.Time, limits cove.Limits) (cove.TroubledSession, bool, error)
}

const (
	errorsSince    = 30 * 24 * time.Hour // how far back a session still explains anything
	errorsKept     = 5                   // distinct errors of a source that are kept
	askBudget      = 20 * time.Second    // real time for one data source: a dead storage node must not use up the sweep's
	errorsAttempts = 16                  // attempts in vain, see attempts, after which the device must change to be asked about again
	mostRemembered = 512 << 10           // bytes of the causes that are remembered; half of the smallest message limit
	sourceRequests = 3                   // requests for one data source: its sessions, the errors of one, and a repetition
)

// pace is what the tenant's rate limit means for the reading of causes.
type pace struct {
	parallel int // devices asked about at once
	// Waiting for the rate limit is nobody's fault. It is allowed for on top of what is allowed for the answers: source
	// for one data source, device for one with its account.
	source, device time.Duration
}

// paceOf lets no more devices be begun at once than there are requests in a second: with more, all would be begun and
// none would get to its end within the budget.
func paceOf(perSecond float64, parallel int) pace {
	p := pace{parallel: max(1, parallel)}
	if perSecond < float64(p.parallel) {
		p.parallel = max(1, int(perSecond))
	}
	each := time.Duration(float64(p.parallel) / perSecond * float64(time.Second))
	p.source, p.device = sourceRequests*each, (sourceRequests+1)*each
	return p
}

// causes is what is known of one device's sessions in trouble.
type causes struct {
	sources  []*statusv1.SourceErrors
	known    []*statusv1.KnownCause // of those, the answers that need not be asked for again
	missing  bool                   // to be asked for again in the next sweep
	attempts uint32                 // see PublishedDevice
	news     bool                   // something was learnt that was not known before
}

// question is a device with the data sources that have to be asked about.
type question struct {
	*looked
	sources []string
	answer  causes // what was known before
}

// readCauses reads the session errors of the devices in trouble. It never fails the sweep: what could not be read is
// said in the snapshot, and what was not reached is marked missing. It returns also what to remember.
func (s *sweeper) readCauses(ctx context.Context, closer []*looked) (map[int64]causes, *statusv1.CauseCursor) {
	remembered := make(map[string]*statusv1.DeviceCauses, len(s.req.Causes.GetDevices()))
	for _, d := range s.req.Causes.GetDevices() {
		remembered[d.GetId()] = d
	}
	found := make(map[int64]causes, len(closer))
	var questions []*question
	for _, d := range closer {
		q := ask(d, remembered[d.entry.GetId()])
		if len(q.sources) == 0 {
			found[d.ID] = q.answer
			continue
		}
		questions = append(questions, q)
	}
	slices.SortStableFunc(questions, byUrgency)
	reached := min(s.req.MostErrors, len(questions))
	for _, q := range questions[reached:] {
		found[q.ID] = q.unreached()
	}

	// When the budget ends, no other device is begun, and those that are get the time to come to their end.
	s.pace = paceOf(s.client.RequestsPerSecond(), s.req.ErrorsParallel)
	ctx, cancel := context.WithTimeout(ctx, s.req.ErrorsBudget+s.pace.device)
	defer cancel()
	beginning, stop := context.WithTimeout(ctx, s.req.ErrorsBudget)
	defer stop()
	var mu sync.Mutex
	var workers errgroup.Group
	workers.SetLimit(s.pace.parallel)
	for _, q := range questions[:reached] {
		workers.Go(func() error {
			answer := q.unreached()
			if beginning.Err() == nil {
				answer = s.put(ctx, q)
			}
			mu.Lock()
			defer mu.Unlock()
			found[q.ID] = answer
			return nil
		})
	}
	_ = workers.Wait() // the workers return no errors
	return found, s.remember(remembered, found)
}

// ask says which data sources of a device have to be asked about, given what is remembered of it.
func ask(d *looked, remembered *statusv1.DeviceCauses) *question {
	q := &question{looked: d}
	for _, code := range fleet.Troubled(d.Device) {
		session := fleet.SessionOf(d.Device, code)
		i := slices.IndexFunc(remembered.GetCauses(), func(c *statusv1.KnownCause) bool {
			return c.GetErrors().GetSourceCode() == code && session.Known(c)
		})
		if i < 0 {
			q.sources = append(q.sources, code)
			continue
		}
		q.answer.known = append(q.answer.known, remembered.GetCauses()[i])
		q.answer.sources = append(q.answer.sources, remembered.GetCauses()[i].GetErrors())
	}
	return q
}

// byUrgency puts those first that earlier sweeps did not reach, then the newly changed, then those asked about in
// vain: whatever made them fail must not keep others waiting.
func byUrgency(a, b *question) int {
	rank := func(q *question) int {
		switch {
		case !q.before.GetErrorsMissing():
			return 1
		case q.before.GetErrorsAttempts() == 0:
			return 0
		default:
			return 1 + int(q.before.GetErrorsAttempts())
		}
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(fleet.Gravity(a.Device), fleet.Gravity(b.Device)), cmp.Compare(a.ID, b.ID))
}

// unreached is the answer to a question that was not put.
func (q *question) unreached() causes {
	c := q.answer
	c.missing, c.attempts = true, q.before.GetErrorsAttempts()
	if q.changed {
		c.attempts = 0 // what was in vain before may not be now
	}
	return c
}

// put asks about a device. What it does not come to for want of time or of a turn is no fault of the device, which is
// asked about in the next sweep.
func (s *sweeper) put(ctx context.Context, q *question) causes {
	c := q.answer
	attempts := uint32(0)
	account, err := s.client.Account(ctx, q.ID)
	for _, code := range q.sources {
		entry := &statusv1.SourceErrors{SourceCode: code}
		failure := err
		if err != nil {
			entry.Unavailable = "the device's storage node is not known: " + err.Error()
		} else {
			var skipped bool
			if skipped, failure = s.fill(ctx, account, entry); skipped {
				attempts = max(attempts, attemptSkipped)
			}
		}
		if ctx.Err() != nil || errors.Is(failure, cove.ErrNoTurn) {
			c.missing, c.attempts = true, q.unreached().attempts
			return c
		}
		c.sources = append(c.sources, entry)
		if passes(failure) && attempts == 0 {
			attempts = attemptFailed
		}
		c.news = c.news || failure == nil
		// A storage node may learn of a session later than the statistics do, so that there is none is not kept.
		if failure == nil && entry.GetSessionId() != "" {
			session := fleet.SessionOf(q.Device, code)
			c.known = append(c.known, &statusv1.KnownCause{Last: session.Last, Finished: session.Finished, Errors: entry})
		}
	}
	if attempts > 0 {
		c.attempts = q.unreached().attempts + attempts
		c.missing = c.attempts < errorsAttempts
	}
	return c
}

// What one sweep in vain counts. A device at which a node was given up counts double, so that the next sweep goes there
// for the others first: the failure may be that device's own.
const (
	attemptSkipped = 1
	attemptFailed  = 2
)

// passes reports whether a failure may be over in the next sweep.
func passes(err error) bool {
	class := errclass.Of(err)
	return err != nil && (class == errclass.Transient || class == errclass.RateLimited || class == errclass.AuthTenant)
}

// fill reads the newest troubled session of one data source. It reports whether nobody was asked, because the place was
// given up before.
func (s *sweeper) fill(ctx context.Context, account cove.Account, entry *statusv1.SourceErrors) (skipped bool, err error) {
	var session cove.TroubledSession
	var found bool
	place := s.nodes.of(account, entry.GetSourceCode())
	givenUp, err := place.ask(ctx, account.ID, func() error {
		ctx, cancel := context.WithTimeout(ctx, askBudget+s.pace.source)
		defer cancel()
		var err error
		session, found, err = s.client.SessionErrors(ctx, account, entry.GetSourceCode(), s.req.Clock.Now().Add(-errorsSince), cove.Limits{})
		return err
	})
	switch {
	case givenUp != nil:
		entry.Unavailable = "storage node " + place.host + " is not asked any further in this sweep: " + givenUp.Error()
		return true, givenUp
	case err != nil:
		entry.Unavailable = err.Error()
		return false, err
	case !found:
		return false, nil
	}
	entry.SessionId = strconv.FormatInt(session.SessionID, 10)
	entry.SessionStatus = session.Status
	entry.SessionStartedAt = stamp(session.Started)
	entry.ErrorsTotal = session.Total
	for _, e := range session.Errors[:min(len(session.Errors), errorsKept)] {
		entry.Errors = append(entry.Errors, &statusv1.SessionError{Text: e.Text, Item: e.Item, Count: e.Count, Code: e.Code, OccurredAt: stamp(e.Time)})
	}
	return false, nil
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// remember returns the causes to keep: those just found, and those of devices that were not looked at. It stops
// where they would no longer fit into one message; what is left out is asked for again when its device changes.
func (s *sweeper) remember(before map[string]*statusv1.DeviceCauses, found map[int64]causes) *statusv1.CauseCursor {
	cursor := &statusv1.CauseCursor{SchemaVersion: 1}
	size := 0
	for _, d := range s.all.Devices {
		id := strconv.FormatInt(d.ID, 10)
		kept := before[id]
		if c, looked := found[d.ID]; looked {
			kept = nil
			if len(c.known) > 0 {
				kept = &statusv1.DeviceCauses{Id: id, Causes: c.known}
			}
		}
		if kept == nil {
			continue
		}
		if size += proto.Size(kept); size > mostRemembered {
			break
		}
		cursor.Devices = append(cursor.Devices, kept)
	}
	slices.SortFunc(cursor.Devices, func(a, b *statusv1.DeviceCauses) int { return strings.Compare(a.GetId(), b.GetId()) })
	return cursor
}
