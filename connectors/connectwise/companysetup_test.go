package connectwise_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/errclass"
)

func TestACompanyIsCreatedFromTheTablesOfTheServer(t *testing.T) {
	fake, c := fake(t)
	countries, err := c.Countries(t.Context())
	require.NoError(t, err)
	require.Len(t, countries, 6, "more than a page of them")
	locations, err := c.Locations(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectwise.Location{{ID: locations[0].ID, Name: "Main Office"}}, locations)
	types, err := c.CompanyTypes(t.Context())
	require.NoError(t, err)

	wanted := connectwise.NewCompany{
		Identifier: "NightOwl", Name: "Night Owl", Types: []connectwise.Reference{{ID: types[0].ID}}, Site: connectwise.Reference{Name: "Main"},
		Territory: connectwise.Reference{ID: locations[0].ID}, Country: connectwise.Reference{ID: countries[0].ID},
	}
	created, err := c.CreateCompany(t.Context(), wanted)
	require.NoError(t, err)
	require.Equal(t, locations[0].ID, created.Territory.ID)
	_, err = c.CreateCompany(t.Context(), wanted)
	requireClass(t, errclass.Rejected, err)
	require.True(t, connectwise.Exists(err), "the identifier tells it from other refusals")
	wanted.Identifier, wanted.Country = "NightOwl2", connectwise.Reference{}
	_, err = c.CreateCompany(t.Context(), wanted)
	requireClass(t, errclass.Rejected, err)
	require.False(t, connectwise.Exists(err))

	companies := fake.Companies()
	require.Equal(t, cwfake.Company{ID: created.ID, Identifier: "NightOwl", Name: "Night Owl", Status: "Active", Sites: []cwfake.Site{
		{ID: created.Site.ID, Name: "Main", Primary: true},
	}}, companies[len(companies)-1])
}
