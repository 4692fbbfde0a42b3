package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestAdoptionIsPreviewedWithoutAWrite(t *testing.T) {
	t.Parallel()
	o := described(t)
	o.set(1000, "2")
	require.Equal(t, cli.ExitOK, o.once().code)
	require.Equal(t, "no open ticket on the board stands for a device\n", func() string {
		require.NoError(t, o.cwm.Person("").Close(o.cwm.OpenTickets()[0].ID, ""))
		return o.run("ticket", "adoption").stdout
	}())

	made := func(summary string) int {
		id, err := o.cwm.Person("").CreateTicket(cwfake.NewTicket{Summary: summary, CompanyIdentifier: "Mueller"})
		require.NoError(t, err)
		return id
	}
	older := made("COVE SVR SRV-1001 #1001 - Stale")
	newer := made("COVE SVR SRV-1001 #1001 - Failed")
	strange := made("Cove: [Server] \x1b[2JSRV-77 (ID: 77) - Critical - Failed")
	made("printer is on fire")

	writes := o.cwm.Writes()
	got := o.run("ticket", "adoption", "--output", "json")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &rows))
	short := make([]string, len(rows))
	for i, r := range rows {
		short[i] = fmt.Sprint(r["ticket_id"], " ", r["device"], " ", r["would"], " ", r["known_by"])
	}
	require.Equal(t, []string{
		fmt.Sprint(newer, " SRV-1001 device is well: left alone; close it by hand the script's summary"), fmt.Sprint(older, " SRV-1001 leave the script's summary"),
		fmt.Sprint(strange, " (not known in Cove) left alone: the device is no longer in Cove the script's older summary"),
	}, short)
	text := o.run("ticket", "adoption").stdout
	require.Contains(t, text, "left alone: the device has a newer one")
	require.Contains(t, text, "\n3 tickets: 0 to be taken over, 0 to be closed, 3 to be left alone, 0 ours already; nothing was written\n")
	require.NotContains(t, text, "\x1b")
	require.Equal(t, writes, o.cwm.Writes())

	delete(o.secrets, "CW_PRIVATE")
	got = o.run("ticket", "adoption")
	require.Equal(t, cli.ExitFailed, got.code)
	require.Contains(t, got.stderr, "covewise: look at the board of harbor: ")
	require.Contains(t, got.stderr, "CW_PRIVATE")
}

func TestTextsArePreviewed(t *testing.T) {
	t.Parallel()
	o := described(t)
	o.set(1000, "2")
	require.Equal(t, cli.ExitOK, o.once().code)
	requests := len(o.cwm.Requests())

	sample := o.run("ticket", "preview")
	require.Equal(t, cli.ExitOK, sample.code, sample.stderr)
	for _, section := range []string{"--- summary\n[CW-", "--- description\n", "--- internal analysis\n", "--- note when the picture changes\n", "--- note when it is over\n"} {
		require.Contains(t, sample.stdout, section)
	}
	own := o.run("ticket", "preview", "--incident", "1000-1").stdout
	require.Contains(t, own, "--- summary\n"+o.cwm.OpenTickets()[0].Summary+"\n")

	text, err := os.ReadFile(o.tenants)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "tried.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), "tickets:\n", "tickets:\n  templates:\n    summary: \"{{.Device.Name}} \\e[2J of {{.Customer}}\"\n", 1)), 0o600))
	tried := o.run("ticket", "preview", "--incident", "1000-1", "-f", file)
	require.Equal(t, cli.ExitOK, tried.code, tried.stderr)
	require.Contains(t, tried.stdout, "--- summary\n[CW-1000-1] SRV-1000 ")
	require.Contains(t, tried.stdout, ` of Müller & Söhne "Nord"`)
	require.NotContains(t, tried.stdout, "\x1b")
	require.Len(t, o.cwm.Requests(), requests, "ConnectWise is not asked")

	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), "tickets:\n", "tickets:\n  templates:\n    note: \"{{.Nonsense}}\"\n", 1)), 0o600))
	wrong := o.run("ticket", "preview", "-f", file)
	require.Equal(t, cli.ExitUsage, wrong.code, "a file with such a template is refused as covewise up refuses it")
	require.Contains(t, wrong.stderr, "tickets.templates.note")
}

func TestHelpOfTheCommandsAboutTickets(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"help-tickets": {"tickets"}, "help-ticket": {"ticket"}, "help-ticket-show": {"ticket", "show"},
		"help-ticket-adoption": {"ticket", "adoption"}, "help-ticket-preview": {"ticket", "preview"},
	} {
		t.Run(name, func(t *testing.T) {
			got := execute(t.Context(), nil, append(args, "--help")...)
			require.Equal(t, cli.ExitOK, got.code)
			require.Empty(t, got.stderr)
			golden(t, name, got.stdout)
		})
	}
}
