package app_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

const statistics = "EnumerateAccountStatistics"

// Whatever is wrong with pages once is found out and put right within the sweep; what stays wrong fails it.
func TestPagesThatDoNotFitTogetherAreCaughtInThatSweep(t *testing.T) {
	cases := []struct {
		says  string
		fault covefake.Fault
	}{
		{"the second page upside down", covefake.Fault{Kind: covefake.FaultReordered, Skip: 1}},
		{"the first page upside down", covefake.Fault{Kind: covefake.FaultReordered}},
		{"a row of the first page missing", covefake.Fault{Kind: covefake.FaultMissingRow, Rows: 1}},
		{"a row of the second page missing", covefake.Fault{Kind: covefake.FaultMissingRow, Rows: 1, Skip: 1}},
		{"the whole second page missing", covefake.Fault{Kind: covefake.FaultMissingRow, Rows: 1000, Skip: 1}},
		{"a row of the second page repeated", covefake.Fault{Kind: covefake.FaultRepeatedRow, Rows: 1, Skip: 1}},
		{"the second page full of one row", covefake.Fault{Kind: covefake.FaultRepeatedRow, Rows: 999, Skip: 1}},
	}
	w := newWorld(t, 2500)
	want := w.once().GetDeviceIds()
	require.Len(t, want, 2500)
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			defer w.cove.ClearFaults()
			c.fault.Match = statistics
			standing := c.fault
			standing.Skip = 0
			c.fault.Times = 1
			w.clock.Add(interval)
			_, err := w.cove.AddFault(c.fault)
			require.NoError(t, err)
			done := w.once()
			require.True(t, done.GetComplete(), done.GetFailure())
			require.EqualValues(t, 1, done.GetEnumerationsRepeated())
			require.NotEmpty(t, done.GetEnumerationFault())
			require.Equal(t, want, done.GetDeviceIds())
			require.Zero(t, done.GetPublished())

			w.clock.Add(interval)
			_, err = w.cove.AddFault(standing)
			require.NoError(t, err)
			done = w.once()
			require.False(t, done.GetComplete())
			require.Equal(t, "transient", done.GetFailureClass())
			require.Contains(t, done.GetFailure(), "(3 tries)")
			require.Empty(t, done.GetGoneDeviceIds())
		})
	}
}

func TestAServerThatGivesFewerRowsThanAskedForIsReadToTheEnd(t *testing.T) {
	for says, switches := range map[string]covefake.Switches{
		"it counts":         {RecordsMax: 400},
		"it does not count": {RecordsMax: 400, NoTotals: true},
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t, 1500)
			require.NoError(t, w.cove.SetSwitches(switches))
			done := w.once()
			require.True(t, done.GetComplete(), done.GetFailure())
			require.EqualValues(t, 1500, done.GetDevices())
			require.Zero(t, done.GetEnumerationsRepeated())
		})
	}
	t.Run("a page that is short once", func(t *testing.T) {
		w := newWorld(t, 1500)
		_, err := w.cove.AddFault(covefake.Fault{Match: statistics, Kind: covefake.FaultShortPage, Rows: 10, Times: 1})
		require.NoError(t, err)
		require.EqualValues(t, 1500, w.once().GetDevices())
	})
}

// A device that is removed while the pages are read shifts the rows behind it: one of them would be on no page.
func TestADeviceRemovedWhilePagesAreReadHidesNoOther(t *testing.T) {
	w := newWorld(t, 2500)
	_, err := w.cove.AddFault(covefake.Fault{Match: statistics, Kind: covefake.FaultSlow, Skip: 1, Times: 1})
	require.NoError(t, err)
	swept := make(chan *statusv1.SweepCompleted, 1)
	go func() { swept <- w.once() }()
	require.Eventually(t, func() bool { return w.cove.Held() == 1 }, 10*time.Second, time.Millisecond)
	require.True(t, w.cove.RemoveDevice(1005))
	w.cove.Release()
	done := <-swept
	require.True(t, done.GetComplete(), done.GetFailure())
	require.EqualValues(t, 1, done.GetEnumerationsRepeated())
	require.EqualValues(t, 2499, done.GetDevices())
	require.Contains(t, done.GetDeviceIds(), "2000", "the row that would have slipped from the second page to the first")
}

// fleetOf12345 spreads devices over three levels of resellers, customers, sites and Microsoft 365 tenants.
func fleetOf12345(w *world) covefake.Fleet {
	f := covefake.Fleet{Root: root}
	add := func(id, parent int64, level string) int64 {
		f.Partners = append(f.Partners, covefake.Partner{ID: id, ParentID: parent, Name: fmt.Sprintf("%s %d", level, id), Level: level, State: "InProduction"})
		return id
	}
	add(root, 0, "SubDistributor")
	owners := []int64{root}
	next := int64(1000)
	for range 3 {
		next++
		reseller := add(next, root, "Reseller")
		for range 4 {
			next++
			organisation := add(next, reseller, "ServiceOrganization")
			for range 10 {
				next++
				end := add(next, organisation, "EndCustomer")
				next++
				owners = append(owners, end, add(next, end, "Site"))
			}
		}
		owners = append(owners, reseller)
	}
	for i := range int64(12_345) {
		d := healthy(w.clock, 100_000+i*3)
		d.PartnerID = owners[i%int64(len(owners))]
		if i%10 == 0 {
			maps.DeleteFunc(d.Settings, func(code, _ string) bool { return code == "OT" || code == "MN" || code == "OS" || code[0] == 'D' })
			maps.Copy(d.Settings, map[string]string{"AT": "2", "OT": "0", "I78": "D19D20", "D19F00": "5", "D20F00": "5"})
		}
		f.Devices = append(f.Devices, d)
	}
	return f
}

func TestEveryDeviceOfALargeFleetIsAccountedForInEverySweep(t *testing.T) {
	w := newWorld(t, 0)
	require.NoError(t, w.cove.SetFleet(fleetOf12345(w)))
	ids := func() []string {
		var all []string
		for _, d := range w.cove.Devices() {
			all = append(all, strconv.FormatInt(d.AccountID, 10))
		}
		slices.Sort(all)
		return all
	}
	done := w.once()
	require.True(t, done.GetComplete(), done.GetFailure())
	require.Equal(t, ids(), done.GetDeviceIds())
	require.Equal(t, map[string]uint32{"backup_manager": 11_110, "m365": 1235}, map[string]uint32{
		done.GetTypes()[0].GetType(): done.GetTypes()[0].GetDevices(), done.GetTypes()[1].GetType(): done.GetTypes()[1].GetDevices(),
	})

	random := rand.New(rand.NewPCG(1, 2))
	faults := []covefake.FaultKind{covefake.FaultReordered, covefake.FaultMissingRow, covefake.FaultRepeatedRow, covefake.FaultShortPage}
	for round, kind := range faults {
		before := done.GetDeviceIds()
		w.clock.Add(interval)
		for range 40 {
			id := 100_000 + random.Int64N(12_345)*3
			if random.IntN(2) == 0 {
				w.cove.RemoveDevice(id)
				continue
			}
			added := healthy(w.clock, id+1)
			added.PartnerID = 1003
			require.NoError(t, w.cove.PutDevice(added))
		}
		_, err := w.cove.AddFault(covefake.Fault{Match: statistics, Kind: kind, Skip: 3 * round, Times: 1, Rows: 1 + round*7})
		require.NoError(t, err)
		done = w.once()
		require.True(t, done.GetComplete(), done.GetFailure())
		require.Equal(t, ids(), done.GetDeviceIds(), kind)
		gone := slices.DeleteFunc(slices.Clone(before), func(id string) bool { _, still := slices.BinarySearch(done.GetDeviceIds(), id); return still })
		fresh := slices.DeleteFunc(slices.Clone(done.GetDeviceIds()), func(id string) bool { _, was := slices.BinarySearch(before, id); return was })
		require.Equal(t, gone, done.GetGoneDeviceIds())
		require.Equal(t, fresh, done.GetNewDeviceIds())
		require.EqualValues(t, len(fresh), done.GetPublished(), "nothing else changed")
		require.Empty(t, w.cove.Faults(), "the fault was met")
	}
}
