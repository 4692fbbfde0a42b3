package tenant_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func TestHowTicketsAnswerToPeopleIsRead(t *testing.T) {
	dir := folder(t)
	day := 24 * time.Hour
	for _, c := range []struct {
		says, keys string
		want       tenant.Handling
	}{
		{"nothing said", "", tenant.Defaults().Tickets.Handling},
		{
			"everything said", "  onHandClose: wontFix\n  respectFor: 4h\n  reopenWithin: 3d\n  onDeleted: new\n  hourlyCap: 0\n",
			tenant.Handling{OnHandClose: tenant.HandCloseWontFix, RespectFor: 4 * time.Hour, ReopenWithin: tenant.ReopenWithin{For: 3 * day}, OnDeleted: tenant.DeletedNew},
		},
		{
			"never opened again", "  reopenWithin: never\n",
			tenant.Handling{OnHandClose: tenant.HandCloseRespect, RespectFor: day, OnDeleted: tenant.DeletedLeave, HourlyCap: 200},
		},
		{
			"always opened again", "  reopenWithin: always\n",
			tenant.Handling{OnHandClose: tenant.HandCloseRespect, RespectFor: day, ReopenWithin: tenant.ReopenWithin{Always: true}, OnDeleted: tenant.DeletedLeave, HourlyCap: 200},
		},
	} {
		t.Run(c.says, func(t *testing.T) {
			documents, err := load(t, dir, minimal+c.keys)
			require.NoError(t, err)
			require.Equal(t, c.want, documents[0].Tickets.Handling)
		})
	}
	for keys, want := range map[string]string{
		"  onHandClose: ignore\n":  `tenants.yaml:19: tickets.onHandClose: "ignore" is none of reopen, new, respect, wontFix; write one of them`,
		"  respectFor: 0s\n":       "tenants.yaml:19: tickets.respectFor: 0s is not above zero; write a number with its unit, such as 90s, 15m, 24h or 14d",
		"  reopenWithin: 3\n":      "tenants.yaml:19: tickets.reopenWithin: 3 has no unit; write a number with its unit, such as 90s, 15m, 24h or 14d; or never, or always",
		"  onDeleted: reopen\n":    `tenants.yaml:19: tickets.onDeleted: "reopen" is none of leave, new; write one of them`,
		"  hourlyCap: unlimited\n": "tenants.yaml:19: tickets.hourlyCap: is text, not a whole number; write the number without quotes or units",
	} {
		_, err := load(t, dir, minimal+keys)
		requireProblems(t, dir, err, want)
	}
}

func TestTheDefaultAnswersToPeopleTravelAsSettings(t *testing.T) {
	s := tenant.Defaults().Settings().GetTickets()
	require.Equal(t, tenantv1.HandClose_HAND_CLOSE_RESPECT, s.GetOnHandClose())
	require.Equal(t, tenantv1.Deleted_DELETED_LEAVE, s.GetOnDeleted())
	require.Equal(t, []time.Duration{24 * time.Hour, 24 * time.Hour}, []time.Duration{s.GetRespectFor().AsDuration(), s.GetReopenWithin().AsDuration()})
	require.Equal(t, uint32(200), s.GetHourlyCap())
	require.False(t, s.GetReopenAlways())
}
