package connectwise

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTenantsThatSpellOneServerDifferentlyShareItsPace(t *testing.T) {
	limits := NewLimits(LimitsOptions{})
	client := func(tenant, site, company string) *Client {
		c, err := New(Options{
			Site: site, Company: company, ClientID: "0f0e0d0c", Tenant: tenant, Limits: limits,
			Keys: func() (string, string, error) { return "public", "private", nil },
		})
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return c
	}
	first := client("a", "https://na.myconnectwise.net", "harbor")
	for _, spelled := range []struct{ site, company string }{
		{"https://na.myconnectwise.net", "Harbor"},
		{" https://NA.myconnectwise.net./ ", "HARBOR "},
		{"https://api-na.myconnectwise.net", "harbor"},
	} {
		require.Same(t, first.pace, client("b", spelled.site, spelled.company).pace, "%v", spelled)
	}
	for _, other := range []struct{ site, company string }{
		{"https://eu.myconnectwise.net", "harbor"},
		{"https://na.myconnectwise.net", "quay"},
	} {
		require.NotSame(t, first.pace, client("c", other.site, other.company).pace, "%v", other)
	}
}
