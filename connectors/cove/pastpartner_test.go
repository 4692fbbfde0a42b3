package cove_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/errclass"
)

func TestARemovedPartnerIsKnownByItsHistory(t *testing.T) {
	r := newRig(t)
	client := newClient(t, r.Options)
	r.clock.move(time.Hour)
	require.NoError(t, r.fake.PutPartner(covefake.Partner{ID: 481233, ParentID: 481200, Name: `Müller "Neu"`, Level: "EndCustomer"}))
	r.clock.move(time.Hour)
	require.NoError(t, r.fake.PutPartner(covefake.Partner{ID: 481233, ParentID: 481200, Name: "<anonymized>", Level: "EndCustomer", Removed: true}))

	_, err := client.Partner(t.Context(), 481233)
	require.Error(t, err, "every other method knows nothing of it")
	past, err := client.PartnerHistory(t.Context(), 481233)
	require.NoError(t, err)
	require.Equal(t, cove.PastPartner{ID: 481233, ParentID: 481200, Name: `Müller "Neu"`, Level: "EndCustomer", Since: start.Add(2 * time.Hour)}, past)
	require.Zero(t, r.fake.Counts()["EnumerateAncestorPartners"])
}

func TestAPartnersHistoryIsReadWhateverItsShape(t *testing.T) {
	tests := []struct {
		why, body string
		want      cove.PastPartner
		class     errclass.Class
	}{
		{
			"as documented, the newest last",
			`{"result":{"result":[[{"Id":7,"ParentId":1,"Level":"EndCustomer","Name":"Old"},{"Timestamp":100}],[{"Id":7,"ParentId":2,"Level":"Site","Name":"New"},{"Timestamp":200}]]}}`,
			cove.PastPartner{ID: 7, ParentID: 2, Name: "New", Level: "Site", Since: unix(200)},
			0,
		},
		{
			"without what was forgotten on the way",
			`{"result":[[{"Id":"7","ParentId":"1","Level":"Site","Name":"Old"},{"Timestamp":"100"}],[{"Id":7,"Name":null,"Level":null},null]]}`,
			cove.PastPartner{ID: 7, ParentID: 1, Name: "Old", Level: "Site"},
			0,
		},
		{"a partner alone", `{"result":{"result":[{"Id":7,"Name":"X","Level":"Site"}]}}`, cove.PastPartner{ID: 7, Name: "X", Level: "Site"}, 0},
		{"only an anonymised name", `{"result":{"result":[[{"Id":7,"Name":"<anonymized>"}]]}}`, cove.PastPartner{ID: 7, Name: "<anonymized>"}, 0},
		{"an empty history", `{"result":{"result":[]}}`, cove.PastPartner{}, errclass.NotFound},
		{"null for an empty one", `{"result":{"result":null}}`, cove.PastPartner{}, errclass.NotFound},
		{"no result", `{"result":null}`, cove.PastPartner{}, errclass.Transient},
		{"somebody else's history", `{"result":{"result":[[{"Id":8,"Name":"X"}]]}}`, cove.PastPartner{}, errclass.Transient},
		{"another shape", `{"result":{"result":[["x"]]}}`, cove.PastPartner{}, errclass.Transient},
		{"an unknown partner", `{"error":{"code":-32603,"data":0,"message":"no such partner"}}`, cove.PastPartner{}, errclass.Rejected},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.answers("GetPartnerInfoHistory", tt.body)
			got, err := newClient(t, options(s)).PartnerHistory(t.Context(), 7)
			require.Equal(t, tt.want, got)
			require.Equal(t, map[string]any{"partnerId": 7.0, "fields": []any{0.0, 1.0, 4.0, 7.0}}, s.seen("GetPartnerInfoHistory")[0].Params)
			if tt.class == 0 {
				require.NoError(t, err)
				return
			}
			require.Equal(t, tt.class, errclass.Of(err))
		})
	}
}

func TestAnAnswerAboutSomethingElseIsRefused(t *testing.T) {
	s := newServer(t)
	s.answers("GetPartnerInfoById", onePartner)
	s.answers("GetAccountInfoById", `{"result":{"result":{"Id":12,"Token":"x"},"homeNodeInfo":null}}`)
	client := newClient(t, options(s))
	_, err := client.Partner(t.Context(), 7)
	require.EqualError(t, err, "reading partner 7: reading Cove's answer: GetPartnerInfoById: asked for 7, the answer is about 481233")
	require.Equal(t, errclass.Transient, errclass.Of(err))
	_, err = client.Account(t.Context(), 11)
	require.EqualError(t, err, "reading device 11: reading Cove's answer: GetAccountInfoById: asked for 11, the answer is about 12")
	require.Equal(t, errclass.Transient, errclass.Of(err))
}
