package app_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// fail lets the files backup of a device fail an hour ago, with an error of its own.
func (w *world) fail(device int64) {
	w.t.Helper()
	when := w.ago(time.Hour)
	require.NoError(w.t, w.cove.AddSession(device, covefake.Session{
		Plugin: "FileSystem", Status: "Failed", At: when,
		Errors: []covefake.SessionError{{Text: cause(device), Count: 1}},
	}))
	w.edit(device, map[string]string{"T0": "2", "D01F00": "2", "D01F06": "1", "D01F15": when, "D01F17": "2", "D01F18": when})
}

func cause(device int64) string { return "disk of " + strconv.FormatInt(device, 10) + " is unwell" }

// told returns the one error that a snapshot names, or why it names none.
func told(s *statusv1.Snapshot) string {
	if len(s.GetSourceErrors()) == 0 {
		return ""
	}
	first := s.GetSourceErrors()[0]
	if len(first.GetErrors()) == 0 {
		return first.GetUnavailable()
	}
	return first.GetErrors()[0].GetText()
}

func TestANodeThatIsDownCostsOncePerSweepAndIsAskedAgain(t *testing.T) {
	w := newWorld(t, 6)
	for id := int64(1000); id < 1005; id++ {
		w.fail(id)
	}
	_, err := w.cove.AddFault(covefake.Fault{Kind: covefake.FaultNodeDown})
	require.NoError(t, err)
	snapshots, end := w.sweepOf()
	require.Equal(t, 3, w.cove.Counts()["QuerySessions"], "one device's question and its two repetitions")
	require.Len(t, end.GetNodesSkipped(), 1)
	require.EqualValues(t, 5, end.GetNodesSkipped()[0].GetDevices())
	require.Contains(t, end.GetNodesSkipped()[0].GetHost(), "127.0.0.1")
	require.NotEmpty(t, end.GetNodesSkipped()[0].GetReason())
	require.EqualValues(t, 5, end.GetCausesMissing())
	require.Equal(t, []string{"1000", "1001", "1002", "1003", "1004"}, end.GetCausesMissingDeviceIds())
	spared := 0
	for id := 1000; id < 1005; id++ {
		if strings.Contains(told(snapshots[strconv.Itoa(id)]), "is not asked any further in this sweep") {
			spared++
		}
	}
	require.Equal(t, 4, spared)

	w.clock.Add(interval)
	_, end = w.sweepOf()
	require.EqualValues(t, 5, end.GetCausesMissing())
	require.Zero(t, end.GetPublished(), "there is nothing new to tell")

	w.cove.ClearFaults()
	w.clock.Add(interval)
	snapshots, end = w.sweepOf()
	require.Zero(t, end.GetCausesMissing())
	require.Empty(t, end.GetNodesSkipped())
	require.Len(t, snapshots, 5, "the causes are told although the devices did not change")
	for id := int64(1000); id < 1005; id++ {
		require.Equal(t, cause(id), told(snapshots[strconv.FormatInt(id, 10)]))
	}
	w.clock.Add(interval)
	require.Zero(t, w.once().GetPublished())
}

func TestADeviceThatItsNodeRefusesKeepsNoOtherFromItsCause(t *testing.T) {
	w := newWorld(t, 3)
	for id := int64(1000); id < 1003; id++ {
		w.fail(id)
	}
	_, err := w.cove.AddFault(covefake.Fault{Kind: covefake.FaultRPCError, Match: "QuerySessions", Device: 1000, Message: "no such account"})
	require.NoError(t, err)
	snapshots, end := w.sweepOf()
	require.Contains(t, told(snapshots["1000"]), "no such account")
	require.Equal(t, cause(1001), told(snapshots["1001"]))
	require.Equal(t, cause(1002), told(snapshots["1002"]))
	require.Empty(t, end.GetNodesSkipped())
	require.Zero(t, end.GetCausesMissing(), "the node's answer is final")
}

// A node's failure may be one device's: the next sweep goes there for the others first.
func TestADeviceAtWhichItsNodeFailsWaitsForTheOthers(t *testing.T) {
	w := newWorld(t, 3)
	for id := int64(1000); id < 1003; id++ {
		w.fail(id)
	}
	w.opts.MostErrors = 1 // so that the device that comes first is known
	_, err := w.cove.AddFault(covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 500, Match: "QuerySessions", Device: 1000})
	require.NoError(t, err)
	_, end := w.sweepOf()
	require.Len(t, end.GetNodesSkipped(), 1)
	for _, device := range []string{"1001", "1002"} {
		w.clock.Add(interval)
		snapshots, _ := w.sweepOf()
		require.Len(t, snapshots, 1)
		require.NotEmpty(t, told(snapshots[device]))
	}
}

func TestDevicesWhoseCausesWereNotReachedComeFirstInTheNextSweep(t *testing.T) {
	w := newWorld(t, 9)
	w.opts.MostErrors = 2
	for id := int64(1004); id < 1009; id++ {
		w.fail(id)
	}
	snapshots, end := w.sweepOf()
	require.EqualValues(t, 3, end.GetCausesMissing())
	require.Len(t, snapshots, 9, "what is not reached is told without its cause")
	reached := map[string]bool{}
	for id, s := range snapshots {
		reached[id] = told(s) != ""
	}
	require.True(t, reached["1004"] && reached["1005"])

	// Each sweep is made by a poller that was started anew: what is missing is not forgotten.
	w.clock.Add(interval)
	w.fail(1000)
	w.fail(1001)
	snapshots, end = w.sweepOf()
	require.Equal(t, cause(1006), told(snapshots["1006"]))
	require.Equal(t, cause(1007), told(snapshots["1007"]))
	require.Empty(t, told(snapshots["1000"]), "those that failed later wait")
	require.Equal(t, []string{"1000", "1001", "1008"}, end.GetCausesMissingDeviceIds())

	for range 2 {
		w.clock.Add(interval)
		_, end = w.sweepOf()
	}
	require.Zero(t, end.GetCausesMissing())
	require.Equal(t, 7, w.cove.Counts()["QuerySessions"], "nobody was asked twice")
}

func TestCausesOfAnUnchangedSessionAreNotReadAgain(t *testing.T) {
	w := newWorld(t, 2)
	w.fail(1000)
	w.sweepOf()
	asked := func() int { return w.cove.Counts()["QuerySessions"] + w.cove.Counts()["GetAccountInfoById"] }
	before := asked()
	steps := []struct {
		says    string
		columns map[string]string
	}{
		{"another column changed", map[string]string{"OI": "4711"}},
		{"the next session runs and has told nothing yet", map[string]string{"D01F00": "1", "D01F15": w.ago(0)}},
		{"another data source succeeded", map[string]string{"D02F09": w.ago(0)}},
	}
	for _, step := range steps {
		w.clock.Add(interval)
		w.edit(1000, step.columns)
		snapshots, _ := w.sweepOf()
		require.Equal(t, cause(1000), told(snapshots["1000"]), step.says)
		require.Equal(t, before, asked(), step.says)
	}
	w.clock.Add(2 * time.Hour)
	w.fail(1000)
	snapshots, _ := w.sweepOf()
	require.Equal(t, cause(1000), told(snapshots["1000"]))
	require.Equal(t, before+2, asked(), "a session that is new is asked about")
}
