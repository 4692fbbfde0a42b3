package agreement_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/internal/agreement"
)

func TestTheLastOverrideThatFitsDecides(t *testing.T) {
	tickets := &tenantv1.Tickets{
		Agreement: `name = "a"`,
		AgreementOverrides: []*tenantv1.AgreementOverride{
			{Select: &tenantv1.Selector{Customers: []string{"*dental*"}}, Where: `name = "b"`},
			{Select: &tenantv1.Selector{Customers: []string{"481233"}}},
		},
	}
	for customer, want := range map[*statusv1.Customer]agreement.Condition{
		{Id: "1", Name: "Acme"}:                      {Where: `name = "a"`, Key: "tickets.agreement"},
		{Id: "2", Name: "Bluefin Dental Group"}:      {Where: `name = "b"`, Key: "tickets.agreements[0].where"},
		{Id: "481233", Name: "Bluefin Dental Group"}: {Key: "tickets.agreements[1].where"},
	} {
		require.Equal(t, want, agreement.For(tickets, customer))
	}
}

func TestAnAgreementIsChosen(t *testing.T) {
	all := []agreement.Candidate{{ID: 9, Name: "Backup Gold", Type: "Backup"}, {ID: 3, Name: "Backup Silver", Type: "Backup"}, {ID: 5, Name: "Phones"}}
	for _, c := range []struct {
		sentence string
		where    string
		all      []agreement.Candidate
		want     int // 0 for none
		remark   string
	}{
		{"no condition asks for none", "", all, 0, ""},
		{"one match is set", `name = "backup gold"`, all, 9, ""},
		{
			"of several the oldest is set, with a warning", `type/name = "Backup"`, all, 3,
			`2 agreements of the company match tickets.agreement (type/name = "Backup"): "Backup Silver" of type "Backup", "Backup Gold" of type "Backup". The oldest is set: "Backup Silver" of type "Backup". Make the condition narrower if another is meant.`,
		},
		{
			"none is an error of the configuration", `name = "Cove"`, all, 0,
			`No agreement is set: none of the company's active agreements matches tickets.agreement (name = "Cove"). It has: "Backup Gold" of type "Backup", "Backup Silver" of type "Backup", "Phones".`,
		},
		{
			"also without any agreement", `name = "Cove"`, nil, 0,
			`No agreement is set: none of the company's active agreements matches tickets.agreement (name = "Cove"). The company has none.`,
		},
		{
			"letters that look like others are told", `name like "%Сontinuity"`, nil, 0,
			`No agreement is set: none of the company's active agreements matches tickets.agreement (name like "%Сontinuity"). The company has none. Look at the condition's letters: "%Сontinuity" mixes Cyrillic and Latin letters in one word: 'С' is Cyrillic (U+0421); type it anew.`,
		},
		{
			"a condition of another version", `name is`, all, 0,
			`No agreement is set: tickets.agreement has "is" at character 6; write one of = != < <= > >= contains like in not there.`,
		},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			chosen, found, remark := agreement.Choose(agreement.Condition{Where: c.where, Key: "tickets.agreement"}, c.all)
			require.Equal(t, c.want, chosen.ID)
			require.Equal(t, c.want != 0, found)
			require.Equal(t, c.remark, remark)
		})
	}
}
