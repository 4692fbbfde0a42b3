// Package crash_test kills the real program at moments of its work and looks at what is left.
package crash_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// troubledFleet is servers in trouble at five customers that have companies. Most have an old last backup; the first ten
// failed, and their session errors are read at Cove's pace of four requests a second.
func troubledFleet(devices int) (covefake.Fleet, []cwfake.Company) {
	const customers, failed = 5, 10
	fleet := covefake.Fleet{Root: harness.Root, Partners: []covefake.Partner{
		{ID: harness.Root, Name: "Lantern Bay IT", Level: "Reseller", State: "InProduction"},
	}}
	var companies []cwfake.Company
	for c := range int64(customers) {
		name := fmt.Sprintf("Customer No. %d", c+1)
		fleet.Partners = append(fleet.Partners, covefake.Partner{ID: harness.Customer + c, ParentID: harness.Root, Name: name, Level: "EndCustomer", State: "InProduction"})
		companies = append(companies, cwfake.Company{ID: 310 + int(c), Identifier: fmt.Sprintf("Customer%d", c+1), Name: name, Status: "Active"})
	}
	for i := range int64(devices) {
		d := harness.Server(2001+i, harness.Customer+i%customers)
		if i < failed {
			for code, value := range map[string]string{"T0": "3", "D01F00": "3", "D01F17": "3", "D01F18": "@-1h"} {
				d.Set(code, value)
			}
		} else {
			for _, code := range []string{"TL", "D01F09", "D01F18", "D02F09", "D02F18"} {
				d.Set(code, "@-5d")
			}
		}
		fleet.Devices = append(fleet.Devices, d)
	}
	return fleet, companies
}

// moment is when the process is killed, in terms of what the fakes have seen.
type moment struct {
	what string
	come func() bool
}

// moments draws three moments of the sweeping, one when the first question reaches ConnectWise, and six while tickets
// are made.
func moments(site *harness.Site, random *rand.Rand, devices int) []moment {
	var all []moment
	requests := 0
	for range 3 {
		requests += 1 + random.IntN(12)
		n := requests
		all = append(all, moment{fmt.Sprintf("Cove has seen %d requests", n), func() bool { return total(site.Cove.Counts()) >= n }})
	}
	all = append(all, moment{"ConnectWise has seen a request", func() bool { return len(site.PSA.Requests()) > 0 }})
	creates := make([]int, 6)
	for i := range creates {
		creates[i] = 1 + random.IntN(devices*8/10)
	}
	slices.Sort(creates)
	for _, n := range creates {
		all = append(all, moment{fmt.Sprintf("ConnectWise has made %d tickets", n), func() bool { return len(site.PSA.Tickets()) >= n }})
	}
	return all
}

func total(counts map[string]int) int {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum
}

// Two hundred servers are in trouble, and Covewise is killed ten times while it finds out and makes tickets: at the end
// there are two hundred tickets, one each.
func TestKilledTenTimesItMakesEveryTicketOnce(t *testing.T) {
	t.Parallel()
	const devices = 200
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("COVEWISE_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "COVEWISE_SEED")
	}
	t.Logf("COVEWISE_SEED=%d draws the same moments", seed)
	fleet, companies := troubledFleet(devices)
	site := harness.NewSite(t, fleet, companies, nil)
	for _, m := range moments(site, rand.New(rand.NewPCG(seed, 0)), devices) {
		up := site.Up()
		up.WaitFor(m.what, m.come)
		up.Kill()
		t.Logf("killed when %s: %d tickets", m.what, len(site.PSA.Tickets()))
	}
	up := site.Up()
	up.WaitAtEase("every incident's ticket is open", lookAtPage, func() bool {
		phases, ok := up.Phases(t.Context())
		return ok && phases["open"] == devices && len(phases) == 1
	})
	before, _ := up.Overview(t.Context())
	up.WaitAtEase("another sweep finds nothing new", lookAtPage, func() bool {
		now, ok := up.Overview(t.Context())
		return ok && now.LastSweep.Complete && now.LastSweep.Number > before.LastSweep.Number
	})
	require.Empty(t, site.PSA.Duplicates())
	tickets := site.PSA.Tickets()
	require.Len(t, tickets, devices)
	require.Len(t, site.PSA.OpenTickets(), devices)
	summaries := map[string]bool{}
	for _, ticket := range tickets {
		summaries[ticket.Summary] = true
		require.Len(t, ticket.Notes, 2, "ticket %d: description and analysis", ticket.ID)
	}
	for i := range int64(devices) {
		id := 2001 + i
		text := "Stale 5 d: Files and Folders, System State"
		if i < 10 {
			text = "Aborted: Files and Folders"
		}
		require.Contains(t, summaries, fmt.Sprintf("[CW-%d-1] Cove SVR SRV-%d - %s", id, id, text))
	}
	phases, ok := up.Phases(t.Context())
	require.True(t, ok)
	require.Equal(t, map[string]int{"open": devices}, phases)
	up.Signal(syscall.SIGINT)
	require.Zero(t, up.Exit(endLimit))
}

// lookAtPage is the pause between looks at a page, which lists every incident. Where the process is killed at a moment
// of its work, the fakes are asked, at once.
const lookAtPage = 200 * time.Millisecond

// endLimit is how long Ctrl-C may take.
const endLimit = 5 * time.Second

// Ctrl-C ends the program soon and without an error, and a second start on the same data goes on where it was.
func TestAfterCtrlCASecondStartContinues(t *testing.T) {
	t.Parallel()
	fleet, companies := troubledFleet(4)
	site := harness.NewSite(t, fleet, companies, nil)
	up := site.Up()
	up.WaitAtEase("every ticket is open", lookAtPage, func() bool {
		phases, ok := up.Phases(t.Context())
		return ok && phases["open"] == 4
	})
	before, _ := up.Overview(t.Context())
	up.Signal(syscall.SIGINT)
	require.Zero(t, up.Exit(endLimit), "Ctrl-C is no error")

	again := site.Up()
	again.WaitAtEase("the next sweep is complete", lookAtPage, func() bool {
		now, ok := again.Overview(t.Context())
		return ok && now.LastSweep.Complete && now.LastSweep.Number > before.LastSweep.Number
	})
	phases, _ := again.Phases(t.Context())
	require.Equal(t, map[string]int{"open": 4}, phases)
	require.Equal(t, 4, site.PSA.Counts()["POST /service/tickets"], "no ticket is made again")

	// The tickets are closed when the fleet is well, also those that another process made.
	for _, d := range site.Cove.Devices() {
		require.NoError(t, site.Cove.PutDevice(harness.Server(d.AccountID, d.PartnerID)))
	}
	again.WaitFor("every ticket is closed", func() bool { return len(site.PSA.OpenTickets()) == 0 })
	again.Signal(syscall.SIGTERM)
	require.Zero(t, again.Exit(endLimit), "nor is SIGTERM")
}

// `up --once` tells by its exit code whether every tenant was seen completely.
func TestOnceTellsByItsExitCode(t *testing.T) {
	t.Parallel()
	fleet, companies := troubledFleet(4)
	site := harness.NewSite(t, fleet, companies, nil)
	once := site.Once()
	require.Zero(t, once.Exit(time.Minute), "%s", once.Output())
	require.Len(t, site.PSA.OpenTickets(), 4, "it ends when the effects are there")

	_, err := site.Cove.AddFault(covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultHTTPStatus, Status: http.StatusBadGateway})
	require.NoError(t, err)
	once = site.Once()
	require.Equal(t, 3, once.Exit(time.Minute))
	require.Contains(t, string(once.Output()), "502", "it says why")
	require.Len(t, site.PSA.OpenTickets(), 4)

	site.Cove.ClearFaults()
	once = site.Once()
	require.Zero(t, once.Exit(time.Minute), "%s", once.Output())
	require.Len(t, site.PSA.Tickets(), 4)
}
