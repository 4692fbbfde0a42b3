package desk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// The settings name priority 1 for servers, 3 for workstations and 2 for Microsoft 365.
func TestTheUrgencyOfAnIncidentDecidesItsPriorityWhereThePolicySaysSomethingElseThanTheClass(t *testing.T) {
	const (
		server, workstation, m365 = incidentv1.DeviceClass_DEVICE_CLASS_SERVER, incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION, incidentv1.DeviceClass_DEVICE_CLASS_M365
		none, low, medium         = incidentv1.Urgency_URGENCY_UNSPECIFIED, incidentv1.Urgency_URGENCY_LOW, incidentv1.Urgency_URGENCY_MEDIUM
		high, critical            = incidentv1.Urgency_URGENCY_HIGH, incidentv1.Urgency_URGENCY_CRITICAL
		device, group, tenant     = incidentv1.Scope_SCOPE_DEVICE, incidentv1.Scope_SCOPE_GROUP, incidentv1.Scope_SCOPE_TENANT
		p1, p2, p3                = "Priority 1 - Critical", "Priority 2 - Quick Response", "Priority 3 - Normal"
	)
	w := newWorld(t)
	d := w.desk(func(s *tenantv1.Tickets) {
		s.Routing = []*tenantv1.TicketRoute{{Name: "old", Severities: []string{"critical"}, Set: map[string]string{"priority": "Priority 4 - Low"}}}
	})
	for _, c := range []struct {
		sentence string
		scope    incidentv1.Scope
		class    incidentv1.DeviceClass
		urgency  incidentv1.Urgency
		severity incidentv1.Severity
		want     string
	}{
		{"a server as urgent as servers are", device, server, critical, 0, p1},
		{"an older event without urgency", device, server, none, 0, p1},
		{"a server that the policy makes less urgent", device, server, high, 0, p3},
		{"... much less", device, server, low, 0, p3},
		{"a workstation as urgent as workstations are", device, workstation, high, 0, p3},
		{"a workstation that the policy makes more urgent", device, workstation, critical, 0, p1},
		{"... less urgent, which must not raise it", device, workstation, medium, 0, p3},
		{"Microsoft 365", device, m365, medium, 0, p2},
		{"... more urgent, which must not lower it", device, m365, high, 0, p2},
		{"... less urgent", device, m365, low, 0, p3},
		{"a group with a server", group, 0, critical, 0, p1},
		{"a group of workstations and Microsoft 365", group, 0, high, 0, p2},
		{"a group that does not say", group, 0, none, 0, p1},
		{"a tenant that is not checked", tenant, 0, high, 0, p1},
		{"a roll-up", tenant, 0, none, 0, p1},
		{"a rule about severity comes first", device, server, critical, incidentv1.Severity_SEVERITY_CRITICAL, "Priority 4 - Low"},
		{"... for groups too", group, 0, critical, incidentv1.Severity_SEVERITY_CRITICAL, "Priority 4 - Low"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			one := draft()
			one.Event.Scope, one.Event.Urgency, one.Event.Severity = c.scope, c.urgency, c.severity
			one.Event.Device.Class = c.class
			if c.scope != device {
				one.Event.Device = nil
			}
			made, err := d.Create(t.Context(), one)
			require.NoError(t, err)
			require.Equal(t, c.want, made.Ticket.GetPriority())
			require.Empty(t, made.Remarks)
		})
	}
}
