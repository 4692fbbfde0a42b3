package sweeps

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
)

// notDescribed is why a device is unknown that the vendor enumerates and that no snapshot has described.
const notDescribed = "not described yet"

// mostUnknown is how many unknown devices an account names.
const mostUnknown = 1000

// account counts how the devices of a sweep stand.
type account struct {
	outcomes map[judge.Outcome]int
	excluded map[string]int // by reason
	unknown  map[string]int
	muted    map[string]int
	ids      []string // of unknown devices
}

func newAccount() *account {
	return &account{outcomes: map[judge.Outcome]int{}, excluded: map[string]int{}, unknown: map[string]int{}, muted: map[string]int{}}
}

// count takes one device.
func (a *account) count(id string, d judge.Decision) {
	a.outcomes[d.Outcome]++
	switch d.Outcome {
	case judge.Excluded:
		a.excluded[d.Reason]++
	case judge.Unknown:
		a.unknown[d.Reason]++
		a.ids = append(a.ids, id)
	case judge.InTrouble:
		if d.Reason != "" {
			a.muted[d.Reason]++
		}
	case judge.Healthy, judge.Gone:
	}
}

// judged is how many devices were taken that the vendor still lists.
func (a *account) judged() int {
	return a.outcomes[judge.Healthy] + a.outcomes[judge.InTrouble] + a.outcomes[judge.Excluded] + a.outcomes[judge.Unknown]
}

// missing takes devices that were enumerated and that nothing is known of. ids may be less than n, or nil.
func (a *account) missing(n int, ids []string) {
	if n <= 0 {
		return
	}
	a.outcomes[judge.Unknown] += n
	a.unknown[notDescribed] += n
	a.ids = append(a.ids, ids...)
}

// message is the account as it is kept for people.
func (t *task) message() bus.Message {
	a := t.account
	slices.SortFunc(a.ids, func(x, y string) int { return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)) })
	number := strconv.FormatUint(t.sweep.Number, 10)
	return bus.Message{
		Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbJudged, Tenant: t.id, Key: number},
		ID:      fmt.Sprintf("judged:%s:%s", t.id, number),
		Body: &incidentv1.SweepJudged{
			SchemaVersion: 1, Tenant: t.id, Sweep: t.sweep.Number, ObservedAt: timestamppb.New(t.sweep.At),
			Devices: uint32(a.judged()),
			Healthy: uint32(a.outcomes[judge.Healthy]), InTrouble: uint32(a.outcomes[judge.InTrouble]),
			Excluded: uint32(a.outcomes[judge.Excluded]), Unknown: uint32(a.outcomes[judge.Unknown]),
			ExcludedReasons: reasons(a.excluded), UnknownReasons: reasons(a.unknown), MutedReasons: reasons(a.muted),
			UnknownIds: a.ids[:min(len(a.ids), mostUnknown)],
			Opened:     uint32(t.events[incidentv1.EventKind_EVENT_KIND_FAILED]),
			Changed:    uint32(t.events[incidentv1.EventKind_EVENT_KIND_CHANGED]),
			Resolved:   uint32(t.events[incidentv1.EventKind_EVENT_KIND_RESOLVED]),
			Gone:       uint32(len(t.gone)), PolicyVersion: t.tenant.policy().GetVersion(),
		},
	}
}

func reasons(counts map[string]int) []*incidentv1.ReasonCount {
	var all []*incidentv1.ReasonCount
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, &incidentv1.ReasonCount{Reason: reason, Devices: uint32(counts[reason])})
	}
	return all
}

// publishAccount tells the account of a judged sweep. Its id is derived, so that a sweep that is delivered again repeats it.
func (h *Handler) publishAccount(ctx context.Context, t *task) error {
	if err := h.Publisher.Publish(ctx, t.message()); err != nil {
		return fmt.Errorf("publish account: %w", err)
	}
	return nil
}
