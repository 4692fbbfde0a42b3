package sweep_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/sweep"
)

func TestUnsettledMarksWhatIsAboutToBePublishedAndKeepsTheRest(t *testing.T) {
	before := &statusv1.DeviceCursor{Sweep: 4, Devices: []*statusv1.PublishedDevice{{Id: "1", Fingerprint: 11}, {Id: "2", Fingerprint: 22}, {Id: "3", Fingerprint: 33}}}
	marked := sweep.Unsettled(before, sweep.Result{
		Snapshots: []*statusv1.Snapshot{{DeviceId: "2"}, {DeviceId: "10"}},
		Devices:   &statusv1.DeviceCursor{Sweep: 5},
	})
	got := map[string]bool{}
	for _, d := range marked.GetDevices() {
		got[d.GetId()] = d.GetUnsettled()
	}
	require.Equal(t, map[string]bool{"1": false, "2": true, "3": false, "10": true}, got, "a device that is gone stays known until its going is stored")
	require.EqualValues(t, 33, marked.GetDevices()[3].GetFingerprint())
	require.EqualValues(t, 5, marked.GetSweep())
}
