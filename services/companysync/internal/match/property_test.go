package match_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
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
			require.Contains(t, c.GetReference()+c.GetName(), strconv.FormatInt(company.ID, 10))
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

// respelled is a name as somebody else may write it, so that it is equal when normalised.
func respelled(t *rapid.T, name string) string {
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		name = rapid.SampledFrom([]func(string) string{
			strings.ToUpper, strings.ToLower, norm.NFC.String, norm.NFD.String, cases.Fold().String,
			func(s string) string { return strings.ReplaceAll(s, "ss", "ß") },
			func(s string) string { return strings.ReplaceAll(s, "SS", "ẞ") },
			func(s string) string { return strings.ReplaceAll(s, "s", "ſ") },
			func(s string) string { return strings.ReplaceAll(s, "K", "\u212a") },
			func(s string) string { return strings.NewReplacer("ffi", "ﬃ", "fl", "ﬂ", "st", "ﬆ").Replace(s) },
			func(s string) string { return strings.ReplaceAll(s, " ", "  ") },
			func(s string) string { return s + " (kate@x.example)" },
			func(s string) string { return strings.ReplaceAll(s, "Limited", "Ltd.") },
		}).Draw(t, "change")(name)
	}
	return name
}

// steady is what every spelling of an equal name has in common.
var steady = regexp.MustCompile(`^[A-EG-JL-RT-Za-eg-jl-rt-z0-9]{4,}$`)

// A server that compares without regard to case, and with regard to everything else, finds every company that would be
// linked by name: what is asked for is never a spelling that the company's name need not have.
func TestWhatIsAskedForFindsEveryNameThatLinks(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		c := customer(rapid.OneOf(names(), rapid.SampledFrom([]string{
			"GROSSMANN GmbH", "Großmann GmbH", "STRASSE Bau", "Weiß", "KISS", "Office Staff Affiliates", "Kraft Stoff", "Müller & Söhne", "Sass Limited", "Клиника Северная", "x\u0302yz Shop", "\u0340", "\u1f71\u03b2 \ufa19",
		})).Draw(t, "name"), "")
		company := match.Record{ID: 1, Identifier: "none", Name: respelled(t, c.GetName())}
		for _, part := range match.Ask(c).Parts {
			require.False(t, strings.ContainsFunc(part, func(r rune) bool {
				return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
			}), "%q", part)
		}
		got := match.Decide(c, []match.Record{company})
		if got.GetMethod() != byNormal && got.GetMethod() != byName {
			return
		}
		q := match.Ask(c)
		asked := q.Name != "" && q.Name == strings.TrimSpace(company.Name)
		for _, part := range q.Parts {
			asked = asked || strings.Contains(strings.ToLower(company.Name), strings.ToLower(part))
		}
		for _, identifier := range q.Identifiers {
			asked = asked || strings.EqualFold(identifier, company.Identifier)
		}
		if len(q.Parts) != 1 || !steady.MatchString(q.Parts[0]) {
			return // a name of short words, or of letters with other spellings: its likely ones are asked for
		}
		found++
		require.True(t, asked, "company %q, asked %+v", company.Name, q)
	})
	require.Positive(t, found)
}

func TestASharpSIsFoundOnTheServer(t *testing.T) {
	for name, company := range map[string]string{"GROSSMANN GmbH": "Großmann GmbH", "Großmann GmbH": "GROSSMANN GmbH", "Weiss": "Weiß", "KISS": "Kiß", "Voß AG": "VOSS AG"} {
		require.Equal(t, byNormal, match.Decide(customer(name, ""), []match.Record{{ID: 1, Name: company}}).GetMethod())
		require.True(t, slices.ContainsFunc(match.Ask(customer(name, "")).Parts, func(part string) bool {
			return strings.Contains(strings.ToLower(company), strings.ToLower(part))
		}), "%q asks %q", name, match.Ask(customer(name, "")).Parts)
	}
}

func FuzzNormal(f *testing.F) {
	for _, seed := range []string{"Acme, Ltd.", "Mu\u0308ller (a@b.example)", "A | CWM ~ 1", "|CWM~ 8", "G.m.b.H.", "İstanbul A.Ş.", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		once := match.Normal(name)
		require.Equal(t, once, match.Normal(" "+name+"\t"), "blanks around a name do not matter")
		link := match.Decide(&statusv1.Customer{Id: "1", Name: name}, []match.Record{{ID: 7, Name: name}, {ID: 8, Name: name + "x"}})
		if link.GetState() == linked && link.GetMethod() != byNameID {
			require.Equal(t, int64(7), link.GetCompany().GetId(), "by another name only an id leads to a company")
		}
	})
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
		{"text behind the id is people's", "CWM:1445 - VIP, call Kate first", "CWM:1445:AlphaIndustries - VIP, call Kate first", true},
		{"so is the next line", "CWM:1445:AlphaIndustries\nInvoice to HQ", "CWM:1445:AlphaIndustries\nInvoice to HQ", false},
		{"and what follows a semicolon", "CWM:1445:AlphaIndustries; ERP:4711", "CWM:1445:AlphaIndustries; ERP:4711", false},
		{"or a comma", "CWM:9:Old, PSA-77", "CWM:1445:AlphaIndustries, PSA-77", true},
		{"brackets around it stay", "x (CWM:9:Old)", "x (CWM:1445:AlphaIndustries)", true},
		{"two tags without a bar are a person's too", "CWM:1445 CWM:1450", "CWM:1445 CWM:1450", false},
		{"a blank after the colon is the same tag", "CWM: 1445", "CWM:1445:AlphaIndustries", true},
		{"case is no difference", "a | cwm:1445:alphaindustries", "a | cwm:1445:alphaindustries", false},
		{"the end of another word is none", "OLDCWM:9", "OLDCWM:9 | CWM:1445:AlphaIndustries", true},
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

func TestWhatARecordSays(t *testing.T) {
	all := []match.Record{
		{ID: 9, Identifier: "Alpha9", Name: "Alpha"},
		{ID: 1445, Identifier: "AlphaInd", Name: "Alpha Industries"},
		{ID: 24, Identifier: "Other", Name: "Other"},
		{ID: 1450, Identifier: "Acme", Name: "Acme"},
		{ID: 5, Identifier: "Bob", Name: "(bob@y.example)"},
		{ID: 6, Identifier: "P", Name: "Orion Private"},
		{ID: 7, Identifier: "AS", Name: "Lyra A/S"},
		{ID: 8, Identifier: "Z", Name: "Vega Spółka z ograniczoną odpowiedzialnością"},
	}
	for _, test := range []struct {
		why, name, reference string
		state                companyv1.LinkState
		company              int64
	}{
		{"the old convention before an e-mail address", "Alpha | CWM ~ 1445 (ops@alpha.example)", "", linked, 1445},
		{"and behind one", "Alpha (ops@alpha.example) | ID ~ 1445", "", linked, 1445},
		{"another label is none", "Fitness | open 7 ~ 24", "", missing, 0},
		{"two ids in one text", "Zed", "CWM:1445:AlphaIndustries, CWM:1450:Acme", ambiguous, 0},
		{"two ids with a blank between", "Zed", "CWM:1445 CWM:1450", ambiguous, 0},
		{"the end of another word", "Zed", "OLDCWM:1445", missing, 0},
		{"a blank after the colon", "Zed", "CWM: 1445", linked, 1445},
		{"text behind the id", "Zed", "CWM:1445 - VIP, call Kate first", linked, 1445},
		{"an id with a letter is none, and not bypassed", "Alpha", "CWM:1445x", broken, 0},
		{"a name of which nothing is left is like no other", "(kate@x.example)", "", missing, 0},
		{"Pte is not Private", "Orion Pte", "", proposed, 6},
		{"Pvt is", "Orion Pvt", "", linked, 6},
		{"AS is not A/S", "Lyra AS", "", proposed, 7},
		{"a Polish limited company", "Vega Sp. z o.o.", "", linked, 8},
	} {
		t.Run(test.why, func(t *testing.T) {
			c := customer(test.name, test.reference)
			got := match.Decide(c, match.NewIndex(all).Find(c))
			require.Equal(t, test.state, got.GetState(), got.GetReason())
			require.Equal(t, test.company, got.GetCompany().GetId())
		})
	}
}

func TestUntagged(t *testing.T) {
	for before, after := range map[string]string{
		"CWM:5:Acme": "", "PSA-1 | CWM:5:Acme": "PSA-1", "a | CWM:5:Acme | b": "a | b", "CWM:5:Acme | b": "b", "vip, cwm:5:acme, b": "vip, , b",
		"CWM:5:Other": "CWM:5:Other", "CWM:6:Acme": "CWM:6:Acme", "CWM:5": "CWM:5", "": "",
	} {
		got, changed := match.Untagged(before, "CWM:5:Acme")
		require.Equal(t, after, got, before)
		require.Equal(t, before != after, changed)
	}
	_, changed := match.Untagged("a", "")
	require.False(t, changed)
}

func TestATagIsOneWord(t *testing.T) {
	require.Equal(t, "CWM:5:AcmeTech", match.Tag(&companyv1.Company{Id: 5, Identifier: "Acme | Tech."}))
	got, changed := match.Tagged("x | CWM:5:AcmeTech", &companyv1.Company{Id: 5, Identifier: "Acme | Tech."})
	require.Equal(t, "x | CWM:5:AcmeTech", got)
	require.False(t, changed)
}

func TestFollow(t *testing.T) {
	lost := &companyv1.Lost{Company: company(1008)}
	at := func(ids ...int64) []match.Record {
		var all []match.Record
		for _, id := range ids {
			i := slices.IndexFunc(book(), func(r match.Record) bool { return r.ID == id })
			all = append(all, book()[i])
		}
		return all
	}
	tests := []struct {
		name      string
		filed     int
		moved     []match.Record
		want      int64
		candidate bool
	}{
		{"every ticket is at one other company", 3, at(1002, 1002, 1002), 1002, false},
		{"one ticket may have been moved by a person", 1, at(1002), 0, true},
		{"two may, too", 2, at(1002, 1002), 0, true},
		{"a ticket that is missing proves nothing", 4, at(1002, 1002, 1002), 0, true},
		{"no ticket says where", 0, nil, 0, false},
		{"tickets at two companies", 3, at(1001, 1002, 1002), 0, false},
		{"tickets still at the old one", 3, at(1008, 1008, 1008), 0, false},
		{"the other company is inactive", 3, at(1010, 1010, 1010), 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			link := &companyv1.Link{State: broken, Customer: customer("a", "")}
			require.Equal(t, test.want != 0, match.Follow(link, lost, test.filed, test.moved))
			require.Equal(t, test.want, link.GetCompany().GetId())
			require.Equal(t, test.candidate, len(link.GetCandidates()) == 1)
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
	require.Contains(t, link.GetReason(), "companies.own is not set")
}
