package sweeps_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// A group of several customers has its ticket at the MSP's own company. Where there can be none, each device's own incident
// is told, or nobody would hear of any.
func TestAStormIsToldByDevicesWhereTheGroupCanHaveNoTicket(t *testing.T) {
	const few = 12
	tests := []struct {
		name  string
		named string
		link  companyv1.LinkState // as companysync has it; LINK_STATE_UNSPECIFIED: not asked yet
		told  int                 // incidents of devices
	}{
		{"the company is named, and was not asked for yet", "MSP", companyv1.LinkState_LINK_STATE_UNSPECIFIED, 0},
		{"the company is named and found", "MSP", companyv1.LinkState_LINK_STATE_LINKED, 0},
		{"what is named does not exist", "Nope", companyv1.LinkState_LINK_STATE_MISSING, few},
		{"none is named", "", companyv1.LinkState_LINK_STATE_UNSPECIFIED, few},
		{"none is named any more, and people have linked one", "", companyv1.LinkState_LINK_STATE_LINKED, 0},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.groups(tenantv1.GroupJoin_GROUP_JOIN_HOLD)
			_, err := w.settings.Update(t.Context(), bus.Key("harbor"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
				s.Companies = &tenantv1.Companies{Own: c.named}
				return s, nil
			})
			require.NoError(t, err)
			if c.link != companyv1.LinkState_LINK_STATE_UNSPECIFIED {
				_, err := w.links.Put(t.Context(), bus.Key("harbor", "own"), &companyv1.Link{SchemaVersion: 1, State: c.link}, 0)
				require.NoError(t, err)
			}
			w.consume(w.handler(nil))
			w.storm(1, fleetOf(few, "", nil))
			w.storm(2, fleetOf(few, nodeDown, nil))
			w.settled()
			all := w.events()
			require.Len(t, groupEvents(all), 1)
			require.Len(t, deviceEvents(all), c.told)
		})
	}
}
