package group_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/group"
)

const node = "node-07.cloudbackup.management"

// unread is a finding whose errors could not be read.
func unread(why string) *incidentv1.Finding {
	f := finding("D01", "")
	f.ErrorsUnavailable = why
	return f
}

// held returns the ids that a state holds back, sorted.
func held(state *incidentv1.TenantState) []string {
	var ids []string
	for id := range group.Held(state) {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func TestAStorageNodeThatGivesNoAnswerIsOneCauseInWhateverWords(t *testing.T) {
	at := noon.Add(15 * time.Minute)
	words := []*incidentv1.Finding{
		unread(`reading sessions of device 1, Files and Folders: asking the storage node: QuerySessions: Post "https://` + node + `/repserv_json": EOF`),
		unread("storage node " + node + ":443 is not asked any further in this sweep: reading sessions of device 1, Files and Folders: asking the storage node: EOF"),
		unread("storage node " + node + " is not asked any further in this sweep: reading sessions of device 7, System State: asking the storage node: i/o timeout"),
		finding("D01", nodeDown),
		finding("D02", "Storage node "+node+" does not respond"),
		{SourceCode: "D01", Errors: []*statusv1.SessionError{{Text: nodeDown, Code: "17"}}},
	}
	for first := range words {
		x := newTenant(t, 100)
		events := x.sees(many(1, 12, func(n int) group.Device { return device(n, at, words[(first+n)%len(words)]) })...)
		require.Len(t, events, 1)
		require.Equal(t, group.StorageNode, events[0].GetCause().GetKind())
		require.Equal(t, node, events[0].GetCause().GetValue())
		require.EqualValues(t, 12, events[0].GetMembersTotal())
		require.Equal(t, "connection to the storage node <host> was lost", events[0].GetCause().GetText())
	}
}

// What concerns several customers has its ticket at the MSP's own company. Without one there is no such ticket, and who is
// held back for it would have none at all.
func TestAGroupThatCanHaveNoTicketHoldsNobodyBack(t *testing.T) {
	at := noon.Add(15 * time.Minute)
	x := newTenant(t, 100)
	x.policy.Homeless = true
	bad := many(1, 12, func(n int) group.Device { return device(n, at, finding("D01", nodeDown)) })
	require.Len(t, x.sees(bad...), 1, "it is told all the same")
	require.Empty(t, held(x.state))
	x.policy.Homeless = false
	x.sees(bad...)
	require.Len(t, held(x.state), 12, "those that have not been told, once the company is known")
	x.policy.Homeless = true
	x.sees(bad...)
	require.Empty(t, held(x.state), "and no longer than it is")

	x = newTenant(t, 100)
	x.policy.Homeless = true
	x.sees(many(1, 12, func(n int) group.Device {
		d := device(n, at, finding("D01", nodeDown))
		d.Customer = &statusv1.Customer{Id: "7", Name: "Acme"}
		return d
	})...)
	require.Len(t, held(x.state), 12, "one customer's group has its ticket at the customer's company")
}

func TestDevicesOfANodeThatFailInWavesJoin(t *testing.T) {
	x := newTenant(t, 100)
	var bad []group.Device
	groups := map[string]bool{}
	for wave, n := range []int{12, 4, 4, 4} {
		why := fmt.Sprintf("storage node %s is not asked any further in this sweep: reading sessions of device %d: asking the storage node: EOF", node, 100*wave)
		at := x.now().Add(15 * time.Minute)
		bad = append(bad, many(len(bad)+1, n, func(n int) group.Device { return device(n, at, unread(why)) })...)
		for _, e := range x.sees(bad...) {
			groups[e.GetIncidentId()] = true
		}
		require.Len(t, held(x.state), len(bad), "wave %d", wave)
	}
	require.Len(t, groups, 1)
}

func TestAFailureToAskIsNoCause(t *testing.T) {
	at := noon.Add(15 * time.Minute)
	for sentence, why := range map[string]string{
		"without a word":                  "",
		"the reporting service is silent": "storage node reporting is not asked any further in this sweep: asking the storage node: i/o timeout",
		"the node is not known":           `the device's storage node is not known: EnumerateAccounts: Post "https://api.backup.management/jsonapi": i/o timeout`,
		"the node is not trusted":         "storage node " + node + " is not asked any further in this sweep: asking the storage node: its certificate is not valid",
		"our own pace leaves no turn":     `asking the storage node: QueryErrors: Post "https://` + node + `/repserv_json": the rate limit leaves no turn before the end of the sweep`,
	} {
		x := newTenant(t, 30)
		require.Empty(t, x.sees(many(1, 20, func(n int) group.Device {
			d := device(n, at, unread(why))
			d.Location, d.ClientVersion, d.Customer = "United States", "25.10", &statusv1.Customer{Id: "c1", Name: "Bluefin"}
			return d
		})...), sentence)
	}
}

// fallen are devices whose causes are read up to a number of them, and to be read of the rest.
func fallen(n, read int, at time.Time, told bool) []group.Device {
	return many(1, n, func(n int) group.Device {
		if n <= read {
			return device(n, at, finding("D01", nodeDown))
		}
		d := device(n, at, finding("D01", ""))
		d.Unread, d.Told = true, told
		return d
	})
}

func TestDevicesWaitForTheirCauses(t *testing.T) {
	at := noon.Add(15 * time.Minute)
	ids := func(from, to int) []string {
		var all []string
		for n := from; n <= to; n++ {
			all = append(all, strconv.Itoa(n))
		}
		slices.Sort(all)
		return all
	}
	x := newTenant(t, 200)
	require.Empty(t, x.sees(fallen(60, 5, at, false)...), "five texts are no group yet")
	require.Equal(t, ids(6, 60), held(x.state), "those of which nothing is known wait")
	require.Len(t, x.sees(fallen(60, 40, at, false)...), 1)
	require.Equal(t, ids(1, 60), held(x.state), "as causes come, they join")
	require.Empty(t, x.sees(fallen(60, 42, at, false)...))
	require.Equal(t, ids(1, 42), held(x.state), "nobody waits for longer than the window")

	x = newTenant(t, 200)
	x.sees(fallen(9, 0, at, false)...)
	require.Empty(t, held(x.state), "fewer than a group are told at once")
	x.sees(fallen(30, 0, at, true)...)
	require.Empty(t, held(x.state), "what was told before does not wait")
	x.policy.Join = group.Off
	x.sees(fallen(30, 0, at, false)...)
	require.Empty(t, held(x.state), "without groups nobody waits")

	x = newTenant(t, 200)
	x.sees(fallen(12, 12, at, false)...)
	x.sees(fallen(15, 12, at, false)...)
	require.Equal(t, ids(1, 15), held(x.state), "while a group is open, one more waits whether it belongs there")
}
