package cove_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/errclass"
)

func TestPartnerIsReadWhateverFormItsMembersHave(t *testing.T) {
	want := cove.Partner{
		ID: 481233, ParentID: 481200, Name: `Müller & "Söhne" <x> 株式会社`, Level: "EndCustomer", State: "InProduction",
		ServiceType: "AllInclusive", ExternalCode: "CWM:1844:BluefinDental", UID: "6a1d9c1e", LegalName: "Bluefin LLC", LocationID: 18,
		Created: time.Unix(1679400000, 0).UTC(),
	}
	for why, body := range map[string]string{
		"as documented": `{"visa":"v","result":{"result":{"Id":481233,"ParentId":481200,"Name":"Müller & \"Söhne\" <x> 株式会社","Level":"EndCustomer","State":"InProduction",
			"ServiceType":"AllInclusive","ChildServiceTypes":["AllInclusive"],"ExternalCode":"CWM:1844:BluefinDental","Uid":"6a1d9c1e","LocationId":18,"CreationTime":1679400000,
			"Flags":null,"Company":{"LegalCompanyName":"Bluefin LLC","PostAddress":null},"ExternalPartnerProperties":null}}}`,
		"numbers as text, result flat, other letter case": `{"result":{"id":"481233","parentId":"481200","name":"Müller & \"Söhne\" <x> 株式会社","level":"EndCustomer","state":"InProduction",
			"serviceType":"AllInclusive","externalCode":"CWM:1844:BluefinDental","uid":"6a1d9c1e","locationId":"18","creationTime":"1679400000","company":{"legalCompanyName":"Bluefin LLC"}}}`,
	} {
		t.Run(why, func(t *testing.T) {
			s := newServer(t)
			s.answers("GetPartnerInfoById", body)
			got, err := newClient(t, options(s)).Partner(t.Context(), 481233)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, map[string]any{"partnerId": 481233.0}, s.seen("GetPartnerInfoById")[0].Params)
		})
	}
}

func TestPartnersAsksForEveryFieldAtEveryDepth(t *testing.T) {
	s := newServer(t)
	s.answers("EnumeratePartners", `{"result":{"result":[
		{"Id":481233,"ParentId":481200,"Name":"Bluefin","Level":"EndCustomer","ExternalCode":null,"CreationTime":0,"Company":null},
		{"Id":481290,"ParentId":481233,"Name":"Bluefin - Portland","Level":"Site","Company":{"PostAddress":null}}]}}`)
	got, err := newClient(t, options(s)).Partners(t.Context(), 481200)
	require.NoError(t, err)
	require.Equal(t, []cove.Partner{
		{ID: 481233, ParentID: 481200, Name: "Bluefin", Level: "EndCustomer"},
		{ID: 481290, ParentID: 481233, Name: "Bluefin - Portland", Level: "Site"},
	}, got)
	fields := make([]any, 23)
	for i := range fields {
		fields[i] = float64(i)
	}
	require.Equal(t, map[string]any{"parentPartnerId": 481200.0, "fetchRecursively": true, "fields": fields}, s.seen("EnumeratePartners")[0].Params)
}

func TestNoPartnersIsNoErrorButNoResultIs(t *testing.T) {
	tests := []struct {
		why, body string
		ok        bool
	}{
		{"an empty list", `{"result":{"result":[]}}`, true},
		{"null for a list", `{"result":{"result":null}}`, true},
		{"no result at all", `{"result":null}`, false},
		{"a partner without an id", `{"result":{"result":[{"Name":"x"}]}}`, false},
		{"an object for a list", `{"result":{"result":{"Id":1}}}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.answers("EnumeratePartners", tt.body)
			got, err := newClient(t, options(s)).Partners(t.Context(), 481200)
			require.Empty(t, got)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			require.Equal(t, errclass.Transient, errclass.Of(err))
		})
	}
}
