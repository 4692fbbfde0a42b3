package sweep_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/clock"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/sweep"
)

// inMemory answers requests without a network, so that all time is that of the test's bubble.
type inMemory struct{ *covefake.Server }

func (m inMemory) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	m.ServeHTTP(answer, req)
	return answer.Result(), nil
}

// tenant is a fleet of failing servers behind a rate limit, swept again and again.
type tenant struct {
	t       *testing.T
	fake    *covefake.Server
	client  *cove.Client
	devices *statusv1.DeviceCursor
	causes  *statusv1.CauseCursor
	sweeps  uint64
}

func newTenant(t *testing.T, devices int, perSecond float64) *tenant {
	t.Helper()
	c := clock.System()
	fake := covefake.New(covefake.Options{Clock: c, Username: "psa-sync", Password: "tok"})
	ago := func(d time.Duration) string { return covefake.Unix(c.Now().Add(-d)) }
	fleet := covefake.Fleet{Root: 700, Partners: []covefake.Partner{{ID: 700, Name: "Harbor IT", Level: "Reseller", State: "InProduction"}}}
	for id := int64(1000); id < 1000+int64(devices); id++ {
		fleet.Devices = append(fleet.Devices, covefake.Device{AccountID: id, PartnerID: 700, Settings: map[string]string{
			"AN": "srv-" + strconv.FormatInt(id, 10), "MN": "SRV", "AT": "1", "OT": "2", "OS": "Windows Server 2022", "PN": "All-In", "I78": "D01", "CD": ago(5000 * time.Hour),
			"T0": "2", "T7": "1", "TS": ago(time.Minute), "TL": ago(2 * time.Hour), "D01F00": "2", "D01F06": "1", "D01F09": ago(2 * time.Hour), "D01F15": ago(time.Hour), "D01F17": "2", "D01F18": ago(time.Hour),
		}})
	}
	require.NoError(t, fake.SetFleet(fleet))
	for _, d := range fleet.Devices {
		require.NoError(t, fake.AddSession(d.AccountID, covefake.Session{
			Plugin: "FileSystem", Status: "Failed", At: ago(time.Hour), Errors: []covefake.SessionError{{Text: "the disk is unwell", Count: 1}},
		}))
	}
	client, err := cove.New(cove.Options{
		URL: "http://127.0.0.1/jsonapi", Username: "psa-sync", Password: func() (string, error) { return "tok", nil }, Clock: c, Transport: inMemory{fake}, RequestsPerSecond: perSecond,
	})
	require.NoError(t, err)
	return &tenant{t: t, fake: fake, client: client}
}

// sweep runs one as the poller does, with its default limits.
func (n *tenant) sweep() sweep.Result {
	n.t.Helper()
	n.sweeps++
	r, err := sweep.Run(n.t.Context(), n.client, sweep.Request{
		Tenant: "harbor", Number: n.sweeps, Devices: n.devices, Causes: n.causes, Clock: clock.System(),
		ErrorsBudget: 30 * time.Second, MostErrors: 500, ErrorsParallel: 4,
	})
	require.NoError(n.t, err)
	n.devices, n.causes = r.Devices, r.Causes
	return r
}

// The end of the budget is nobody's fault: a device that is not reached has no cause yet, and its node is well.
func TestTheEndOfTheBudgetBlamesNobody(t *testing.T) {
	for _, c := range []struct {
		says      string
		devices   int
		perSecond float64
		most      int // sweeps until every cause is known
	}{
		{"many devices at the usual rate", 120, 4, 4},
		{"a rate lower than one request in a budget for each of the devices under way", 8, 0.2, 5},
		{"the lowest rate", 4, 0.1, 4},
		{"a high rate", 40, 50, 1},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newTenant(t, c.devices, c.perSecond)
				missing := uint32(c.devices)
				for sweeps := 1; missing > 0; sweeps++ {
					require.LessOrEqual(t, sweeps, c.most)
					r := n.sweep()
					require.Empty(t, r.Completed.GetNodesSkipped())
					require.Less(t, r.Completed.GetCausesMissing(), missing, "every sweep gets on")
					missing = r.Completed.GetCausesMissing()
					for _, s := range r.Snapshots {
						for _, e := range s.GetSourceErrors() {
							require.Empty(t, e.GetUnavailable())
						}
					}
					for _, d := range r.Devices.GetDevices() {
						require.Zero(t, d.GetErrorsAttempts())
					}
					time.Sleep(15 * time.Minute)
				}
				require.Equal(t, c.devices, n.fake.Counts()["QuerySessions"], "nobody is asked twice")
			})
		})
	}
}
