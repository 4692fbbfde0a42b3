package configuration_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/ticketer/internal/configuration"
)

func TestAConfigurationIsChosen(t *testing.T) {
	type some = []configuration.Candidate
	srv := &incidentv1.Event{DeviceId: "2345678", Device: &incidentv1.Device{Name: "srv-01_a1b2", ComputerName: "SRV-01"}}
	cloud := &incidentv1.Event{DeviceId: "5131534", Device: &incidentv1.Device{Name: "acme.onmicrosoft.com "}}
	for _, c := range []struct {
		sentence string
		event    *incidentv1.Event
		all      some
		want     int // 0 for none
		remark   string
	}{
		{"by the device's id", srv, some{{ID: 1, Name: "SRV-01"}, {ID: 2, Name: "other", DeviceIdentifier: "2345678"}}, 2, ""},
		{"by its id behind the vendor's name", srv, some{{ID: 2, DeviceIdentifier: "Cove-2345678"}}, 2, ""},
		{"by the host's name, whatever the case", srv, some{{ID: 1, Name: "srv-01"}, {ID: 2, Name: "SRV-02"}}, 1, ""},
		{"without a computer by Cove's name", cloud, some{{ID: 7, Name: "acme.onmicrosoft.com"}}, 7, ""},
		{"not by Cove's name when there is a computer", srv, some{{ID: 1, Name: "srv-01_a1b2"}}, 0, ""},
		{"none matches", srv, some{{ID: 1, Name: "SRV-011", DeviceIdentifier: "23456789"}}, 0, ""},
		{
			"two of one name are not settled by the first", srv,
			some{{ID: 1, Name: "SRV-01"}, {ID: 2, Name: "srv-01"}},
			0,
			`No configuration is attached: 2 of the company's match the device: "SRV-01" (1), "srv-01" (2).`,
		},
		{
			"nor two of one id", srv,
			some{{ID: 1, Name: "SRV-01"}, {ID: 2, DeviceIdentifier: "2345678"}, {ID: 3, DeviceIdentifier: "cove:2345678"}},
			0,
			`No configuration is attached: 2 of the company's match the device: "" (2), "" (3).`,
		},
		{"a device without a name", &incidentv1.Event{DeviceId: "1"}, some{{ID: 1, Name: ""}}, 0, ""},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			chosen, found, remark := configuration.Choose(c.event, c.all)
			require.Equal(t, c.want, chosen.ID)
			require.Equal(t, c.want != 0, found)
			require.Equal(t, c.remark, remark)
		})
	}
}
