package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/test/openapi"
)

// Site is an MSP whose Covewise is the real program, `covewise up`, with its tenant document and its data directory.
// The fakes live in the test's process, as in a Harness.
type Site struct {
	Cove *covefake.Server
	PSA  *cwfake.Server
	Data string // the data directory

	t        testing.TB
	document string
	program  string
}

// tenantDocument is a document as an operator writes it, with the shortest interval that one may have.
const tenantDocument = `id: lantern
mode: live
cove:
  url: %s/jsonapi
  username: psa-sync
  passwordFile: cove.secret
connectwise:
  url: %s
  company: harbor
  publicKeyFile: cw.pub
  privateKeyFile: cw.key
  clientId: %s
poll:
  interval: 10s
tickets:
  board: %s
  newStatus: %s
  closedStatus: %s
  priorities: {server: "%s", workstation: "%s", m365: "%s"}
  hourlyCap: 0 # a process that is killed takes what it had reserved of a cap with it
policy:
  group: {join: "off"} # a ticket for each device, however many fail alike
`

// NewSite starts the fakes and writes the tenant's document. around, which may be nil, wraps the fake Cove.
func NewSite(t testing.TB, fleet covefake.Fleet, companies []cwfake.Company, around func(http.Handler) http.Handler) *Site {
	t.Helper()
	const password, public, private = "a-token-of-cove", "a-public-key", "a-private-key"
	s := &Site{
		t: t, Data: filepath.Join(t.TempDir(), "data"), program: filepath.Join(Build(t, module+"allinone/cmd/covewise"), "covewise"),
		Cove: covefake.New(covefake.Options{Username: "psa-sync", Password: password}),
		PSA:  cwfake.New(cwfake.Options{Company: "harbor", PublicKey: public, PrivateKey: private}),
	}
	require.NoError(t, s.Cove.SetFleet(fleet))
	for _, c := range companies {
		_, err := s.PSA.AddCompany(c)
		require.NoError(t, err)
	}
	var cove http.Handler = s.Cove
	if around != nil {
		cove = around(cove)
	}
	coveServer, psaServer := httptest.NewServer(cove), httptest.NewServer(openapi.Judged(t, s.PSA))
	t.Cleanup(coveServer.Close)
	t.Cleanup(psaServer.Close)
	dir := t.TempDir()
	s.document = filepath.Join(dir, "tenants.yaml")
	for name, text := range map[string]string{
		"cove.secret": password, "cw.pub": public, "cw.key": private,
		"tenants.yaml": fmt.Sprintf(tenantDocument, coveServer.URL, psaServer.URL, cwfake.DefaultClientID,
			Board, NewStatus, ClosedStatus, PriorityServer, PriorityWorkstation, PriorityM365),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return s
}

// Up is a running `covewise up`.
type Up struct {
	*Process

	address string
}

// Up starts the program with its page on a free port.
func (s *Site) Up() *Up {
	s.t.Helper()
	address := FreeAddress(s.t)
	return &Up{s.run("--listen", address), address}
}

// Once starts the program for one sweep.
func (s *Site) Once() *Process {
	s.t.Helper()
	return s.run("--once")
}

func (s *Site) run(args ...string) *Process {
	s.t.Helper()
	return StartProcess(s.t, "covewise", s.program, append([]string{"up", "--tenants", s.document, "--data", s.Data}, args...), []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
	})
}

// Overview is what the page says of the one tenant.
type Overview struct {
	LastSweep struct {
		Number   uint64 `json:"number"`
		Complete bool   `json:"complete"`
		Failure  string `json:"failure"`
		Requests int    `json:"requests"`
	} `json:"last_sweep"`
	Devices struct {
		Healthy int `json:"healthy"`
	} `json:"devices"`
	OpenIncidents int `json:"open_incidents"`
	OpenTickets   int `json:"open_tickets"`
}

// Overview asks the page; false while it does not answer or does not know the tenant yet.
func (u *Up) Overview(ctx context.Context) (Overview, bool) {
	var page struct{ Items []Overview }
	if Page(ctx, "http://"+u.address+"/api/v1/tenants", &page) != nil || len(page.Items) != 1 {
		return Overview{}, false
	}
	return page.Items[0], true
}

// Phases counts the incidents by the phase of their ticket; false while the page does not answer.
func (u *Up) Phases(ctx context.Context) (map[string]int, bool) {
	var page struct {
		Total int
		Items []struct{ Phase string }
	}
	if Page(ctx, "http://"+u.address+"/api/v1/tickets?limit=1000", &page) != nil || page.Total != len(page.Items) {
		return nil, false
	}
	counts := map[string]int{}
	for _, i := range page.Items {
		counts[i.Phase]++
	}
	return counts, true
}

// Page reads a page of the console's JSON API into a value.
func Page(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, body)
	}
	return json.Unmarshal(body, into)
}

// WaitFor waits until a condition holds, which it looks at often. It fails when the process ends or the limit is reached.
func (p *Process) WaitFor(what string, holds func() bool) {
	p.t.Helper()
	p.WaitAtEase(what, lookAgain, holds)
}

// WaitAtEase is WaitFor with another pause between looks, for conditions that cost the process something.
func (p *Process) WaitAtEase(what string, pause time.Duration, holds func() bool) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return p.Ended() || holds() }, 2*waitLimit, pause, what)
	if p.Ended() {
		p.t.Fatalf("waiting until %s: the process ended with exit code %d\n%s", what, p.Exit(0), tail(p.Output()))
	}
}

// FreeAddress returns a loopback address that nobody listened on a moment ago.
func FreeAddress(t testing.TB) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
