package match_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// names that collide, nearly collide, and any other.
func names() *rapid.Generator[string] {
	long := "Vault Consulting International Technology Services"
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"Acme", "ACME", " acme ", "Acme Ltd", "ACME Limited", "Acme, Ltd.", "Acme GmbH", "Acme Holdings", "Acme (a@b.example)", "Acme | CWM ~ 3",
			long, long + " Ltd", long + " Group", long[:49], "Müller", "Mu\u0308ller", "MÜLLER", "Straße", "STRASSE", "日本橋", "", " ", "Ltd", "A", `"`, "🙂 Café", "C1", "c2",
		}),
		rapid.String(),
	)
}

func drawRecords(t *rapid.T) []match.Record {
	records := make([]match.Record, rapid.IntRange(0, 12).Draw(t, "companies"))
	for i := range records {
		records[i] = match.Record{
			ID: int64(i + 1), Identifier: rapid.SampledFrom([]string{"C1", "C2", "c2", "Acme", "x"}).Draw(t, "identifier"),
			Name:    names().Draw(t, "company"),
			Deleted: rapid.IntRange(0, 5).Draw(t, "deleted") == 0, Inactive: rapid.IntRange(0, 5).Draw(t, "inactive") == 0,
		}
	}
	return records
}

func drawCustomer(t *rapid.T) *statusv1.Customer {
	reference := rapid.OneOf(
		rapid.SampledFrom([]string{"", "", "CWM:1", "CWM:2:x | vip", "C1", "Acme Limited", "CWM:1|CWM:2", "cwm:0", "vip | C1"}), names(),
	).Draw(t, "reference")
	return customer(names().Draw(t, "name"), reference)
}

// Matching is stable under reordering, the same through the index, and never yields a company whose normalised name
// differs unless an id or the customer's own reference says so; nor one that is deleted or inactive.
func TestMatchingIsStableAndNeverFarFetched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records, c := drawRecords(t), drawCustomer(t)
		got := match.Decide(c, records)
		require.True(t, proto.Equal(got, match.Decide(c, rapid.Permutation(records).Draw(t, "order"))), "order decides nothing")
		require.True(t, proto.Equal(got, match.Decide(c, match.NewIndex(records).Find(c))), "the index finds what decides")
		if got.GetState() != linked {
			require.NotEmpty(t, got.GetReason())
			return
		}
		company := records[got.GetCompany().GetId()-1]
		require.False(t, company.Deleted || company.Inactive)
		require.NotEmpty(t, got.GetEvidence())
		switch got.GetMethod() {
		case byReference, byNameID:
			require.Contains(t, c.GetReference()+c.GetName(), strings.TrimLeft(string(rune('0'+company.ID%10)), "0"))
		case byIdentifier:
			require.Contains(t, strings.ToLower(c.GetReference()), strings.ToLower(company.Identifier))
		case byText:
			require.Equal(t, match.Normal(company.Name), match.Normal(c.GetReference()))
		case byName, byNormal:
			require.Equal(t, match.Normal(company.Name), match.Normal(c.GetName()))
			others := slices.IndexFunc(records, func(r match.Record) bool {
				return r.ID != company.ID && !r.Deleted && r.Name == company.Name
			})
			require.Negative(t, others, "two candidates are never decided between")
		default:
			require.Fail(t, "unexpected method", got.GetMethod().String())
		}
	})
}

// What is looked for on the server finds, by name, whatever would be linked.
func TestWhatIsAskedForIsPartOfEveryNameThatLinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, records := drawCustomer(t), drawRecords(t)
		for _, part := range match.Ask(c).Parts {
			require.False(t, strings.ContainsFunc(part, func(r rune) bool {
				return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
			}), "%q", part)
			require.LessOrEqual(t, utf8.RuneCountInString(part), 50)
		}
		got := match.Decide(c, records)
		if got.GetMethod() != byName {
			return
		}
		q := match.Ask(c)
		lower := strings.ToLower(got.GetCompany().GetName())
		found := q.Name != "" && strings.TrimSpace(got.GetCompany().GetName()) == q.Name
		for _, part := range q.Parts {
			found = found || strings.Contains(lower, strings.ToLower(part)) || strings.Contains(strings.ToLower(c.GetName()), strings.ToLower(part))
		}
		require.True(t, found)
	})
}

func FuzzNormal(f *testing.F) {
	for _, seed := range []string{"Acme, Ltd.", "Mu\u0308ller (a@b.example)", "A | CWM ~ 1", "G.m.b.H.", "İstanbul A.Ş.", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		once := match.Normal(name)
		require.Equal(t, once, match.Normal(" "+name+"\t"), "blanks around a name do not matter")
		link := match.Decide(&statusv1.Customer{Id: "1", Name: name}, []match.Record{{ID: 7, Name: name}, {ID: 8, Name: name + "x"}})
		require.NotEqual(t, int64(8), link.GetCompany().GetId()*int64(btoi(link.GetState() == linked)))
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestTagged(t *testing.T) {
	alpha := &companyv1.Company{Id: 1445, Identifier: "AlphaIndustries"}
	tests := []struct {
		name, before, after string
		changed             bool
	}{
		{"an empty reference becomes the tag", "", "CWM:1445:AlphaIndustries", true},
		{"blanks are empty", "  ", "CWM:1445:AlphaIndustries", true},
		{"other text stays and the tag is appended", "PSA-ALPHA", "PSA-ALPHA | CWM:1445:AlphaIndustries", true},
		{"the same tag is left alone", "PSA-ALPHA | CWM:1445:AlphaIndustries", "PSA-ALPHA | CWM:1445:AlphaIndustries", false},
		{"also between other texts", "a | CWM:1445:AlphaIndustries | b", "a | CWM:1445:AlphaIndustries | b", false},
		{"another company is replaced in place", "a | CWM:9:Old | b", "a | CWM:1445:AlphaIndustries | b", true},
		{"an old identifier too", "CWM:1445:Alpha|b", "CWM:1445:AlphaIndustries|b", true},
		{"an id without identifier is completed", "CWM:1445", "CWM:1445:AlphaIndustries", true},
		{"two tags are a person's to settle", "CWM:1 | CWM:2", "CWM:1 | CWM:2", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, changed := match.Tagged(test.before, alpha)
			require.Equal(t, test.after, got)
			require.Equal(t, test.changed, changed)
			again, changed := match.Tagged(got, alpha)
			require.Equal(t, got, again)
			require.False(t, changed, "written once, it is equal")
		})
	}
}

func TestFollow(t *testing.T) {
	stored := &companyv1.Link{State: linked, Company: company(1008)}
	at := func(ids ...int64) []match.Record {
		var all []match.Record
		for _, id := range ids {
			i := slices.IndexFunc(book(), func(r match.Record) bool { return r.ID == id })
			all = append(all, book()[i])
		}
		return all
	}
	tests := []struct {
		name  string
		moved []match.Record
		want  int64
	}{
		{"every ticket is at one other company", at(1002, 1002), 1002},
		{"no ticket says where", nil, 0},
		{"tickets at two companies", at(1001, 1002), 0},
		{"tickets still at the old one", at(1008), 0},
		{"the other company is inactive", at(1010), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			link := &companyv1.Link{State: broken, Customer: customer("a", "")}
			require.Equal(t, test.want != 0, match.Follow(link, stored, test.moved))
			require.Equal(t, test.want, link.GetCompany().GetId())
			if test.want != 0 {
				require.Equal(t, byMerge, link.GetMethod())
			}
		})
	}
}

func TestOwn(t *testing.T) {
	link := &companyv1.Link{}
	match.Own(link, "orion", book())
	require.Equal(t, int64(1002), link.GetCompany().GetId())
	link = &companyv1.Link{}
	match.Own(link, "", nil)
	require.Equal(t, missing, link.GetState())
	require.Contains(t, link.GetReason(), "set companies.own")
}
