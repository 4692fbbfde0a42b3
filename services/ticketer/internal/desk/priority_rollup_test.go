package desk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func TestTheRollUpHasTheHighestPriorityOfWhatItLists(t *testing.T) {
	const server, workstation, m365 = incidentv1.DeviceClass_DEVICE_CLASS_SERVER, incidentv1.DeviceClass_DEVICE_CLASS_WORKSTATION, incidentv1.DeviceClass_DEVICE_CLASS_M365
	w := newWorld(t)
	d := w.desk(func(*tenantv1.Tickets) {})
	for _, c := range []struct {
		sentence string
		members  []*incidentv1.Member
		want     string
	}{
		{"workstations only", []*incidentv1.Member{{Class: workstation}, {Class: workstation}}, "Priority 3 - Normal"},
		{"Microsoft 365 among them", []*incidentv1.Member{{Class: workstation}, {Class: m365}}, "Priority 2 - Quick Response"},
		{"a server among them", []*incidentv1.Member{{Class: workstation}, {Class: m365}, {Class: server}}, "Priority 1 - Critical"},
		{"a workstation that the policy makes more urgent", []*incidentv1.Member{{Class: workstation, Urgency: incidentv1.Urgency_URGENCY_CRITICAL}}, "Priority 1 - Critical"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			one := draft()
			one.Event.Scope, one.Event.Device, one.Event.Members = incidentv1.Scope_SCOPE_TENANT, nil, c.members
			made, err := d.Create(t.Context(), one)
			require.NoError(t, err)
			require.Equal(t, c.want, made.Ticket.GetPriority())
		})
	}
}
