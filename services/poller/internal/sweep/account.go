package sweep

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

// mostMissingListed bounds the devices that the end of a sweep names because their causes are still wanted.
const mostMissingListed = 1000

// phases times the parts of a sweep.
type phases struct {
	clock clock.Clock
	took  []*statusv1.PhaseDuration
}

func (p *phases) time(name string, work func() error) error {
	began := p.clock.Now()
	err := work()
	p.took = append(p.took, &statusv1.PhaseDuration{Phase: name, Took: durationpb.New(p.clock.Now().Sub(began))})
	return err
}

// account is the sweep's end. What a failed sweep enumerated is told in numbers only: nothing may be concluded from it.
func (s *sweeper) account(failure error) *statusv1.SweepCompleted {
	c := &statusv1.SweepCompleted{
		SchemaVersion: 1, Tenant: s.req.Tenant, Sweep: s.req.Number, ObservedAt: timestamppb.New(s.observed), Complete: failure == nil,
		Devices: uint32(len(s.all.Devices)), ColumnsRefused: s.answers.Refused(), ColumnsUnanswered: s.answers.Unanswered(),
		Phases: s.phases.took, NodesSkipped: s.nodes.skipped(), EnumerationsRepeated: s.repeated, EnumerationFault: s.fault,
	}
	types := map[string]uint32{}
	for _, d := range s.all.Devices {
		types[d.Type]++
	}
	for _, name := range fleet.Types() {
		if types[name] > 0 {
			c.Types = append(c.Types, &statusv1.TypeCount{Type: name, Devices: types[name]})
		}
	}
	if failure != nil {
		c.FailureClass, c.Failure = errclass.Of(failure).String(), failure.Error()
		return c
	}
	c.Published = uint32(len(s.result.Snapshots))
	s.list(c)
	return c
}

func (s *sweeper) list(c *statusv1.SweepCompleted) {
	if len(s.all.Devices) <= mostListed {
		c.DeviceIds = make([]string, 0, len(s.all.Devices))
	}
	for _, d := range s.result.Devices.GetDevices() { // sorted
		if len(s.all.Devices) <= mostListed {
			c.DeviceIds = append(c.DeviceIds, d.GetId())
		}
		if d.GetErrorsMissing() {
			c.CausesMissing++
			if len(c.CausesMissingDeviceIds) < mostMissingListed {
				c.CausesMissingDeviceIds = append(c.CausesMissingDeviceIds, d.GetId())
			}
		}
	}
	for _, d := range s.all.Devices {
		if s.before[d.ID] == nil {
			c.NewDeviceIds = append(c.NewDeviceIds, strconv.FormatInt(d.ID, 10))
		}
	}
	for id, d := range s.before {
		if !s.all.Has(id) {
			c.GoneDeviceIds = append(c.GoneDeviceIds, d.GetId())
		}
	}
	slices.Sort(c.NewDeviceIds)
	slices.Sort(c.GoneDeviceIds)
}

// Unsettled returns what to remember before a sweep's snapshots are published: the cursor from before, with every
// device that is about to be published marked.
func Unsettled(before *statusv1.DeviceCursor, r Result) *statusv1.DeviceCursor {
	marked := &statusv1.DeviceCursor{SchemaVersion: 1, Sweep: r.Devices.GetSweep()}
	publishing := make(map[string]bool, len(r.Snapshots))
	for _, s := range r.Snapshots {
		publishing[s.GetDeviceId()] = true
		marked.Devices = append(marked.Devices, &statusv1.PublishedDevice{Id: s.GetDeviceId(), Unsettled: true})
	}
	for _, d := range before.GetDevices() {
		if !publishing[d.GetId()] {
			marked.Devices = append(marked.Devices, d)
		}
	}
	slices.SortFunc(marked.Devices, func(a, b *statusv1.PublishedDevice) int { return strings.Compare(a.GetId(), b.GetId()) })
	return marked
}

// Differs reports whether there is anything new to remember about the devices.
func Differs(before *statusv1.DeviceCursor, r Result) bool {
	return before == nil || !slices.EqualFunc(before.GetDevices(), r.Devices.GetDevices(), func(a, b *statusv1.PublishedDevice) bool {
		return a.GetId() == b.GetId() && a.GetFingerprint() == b.GetFingerprint() && a.GetErrorsMissing() == b.GetErrorsMissing() &&
			a.GetUnsettled() == b.GetUnsettled() && a.GetErrorsAttempts() == b.GetErrorsAttempts()
	})
}

// Added appends the time of a phase that the caller carries out to a sweep's account.
func Added(c *statusv1.SweepCompleted, phase string, took time.Duration) {
	c.Phases = append(c.Phases, &statusv1.PhaseDuration{Phase: phase, Took: durationpb.New(took)})
}
