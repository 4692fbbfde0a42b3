package cli_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/allinone/internal/server"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
	companysync "github.com/covewise/covewise/services/companysync/app"
)

// customers is the two servers with customers of every kind, swept once by a covewise that has ended.
func customers(t *testing.T) *outside {
	t.Helper()
	o := described(t)
	for id, name := range map[int64]string{720: formula, 730: terminal, 740: "Orion", 750: "Night Owl", 760: "Twin", 761: "Twin", 770: "Test Bench", 780: "Harvest"} {
		require.NoError(t, o.cove.PutPartner(covefake.Partner{ID: id, ParentID: 700, Name: name, Level: "EndCustomer"}))
	}
	require.NoError(t, o.cove.PutPartner(covefake.Partner{ID: 711, ParentID: customerID, Name: "Kiel", Level: "Site"}))
	for _, c := range []cwfake.Company{
		{ID: 2001, Identifier: "Orion", Name: "Orion", Status: "Inactive"},
		{ID: 2002, Identifier: "Orion2", Name: "Orion"},
	} {
		_, err := o.cwm.AddCompany(c)
		require.NoError(t, err)
	}
	require.NoError(t, o.cove.UpdateDevice(1001, func(d *covefake.Device) { d.PartnerID = 740 }))
	o.set(1001, "2")
	text, err := os.ReadFile(o.tenants)
	require.NoError(t, err)
	text = append(text, "companies: {create: approve, writeBack: true, new: {country: US}}\n"...)
	require.NoError(t, os.WriteFile(o.tenants, text, 0o600))
	require.Equal(t, cli.ExitOK, o.once().code)
	return o
}

func (o *outside) companies(args ...string) result {
	o.t.Helper()
	return execute(o.t.Context(), o.secrets, append(append([]string{"companies"}, args...), "--data", o.data)...)
}

// written counts everything that is stored in the data directory, and every request that changes something.
func (o *outside) written() map[string]uint64 {
	o.t.Helper()
	all := map[string]uint64{"writes to ConnectWise": uint64(o.cwm.Writes())}
	for method, n := range o.cove.Counts() {
		if strings.HasPrefix(method, "Modify") || strings.HasPrefix(method, "Add") || strings.HasPrefix(method, "Remove") {
			all[method] = uint64(n)
		}
	}
	lock, err := server.Directory(o.data)
	require.NoError(o.t, err)
	s, err := server.Start(o.t.Context(), lock, slog.New(slog.DiscardHandler))
	require.NoError(o.t, err)
	nc, err := s.Connect("test")
	require.NoError(o.t, err)
	js, err := jetstream.New(nc)
	require.NoError(o.t, err)
	streams := js.ListStreams(o.t.Context())
	for info := range streams.Info() {
		all[info.Config.Name] = info.State.LastSeq
	}
	require.NoError(o.t, streams.Err())
	nc.Close()
	require.NoError(o.t, s.Stop())
	return all
}

func TestCustomersAndCompaniesAreCompared(t *testing.T) {
	t.Parallel()
	o := customers(t)
	got := o.companies("compare")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	require.Empty(t, got.stderr)
	golden(t, "companies-compare", got.stdout)

	var objects []map[string]any
	require.NoError(t, json.Unmarshal([]byte(o.companies("compare", "--output", "json").stdout), &objects))
	require.Len(t, objects, 9)
	for _, object := range objects {
		if object["CovePartnerId"] == "710" {
			require.Equal(t, []any{`Müller & Söhne "Nord"`, 2.0, []any{"Kiel"}, "Linked", 250.0}, []any{
				object["CoveCustomer"], object["DeviceCount"], object["Sites"], object["MatchStatus"], object["CWMCompanyID"],
			})
		}
	}
}

func TestAComparisonIsReadBackAndItsChangesOrdered(t *testing.T) {
	t.Parallel()
	o := customers(t)
	listed := o.companies("compare", "--output", "csv")
	require.Equal(t, cli.ExitOK, listed.code, listed.stderr)
	rows, err := csv.NewReader(strings.NewReader(listed.stdout)).ReadAll()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, row := range rows {
		for _, cell := range row {
			names[cell] = true
			require.NotRegexp(t, "^[ ]*[=+@|%\t\r\n-]", cell)
		}
	}
	require.True(t, names["'"+formula])

	file := filepath.Join(t.TempDir(), "companies.csv")
	write := func(text string) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	write(listed.stdout)
	require.Equal(t, result{cli.ExitOK, "none of the 9 rows differs\n", ""}, o.companies("compare", "-f", file))

	// As a person fills it in, with the columns of the script before.
	write(`"CoveCustomer","MatchStatus","CWMCompany","CWMCompanyID","CovePartnerId"` + "\r\n" +
		`"Orion","Matched","Orion","2002","740"` + "\r\n" + `"Nobody","Matched","Orion","2002","999"` + "\r\n" + `"Harvest","Missing","","","780"` + "\r\n")
	shown := o.companies("compare", "-f", file)
	require.Equal(t, cli.ExitOK, shown.code, shown.stderr)
	golden(t, "companies-differences", shown.stdout)

	before := o.written()
	tried := o.companies("compare", "-f", file, "--apply", "--what-if")
	require.Equal(t, cli.ExitOK, tried.code, tried.stderr)
	require.Contains(t, tried.stdout, `740 "Orion": link would be carried out; linked: company 2002 "Orion" (Orion2)`)
	require.Contains(t, tried.stderr, `the file names customer 999 "Nobody", which is not there`)
	require.Equal(t, before, o.written())

	log, stop := o.running()
	defer stop()
	log.await(t, "page is served")
	applied := o.companies("compare", "-f", file, "--apply", "--author", "maria", "--reason", "the list")
	require.Equal(t, cli.ExitOK, applied.code, applied.stderr)
	require.Equal(t, `740 "Orion": link carried out; linked: company 2002 "Orion" (Orion2); linked by maria: the list`+"\n", applied.stdout)
	require.Contains(t, o.companies("compare", "-f", file).stdout, "3 rows: 0 links to order")
}

func TestAWhatIfWritesNothingAnywhere(t *testing.T) {
	t.Parallel()
	o := customers(t)
	before := o.written()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"compare"}, cli.ExitOK, "9 customers, 1 with a company of their own"},
		{[]string{"link", "Orion", "2002"}, cli.ExitOK, `740 "Orion": link would be carried out; linked: company 2002 "Orion" (Orion2); linked by maria`},
		{[]string{"link", "740", "2001"}, cli.ExitIncomplete, `740 "Orion": link would be refused; company "Orion" (2001) is inactive; change its status first, or link another`},
		{[]string{"link", "740", "7"}, cli.ExitIncomplete, `740 "Orion": link would be refused; company 7 does not exist in ConnectWise`},
		{[]string{"unlink", "710"}, cli.ExitOK, `710 "Müller & Söhne \"Nord\"": unlink would be carried out; `},
		{[]string{"create", "Harvest"}, cli.ExitOK, `780 "Harvest": create would be carried out; creating: company "Harvest" (Harvest)`},
		{[]string{"create", "710"}, cli.ExitIncomplete, `710 "Müller & Söhne \"Nord\"": create would be refused; the customer is linked to company "Müller & Söhne \"Nord\"" (250); unlink it first`},
		{[]string{"approve", "710"}, cli.ExitIncomplete, `710 "Müller & Söhne \"Nord\"": approve would be refused; nothing is proposed`},
		{[]string{"ignore", "770"}, cli.ExitOK, `770 "Test Bench": ignore would be carried out; excluded; excluded by maria`},
	} {
		got := o.companies(append(c.args, "--what-if", "--author", "maria")...)
		require.Equal(t, c.code, got.code, "%v: %s", c.args, got.stderr)
		require.Contains(t, got.stdout, c.want)
	}
	require.Equal(t, before, o.written())
}

func TestPeopleDecideAboutCompanies(t *testing.T) {
	t.Parallel()
	o := customers(t)
	require.Empty(t, o.cwm.Tickets(), "two companies are called Orion")
	me, err := user.Current()
	require.NoError(t, err)
	require.Equal(t, result{cli.ExitOK, `740 "Orion": link kept for the next start; no covewise runs there` + "\n", ""}, o.companies("link", "Orion", "2002"))

	log, stop := o.running()
	defer stop()
	log.await(t, "created", "device=1001", "company=2002")
	require.Len(t, o.cwm.OpenTickets(), 1, "the link is used at once by what waited")
	require.Eventually(t, func() bool {
		return o.companies("approve", "Night Owl", "--what-if").code == cli.ExitOK
	}, 20*time.Second, 50*time.Millisecond, "customers are proposed by the first whole comparison")
	linked := o.companies("compare", "--output", "json").stdout
	require.Contains(t, linked, fmt.Sprintf("linked by %s", me.Username))

	for _, c := range []struct {
		says string
		args []string
		code int
		want string
	}{
		{"a proposed company is created when it is approved", []string{"approve", "Night Owl"}, cli.ExitOK, `750 "Night Owl": approve carried out; linked: company \d+ "Night Owl" \(NightOwl\); created by Covewise, approved by maria`},
		{"what is done is not done twice", []string{"approve", "Night Owl"}, cli.ExitIncomplete, `750 "Night Owl": approve refused; nothing is proposed for this customer`},
		{"a company is created on demand", []string{"create", "780"}, cli.ExitOK, `780 "Harvest": create carried out; linked: company \d+ "Harvest" \(Harvest\)`},
		{"a name that is more than a name is one", []string{"create", "730"}, cli.ExitOK, `730 "\\x1b]0;owned\\a\\u202egnp\.exe\\r\\nSRV": create carried out; linked: company \d+ `},
		{"a customer is left out", []string{"ignore", "Test Bench", "--reason", "ours"}, cli.ExitOK, `770 "Test Bench": ignore carried out; excluded; excluded by maria: ours`},
		{"and taken in again", []string{"unlink", "Test Bench"}, cli.ExitOK, `770 "Test Bench": unlink carried out; proposed: company "Test Bench" \(TestBench\)`},
		{"two customers of one name", []string{"ignore", "Twin"}, cli.ExitUsage, `covewise: order: customer: 2 customers are called "Twin"; name one by its Cove partner id: 760, 761`},
		{"nobody", []string{"ignore", "Nobody"}, cli.ExitUsage, `there is no customer "Nobody"; name one by its Cove partner id`},
	} {
		got := o.companies(append(c.args, "--author", "maria")...)
		require.Equal(t, c.code, got.code, "%s: %s %s", c.says, got.stdout, got.stderr)
		require.Regexp(t, c.want, got.stdout+got.stderr, c.says)
		require.NotContains(t, got.stdout, "\x1b", c.says)
	}
	created := map[string]int{}
	for _, c := range o.cwm.Companies() {
		created[c.Name]++
	}
	require.Equal(t, []int{1, 1}, []int{created["Night Owl"], created["Harvest"]})

	var objects []map[string]any
	require.NoError(t, json.Unmarshal([]byte(o.companies("ignore", "760", "--author", "maria", "--output", "json").stdout), &objects))
	require.Equal(t, []map[string]any{{
		"customer_id": "760", "customer": "Twin", "order": "ignore", "outcome": "carried out", "state": "excluded", "company_id": nil,
		"company": "", "identifier": "", "detail": "excluded by maria",
	}}, objects)
}

func TestAnOrderThatIsNotCarriedOutInTimeStays(t *testing.T) {
	t.Parallel()
	o := customers(t)
	log, stop := o.running()
	defer stop()
	log.await(t, "page is served")
	require.NoError(t, o.cwm.AddFaults(cwfake.Fault{Match: "GET /company/companies/{id}", Kind: cwfake.FaultErrorBefore, Status: 503}))
	require.Equal(t, result{cli.ExitIncomplete, `740 "Orion": link not carried out yet; it stays ordered, and the log of covewise up tells of it` + "\n", ""},
		o.companies("link", "Orion", "2002", "--timeout", "300ms"))
	o.cwm.ClearFaults()
}

func TestWrongCommandsAboutCompaniesAreExplained(t *testing.T) {
	t.Parallel()
	o := customers(t)
	none := filepath.Join(t.TempDir(), "none.csv")
	torn := filepath.Join(t.TempDir(), "torn.csv")
	require.NoError(t, os.WriteFile(torn, []byte("CovePartnerId,CWMCompanyID\n740,x\n"), 0o600))
	for says, c := range map[string]struct {
		args []string
		want string
	}{
		"no company":           {[]string{"link", "740"}, "covewise: COMPANY-ID is missing; see covewise companies link --help\n"},
		"nothing at all":       {[]string{"link"}, "covewise: CUSTOMER, then COMPANY-ID is missing; see covewise companies link --help\n"},
		"a name not quoted":    {[]string{"ignore", "Night", "Owl"}, `covewise: unexpected argument "Owl"; quote a name that has blanks, and see covewise companies ignore --help` + "\n"},
		"a company by name":    {[]string{"link", "740", "Orion"}, `covewise: COMPANY-ID "Orion" is not the record id of a company, a number above 0; covewise companies compare shows candidates` + "\n"},
		"no time":              {[]string{"ignore", "740", "--timeout", "0s"}, "covewise: --timeout 0s is not positive; write for example 1m\n"},
		"an unknown tenant":    {[]string{"compare", "--tenant", "pier"}, "covewise: --tenant pier is not known; choose one of harbor\n"},
		"nothing to apply":     {[]string{"compare", "--apply"}, "covewise: --apply orders what a file says; name the file with -f\n"},
		"a file that is not":   {[]string{"compare", "-f", none}, "covewise: -f: open " + none + ": no such file or directory; name a file that covewise companies compare --output csv wrote\n"},
		"a file that is wrong": {[]string{"compare", "-f", torn}, "covewise: -f " + torn + `: read comparison: line 2: cwmcompanyid "x" is no whole number; write digits, or nothing` + "\n"},
		"an unknown format":    {[]string{"compare", "--output", "xml"}, `covewise: --output: "xml" is none of table, csv and json; choose one of them` + "\n"},
	} {
		require.Equal(t, result{cli.ExitUsage, "", c.want}, o.companies(c.args...), says)
	}
	o.secrets = map[string]string{}
	got := o.companies("compare")
	require.Equal(t, cli.ExitFailed, got.code)
	require.Contains(t, got.stderr, "CW_PUBLIC", "the command needs the secrets too")
}

func TestATenantWithoutCustomersIsNoFailure(t *testing.T) {
	t.Parallel()
	o := described(t)
	require.NoError(t, o.cove.SetFleet(covefake.Fleet{Root: 700, Partners: []covefake.Partner{{ID: 700, Name: provider, Level: "Reseller"}}}))
	got := o.companies("compare")
	require.Equal(t, cli.ExitFailed, got.code, "nothing ran there yet")
	o.once()
	require.Equal(t, result{cli.ExitOK, "Cove lists no customers below the tenant's partner\n", ""}, o.companies("compare"))
	require.Equal(t, "[]\n", o.companies("compare", "--output", "json").stdout)
}

func TestHelpOfTheCommandsAboutCompanies(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"help-companies": nil, "help-companies-compare": {"compare"}, "help-companies-link": {"link"}} {
		t.Run(name, func(t *testing.T) {
			got := execute(t.Context(), nil, append(append([]string{"companies"}, args...), "--help")...)
			require.Equal(t, cli.ExitOK, got.code)
			require.Empty(t, got.stderr)
			golden(t, name, got.stdout)
		})
	}
}

func TestTheDocumentNamesEveryColumnOfAComparison(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "companies.md"))
	require.NoError(t, err)
	for _, column := range companysync.Columns() {
		require.Contains(t, string(text), "| "+column+" |")
	}
}
