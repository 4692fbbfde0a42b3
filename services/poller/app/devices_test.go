package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

const day = 24 * time.Hour

func (w *world) ago(d time.Duration) string { return covefake.Unix(w.clock.Now().Add(-d)) }

// sweepOf runs a sweep and returns its snapshots and its end as they are on the bus.
func (w *world) sweepOf() (map[string]*statusv1.Snapshot, *statusv1.SweepCompleted) {
	w.t.Helper()
	done := w.once()
	require.True(w.t, done.GetComplete(), done.GetFailure())
	return w.published(done.GetSweep())
}

func TestEachDeviceShowsUpAsWhatItIs(t *testing.T) {
	w := newWorld(t, 0)
	put := func(id int64, columns map[string]string, without ...string) {
		require.NoError(t, w.cove.PutDevice(healthy(w.clock, id)))
		for _, code := range without {
			w.edit(id, map[string]string{code: ""})
		}
		w.edit(id, columns)
	}
	for i, silent := range []time.Duration{31 * day, 44 * day, 400 * day} {
		put(int64(1+i), map[string]string{"TS": w.ago(silent), "TL": w.ago(silent), "D01F09": w.ago(silent)})
	}
	put(10, nil, "MN", "OS", "I78", "TS", "T0", "T7", "TL", "D01F00", "D01F06", "D01F09", "D02F00", "D02F06", "D02F09")
	put(11, map[string]string{"T0": "10", "D01F00": "10"})
	put(12, map[string]string{"T0": "11", "D01F00": "11"})
	put(20, nil)
	put(21, nil)
	put(22, nil)
	snapshots, end := w.sweepOf()
	require.Len(t, snapshots, 9)
	require.EqualValues(t, 9, end.GetDevices())
	for i, silent := range []time.Duration{31 * day, 44 * day, 400 * day} {
		require.Equal(t, w.ago(silent), columns(snapshots[fmt.Sprint(1+i)])["TS"], "silent for %s", silent)
	}
	never := columns(snapshots["10"])
	for _, code := range []string{"TS", "TL", "T0", "I78"} {
		require.NotContains(t, never, code, "a device that never connected has nothing to tell")
	}
	require.Equal(t, "1", never["AT"])
	require.Equal(t, "10", columns(snapshots["11"])["D01F00"], "over quota")
	require.Equal(t, "11", columns(snapshots["12"])["D01F00"], "no selection")

	w.clock.Add(interval)
	require.True(t, w.cove.RemoveDevice(20))
	require.NoError(t, w.cove.PutPartner(covefake.Partner{ID: 720, ParentID: root, Name: "Bluefin", Level: "EndCustomer", State: "InProduction"}))
	require.NoError(t, w.cove.UpdateDevice(21, func(d *covefake.Device) { d.PartnerID = 720 }))
	w.edit(22, map[string]string{"AN": "renamed", "MN": "RENAMED"})
	snapshots, end = w.sweepOf()
	require.Len(t, snapshots, 2)
	require.Equal(t, []string{"20"}, end.GetGoneDeviceIds())
	require.NotContains(t, end.GetDeviceIds(), "20")
	require.Equal(t, &statusv1.Customer{Id: "720", Name: "Bluefin", Level: "EndCustomer", State: "InProduction"}, plain(snapshots["21"].GetCustomer()), "moved to a customer that is new")
	require.Empty(t, snapshots["21"].GetSite())
	require.Equal(t, "renamed", columns(snapshots["22"])["AN"])
	require.Equal(t, "RENAMED", columns(snapshots["22"])["MN"])
}

// A device that is in touch and never backs up changes nothing but its heartbeat. Its silence must not be concluded from
// what was published when it was last heard of weeks ago.
func TestAHeartbeatIsToldOnceADay(t *testing.T) {
	w := newWorld(t, 1)
	w.sweepOf()
	told := 0
	for range 96 * 2 {
		w.clock.Add(interval)
		w.edit(1000, map[string]string{"TS": w.ago(time.Minute)})
		done := w.once()
		require.True(t, done.GetComplete())
		told += int(done.GetPublished())
	}
	require.Equal(t, 2, told)
}

func TestOwnersOfAllKindsAreResolvedAndCarried(t *testing.T) {
	w := newWorld(t, 0)
	for _, p := range []covefake.Partner{
		{ID: 701, ParentID: root, Name: "Harbor East", Level: "ServiceOrganization", State: "InProduction"},
		{ID: 730, ParentID: 701, Name: "Trying Ltd", Level: "EndCustomer", State: "InTrial"},
		{ID: 740, ParentID: root, Name: "001ABCDEFGHIJKLMNO- Recycle Bin", Level: "EndCustomer", State: "InProduction"},
	} {
		require.NoError(t, w.cove.PutPartner(p))
	}
	for id, owner := range map[int64]int64{1: root, 2: 701, 3: 730, 4: 740, 5: site, 6: customer} {
		d := healthy(w.clock, id)
		d.PartnerID = owner
		require.NoError(t, w.cove.PutDevice(d))
	}
	snapshots, _ := w.sweepOf()
	cases := []struct {
		says, device  string
		id, level     string
		state, onSite string
	}{
		{"directly under the reseller that is the root", "1", "700", "Reseller", "InProduction", ""},
		{"directly under a service organisation", "2", "701", "ServiceOrganization", "InProduction", ""},
		{"of a customer in trial", "3", "730", "EndCustomer", "InTrial", ""},
		{"in the recycle bin", "4", "740", "EndCustomer", "InProduction", ""},
		{"at a site", "5", "710", "EndCustomer", "InProduction", "Kiel"},
		{"of a customer itself", "6", "710", "EndCustomer", "InProduction", ""},
	}
	for _, c := range cases {
		got := snapshots[c.device]
		require.Equal(t, []string{c.id, c.level, c.state, c.onSite},
			[]string{got.GetCustomer().GetId(), got.GetCustomer().GetLevel(), got.GetCustomer().GetState(), got.GetSite()}, c.says)
	}
	require.Equal(t, "001ABCDEFGHIJKLMNO- Recycle Bin", snapshots["4"].GetCustomer().GetName())
}

func TestPartnersThatCoveNoLongerListsAreKnownFromTheirPast(t *testing.T) {
	w := newWorld(t, 1)
	require.NoError(t, w.cove.PutPartner(covefake.Partner{ID: 750, ParentID: root, Name: "Last Known Ltd", Level: "EndCustomer", State: "InProduction"}))
	require.NoError(t, w.cove.PutPartner(covefake.Partner{ID: 751, ParentID: customer, Name: "Lübeck", Level: "Site", State: "InProduction"}))
	for id, owner := range map[int64]int64{1: 750, 2: 751} {
		d := healthy(w.clock, id)
		d.PartnerID = owner
		require.NoError(t, w.cove.PutDevice(d))
	}
	w.sweepOf()

	w.clock.Add(interval)
	for _, id := range []int64{750, 751} {
		p, _ := w.cove.Partner(id)
		p.Removed = true
		require.NoError(t, w.cove.PutPartner(p))
	}
	w.edit(1, map[string]string{"AR": "<anonymized>"})
	w.edit(2, map[string]string{"AR": "<anonymized>"})
	snapshots, _ := w.sweepOf()
	require.Equal(t, "Last Known Ltd", snapshots["1"].GetCustomer().GetName())
	require.Equal(t, "EndCustomer", snapshots["1"].GetCustomer().GetLevel())
	require.True(t, snapshots["1"].GetCustomer().GetRemoved())
	require.Equal(t, "710", snapshots["2"].GetCustomer().GetId(), "a removed site still leads to its customer")
	require.Equal(t, "Lübeck", snapshots["2"].GetSite())
	require.False(t, snapshots["2"].GetCustomer().GetRemoved())

	asked := w.cove.Counts()["GetPartnerInfoHistory"]
	w.clock.Add(interval)
	w.edit(1, map[string]string{"T0": "2"})
	snapshots, _ = w.sweepOf()
	require.Len(t, snapshots, 1)
	require.Equal(t, asked, w.cove.Counts()["GetPartnerInfoHistory"], "what is past does not change")
}

func TestTheEndOfASweepGivesAFullAccount(t *testing.T) {
	w := newWorld(t, 2)
	require.NoError(t, w.cove.SetSwitches(covefake.Switches{RefusedColumns: []string{"D02F*"}}))
	_, end := w.sweepOf()
	require.Contains(t, end.GetColumnsRefused(), "D02F00")
	require.Equal(t, interval, end.GetInterval().AsDuration())
	require.EqualValues(t, len(w.cove.Requests()), end.GetRequests())
	var phases []string
	for _, p := range end.GetPhases() {
		phases = append(phases, p.GetPhase())
	}
	require.Equal(t, []string{"enumerate", "partners", "details", "causes", "publish"}, phases)
	require.Len(t, end.GetTypes(), 1)

	w.clock.Add(interval)
	require.NoError(t, w.cove.SetSwitches(covefake.Switches{RefusedColumns: []string{"D02F*", "I78", "I59"}}))
	_, err := w.cove.AddFault(covefake.Fault{Kind: covefake.FaultRPCError, Data: 13501, Match: statistics, Times: 1})
	require.NoError(t, err)
	done := w.once()
	require.False(t, done.GetComplete())
	require.Equal(t, "auth_tenant", done.GetFailureClass())
	require.Contains(t, done.GetFailure(), "I78 (refused to this login)")
	require.Empty(t, done.GetDeviceIds(), "nothing may be concluded from it")
}

func TestAColumnThatCameForNoDeviceMakesTheSweepIncomplete(t *testing.T) {
	w := newWorld(t, 2)
	for _, id := range []int64{1000, 1001} {
		w.edit(id, map[string]string{"OT": ""})
	}
	done := w.once()
	require.False(t, done.GetComplete())
	require.Contains(t, done.GetFailure(), "OT (came for no device)")
	require.Equal(t, []string{"OT"}, done.GetColumnsUnanswered())
	w.edit(1000, map[string]string{"OT": "2"})
	w.clock.Add(interval)
	require.True(t, w.once().GetComplete(), "one device that lacks it is the device's affair")
}

// Columns that vouch for each other must not vanish together unnoticed.
func TestColumnsThatVanishTogetherAreNoticed(t *testing.T) {
	for _, ignored := range [][]string{{"I78"}, {"I78", "D09F00"}, {"I32", "D09F00"}, {"D01F00", "D01F15", "D09F00"}} {
		w := newWorld(t, 2)
		require.NoError(t, w.cove.SetSwitches(covefake.Switches{IgnoredColumns: ignored}))
		done := w.once()
		require.False(t, done.GetComplete(), ignored)
		require.Contains(t, done.GetFailure(), "(came for no device)")
	}
}

func TestALastGoodBackupThatCameForNoDeviceIsTold(t *testing.T) {
	w := newWorld(t, 2)
	require.NoError(t, w.cove.SetSwitches(covefake.Switches{IgnoredColumns: []string{"D01F09"}}))
	done := w.once()
	require.True(t, done.GetComplete(), done.GetFailure())
	require.Equal(t, []string{"D01F09"}, done.GetColumnsUnanswered())
}
