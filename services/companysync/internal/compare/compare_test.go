package compare_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	"github.com/covewise/covewise/services/companysync/internal/compare"
)

func rows() []compare.Row {
	return []compare.Row{
		{Partner: "1", Customer: `Müller & Söhne "Nord", GmbH`, Reference: "a | CWM:5", Level: "EndCustomer", Devices: 3, Sites: []string{"North", "South"}, Status: compare.Linked, Method: "name", Company: "Müller", CompanyID: 5, Identifier: "Mueller", Note: "n"},
		{Partner: "2", Customer: "=cmd()", Level: "EndCustomer", Status: compare.Missing, Suggestion: "cmd", Note: "line\nbreak"},
		{Partner: "3", Customer: "Acme", Level: "EndCustomer", Status: compare.Renamed, CompanyID: 7},
		{Partner: "4", Customer: "Gone", Status: compare.Removed},
	}
}

func TestACellIsReadWithoutItsGuard(t *testing.T) {
	for cell, want := range map[string]string{"'=cmd()": "=cmd()", "'  @SUM(A1)": "  @SUM(A1)", "'|x": "|x", "'s Lands": "'s Lands", "'": "'", "Bo's": "Bo's"} {
		got, err := compare.Read(strings.NewReader("CoveCustomer,CWMCompanyID\n" + cell + ",5\n"))
		require.NoError(t, err)
		require.Equal(t, []compare.Row{{Customer: want, CompanyID: 5}}, got)
	}
}

func TestCellsComeInTheOrderOfTheColumns(t *testing.T) {
	for _, r := range rows() {
		require.Len(t, r.Cells(), len(compare.Columns()))
	}
	require.Equal(t, []any{"3", "Acme", "", "EndCustomer", 0, []string{}, "Renamed", "", "", int64(7), "", "", ""}, rows()[2].Cells())
	require.Nil(t, rows()[1].Cells()[9], "no company is no number")
}

func TestTheScriptsFileIsRead(t *testing.T) {
	const script = "\xef\xbb\xbf#TYPE System.Management.Automation.PSCustomObject\r\n" +
		`"CoveCustomer","CoveReference","CoveLevel","DeviceCount","Sites","MatchStatus","MatchMethod","CWMCompany","CWMCompanyID","SuggestedIdentifier","CovePartnerId"` + "\r\n" +
		`"Acme Technologies","","EndCustomer","12","Main; Depot","Matched","Exact Name","ACME Technologies","1450","","481301"` + "\r\n" +
		`"O'Brien ""Kate""","x","EndCustomer","1","","Missing","","","","OBrienKate","481310"` + "\r\n"
	want := []compare.Row{
		{Partner: "481301", Customer: "Acme Technologies", Level: "EndCustomer", Devices: 12, Sites: []string{"Main", "Depot"}, Status: "Matched", Method: "Exact Name", Company: "ACME Technologies", CompanyID: 1450},
		{Partner: "481310", Customer: `O'Brien "Kate"`, Reference: "x", Level: "EndCustomer", Devices: 1, Status: "Missing", Suggestion: "OBrienKate"},
	}
	semicolons := strings.ReplaceAll(strings.ReplaceAll(script, "Main; Depot", "Main"), `","`, `";"`)
	for name, c := range map[string]struct {
		text  string
		sites []string
	}{"as it is": {script, []string{"Main", "Depot"}}, "with semicolons": {semicolons, []string{"Main"}}} {
		t.Run(name, func(t *testing.T) {
			got, err := compare.Read(strings.NewReader(c.text))
			require.NoError(t, err)
			want := slices.Clone(want)
			want[0].Sites = c.sites
			require.Equal(t, want, got)
		})
	}
}

func TestBadFilesAreRefusedWithTheirLine(t *testing.T) {
	for text, complaint := range map[string]string{
		"":                                     "line 1 holds no column names",
		"a,b\n":                                "columns CWMCompanyID and CovePartnerId",
		"CovePartnerId,CWMCompanyID\n1,x\n":    `line 2: cwmcompanyid "x" is no whole number; write digits, or nothing`,
		"CovePartnerId,CWMCompanyID\n1,5\n\"2": "line 3 is no CSV",
	} {
		_, err := compare.Read(strings.NewReader(text))
		require.ErrorContains(t, err, complaint)
	}
}

func TestSummary(t *testing.T) {
	require.Equal(t, "no customers", compare.Summarise(nil).String())
	require.Zero(t, compare.Summarise(nil).MatchedPercent)
	require.Equal(t, "3 customers, 2 with a company of their own (66.7 %); linked 1 (33.3 %); renamed 1 (33.3 %); missing 1 (33.3 %); removed 1",
		compare.Summarise(rows()).String())
	require.Equal(t, "0 customers, 0 with a company of their own (0.0 %); removed 1", compare.Summarise(rows()[3:]).String())
}

func TestChanges(t *testing.T) {
	file := []compare.Row{
		{Partner: "1", CompanyID: 5},
		{Partner: "2", Customer: "=cmd()", CompanyID: 9, Company: "Nine"},
		{Customer: "Acme", CompanyID: 8},
		{Partner: "99", CompanyID: 1},
		{Partner: "3"},
	}
	changes, unknown := compare.Changes(file, rows())
	require.Equal(t, []compare.Change{{Partner: "2", Customer: "=cmd()", CompanyID: 9, Company: "Nine"}, {Partner: "3", Customer: "Acme", CompanyID: 8}}, changes)
	require.Equal(t, []compare.Row{{Partner: "99", CompanyID: 1}}, unknown)
}

// A comparison that is given back as it was written asks for nothing.
func TestAnUnchangedFileChangesNothing(t *testing.T) {
	all := append(rows(),
		compare.Row{Partner: "5", Customer: "B", Status: compare.CatchAll, CompanyID: 2, Company: "Catch-all"},
		compare.Row{Partner: "6", Customer: "C", Status: compare.Removed, CompanyID: 7, Company: "C"},
	)
	changes, unknown := compare.Changes(all, all)
	require.Empty(t, changes)
	require.Empty(t, unknown)
	all[5].Status, all[5].CompanyID = compare.Linked, 8
	changes, _ = compare.Changes(all[5:], append(rows(), compare.Row{Partner: "6", Status: compare.Removed, CompanyID: 7}))
	require.Empty(t, changes, "a removed customer is ordered nothing")
}

func TestEveryStateHasAStatus(t *testing.T) {
	seen := map[compare.Status]bool{}
	for n := range companyv1.LinkState_name {
		seen[compare.StatusOf(&companyv1.Link{State: companyv1.LinkState(n)}, false, false)] = true
	}
	require.Len(t, seen, 7)
	for n := range companyv1.LinkMethod_name {
		require.Equal(t, n == 0, compare.MethodOf(companyv1.LinkMethod(n)) == "", n)
	}
}
