package sweeps_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/sweeps"
)

const (
	nodeDown = "Connection to the storage node node-07.cloudbackup.management:443 was lost"
	denied   = "Access denied"
	notRead  = "?" // stands for errors that the poller has not read yet
)

func (w *world) groups(join tenantv1.GroupJoin) {
	w.t.Helper()
	w.policy(func(p *tenantv1.Policy) {
		p.Group = &tenantv1.GroupPolicy{Window: durationpb.New(30 * time.Minute), Devices: 10, Share: 20, Join: join}
	})
}

// errored is a snapshot of a server whose files failed with a text; an empty text is a server that is well.
func errored(device string, sweep uint64, text string) *statusv1.Snapshot {
	if text == "" {
		return server("harbor", device, sweep, "5")
	}
	s := server("harbor", device, sweep, "2")
	if text == notRead {
		return s
	}
	s.SourceErrors = []*statusv1.SourceErrors{{
		SourceCode: "D01", SessionStatus: "Failed", ErrorsTotal: 1, Errors: []*statusv1.SessionError{{Text: text, Count: 1}},
	}}
	return s
}

// storm publishes one sweep in which every device shows a text.
func (w *world) storm(sweep uint64, texts map[string]string) {
	w.t.Helper()
	w.publishErrored(sweep, texts)
	w.complete(listing("harbor", sweep, slices.Sorted(maps.Keys(texts))...))
}

// publishErrored publishes the snapshots of a storm.
func (w *world) publishErrored(sweep uint64, texts map[string]string) {
	w.t.Helper()
	var all []bus.Message
	for _, device := range slices.Sorted(maps.Keys(texts)) {
		number, err := strconv.Atoi(device)
		require.NoError(w.t, err)
		s := errored(device, sweep, texts[device])
		s.Customer.Id, s.Customer.Name = strconv.Itoa(481200+number%7), fmt.Sprintf("Customer %d", number%7)
		all = append(all, bus.Message{
			Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: device},
			ID:      fmt.Sprintf("snapshot:harbor:%s:%d", device, sweep), Body: s,
		})
	}
	require.NoError(w.t, w.bus.PublishAll(w.t.Context(), all))
}

// fleetOf gives n devices one text each; those named in own have another.
func fleetOf(n int, text string, own map[string]string) map[string]string {
	texts := map[string]string{}
	for i := 1; i <= n; i++ {
		texts[strconv.Itoa(i)] = text
	}
	maps.Copy(texts, own)
	return texts
}

func groupEvents(all []*incidentv1.Event) []*incidentv1.Event {
	return slices.DeleteFunc(slices.Clone(all), func(e *incidentv1.Event) bool { return e.GetScope() != incidentv1.Scope_SCOPE_GROUP })
}

func deviceEvents(all []*incidentv1.Event) []*incidentv1.Event {
	return slices.DeleteFunc(slices.Clone(all), func(e *incidentv1.Event) bool { return e.GetScope() == incidentv1.Scope_SCOPE_GROUP })
}

func TestAStormOnOneStorageNodeIsOneIncidentAndHidesNobodyElse(t *testing.T) {
	w := newWorld(t)
	w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
	w.consume(w.handler(nil))
	w.storm(1, fleetOf(502, "", nil))
	others := map[string]string{"33": denied, "444": "The volume is full"}
	w.storm(2, fleetOf(502, nodeDown, others))
	w.settled()

	all := w.events()
	require.ElementsMatch(t, []string{"harbor 33-1 r1 FAILED", "harbor 444-1 r1 FAILED"}, told(deviceEvents(all)))
	groups := groupEvents(all)
	require.Len(t, groups, 1)
	e := groups[0]
	require.Equal(t, "storage_node", e.GetCause().GetKind())
	require.Equal(t, "node-07.cloudbackup.management", e.GetCause().GetValue())
	require.EqualValues(t, 500, e.GetMembersTotal())
	require.Len(t, e.GetMembers(), 500)
	require.Equal(t, "own", e.GetCustomer().GetId(), "it concerns several customers")
	require.Equal(t, "500 devices: storage node node-07.cloudbackup.management", e.GetConditions()[0].GetFindings()[0].GetSummary())
	account := w.accounts()[1]
	require.EqualValues(t, 502, account.GetInTrouble())
	require.EqualValues(t, 500, account.GetMutedReasons()[0].GetDevices())
	require.Contains(t, account.GetMutedReasons()[0].GetReason(), "held back by group incident "+e.GetIncidentId())

	// The node comes back; one device stays bad with the same text, and one has changed its cause in the meantime.
	w.storm(3, fleetOf(502, "", map[string]string{"33": denied, "5": nodeDown, "6": denied}))
	w.settled()
	all = w.events()
	groups = groupEvents(all)
	require.Equal(t, incidentv1.EventKind_EVENT_KIND_CHANGED, groups[len(groups)-1].GetKind(), "one is left")
	require.ElementsMatch(t, []string{
		"harbor 33-1 r1 FAILED", "harbor 444-1 r1 FAILED", "harbor 444-1 r2 RESOLVED", "harbor 6-1 r1 FAILED",
	}, told(deviceEvents(all)), "what is held recovers without a word; what has another cause tells its own")
	w.storm(4, fleetOf(502, "", map[string]string{"33": denied, "6": denied}))
	w.settled()
	all = w.events()
	groups = groupEvents(all)
	require.Equal(t, incidentv1.EventKind_EVENT_KIND_RESOLVED, groups[len(groups)-1].GetKind())
	require.Equal(t, groups[len(groups)-1], all[len(all)-1], "the group ends last")
	require.Len(t, deviceEvents(all), 4)
}

func TestDevicesThatJoinAGroupByAttachingNameIt(t *testing.T) {
	w := newWorld(t)
	w.groups(tenantv1.GroupJoin_GROUP_JOIN_ATTACH)
	w.consume(w.handler(nil))
	w.storm(1, fleetOf(14, "", map[string]string{"3": nodeDown}))
	w.storm(2, fleetOf(14, nodeDown, map[string]string{"9": denied}))
	w.storm(3, fleetOf(14, "", nil))
	w.settled()
	all := w.events()
	group := groupEvents(all)[0]
	require.EqualValues(t, 13, group.GetMembersTotal())
	require.Len(t, deviceEvents(all), 28, "every device tells its own")
	for _, e := range deviceEvents(all) {
		switch e.GetDeviceId() {
		case "9", "3":
			require.Empty(t, e.GetGroupIncidentId(), e.GetIncidentId())
		default:
			require.Equal(t, group.GetIncidentId(), e.GetGroupIncidentId(), e.GetIncidentId())
		}
	}
	for _, m := range group.GetMembers() {
		require.Equal(t, m.GetDeviceId()+"-1", m.GetIncidentId())
	}
	require.Equal(t, "RESOLVED", strings.Fields(told(all)[len(all)-1])[3])
	require.Equal(t, incidentv1.Scope_SCOPE_GROUP, all[len(all)-1].GetScope(), "the group ends last")
}

func TestWithoutAPolicyForGroupsEveryDeviceTellsItsOwn(t *testing.T) {
	w := newWorld(t)
	w.consume(w.handler(nil))
	w.storm(1, fleetOf(30, nodeDown, nil))
	w.settled()
	require.Len(t, w.events(), 30)
}

func TestAnIncidentThatWasToldBeforeIsNotHeldByAGroup(t *testing.T) {
	w := newWorld(t)
	w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
	w.consume(w.handler(nil))
	w.storm(1, fleetOf(20, "", map[string]string{"3": nodeDown}))
	w.storm(2, fleetOf(20, nodeDown, nil))
	w.storm(3, fleetOf(20, nodeDown, map[string]string{"3": ""}))
	w.settled()
	all := w.events()
	require.Equal(t, []string{"harbor 3-1 r1 FAILED", "harbor 3-1 r2 RESOLVED"}, told(deviceEvents(all)))
	require.Equal(t, "3-1", groupEvents(all)[0].GetMembers()[2].GetIncidentId())
	require.Len(t, groupEvents(all), 1, "one device less is no news")
}

// identical fails unless every message of one incident's revision has the same bytes.
func identical(t *testing.T, all []*incidentv1.Event) (revisions int) {
	t.Helper()
	seen := map[string][]byte{}
	for _, e := range all {
		key := fmt.Sprintf("%s r%d", e.GetIncidentId(), e.GetRevision())
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
		require.NoError(t, err)
		if before, again := seen[key]; again {
			require.Equal(t, before, data, key)
		}
		seen[key] = data
	}
	return len(seen)
}

func TestAGroupSurvivesACrashAtAnyStep(t *testing.T) {
	for _, at := range []string{"before the write", "after the write", "before the event", "after the event"} {
		for _, forget := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, dedup forgot=%t", at, forget), func(t *testing.T) {
				t.Parallel() // most of it is the wait for redeliveries
				w := newWorld(t)
				w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
				d := &dying{States: w.states, Tenants: w.tenants, Publisher: w.bus, at: at, forget: forget}
				d.left.Store(3)
				w.consume(w.handler(func(h *sweeps.Handler) { h.States, h.Tenants, h.Publisher = d, d.tenants(), d }))
				w.storm(1, fleetOf(20, nodeDown, map[string]string{"7": denied}))
				w.storm(2, fleetOf(20, "", nil))
				w.settled()
				all := w.events()
				require.Equal(t, 4, identical(t, all), told(all))
				require.Len(t, slices.Compact(slices.Sorted(slices.Values(told(groupEvents(all))))), 2)
				require.Len(t, slices.Compact(slices.Sorted(slices.Values(told(deviceEvents(all))))), 2)
				if !forget {
					require.Len(t, all, 4)
				}
			})
		}
	}
}

func TestAGroupThatWasDecidedIsToldAlsoWhenThePolicyChangedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
	w.storm(1, fleetOf(20, nodeDown, nil))
	w.diesAfterWrite()
	w.groups(tenantv1.GroupJoin_GROUP_JOIN_OFF)
	w.consume(w.handler(nil))
	w.settled()
	all := w.events()
	require.Len(t, groupEvents(all), 1)
	require.Empty(t, deviceEvents(all), "this sweep has decided to hold them")
	w.complete(listing("harbor", 2, slices.Sorted(maps.Keys(fleetOf(20, "", nil)))...))
	w.settled()
	all = w.events()
	require.Len(t, deviceEvents(all), 20)
	require.Equal(t, incidentv1.Resolution_RESOLUTION_EXCLUDED, groupEvents(all)[1].GetResolution())
}

func TestTwoEvaluatorsTellEachRevisionOfAGroupOnce(t *testing.T) {
	w := newWorld(t)
	w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
	w.consume(w.handler(nil))
	w.consume(w.handler(nil))
	for sweep := uint64(1); sweep <= 6; sweep++ {
		w.storm(sweep, fleetOf(40, []string{"", nodeDown}[sweep%2], map[string]string{"7": denied}))
	}
	w.settled()
	all := told(w.events())
	require.Len(t, all, 3*2+1)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), len(all))
}

func TestAnEvaluatorThatLosesTheRaceAcceptsTheOthersGroups(t *testing.T) {
	w := newWorld(t)
	w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
	w.consumeAll(w.handler(nil))
	fast := w.handler(nil)
	texts := fleetOf(20, nodeDown, map[string]string{"7": denied})
	for device, text := range texts {
		data, err := proto.Marshal(errored(device, 1, text))
		require.NoError(t, err)
		require.NoError(t, fast.Handle(t.Context(), bus.Delivery{Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: device}, Data: data}))
	}
	s := listing("harbor", 1, slices.Sorted(maps.Keys(texts))...)
	data, err := proto.Marshal(s)
	require.NoError(t, err)
	delivery := bus.Delivery{Subject: sweepSubject(s), Data: data, Attempt: 1}
	slow := w.handler(func(h *sweeps.Handler) {
		h.Tenants = &racingTenants{TenantStates: w.tenants, first: func() { require.NoError(t, fast.Handle(t.Context(), delivery)) }}
	})
	require.NoError(t, slow.Handle(t.Context(), delivery))
	all := w.events()
	require.Len(t, all, 2)
	require.Len(t, groupEvents(all), 1)
	require.Equal(t, []string{"harbor 7-1 r1 FAILED"}, told(deviceEvents(all)))
}
