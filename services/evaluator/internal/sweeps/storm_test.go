package sweeps_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/sweeps"
)

// readUpTo is a storm of n devices of which the poller has read the errors of the first ones; those named in own show
// something else.
func readUpTo(n, read int, own map[string]string) map[string]string {
	texts := fleetOf(n, notRead, nil)
	for i := 1; i <= read; i++ {
		texts[strconv.Itoa(i)] = nodeDown
	}
	for id, text := range own {
		if at, _ := strconv.Atoi(id); at <= read {
			texts[id] = text
		}
	}
	return texts
}

// slowStorm publishes one sweep of a storm whose causes are read in portions. before is what was published last.
func (w *world) slowStorm(sweep uint64, before, texts map[string]string) {
	w.t.Helper()
	changed := map[string]string{}
	var missing []string
	for id, text := range texts {
		if before[id] != text {
			changed[id] = text
		}
		if text == notRead {
			missing = append(missing, id)
		}
	}
	w.publishErrored(sweep, changed)
	s := listing("harbor", sweep, slices.Sorted(maps.Keys(texts))...)
	slices.Sort(missing)
	s.CausesMissing, s.CausesMissingDeviceIds = uint32(len(missing)), missing
	w.complete(s)
}

func TestAStormWhoseCausesAreReadSlowlyIsOneIncident(t *testing.T) {
	for _, named := range []bool{true, false} {
		w := newWorld(t)
		w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
		w.consume(w.handler(nil))
		others := map[string]string{"33": denied, "77": "The volume is full"}
		before := fleetOf(120, "", nil)
		w.storm(1, before)
		for sweep := uint64(2); sweep <= 4; sweep++ {
			texts := readUpTo(120, 40*int(sweep-1), others)
			if named {
				w.slowStorm(sweep, before, texts)
			} else { // more devices than the poller names
				w.publishErrored(sweep, texts)
				s := listing("harbor", sweep, slices.Sorted(maps.Keys(texts))...)
				s.CausesMissing = uint32(120 - 40*int(sweep-1))
				w.complete(s)
			}
			before = texts
			w.settled()
			account := w.accounts()[sweep-1]
			require.EqualValues(t, 120, account.GetInTrouble())
			var muted uint32
			for _, r := range account.GetMutedReasons() {
				muted += r.GetDevices()
			}
			require.Equal(t, []uint32{119, 118, 118}[sweep-2], muted, "sweep %d", sweep)
		}
		all := w.events()
		require.ElementsMatch(t, []string{"harbor 33-1 r1 FAILED", "harbor 77-1 r1 FAILED"}, told(deviceEvents(all)))
		groups := groupEvents(all)
		require.Equal(t, []string{"r1 FAILED", "r2 CHANGED"}, revisions(groups), "39, 78 and 118 devices: the last step is no news")
		require.Equal(t, "storage_node", groups[0].GetCause().GetKind())
	}
}

// revisions writes events of one incident as "r<revision> <kind>".
func revisions(events []*incidentv1.Event) []string {
	var all []string
	for _, e := range told(events) {
		fields := strings.Fields(e)
		all = append(all, fields[2]+" "+fields[3])
	}
	return all
}

func TestACauseThatIsNeverReadIsToldAtTheWindowsEnd(t *testing.T) {
	w := newWorld(t)
	w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
	w.consume(w.handler(nil))
	before := fleetOf(30, "", nil)
	w.storm(1, before)
	texts := fleetOf(30, notRead, nil)
	for sweep, opened := range []int{0, 0, 30, 30} {
		w.slowStorm(uint64(sweep)+2, before, texts)
		before = texts
		w.settled()
		require.Len(t, deviceEvents(w.events()), opened, "sweep %d", sweep+2)
	}
	require.Empty(t, groupEvents(w.events()), "that nothing is known of them is nothing in common")
	w.storm(6, fleetOf(30, "", nil))
	w.settled()
	require.Len(t, deviceEvents(w.events()), 60)
}

// beats counts what the outside is told.
type beats struct{ n atomic.Int32 }

func (b *beats) Beat(*tenantv1.Settings) { b.n.Add(1) }

func TestAHopelessDeviceDoesNotTakeTheSweepsEndWithIt(t *testing.T) {
	w := newWorld(t)
	w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
	heart := &beats{}
	w.consume(w.handler(func(h *sweeps.Handler) { h.Publisher, h.Heart = refusing{Publisher: w.bus, device: "7"}, heart }))
	w.storm(1, fleetOf(20, nodeDown, map[string]string{"7": ""}))
	w.storm(2, fleetOf(20, "", map[string]string{"7": denied}))
	w.storm(3, fleetOf(20, "", map[string]string{"7": denied}))
	w.settled()
	groups := groupEvents(w.events())
	require.Len(t, groups, 2)
	require.Equal(t, incidentv1.EventKind_EVENT_KIND_RESOLVED, groups[1].GetKind())
	require.Len(t, w.accounts(), 3)
	require.EqualValues(t, 3, heart.n.Load())
}

// once lets the first accounts fail.
type once struct {
	sweeps.Publisher
	left atomic.Int32
}

func (o *once) Publish(ctx context.Context, m bus.Message) error {
	if m.Subject.Verb == bus.VerbJudged && o.left.Add(-1) >= 0 {
		return errclass.New(errclass.Transient, "publish", errors.New("killed"))
	}
	return o.Publisher.Publish(ctx, m)
}

func TestTheAccountAfterACrashSaysTheSameOfWhatIsHeldBack(t *testing.T) {
	var reasons [2][]*incidentv1.ReasonCount
	for crash := range reasons {
		w := newWorld(t)
		w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
		o := &once{Publisher: w.bus}
		o.left.Store(int32(crash))
		w.consume(w.handler(func(h *sweeps.Handler) { h.Publisher = o }))
		w.storm(1, fleetOf(20, nodeDown, map[string]string{"7": denied}))
		w.settled()
		a := w.accounts()
		require.Len(t, a, 1)
		reasons[crash] = a[0].GetMutedReasons()
		require.EqualValues(t, 20, a[0].GetInTrouble())
	}
	require.Len(t, reasons[0], 1)
	require.EqualValues(t, 19, reasons[0][0].GetDevices())
	require.Equal(t, reasons[0][0].String(), reasons[1][0].String())
}
