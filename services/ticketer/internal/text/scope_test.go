package text_test

import (
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

// notSwept is the incident of a tenant that was last seen three hours ago.
func notSwept(class, failure string) *incidentv1.Event {
	f := &incidentv1.Finding{SourceCode: "D09", Summary: "Not swept", LastSuccessAt: ago(3 * hour), Since: ago(3 * hour)}
	if failure != "" {
		f.Errors = []*statusv1.SessionError{{Text: failure, Count: 4, Code: class}}
		f.ErrorsTotal = 4
	} else {
		f.ErrorsUnavailable = "no sweep has ended, neither well nor badly: no poller seems to be at work"
	}
	e := event("tenant", "", nil, condition(incidentv1.ConditionKind_CONDITION_KIND_NOT_SWEPT, ago(3*hour), f))
	e.Customer = &statusv1.Customer{Id: "own"}
	e.Scope, e.LastCompleteSweepAt = incidentv1.Scope_SCOPE_TENANT, ago(3*hour)
	return e
}

func storm(devices int) *incidentv1.Event {
	e := event("group-01234567", "", nil, condition(incidentv1.ConditionKind_CONDITION_KIND_CORRELATED, ago(12*time.Minute), &incidentv1.Finding{
		SourceCode: "D09", Summary: strconv.Itoa(devices) + " devices: storage node node-07.cloudbackup.management", Since: ago(12 * time.Minute),
		Errors: []*statusv1.SessionError{{Text: "connection to the storage node <host> was lost", Count: int64(devices)}}, ErrorsTotal: int64(devices),
	}))
	e.Customer = &statusv1.Customer{Id: "own"}
	e.Scope, e.MembersTotal = incidentv1.Scope_SCOPE_GROUP, uint32(devices)
	e.Cause = &incidentv1.Cause{Kind: "storage_node", Value: "node-07.cloudbackup.management", Text: "connection to the storage node <host> was lost"}
	for i := range min(devices, 1000) {
		e.Members = append(e.Members, &incidentv1.Member{
			DeviceId: strconv.Itoa(2345000 + i), DeviceName: "SRV-" + strconv.Itoa(i), CustomerName: []string{"Bluefin Dental Group", "TechServ"}[i%2],
		})
	}
	return e
}

func TestIncidentsOfMoreThanOneDeviceReadAsTheGoldenFilesShow(t *testing.T) {
	for name, e := range map[string]*incidentv1.Event{
		"tenant-login-refused": notSwept("auth_tenant", "login: Cove refuses the user name or password"),
		"tenant-nothing-heard": notSwept("", ""),
		"group-storage-node":   storm(12),
	} {
		t.Run(name, func(t *testing.T) {
			e.OpenedAt = ago(2 * hour)
			over := proto.CloneOf(e)
			over.Kind, over.Conditions, over.Members, over.MembersTotal = incidentv1.EventKind_EVENT_KIND_RESOLVED, nil, nil, 0
			over.Resolution, over.Revision, over.OccurredAt = incidentv1.Resolution_RESOLUTION_RECOVERED, 3, timestamppb.New(observed.Add(hour))
			golden(t, name, strings.Join([]string{
				"[summary]", utc().Summary(e), "", "[description]", writer(t).Description(e),
				"", "[change]", writer(t).Change(e, e), "", "[resolution]", writer(t).Resolution(e, over),
			}, "\n"))
			require.LessOrEqual(t, len(utf16.Encode([]rune(utc().Summary(e)))), 100)
		})
	}
}

func TestAGroupOfManyDevicesFitsATicket(t *testing.T) {
	body := utc().Description(storm(5000))
	require.Less(t, len([]rune(body)), 30_000)
	require.Contains(t, body, "and 4900 more devices")
	require.True(t, text.HasMarker(body, text.Marker("group-01234567-1", 1)))
}

func TestACustomerReadsTheNamesOfItsOwnDevicesOnly(t *testing.T) {
	member := func(id, customer string) *incidentv1.Member {
		return &incidentv1.Member{DeviceId: id, CustomerId: customer}
	}
	for _, c := range []struct {
		sentence, customer string
		members            []*incidentv1.Member
		named              []string
		others             int
	}{
		{"one of another customer is counted", "70", []*incidentv1.Member{member("1", "70"), member("2", "80")}, []string{"1"}, 1},
		{"... and one of nobody knows whom", "70", []*incidentv1.Member{member("1", "70"), member("2", "")}, []string{"1"}, 1},
		{"those of a customer's group do not say whose they are", "70", []*incidentv1.Member{member("1", ""), member("2", "")}, []string{"1", "2"}, 0},
		{"the MSP reads all", "own", []*incidentv1.Member{member("1", "70"), member("2", "")}, []string{"1", "2"}, 0},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			named, others := text.Theirs(&incidentv1.Event{Customer: &statusv1.Customer{Id: c.customer}, Members: c.members})
			var ids []string
			for _, m := range named {
				ids = append(ids, m.GetDeviceId())
			}
			require.Equal(t, c.named, ids)
			require.Equal(t, c.others, others)
		})
	}
}
