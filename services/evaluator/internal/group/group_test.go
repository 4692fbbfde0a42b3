package group_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/group"
)

const (
	nodeDown = "Connection to the storage node node-07.cloudbackup.management was lost"
	refused  = "Graph API request failed: invalid password for admin@klinika.example"
	failed   = incidentv1.ConditionKind_CONDITION_KIND_FAILED
	stale    = incidentv1.ConditionKind_CONDITION_KIND_STALE
	silent   = incidentv1.ConditionKind_CONDITION_KIND_SILENT
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func policy() group.Policy {
	return group.Policy{Window: 30 * time.Minute, Devices: 10, Share: 20, Join: group.Hold, CloseAfter: 1, Version: "p1"}
}

func finding(source, text string) *incidentv1.Finding {
	f := &incidentv1.Finding{SourceCode: source, Summary: "Failed"}
	if text != "" {
		f.Errors = []*statusv1.SessionError{{Text: text, Count: 1}}
	}
	return f
}

func condition(kind incidentv1.ConditionKind, at time.Time, findings ...*incidentv1.Finding) *incidentv1.Condition {
	return &incidentv1.Condition{Kind: kind, Since: timestamppb.New(at), Findings: findings}
}

// device is a server of one of seven customers, with a site, a location and a client of its own unless changed.
func device(n int, at time.Time, findings ...*incidentv1.Finding) group.Device {
	id := strconv.Itoa(n)
	return group.Device{
		ID: id, Name: "srv-" + id, Customer: &statusv1.Customer{Id: "c" + strconv.Itoa(n%7), Name: "Customer " + strconv.Itoa(n%7)},
		Location: "Location " + id, ClientVersion: id, IncidentID: id + "-1", Severity: incidentv1.Severity_SEVERITY_WARNING,
		Conditions: []*incidentv1.Condition{condition(failed, at, findings...)}, OpenedAt: at,
	}
}

// tenant plays sweeps of a tenant with a number of devices.
type tenant struct {
	t      *testing.T
	policy group.Policy
	size   int
	sweep  uint64
	state  *incidentv1.TenantState
}

func newTenant(t *testing.T, size int) *tenant {
	return &tenant{t: t, policy: policy(), size: size, state: &incidentv1.TenantState{Tenant: "harbor"}}
}

func (x *tenant) now() time.Time { return noon.Add(time.Duration(x.sweep) * 15 * time.Minute) }

func fleetOf(devices []group.Device) group.Fleet {
	f := group.Fleet{Size: group.NewCensus()}
	for _, d := range devices {
		f.Add(d)
	}
	return f
}

func (x *tenant) sees(devices ...group.Device) []*incidentv1.Event {
	x.t.Helper()
	x.sweep++
	fleet := fleetOf(devices)
	for _, d := range devices {
		fleet.Size.Add(d)
	}
	for n := len(devices); n < x.size; n++ {
		fleet.Size.Add(device(10_000+n, noon))
	}
	before := proto.CloneOf(x.state)
	next := group.Decide(x.policy, x.state, fleet, group.Sweep{Number: x.sweep, At: x.now()})
	require.True(x.t, proto.Equal(before, x.state), "arguments are not changed")
	require.Same(x.t, next, group.Decide(x.policy, next, fleet, group.Sweep{Number: x.sweep, At: x.now()}), "a sweep is decided once")
	x.state = next
	begins, ends := group.Decided(x.state, x.sweep)
	return append(begins, ends...)
}

// many are n devices of which each shows what of(n) does.
func many(from, n int, of func(n int) group.Device) []group.Device {
	all := make([]group.Device, n)
	for i := range all {
		all[i] = of(from + i)
	}
	return all
}

func TestTheCauseThatIsNamed(t *testing.T) {
	at := noon.Add(15 * time.Minute)
	one := func(change func(d *group.Device)) func(n int) group.Device {
		return func(n int) group.Device {
			d := device(n, at, finding("D01", "The service did not answer"))
			change(&d)
			return d
		}
	}
	for _, c := range []struct {
		sentence    string
		n           int
		of          func(n int) group.Device
		kind, value string
		customer    string
	}{
		{"a storage node that the errors name", 12, func(n int) group.Device { return device(n, at, finding("D01", nodeDown)) }, group.StorageNode, "node-07.cloudbackup.management", "own"},
		{"a storage node that does not tell the errors", 12, func(n int) group.Device {
			f := finding("D01", "")
			f.ErrorsUnavailable = `asking the storage node: QuerySessions: Post "https://node-3.example.net/repserv_json": i/o timeout`
			return device(n, at, f)
		}, group.StorageNode, "node-3.example.net", "own"},
		{"credentials, whoever's they are", 12, func(n int) group.Device {
			return device(n, at, finding("D19", fmt.Sprintf("Invalid password for admin%d@clinic%d.example", n, n)))
		}, group.Credential, "", "own"},
		{"a site of a customer", 12, one(func(d *group.Device) {
			d.Customer, d.Site = &statusv1.Customer{Id: "c1", Name: "Bluefin"}, "Harbour Street"
		}), group.Site, "Bluefin / Harbour Street", "c1"},
		{"a location", 12, one(func(d *group.Device) { d.Location = "Germany" }), group.Location, "Germany", "own"},
		{"a version of the client", 12, one(func(d *group.Device) { d.ClientVersion = "25.10.0" }), group.ClientVersion, "25.10.0", "own"},
		{"most of the tenant", 60, one(func(*group.Device) {}), group.Vendor, "", "own"},
		{"what explains a tenth more is named before what is more specific", 60, one(func(d *group.Device) {
			if len(d.ID) == 1 || d.ID < "3" {
				d.Location = "Germany"
			}
		}), group.Vendor, "", "own"},
		{"silence of a site", 12, func(n int) group.Device {
			d := device(n, at)
			d.Customer = &statusv1.Customer{Id: "c1", Name: "Bluefin"}
			d.Conditions = []*incidentv1.Condition{condition(silent, at, &incidentv1.Finding{SourceCode: "D09", Summary: "No contact"})}
			return d
		}, group.Site, "Bluefin", "c1"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			x := newTenant(t, 100)
			events := x.sees(many(1, c.n, c.of)...)
			require.Len(t, events, 1)
			require.Equal(t, c.kind, events[0].GetCause().GetKind())
			require.Equal(t, c.value, events[0].GetCause().GetValue())
			require.Equal(t, c.customer, events[0].GetCustomer().GetId())
			require.EqualValues(t, c.n, events[0].GetMembersTotal())
			require.Equal(t, incidentv1.Scope_SCOPE_GROUP, events[0].GetScope())
			require.Regexp(t, "^group-[0-9a-f]{8}-1$", events[0].GetIncidentId())
		})
	}
}

func TestWhatIsNoGroup(t *testing.T) {
	at := noon.Add(15 * time.Minute)
	node := func(n int) group.Device { return device(n, at, finding("D01", nodeDown)) }
	for sentence, devices := range map[string][]group.Device{
		"nine devices":                          many(1, 9, node),
		"devices that have failed for an hour":  many(1, 20, func(n int) group.Device { return device(n, at.Add(-time.Hour), finding("D01", nodeDown)) }),
		"devices that show a text of their own": many(1, 20, func(n int) group.Device { return device(n, at, finding("D01", fmt.Sprintf("Error %d", n))) }),
		"devices that differ in the code alone": many(1, 20, func(n int) group.Device {
			return device(n, at, finding("D01", fmt.Sprintf("VSS error 0x8004%04X", n)))
		}),
		"a text and nothing else in common": many(1, 20, func(n int) group.Device { return device(n, at, finding("D01", "Access denied")) }),
		"less than a fifth of a location": many(1, 15, func(n int) group.Device {
			d := device(n, at, finding("D01", "Access denied"))
			d.Location = "Location 10099" // where all the others are too
			return d
		}),
		"devices that grew stale together": many(1, 20, func(n int) group.Device {
			d := device(n, at)
			d.Location, d.Conditions = "Germany", []*incidentv1.Condition{condition(stale, at, &incidentv1.Finding{SourceCode: "D01", Summary: "Stale"})}
			return d
		}),
	} {
		x := newTenant(t, 0)
		x.sweep++
		fleet := fleetOf(devices)
		for n := range 100 {
			d := device(n, at)
			d.Location = "Location 10099"
			fleet.Size.Add(d)
		}
		next := group.Decide(x.policy, x.state, fleet, group.Sweep{Number: 1, At: at})
		require.Empty(t, next.GetGroups(), sentence)
	}
}

func TestIncidentsThatWereKeptBackCountWhenTheyOpen(t *testing.T) {
	x := newTenant(t, 100)
	x.sweep = 8
	devices := many(1, 20, func(n int) group.Device {
		d := device(n, noon, finding("D01", nodeDown)) // found bad two hours ago
		d.OpenedAt = x.now().Add(15 * time.Minute)
		return d
	})
	events := x.sees(devices...)
	require.Len(t, events, 1)
	require.Equal(t, noon, events[0].GetConditions()[0].GetSince().AsTime())
}

func TestADeviceWithATroubleBesideTheCommonOneIsNoMember(t *testing.T) {
	at := noon.Add(15 * time.Minute)
	for sentence, d := range map[string]group.Device{
		"another text on another source":      device(99, at, finding("D01", nodeDown), finding("D02", "Access denied")),
		"another text on the same source":     device(99, at, &incidentv1.Finding{SourceCode: "D01", Errors: []*statusv1.SessionError{{Text: nodeDown}, {Text: "Access denied"}}}),
		"a source that fails without a word":  device(99, at, finding("D01", nodeDown), finding("D02", "")),
		"a failure to ask for another reason": device(99, at, unread("reading sessions of device 99: asking the storage node: QuerySessions: the answer is cut short")),
		"the same text about another node":    device(99, at, finding("D01", "Connection to the storage node node-08.cloudbackup.management was lost")),
		"a failure of which nothing is known": device(99, at, finding("D01", "")),
	} {
		x := newTenant(t, 100)
		events := x.sees(append(many(1, 20, func(n int) group.Device { return device(n, at, finding("D01", nodeDown)) }), d)...)
		require.Len(t, events, 1, sentence)
		require.EqualValues(t, 20, events[0].GetMembersTotal(), sentence)
		require.NotContains(t, group.Members(x.state, fleetOf([]group.Device{d})), "99", sentence)
		require.NotContains(t, group.Held(x.state), "99", sentence)
	}
	old := device(99, at, finding("D01", nodeDown))
	old.Conditions = append(old.Conditions, condition(stale, at, finding("D01", "")))
	x := newTenant(t, 100)
	x.sees(many(1, 20, func(n int) group.Device { return device(n, at, finding("D01", nodeDown)) })...)
	require.Contains(t, group.Members(x.state, fleetOf([]group.Device{old})), "99", "age is a consequence")
}

func TestHowAGroupGoesOn(t *testing.T) {
	x := newTenant(t, 1000)
	x.policy.CloseAfter = 2
	down := func(n int) func(int) group.Device {
		return func(int) group.Device { return device(n, noon.Add(15*time.Minute), finding("D01", nodeDown)) }
	}
	bad := func(n int) []group.Device {
		var all []group.Device
		for i := range n {
			all = append(all, down(i+1)(0))
		}
		return all
	}
	told := func(events []*incidentv1.Event) []string {
		var all []string
		for _, e := range events {
			all = append(all, fmt.Sprintf("r%d %s %d", e.GetRevision(), e.GetKind().String()[len("EVENT_KIND_"):], e.GetMembersTotal()))
		}
		return all
	}
	for _, step := range []struct {
		bad  int
		told []string
	}{
		{20, []string{"r1 FAILED 20"}},
		{30, nil},
		{40, []string{"r2 CHANGED 40"}},
		{79, nil},
		{80, []string{"r3 CHANGED 80"}},
		{129, nil},
		{130, []string{"r4 CHANGED 130"}},
		{90, nil},
		{80, []string{"r5 CHANGED 80"}},
		{1, []string{"r6 CHANGED 1"}}, // the last one keeps it open
		{0, nil},                      // over, once
		{1, nil},
		{0, nil},
		{0, []string{"r7 RESOLVED 0"}},
		{0, nil},
	} {
		require.Equal(t, step.told, told(x.sees(bad(step.bad)...)), "%d bad", step.bad)
	}
	require.Empty(t, x.state.GetGroups(), "what is over is forgotten")
	again := x.sees(many(1, 20, func(n int) group.Device { return device(n, x.now().Add(15*time.Minute), finding("D01", nodeDown)) })...)
	require.Equal(t, []string{"r1 FAILED 20"}, told(again))
	require.Regexp(t, "-2$", again[0].GetIncidentId(), "an incident id is never used twice")
}

func TestAGroupThatBeganWithOneCustomerIsForThatCustomerOnly(t *testing.T) {
	of := func(customer string) func(n int) group.Device {
		return func(n int) group.Device {
			d := device(n, noon.Add(15*time.Minute), finding("D01", nodeDown))
			d.Customer = &statusv1.Customer{Id: customer, Name: "Customer " + customer}
			return d
		}
	}
	x := newTenant(t, 1000)
	first := x.sees(many(1, 12, of("a"))...)
	require.Equal(t, "a", first[0].GetCustomer().GetId())
	second := x.sees(append(many(1, 13, of("a")), many(101, 11, of("b"))...)...)
	require.Len(t, second, 1)
	require.Equal(t, "b", second[0].GetCustomer().GetId())
	require.NotEqual(t, first[0].GetDeviceId(), second[0].GetDeviceId())
	require.EqualValues(t, 11, second[0].GetMembersTotal(), "nobody reads of another customer's devices in a ticket")
}

func TestAnEventListsAThousandDevices(t *testing.T) {
	x := newTenant(t, 3000)
	e := x.sees(many(1, 1500, func(n int) group.Device { return device(n, noon.Add(15*time.Minute), finding("D01", nodeDown)) })...)[0]
	require.Len(t, e.GetMembers(), 1000)
	require.EqualValues(t, 1500, e.GetMembersTotal())
	require.Equal(t, "9", e.GetMembers()[8].GetDeviceId(), "in order of id")
	require.Empty(t, e.GetMembers()[0].GetIncidentId(), "it is held")
}

func TestTheGravestMemberGivesTheSeverity(t *testing.T) {
	x := newTenant(t, 100)
	devices := many(1, 20, func(n int) group.Device { return device(n, noon.Add(15*time.Minute), finding("D01", nodeDown)) })
	x.sees(devices...)
	require.Empty(t, x.sees(devices...))
	devices[3].Severity = incidentv1.Severity_SEVERITY_CRITICAL
	changed := x.sees(devices...)
	require.Len(t, changed, 1, "what is held climbs the ladder of ages too")
	require.Equal(t, incidentv1.Severity_SEVERITY_CRITICAL, changed[0].GetSeverity())
}

func TestRandomHistories(t *testing.T) {
	texts := []string{nodeDown, refused, "Access denied", ""}
	rapid.Check(t, func(r *rapid.T) {
		x := newTenant(t, 20)
		x.policy.Devices = 4
		x.policy.CloseAfter = uint32(rapid.IntRange(1, 2).Draw(r, "closeAfter"))
		since := map[int]time.Time{}
		was := map[int]string{}
		for range rapid.IntRange(1, 6).Draw(r, "sweeps") {
			next := noon.Add(time.Duration(x.sweep+1) * 15 * time.Minute)
			storm := rapid.SampledFrom(texts).Draw(r, "storm")
			shown := map[string]string{}
			var devices []group.Device
			for n := 1; n <= 14; n++ {
				text := storm
				if rapid.IntRange(0, 9).Draw(r, "apart") == 0 {
					text = rapid.SampledFrom(texts).Draw(r, "text")
				}
				if text != was[n] {
					was[n], since[n] = text, next
				}
				if text == "" {
					continue
				}
				devices = append(devices, device(n, since[n], finding("D01", text)))
				shown[strconv.Itoa(n)] = text
			}
			shuffled := slices.Clone(devices)
			slices.Reverse(shuffled)
			before := x.state
			events := x.sees(devices...)
			again := newTenant(t, 20)
			again.policy, again.state, again.sweep = x.policy, before, x.sweep-1
			again.sees(shuffled...)
			if !proto.Equal(x.state, again.state) {
				r.Fatalf("the order of devices decides")
			}
			for _, e := range events {
				if e.GetKind() == incidentv1.EventKind_EVENT_KIND_FAILED && e.GetMembersTotal() < 4 {
					r.Fatalf("a group of %d devices", e.GetMembersTotal())
				}
			}
			members := group.Members(x.state, fleetOf(devices))
			perGroup := map[string]map[string]bool{}
			for id, m := range members {
				if perGroup[m.Incident] == nil {
					perGroup[m.Incident] = map[string]bool{}
				}
				perGroup[m.Incident][shown[id]] = true
			}
			for incident, texts := range perGroup {
				if len(texts) != 1 {
					r.Fatalf("group %s hides different causes: %v", incident, slices.Sorted(maps.Keys(texts)))
				}
			}
		}
	})
}
