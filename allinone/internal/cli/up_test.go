package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
)

const (
	customerID = 710
	provider   = "Harbor IT"
)

// outside is the two fake servers with a customer and three devices, and a document that leads there.
type outside struct {
	t       *testing.T
	cove    *covefake.Server
	cwm     *cwfake.Server
	tenants string
	data    string
	secrets map[string]string
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{
		t: t, cove: covefake.New(covefake.Options{Username: "psa-sync", Password: "tok", Partner: provider}), cwm: cwfake.New(cwfake.Options{}),
		data:    filepath.Join(t.TempDir(), "data"),
		secrets: map[string]string{"COVE_PASSWORD": "tok", "CW_PUBLIC": cwfake.DefaultPublicKey, "CW_PRIVATE": cwfake.DefaultPrivateKey},
	}
	fleet := covefake.Fleet{Root: 700, Partners: []covefake.Partner{
		{ID: 700, Name: provider, Level: "Reseller"},
		{ID: customerID, ParentID: 700, Name: `Müller & Söhne "Nord"`, Level: "EndCustomer"},
	}}
	for i := range int64(3) {
		fleet.Devices = append(fleet.Devices, device(1000+i))
	}
	require.NoError(t, o.cove.SetFleet(fleet))
	_, err := o.cwm.AddCompany(cwfake.Company{ID: 250, Identifier: "Mueller", Name: `Müller & Söhne "Nord"`, Sites: []cwfake.Site{{Name: "Main", Primary: true}}})
	require.NoError(t, err)
	cove, cwm := httptest.NewServer(o.cove), httptest.NewServer(o.cwm)
	t.Cleanup(cove.Close)
	t.Cleanup(cwm.Close)
	o.tenants = filepath.Join(t.TempDir(), "tenants.yaml")
	text := strings.NewReplacer(
		"cove:\n", "mode: live\ncove:\n  url: "+cove.URL+"/jsonapi\n  partner: "+provider+"\n", "https://na.myconnectwise.net", cwm.URL,
		"server: A", `server: "Priority 1 - Critical"`, "workstation: B", `workstation: "Priority 3 - Normal"`, "m365: C", `m365: "Priority 2 - Quick Response"`,
	).Replace(right)
	require.NoError(t, os.WriteFile(o.tenants, []byte(text), 0o600))
	return o
}

func device(id int64) covefake.Device {
	return covefake.Device{AccountID: id, PartnerID: customerID, Settings: map[string]string{
		"AN": fmt.Sprintf("srv-%d", id), "MN": fmt.Sprintf("SRV-%d", id), "AT": "1", "OT": "2", "OS": "Windows Server 2022", "I78": "D01",
		"CD": "@-5000h", "PN": "All-In", "T0": "5", "T7": "0", "TL": "@-2h", "TS": "@-1m", "D01F00": "5", "D01F06": "0", "D01F09": "@-2h", "D01F17": "5",
	}}
}

func (o *outside) set(id int64, status string) {
	o.t.Helper()
	require.NoError(o.t, o.cove.UpdateDevice(id, func(d *covefake.Device) {
		for _, code := range []string{"T0", "D01F00", "D01F17"} {
			d.Set(code, status)
		}
	}))
}

func (o *outside) once(more ...string) result {
	o.t.Helper()
	return execute(o.t.Context(), o.secrets, append([]string{"up", "--tenants", o.tenants, "--data", o.data, "--once", "--log-level", "error"}, more...)...)
}

func TestOnceSeesEachSweepThroughToItsTickets(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	o.set(1000, "2")
	require.Equal(t, result{cli.ExitOK, "harbor: complete; 3 devices, 1 in trouble; tickets: 1 created, 0 annotated, 0 closed\n", ""}, o.once())
	require.Len(t, o.cwm.OpenTickets(), 1)
	require.Contains(t, o.cwm.OpenTickets()[0].Summary, "[CW-1000-1] Cove SVR SRV-1000 - ")

	require.Equal(t, "harbor: complete; 3 devices, 1 in trouble; tickets: 0 created, 0 annotated, 0 closed\n", o.once().stdout, "nothing new")

	o.set(1000, "5")
	o.set(1001, "10")
	require.Equal(t, result{cli.ExitOK, "harbor: complete; 3 devices, 1 in trouble; tickets: 1 created, 0 annotated, 1 closed\n", ""}, o.once())
	require.Len(t, o.cwm.OpenTickets(), 1)
	require.Contains(t, o.cwm.OpenTickets()[0].Summary, "[CW-1001-1] ")
	require.Empty(t, o.cwm.Duplicates())
}

func TestOnceWaitsForACreateOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	o.set(1000, "2")
	require.NoError(t, o.cwm.AddFaults(cwfake.Fault{Match: "POST /service/tickets", Kind: cwfake.FaultLostAnswer, Drop: true, Times: 1}))
	got := o.once()
	require.Equal(t, "harbor: complete; 3 devices, 1 in trouble; tickets: 1 created, 0 annotated, 0 closed\n", got.stdout, got.stderr)
	require.Equal(t, cli.ExitOK, got.code)
	require.Len(t, o.cwm.Tickets(), 1)
}

func TestOnceTellsWhatWaitsAndWhy(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	o.set(1000, "2")
	require.NoError(t, o.cwm.Person("").RenameCompany(250, "Somebody else"))
	require.Equal(t, result{
		cli.ExitOK, "harbor: complete; 3 devices, 1 in trouble; tickets: 0 created, 0 annotated, 0 closed; " +
			"1 waiting:\n  1: customer \"Müller & Söhne \\\"Nord\\\"\" has no ConnectWise company: no company is called \"Müller & Söhne \\\"Nord\\\"\"; link one with covewise companies link, or name one by CWM:<id> in the customer's reference in Cove\n", "",
	}, o.once())
}

func TestOnceEndsWithThreeWhenASweepIsIncomplete(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	o.set(1000, "2")
	require.Equal(t, cli.ExitOK, o.once().code)
	o.set(1000, "5")
	_, err := o.cove.AddFault(covefake.Fault{Match: "EnumerateAccountStatistics", Kind: covefake.FaultNoDevices})
	require.NoError(t, err)
	got := o.once()
	require.Equal(t, cli.ExitIncomplete, got.code)
	require.Regexp(t, `^harbor: incomplete \(.*no device.*the last complete sweep had 3.*\); 3 devices, 1 in trouble; tickets: 0 created, 0 annotated, 0 closed\n$`, got.stdout)
	require.Len(t, o.cwm.OpenTickets(), 1, "nothing is concluded from it")
}

// Not in parallel: what comes before the effects has to be done in time.
func TestOnceEndsWithThreeWhenTheEffectsAreNotDoneInTime(t *testing.T) {
	o := newOutside(t)
	o.set(1000, "2")
	require.NoError(t, o.cwm.AddFaults(cwfake.Fault{Match: "POST /service/tickets", Kind: cwfake.FaultRateLimited, RetryAfter: "3600"}))
	got := o.once("--timeout", "2s")
	require.Equal(t, cli.ExitIncomplete, got.code)
	require.Regexp(t, `^harbor: incomplete \(not finished after 2s: incident 1000-1 of harbor: .+; the next run goes on\); 3 devices, 1 in trouble; `, got.stdout)

	o.cwm.ClearFaults()
}

// lines hands on what is written to it, line by line.
type lines struct {
	*io.PipeWriter
	found chan string
	read  sync.WaitGroup
}

func newLines() *lines {
	r, w := io.Pipe()
	l := &lines{PipeWriter: w, found: make(chan string, 1000)}
	l.read.Go(func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			l.found <- s.Text()
		}
		close(l.found)
	})
	return l
}

// await returns the first line that holds every part.
func (l *lines) await(t *testing.T, parts ...string) string {
	t.Helper()
	for line := range l.found {
		missing := false
		for _, part := range parts {
			missing = missing || !strings.Contains(line, part)
		}
		if !missing {
			return line
		}
	}
	require.Fail(t, "the line did not come", "%v", parts)
	return ""
}

func TestUpRunsUntilItIsToldToStop(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	o.set(1000, "2")
	document, err := os.ReadFile(o.tenants)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(o.tenants, append(document, "  agreement: name like \"%Сontinuity\"\n"...), 0o600))
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	log := newLines()
	ended := make(chan int)
	go func() {
		ended <- cli.Execute(ctx, []string{"up", "--tenants", o.tenants, "--data", o.data, "--listen", "127.0.0.1:0"}, cli.Surroundings{
			Stdout: io.Discard, Stderr: log, LookupEnv: func(name string) (string, bool) { return o.secrets[name], true },
		})
		_ = log.Close()
	}()
	log.await(t, "probably not what is meant", "tenant=harbor", "place="+o.tenants, "key=tickets.agreement")
	_, address, _ := strings.Cut(log.await(t, "page is served"), "address=")
	log.await(t, "sweep complete", "tenant=harbor", "devices=3")
	log.await(t, "created", "device=1000", "[CW-1000-1] Cove SVR SRV-1000")
	for path, want := range map[string]string{"": "harbor", "readyz": `"ready":true`, "livez": `"live":true`, "metrics": "covewise_poller", "api/v1/tickets": "1000-1"} {
		require.Equal(t, http.StatusOK, get(t, address+path, want), path)
	}

	second := execute(ctx, o.secrets, "up", "--tenants", o.tenants, "--data", o.data, "--listen", "127.0.0.1:0")
	require.Equal(t, cli.ExitFailed, second.code)
	require.Regexp(t, `is in use by another covewise \(pid \d+\); stop it or use another --data\n$`, second.stderr)

	third := execute(ctx, o.secrets, "up", "--tenants", o.tenants, "--data", t.TempDir(), "--log-level", "error", "--listen", strings.Trim(strings.TrimPrefix(address, "http://"), "/"))
	require.Equal(t, cli.ExitFailed, third.code)
	require.Regexp(t, `127\.0\.0\.1:\d+ is in use by another program; stop it, or choose another address with --listen\n$`, third.stderr)

	stop()
	require.Equal(t, cli.ExitOK, <-ended)
	log.read.Wait()
	require.Equal(t, "harbor: complete; 3 devices, 1 in trouble; tickets: 0 created, 0 annotated, 0 closed\n", o.once().stdout, "the directory is free again")
	require.Len(t, o.cwm.Tickets(), 1)
}

// get returns the status of a page once it holds a text.
func get(t *testing.T, address, want string) int {
	t.Helper()
	status := 0
	require.Eventually(t, func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		status = answer.StatusCode
		return err == nil && strings.Contains(string(body), want)
	}, 20*time.Second, 20*time.Millisecond, "%s does not hold %q", address, want)
	return status
}
