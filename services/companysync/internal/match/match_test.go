package match_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

const (
	linked    = companyv1.LinkState_LINK_STATE_LINKED
	ambiguous = companyv1.LinkState_LINK_STATE_AMBIGUOUS
	missing   = companyv1.LinkState_LINK_STATE_MISSING
	broken    = companyv1.LinkState_LINK_STATE_BROKEN

	proposed = companyv1.LinkState_LINK_STATE_PROPOSED

	byReference  = companyv1.LinkMethod_LINK_METHOD_REFERENCE
	byNameID     = companyv1.LinkMethod_LINK_METHOD_NAME_ID
	byName       = companyv1.LinkMethod_LINK_METHOD_EXACT_NAME
	byNormal     = companyv1.LinkMethod_LINK_METHOD_NORMALISED_NAME
	byIdentifier = companyv1.LinkMethod_LINK_METHOD_IDENTIFIER
	byText       = companyv1.LinkMethod_LINK_METHOD_REFERENCE_NAME
	byCatchAll   = companyv1.LinkMethod_LINK_METHOD_CATCH_ALL
	byOwn        = companyv1.LinkMethod_LINK_METHOD_OWN
	byOrder      = companyv1.LinkMethod_LINK_METHOD_ORDERED
	byMerge      = companyv1.LinkMethod_LINK_METHOD_MERGED
)

// book is a ConnectWise server's list of companies with every trap that names hold.
func book() []match.Record {
	return []match.Record{
		{ID: 1001, Identifier: "BlueWave", Name: "Blue Wave Dental"},
		{ID: 1002, Identifier: "Orion", Name: "Orion Industries"},
		{ID: 1003, Identifier: "Pinnacle", Name: "PINNACLE Technologies"},
		{ID: 1004, Identifier: "PinnacleHold", Name: "Pinnacle Technologies Holdings"},
		{ID: 1005, Identifier: "VaultLong", Name: "Vault Consulting International Technology Services"},
		{ID: 1006, Identifier: "Helpline", Name: "Helpline MSP", Inactive: true},
		{ID: 1007, Identifier: "Helpline2", Name: "Helpline MSP"},
		{ID: 1008, Identifier: "Gone", Name: "Gone Services", Deleted: true},
		{ID: 1009, Identifier: "Sued", Name: `Bäcker & Töchter "Süd" KG`},
		{ID: 1010, Identifier: "Sleeping", Name: "Sleeping Partners", Inactive: true},
		{ID: 1011, Identifier: "Cleaned", Name: "Cleaned Up Ltd", Deleted: true},
		{ID: 1012, Identifier: "Cleaned2", Name: "Cleaned Up Ltd"},
		{ID: 1013, Identifier: "Dirk", Name: `D'Arcy "The Firm" LLP`},
		{ID: 1014, Identifier: "Volga", Name: "Аптека Волга"},
		{ID: 1015, Identifier: "QuayLtd", Name: "Quay Harbour, Ltd."},
		{ID: 1016, Identifier: "Straße", Name: "Straßenbau  Süd GmbH"},
		{ID: 1017, Identifier: "Twin", Name: "Twin Peaks Inc."},
		{ID: 1018, Identifier: "Twin2", Name: "TWIN PEAKS Incorporated"},
		{ID: 1019, Identifier: "NightOwl", Name: "Night Owl Security Partners"},
	}
}

func customer(name, reference string) *statusv1.Customer {
	return &statusv1.Customer{Id: "77", Name: name, Level: "EndCustomer", State: "InProduction", Reference: reference}
}

func candidate(id int64, reason string) *companyv1.Candidate {
	for _, r := range book() {
		if r.ID == id {
			return &companyv1.Candidate{Company: company(id), Reason: reason}
		}
	}
	return nil
}

func company(id int64) *companyv1.Company {
	i := slices.IndexFunc(book(), func(r match.Record) bool { return r.ID == id })
	r := book()[i]
	return &companyv1.Company{Id: r.ID, Identifier: r.Identifier, Name: r.Name}
}

func found(method companyv1.LinkMethod, id int64) *companyv1.Link {
	return &companyv1.Link{State: linked, Method: method, Company: company(id)}
}

func TestDecide(t *testing.T) {
	long := "Vault Consulting International Technology Services"
	require.Len(t, []rune(long), 50)
	tests := []struct {
		name     string
		customer *statusv1.Customer
		want     *companyv1.Link
	}{
		{
			"an id in the reference links, whatever the name",
			customer("Something else", "CWM:1001:BlueWave"),
			found(byReference, 1001),
		},
		{
			"the id may stand among other texts and without an identifier",
			customer("Orion", "PSA-ORION | CWM:1002 | vip"),
			found(byReference, 1002),
		},
		{
			"the reference wins over an equal name",
			customer("Orion Industries", "cwm:01001:"),
			found(byReference, 1001),
		},
		{
			"a reference to a deleted company is broken and not bypassed by the name",
			customer("Orion Industries", "CWM:1008:Gone"),
			&companyv1.Link{
				State: broken, Reason: `the customer's reference names company "Gone Services" (1008), which is deleted`,
				Candidates: []*companyv1.Candidate{candidate(1008, "named by the reference, deleted")},
			},
		},
		{
			"a reference to an inactive company is broken",
			customer("Sleeping Partners", "CWM:1010"),
			&companyv1.Link{
				State: broken, Reason: `the customer's reference names company "Sleeping Partners" (1010), which is inactive`,
				Candidates: []*companyv1.Candidate{candidate(1010, "named by the reference, inactive")},
			},
		},
		{
			"a reference to nothing is broken",
			customer("Orion Industries", "CWM:9999"),
			&companyv1.Link{State: broken, Reason: "the customer's reference names company 9999, which does not exist in ConnectWise"},
		},
		{
			"a reference with an absurd number is broken",
			customer("Orion Industries", "CWM:99999999999999999999"),
			&companyv1.Link{State: broken, Reason: "the customer's reference names CWM:99999999999999999999, which is no company id"},
		},
		{
			"a reference with two companies is ambiguous",
			customer("Orion Industries", "CWM:1001 | CWM:1002"),
			&companyv1.Link{State: ambiguous, Reason: "the customer's reference names several companies: CWM:1001, CWM:1002"},
		},
		{
			"the same company twice in a reference is one",
			customer("x", "CWM:1001:Old | CWM:1001:BlueWave"),
			found(byReference, 1001),
		},
		{
			"a reference without an id says nothing",
			customer("Orion Industries", "PSA-2024"),
			found(byName, 1002),
		},
		{
			"a unique name with umlauts, quotes and ampersand links",
			customer(`Bäcker & Töchter "Süd" KG`, ""),
			found(byName, 1009),
		},
		{
			"a unique name with both kinds of quotes links",
			customer(`D'Arcy "The Firm" LLP`, ""),
			found(byName, 1013),
		},
		{
			"a unique Cyrillic name links",
			customer("Аптека Волга", ""),
			found(byName, 1014),
		},
		{"a name that differs in case links, and never to the longer one", customer("Pinnacle Technologies", ""), found(byNormal, 1003)},
		{
			"the longer one is never linked to the shorter",
			customer("Pinnacle Technologies Holdings Europe", ""),
			&companyv1.Link{State: missing, Reason: `no company is called "Pinnacle Technologies Holdings Europe"`},
		},
		{"the spelling of a legal form, dots and a comma do not matter", customer("QUAY HARBOUR LIMITED", ""), found(byNormal, 1015)},
		{"Unicode form, case and white space do not matter", customer("STRASSENBAU SU\u0308D G.m.b.H.", ""), found(byNormal, 1016)},
		{"an e-mail address in brackets does not matter", customer("Orion Industries (ops@orion.example)", ""), found(byNormal, 1002)},
		{
			"two companies whose names differ in spelling only are ambiguous",
			customer("Twin Peaks, Inc", ""),
			&companyv1.Link{
				State: ambiguous, Reason: `2 companies are called "Twin Peaks, Inc"`,
				Candidates: []*companyv1.Candidate{candidate(1017, "same name"), candidate(1018, "same name")},
			},
		},
		{"a name to the letter wins over another spelling", customer("Twin Peaks Inc.", ""), found(byName, 1017)},
		{
			"another legal form is another company, and proposed at most",
			customer("Quay Harbour GmbH", ""),
			&companyv1.Link{
				State: proposed, Company: company(1015), Candidates: []*companyv1.Candidate{candidate(1015, "differs in the legal form")},
				Reason: `no company is called "Quay Harbour GmbH"; "Quay Harbour, Ltd." (1015) may be it (differs in the legal form): approve it, or link another`,
			},
		},
		{
			"a name that is a company's identifier is proposed",
			customer("Night Owl", ""),
			&companyv1.Link{
				State: proposed, Company: company(1019), Candidates: []*companyv1.Candidate{candidate(1019, "the customer's name is its identifier")},
				Reason: `no company is called "Night Owl"; "Night Owl Security Partners" (1019) may be it (the customer's name is its identifier): approve it, or link another`,
			},
		},
		{"an id in the name links", customer("Something | CWM ~ 1002", ""), found(byNameID, 1002)},
		{"and in the other spelling of that convention", customer("Something | ID ~ 1002", "PSA-1"), found(byNameID, 1002)},
		{"the reference's id wins over the name's", customer("Something | CWM ~ 1002", "CWM:1001"), found(byReference, 1001)},
		{
			"an id in the name that leads nowhere is broken",
			customer("Orion Industries | CWM ~ 9", ""),
			&companyv1.Link{State: broken, Reason: "the customer's name names company 9, which does not exist in ConnectWise"},
		},
		{"a reference that is an identifier links", customer("Owl", "nightowl"), found(byIdentifier, 1019)},
		{"a reference that is a company's name links", customer("Quay", "Quay Harbour Limited"), found(byText, 1015)},
		{
			"a reference that two companies are called is ambiguous",
			customer("Peaks", "twin peaks inc"),
			&companyv1.Link{
				State: ambiguous, Reason: `2 companies are called "twin peaks inc", as the customer's reference says`,
				Candidates: []*companyv1.Candidate{candidate(1017, "name named by the reference"), candidate(1018, "name named by the reference")},
			},
		},
		{"a reference of several texts names no company", customer("Nobody", "nightowl | vip"), &companyv1.Link{State: missing, Reason: `no company is called "Nobody"`}},
		{"an ambiguous name is not settled by a reference", customer("Helpline MSP", "Helpline2"), &companyv1.Link{
			State: ambiguous, Reason: `2 companies are called "Helpline MSP"`,
			Candidates: []*companyv1.Candidate{candidate(1006, "same name, inactive"), candidate(1007, "same name")},
		}},
		{"a deleted company of the name does not bar a better reference", customer("Gone Services", "Orion"), found(byIdentifier, 1002)},
		{
			"two companies of one name are ambiguous, although one of them is inactive",
			customer("Helpline MSP", ""),
			&companyv1.Link{
				State: ambiguous, Reason: `2 companies are called "Helpline MSP"`,
				Candidates: []*companyv1.Candidate{candidate(1006, "same name, inactive"), candidate(1007, "same name")},
			},
		},
		{
			"a deleted twin does not make the remaining company doubtful",
			customer("Cleaned Up Ltd", ""),
			found(byName, 1012),
		},
		{
			"the only company of the name is deleted",
			customer("Gone Services", ""),
			&companyv1.Link{
				State: broken, Reason: `the only company of this name, "Gone Services" (1008), is deleted`,
				Candidates: []*companyv1.Candidate{candidate(1008, "same name, deleted")},
			},
		},
		{
			"the only company of the name is inactive",
			customer("Sleeping Partners", ""),
			&companyv1.Link{
				State: broken, Reason: `the only company of this name, "Sleeping Partners" (1010), is inactive`,
				Candidates: []*companyv1.Candidate{candidate(1010, "same name, inactive")},
			},
		},
		{
			"a name equal only after cutting at 50 characters is ambiguous, for one customer",
			customer(long+" Group", ""),
			&companyv1.Link{
				State:      ambiguous,
				Reason:     `no company is called "` + long + ` Group"; only the first 50 characters are equal to those of "` + long + `" (1005)`,
				Candidates: []*companyv1.Candidate{candidate(1005, "equal only when cut to 50 characters")},
			},
		},
		{
			"and for its neighbour",
			customer(long+" Ltd", ""),
			&companyv1.Link{
				State:      ambiguous,
				Reason:     `no company is called "` + long + ` Ltd"; only the first 50 characters are equal to those of "` + long + `" (1005)`,
				Candidates: []*companyv1.Candidate{candidate(1005, "equal only when cut to 50 characters")},
			},
		},
		{
			"a Japanese customer that nobody entered is missing",
			customer("京都工房株式会社", ""),
			&companyv1.Link{State: missing, Reason: `no company is called "京都工房株式会社"`},
		},
		{
			"a customer without a name is missing",
			customer("  ", "PSA-1"),
			&companyv1.Link{State: missing, Reason: "the customer has neither a name nor a reference with CWM:<id>"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.want.SchemaVersion, test.want.Customer = 1, test.customer
			got := match.Decide(test.customer, book())
			if test.want.GetState() == linked {
				require.NotEmpty(t, got.GetEvidence())
				test.want.Evidence, test.want.LinkedAs, test.want.LinkedReference = got.GetEvidence(), test.customer.GetName(), test.customer.GetReference()
			}
			require.Equal(t, text(test.want), text(got))
			require.Equal(t, text(got), text(match.Decide(test.customer, match.NewIndex(book()).Find(test.customer))), "the index finds what decides")

			reversed := book()
			slices.Reverse(reversed)
			require.Equal(t, text(got), text(match.Decide(test.customer, reversed)), "the order of the records decides nothing")
		})
	}
}

func TestAsk(t *testing.T) {
	tests := []struct {
		name     string
		customer *statusv1.Customer
		want     match.Question
	}{
		{"an id is asked by id", customer("Orion", "a | CWM:1002:Orion"), match.Question{ID: 1002}},
		{"an id in the name is asked by id", customer("Orion | CWM ~ 1002", ""), match.Question{ID: 1002}},
		{
			"without an id a telling part of name and reference is asked, and identifiers",
			customer("Orion Industries Ltd (a@b.example)", "PSA-1"),
			match.Question{Parts: []string{"Orion", "PSA"}, Identifiers: []string{"PSA-1", "OrionIndustriesLtd"}},
		},
		{
			"quotes and brackets are never asked for", customer(`D'Arcy "The Firm" LLP`, ""),
			match.Question{Parts: []string{"Arcy"}, Identifiers: []string{"DArcyTheFirmLLP"}},
		},
		{"a contradictory reference asks nothing", customer("Orion", "CWM:1|CWM:2"), match.Question{}},
		{"an impossible id asks nothing", customer("Orion", "CWM:0"), match.Question{}},
		{"no name asks nothing", customer("", ""), match.Question{}},
		{"a name of signs is asked whole", customer(`+-!`, ""), match.Question{Name: "+-!"}},
		{
			"of a long name the first 50 characters are asked",
			customer(strings.Repeat("ж", 60), ""),
			match.Question{Parts: []string{strings.Repeat("ж", 50)}, Identifiers: []string{strings.Repeat("ж", 60)}},
		},
		{"a name longer than any identifier is none", customer(strings.Repeat("x", 10_000), ""), match.Question{Parts: []string{strings.Repeat("x", 50)}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, match.Ask(test.customer))
		})
	}
}

func TestStands(t *testing.T) {
	stored := &companyv1.Link{State: linked, Method: byName, Company: company(1001)}
	ordered := &companyv1.Link{State: linked, Method: byOrder, Company: company(1001), LinkedReference: "CWM:1002"}
	standIn := &companyv1.Link{State: linked, Method: byCatchAll, Company: company(1001)}
	at := func(server string) *companyv1.Link {
		return &companyv1.Link{State: linked, Method: byName, Company: company(1001), Server: server}
	}
	tests := []struct {
		name     string
		customer *statusv1.Customer
		stored   *companyv1.Link
		want     bool
	}{
		{"nothing stored", customer("a", ""), nil, false},
		{"a stored link stands", customer("Blue Wave Dental", ""), stored, true},
		{"a renamed customer keeps its link", customer("Quite another name", ""), stored, true},
		{"a reference that agrees keeps the link", customer("a", "CWM:1001:BlueWave"), stored, true},
		{"a reference to another company ends the link", customer("a", "CWM:1002"), stored, false},
		{"a reference that became contradictory ends the link", customer("a", "CWM:1001 | CWM:1002"), stored, false},
		{"a stand-in does not stand", customer("a", ""), standIn, false},
		{"a link of this server stands", customer("a", ""), at("Harbor@na.example"), true},
		{"a link of another server does not", customer("a", ""), at("harbor@eu.example"), false},
		{"a person's link stands against the reference there was", customer("a", "CWM:1002"), ordered, true},
		{"and not against a new one", customer("a", "CWM:1003"), ordered, false},
		{"the own company stands under the same settings", customer("own", ""), &companyv1.Link{State: linked, Method: byOwn, Settings: "s1"}, true},
		{"and not under others", customer("own", ""), &companyv1.Link{State: linked, Method: byOwn, Settings: "s0"}, false},
		{"a negative answer does not stand", customer("a", ""), &companyv1.Link{State: missing}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, match.Stands(test.customer, test.stored, "harbor@na.example", "s1"))
		})
	}
}

func TestStandIn(t *testing.T) {
	unlinked := func() *companyv1.Link { return match.Decide(customer("Nobody", ""), book()) }
	tests := []struct {
		name, identifier string
		found            []match.Record
		change           func(*companyv1.Link)
	}{
		{"an active company stands in, and why it does is kept", "orion", book(), func(l *companyv1.Link) {
			l.State, l.Method, l.Company = linked, byCatchAll, company(1002)
			l.Evidence = `the catch-all company of the settings, "orion"`
		}},
		{"an unknown one does not", "Nobody", book(), func(l *companyv1.Link) {
			l.Reason += `; the catch-all company "Nobody" does not exist`
		}},
		{"a deleted one does not", "Gone", book(), func(l *companyv1.Link) {
			l.Reason += `; the catch-all company "Gone" does not exist`
		}},
		{"an inactive one does not", "Sleeping", book(), func(l *companyv1.Link) {
			l.Reason += `; the catch-all company "Sleeping Partners" (1010) is inactive`
		}},
		{"two of them do not", "Orion", append(book(), book()...), func(l *companyv1.Link) {
			l.Reason += `; 2 companies have the identifier "Orion" of the catch-all company`
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want, got := unlinked(), unlinked()
			test.change(want)
			match.StandIn(got, test.identifier, test.found)
			require.Equal(t, text(want), text(got))
		})
	}
}

// text makes differences readable and takes protojson's random blanks out by comparing the messages first.
func text(m proto.Message) map[string]any {
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	return map[string]any{"wire": raw, "json": strings.Join(strings.Fields(protojson.Format(m)), " ")}
}
