package match_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	"github.com/covewise/covewise/services/companysync/internal/identifier"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// The customers and companies of one MSP, with every trap that operators reported.
func TestTheCustomersOfAFleet(t *testing.T) {
	companies := []match.Record{
		{ID: 1844, Identifier: "BluefinDental", Name: "Bluefin Dental Group"},
		{ID: 1445, Identifier: "AlphaIndustries", Name: "Alpha Industries"},
		{ID: 1450, Identifier: "Acme", Name: "ACME Technologies"},
		{ID: 1451, Identifier: "AcmeHoldings", Name: "Acme Technologies Holdings"},
		{ID: 1460, Identifier: "DataSafeGroup", Name: "DataSafe Solutions International Technology Servic"},
		{ID: 1470, Identifier: "TechServ", Name: "TechServ MSP", Inactive: true},
		{ID: 1471, Identifier: "TechServ2", Name: "TechServ MSP"},
		{ID: 1480, Identifier: "BetaLtd", Name: "Beta Solutions Ltd."},
		{ID: 1490, Identifier: "GammaServices", Name: "Gamma Services", Deleted: true},
		{ID: 1500, Identifier: "MuellerNord", Name: `Müller & Söhne "Nord" GmbH`},
	}
	tests := []struct {
		name, reference string
		state           companyv1.LinkState
		method          companyv1.LinkMethod
		company         int64
		identifier      string // suggested for a missing one
	}{
		{"Bluefin Dental Group", "CWM:1844:BluefinDental", linked, byReference, 1844, ""},
		{"Acme Technologies", "", linked, byNormal, 1450, ""},
		{"DataSafe Solutions International Technology Services Group", "", ambiguous, 0, 0, ""},
		{"DataSafe Solutions International Technology Services Ltd", "", ambiguous, 0, 0, ""},
		{"TechServ MSP", "PSA-TECHSERV-2024", ambiguous, 0, 0, ""},
		{"Alpha Industries", "PSA-ALPHA | CWM:1445:AlphaIndustries", linked, byReference, 1445, ""},
		{"Beta Solutions", "Beta Solutions Ltd.", linked, byText, 1480, ""},
		{"Gamma Services", "", broken, 0, 0, ""},
		{`Müller & Söhne "Nord" GmbH`, "", linked, byName, 1500, ""},
		{"Клиника Северная", "", missing, 0, 0, "KlinikaSevernaia"},
		{"O'Brien Smith, LLP (kate@obriensmith.example)", "", missing, 0, 0, "OBrienSmithLLP"},
		{"日本橋デザイン株式会社", "", missing, 0, 0, "RiBenQiaodezainZhuShiHui"},
		{"Trial & Error Bakery", "", missing, 0, 0, "TrialErrorBakery"},
	}
	index := match.NewIndex(companies)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := customer(test.name, test.reference)
			link := match.Decide(c, index.Find(c))
			require.Equal(t, test.state, link.GetState(), link.GetReason())
			require.Equal(t, test.method, link.GetMethod())
			require.Equal(t, test.company, link.GetCompany().GetId())
			if test.identifier != "" {
				require.Equal(t, test.identifier, identifier.Suggest(match.Plain(test.name), c.GetId(), func(string) bool { return false }))
			}
		})
	}
}
