package tenant_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant"
)

// mark is part of every secret of these tests, so that a leak is found by looking for it.
const mark = "S3CRET-MARK"

// whole has every key, one a line where lines matter to the wrong documents below.
const whole = `id: harbor
mode: live
cove:
  url: https://api.backup.management/jsonapi
  partner: "Harbor IT (ops@harborit.example)"
  username: psa-sync
  passwordFile: cove.secret
  root: 481200
  allowHosts: [Storage.example.net, 10.1.2.3]
connectwise:
  url: https://na.myconnectwise.net
  company: harbor
  publicKeyFile: cw.pub
  privateKeyEnv: CW_KEY
  clientId: 0f0e0d0c-1111-2222-3333-444455556666
poll:
  interval: 15m
tickets:
  board: Service Desk
  newStatus: New
  closedStatus: Closed
  priorities: {server: "Priority 1 - Critical", workstation: "Priority 3 - Normal", m365: "Priority 2 - Quick Response"}
  timeZone: Europe/London
companies:
  create: "off"
  catchAll: ""
policy:
  stale: {server: 24h, workstation: 72h, documents: 336h, m365: 24h}
  openAfter: 1
  closeAfter: 2
  never: 3d
  documentsProfiles: [5038, 7]
  excludeTrial: false
`

// minimal leaves out everything that has a default.
const minimal = `id: pier
cove:
  username: psa-sync
  passwordFile: cove.secret
connectwise:
  url: http://127.0.0.1:8081/
  company: pier
  publicKeyFile: cw.pub
  privateKeyFile: cw.key
  clientId: 0f0e0d0c-1111-2222-3333-444455556666
tickets:
  board: Service Desk
  newStatus: New
  closedStatus: Closed
  priorities:
    server: P1
    workstation: P3
    m365: P2
`

func wantMinimal(dir string) tenant.Document {
	want := tenant.Defaults()
	want.ID = "pier"
	want.Cove.Username = "psa-sync"
	want.Cove.Password = tenant.SecretRef{Field: "cove.password", File: filepath.Join(dir, "cove.secret")}
	want.ConnectWise = tenant.ConnectWise{
		URL:        "http://127.0.0.1:8081",
		Company:    "pier",
		PublicKey:  tenant.SecretRef{Field: "connectwise.publicKey", File: filepath.Join(dir, "cw.pub")},
		PrivateKey: tenant.SecretRef{Field: "connectwise.privateKey", File: filepath.Join(dir, "cw.key")},
		ClientID:   "0f0e0d0c-1111-2222-3333-444455556666",

		RequestsPerMinute: 800, Burst: 20,
	}
	want.Tickets.Board, want.Tickets.NewStatus, want.Tickets.ClosedStatus = "Service Desk", "New", "Closed"
	want.Tickets.Priorities = tenant.Priorities{Server: "P1", Workstation: "P3", M365: "P2"}
	return want
}

// folder returns a new folder with the secret files that documents refer to, good ones and bad ones.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"cove.secret": "  " + mark + "\r\n",
		"cw.pub":      "\ufeff" + mark + "-pub",
		"cw.key":      mark + "-key\n",
		"empty":       " \n",
		"two-lines":   mark + "\n" + mark + "\n",
		"utf16":       "\xff\xfeS\x00",
		"huge":        strings.Repeat(mark, 10_000),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	require.NoError(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	return dir
}

func lookupEnv(name string) (string, bool) {
	value, set := map[string]string{
		"CW_KEY":       " " + mark + "-env\n",
		"EMPTY":        " ",
		"WITH_BLANK":   mark + " " + mark,
		"WITH_CONTROL": mark + "\x01",
	}[name]
	return value, set
}

func load(t *testing.T, dir, text string) ([]tenant.Document, error) {
	t.Helper()
	path := filepath.Join(dir, "tenants.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return tenant.Load(path, tenant.Options{LookupEnv: lookupEnv})
}

func TestLoadReadsEveryKey(t *testing.T) {
	dir := folder(t)
	docs, err := load(t, dir, whole)
	require.NoError(t, err)
	require.Equal(t, []tenant.Document{{
		ID:   "harbor",
		Mode: tenant.Live,
		Cove: tenant.Cove{
			URL:        "https://api.backup.management/jsonapi",
			Partner:    "Harbor IT (ops@harborit.example)",
			Username:   "psa-sync",
			Password:   tenant.SecretRef{Field: "cove.password", File: filepath.Join(dir, "cove.secret")},
			Root:       481200,
			AllowHosts: []string{"storage.example.net", "10.1.2.3"},

			RequestsPerSecond: 4, Concurrency: 4,
		},
		ConnectWise: tenant.ConnectWise{
			URL:        "https://na.myconnectwise.net",
			Company:    "harbor",
			PublicKey:  tenant.SecretRef{Field: "connectwise.publicKey", File: filepath.Join(dir, "cw.pub")},
			PrivateKey: tenant.SecretRef{Field: "connectwise.privateKey", Env: "CW_KEY"},
			ClientID:   "0f0e0d0c-1111-2222-3333-444455556666",

			RequestsPerMinute: 800, Burst: 20,
		},
		Poll: tenant.Poll{Interval: 15 * time.Minute},
		Tickets: tenant.Tickets{
			Board:        "Service Desk",
			NewStatus:    "New",
			ClosedStatus: "Closed",
			Priorities: tenant.Priorities{
				Server: "Priority 1 - Critical", Workstation: "Priority 3 - Normal", M365: "Priority 2 - Quick Response",
			},
			TimeZone: "Europe/London",
			Handling: tenant.Handling{
				OnHandClose: tenant.HandCloseRespect, RespectFor: 24 * time.Hour, ReopenWithin: tenant.ReopenWithin{For: 24 * time.Hour},
				OnDeleted: tenant.DeletedLeave, HourlyCap: 200,
			},
		},
		Companies: tenant.Companies{
			Create: tenant.CreateOff, CatchAllAfter: time.Hour, MoveHome: true,
			New: tenant.NewCompany{Status: "Active", Site: "Main", NameLimit: 50},
		},
		Policy: tenant.Policy{
			Values: map[string]string{
				"stale.server": "24h", "stale.workstation": "72h", "stale.documents": "336h", "stale.m365": "24h",
				"openAfter": "1", "closeAfter": "2", "never": "3d", "excludeTrial": "off",
			},
			Group:             tenant.Group{Window: 30 * time.Minute, Devices: 10, Share: 20, Join: tenant.JoinHold},
			NotSweptAfter:     3,
			DocumentsProfiles: []int64{5038, 7},
		},
	}}, docs)
}

func TestLoadFillsInDefaults(t *testing.T) {
	dir := folder(t)
	docs, err := load(t, dir, minimal)
	require.NoError(t, err)
	require.Equal(t, []tenant.Document{wantMinimal(dir)}, docs)
}

func TestLoadReadsSeveralDocumentsAndSkipsEmptyOnes(t *testing.T) {
	dir := folder(t)
	docs, err := load(t, dir, "# tenants\n---\n"+minimal+"---\n---\n"+strings.Replace(minimal, "id: pier", "id: quay", 1)+"---\n")
	require.NoError(t, err)
	quay := wantMinimal(dir)
	quay.ID = "quay"
	require.Equal(t, []tenant.Document{wantMinimal(dir), quay}, docs)
}

func TestLoadTakesSecretsRelativeToTheDocumentNotToTheProcess(t *testing.T) {
	dir := folder(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tenants.yaml"), []byte(minimal), 0o600))
	t.Chdir(filepath.Join(dir, "folder"))
	docs, err := tenant.Load("../tenants.yaml", tenant.Options{})
	require.NoError(t, err)
	wd, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, []tenant.Document{wantMinimal(filepath.Dir(wd))}, docs)
}

func TestLoadAcceptsOtherSpellings(t *testing.T) {
	tests := map[string]struct {
		old, new string
		change   func(*tenant.Document)
	}{
		"an unquoted off is text to this parser":     {"tickets:", "companies: {create: off}\ntickets:", func(*tenant.Document) {}},
		"false is what YAML 1.1 tools make of off":   {"tickets:", "companies: {create: false}\ntickets:", func(*tenant.Document) {}},
		"companies are created automatically":        {"tickets:", "companies: {create: auto}\ntickets:", func(d *tenant.Document) { d.Companies.Create = tenant.CreateAuto }},
		"an optional group may be empty":             {"tickets:", "policy:\npoll:\ntickets:", func(*tenant.Document) {}},
		"an optional text may be left empty":         {"tickets:", "companies:\n  catchAll:\ntickets:", func(*tenant.Document) {}},
		"days and hours":                             {"tickets:", "poll: {interval: 1d12h}\ntickets:", func(d *tenant.Document) { d.Poll.Interval = 36 * time.Hour }},
		"the shortest interval":                      {"tickets:", "poll: {interval: 10s}\ntickets:", func(d *tenant.Document) { d.Poll.Interval = 10 * time.Second }},
		"http on localhost":                          {"http://127.0.0.1:8081/", "http://localhost:1", func(d *tenant.Document) { d.ConnectWise.URL = "http://localhost:1" }},
		"http on the IPv6 loopback address":          {"http://127.0.0.1:8081/", "http://[::1]:8081", func(d *tenant.Document) { d.ConnectWise.URL = "http://[::1]:8081" }},
		"http on another address of 127.0.0.0/8":     {"http://127.0.0.1:8081/", "HTTP://127.9.9.9", func(d *tenant.Document) { d.ConnectWise.URL = "http://127.9.9.9" }},
		"a Cove address of its own keeps its path":   {"  username:", "  url: http://127.0.0.1:9/jsonapi\n  username:", func(d *tenant.Document) { d.Cove.URL = "http://127.0.0.1:9/jsonapi" }},
		"no Documents profile at all":                {"tickets:", "policy: {documentsProfiles: []}\ntickets:", func(d *tenant.Document) { d.Policy.DocumentsProfiles = []int64{} }},
		"an anchor nobody refers to changes nothing": {"id: pier", "id: &name pier", func(*tenant.Document) {}},
		"a number in quotes is text":                 {"company: pier", `company: "4711"`, func(d *tenant.Document) { d.ConnectWise.Company = "4711" }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			require.Equal(t, 1, strings.Count(minimal, test.old))
			docs, err := load(t, dir, strings.Replace(minimal, test.old, test.new, 1))
			require.NoError(t, err)
			want := wantMinimal(dir)
			test.change(&want)
			require.Equal(t, []tenant.Document{want}, docs)
		})
	}
}

func TestExampleLoadsOnceItsSecretsExist(t *testing.T) {
	dir := folder(t)
	docs, err := load(t, dir, tenant.Example())
	require.NoError(t, err)
	require.Len(t, docs, 1)
	shown := docs[0].Settings().GetPolicy()
	for name, value := range shown.GetTenant() {
		require.Equal(t, tenant.SystemPolicy()[name], value, "the example shows the defaults: %s", name)
	}
	docs[0].Policy.Values = map[string]string{}
	require.Equal(t, tenant.Defaults().Policy, docs[0].Policy, "the example shows the defaults")
	require.Equal(t, tenant.Defaults().Poll, docs[0].Poll, "the example shows the defaults")
	require.Equal(t, tenant.Defaults().Companies, docs[0].Companies, "the example shows the defaults")
	require.Equal(t, tenant.Defaults().Cove.URL, docs[0].Cove.URL, "the example shows the defaults")
}
