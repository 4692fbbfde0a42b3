package cli

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/platform/telemetry"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
	ticketer "github.com/covewise/covewise/services/ticketer/app"
)

func newTicketAdoption(around Surroundings) *cobra.Command {
	a := &access{around: around}
	cmd := &cobra.Command{
		Use:   "adoption --data DIR",
		Short: "Show which open tickets on the board would be taken over instead of duplicated",
		Long: `Lists the open tickets on the tenant's board that stand for a device: those of the PowerShell script, in both formats of
its summaries, and those of a Covewise whose record was lost. When such a device fails, its newest one is taken over
instead of making another.

It reads the board in ConnectWise with the tenant's keys and writes nothing, neither there nor here. Only the first
contact with a board takes tickets over; later this shows what it would find today.`,
		Example: `  covewise ticket adoption --data /var/lib/covewise
  covewise ticket adoption --data /var/lib/covewise --tenant harbor --output csv`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			return a.withTenant(cmd.Context(), func(s *site, settings *tenantv1.Settings) error {
				rows, err := ticketer.AdoptionPreview(cmd.Context(), s.Bus, settings.GetId(), ticketer.AdoptionOptions{
					Logger: telemetry.Logger(around.Stderr, slog.LevelWarn, telemetry.Text), LookupEnv: around.LookupEnv,
				})
				if err != nil {
					return failed(fmt.Errorf("look at the board of %s: %w", settings.GetId(), err))
				}
				known, err := evaluator.KnownDevices(cmd.Context(), s.Bus, settings)
				if err != nil {
					return failed(err)
				}
				return failed(writeAdoption(cmd.OutOrStdout(), format, rows, known))
			})
		},
	}
	a.flags(cmd)
	a.outputFlag(cmd)
	return cmd
}

func writeAdoption(w io.Writer, format report.Format, rows []ticketer.AdoptionRow, known []evaluator.Device) error {
	names := map[string]string{}
	for _, d := range known {
		names[d.DeviceID] = d.Name
		if d.ComputerName != "" {
			names[d.DeviceID] = d.ComputerName
		}
	}
	t := report.Table{
		Columns: []report.Column{
			{Key: "ticket_id", Title: "TICKET"},
			{Key: "device_id", Title: "DEVICE ID"},
			{Key: "device", Title: "DEVICE"},
			{Key: "known_by", Title: "KNOWN BY"},
			{Key: "what", Title: "WHAT WOULD BE DONE"},
			{Key: "summary", Title: "SUMMARY"},
			{Key: "would"},
		},
		Empty: "no open ticket on the board stands for a device",
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Would]++
		name, isKnown := names[r.Device]
		if !isKnown {
			name = "(not known in Cove)"
		}
		t.Rows = append(t.Rows, []any{r.Ticket, r.Device, name, knownBy(r.By), wouldWords(r.Would), r.Summary, r.Would})
	}
	if err := t.Write(w, format); err != nil || format != report.Text || len(rows) == 0 {
		return err
	}
	closed := counts[ticketer.ClosedAsWell] + counts[ticketer.ClosedAsGone]
	left := len(rows) - counts["adopt"] - counts["ours"] - closed
	_, err := fmt.Fprintf(w, "\n%s: %d to be taken over, %d to be closed, %d to be left alone, %d ours already; nothing was written\n",
		counted(len(rows), "ticket"), counts["adopt"], closed, left, counts["ours"])
	return err
}

func knownBy(by string) string {
	switch by {
	case "script":
		return "the script's summary"
	case "legacy script":
		return "the script's older summary"
	case "badge":
		return "Covewise's summary"
	case "reference":
		return "Covewise's reference"
	default:
		return by
	}
}

func wouldWords(would string) string {
	switch would {
	case "adopt":
		return "taken over when the device fails"
	case "leave":
		return "left alone: the device has a newer one"
	case "ours":
		return "nothing: it is an incident's already"
	default:
		return would
	}
}

func newTicketPreview(around Surroundings) *cobra.Command {
	a := &access{around: around}
	file := &policyFile{around: around}
	incident := ""
	cmd := &cobra.Command{
		Use:   "preview --data DIR",
		Short: "Show the texts of a ticket as they would be sent",
		Long: `Shows the summary, the description and the notes of a ticket in the tenant's own words, where it has templates, of a
sample or of an incident on record. With -f the templates are those of a file, to be tried out before they are used.
Nothing is written, and ConnectWise is not asked. Rules (tickets.routing) give a ticket its fields when it is made, and
not later; what they would give to one that is made now is shown. It ends with
  0  every template works
  1  Covewise failed, or a template does not work; the built-in text stands for it
  2  the command line or the file is wrong`,
		Example: `  covewise ticket preview --data /var/lib/covewise
  covewise ticket preview --data /var/lib/covewise --incident 1234567-1 -f tenants.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withTenant(cmd.Context(), func(s *site, settings *tenantv1.Settings) error {
				o := ticketer.PreviewOptions{Incident: incident}
				if file.path != "" {
					doc, err := file.told(settings.GetId())
					if err != nil {
						return err
					}
					o.Templates = map[string]string{} // a file without templates asks for the built-in texts
					maps.Copy(o.Templates, doc.Settings().GetTickets().GetTemplates())
				}
				if incident != "" { // for the error that names near ones
					if _, err := ticketStory(cmd.Context(), s.Bus, settings.GetId(), incident); err != nil {
						return err
					}
				}
				p, err := ticketer.Preview(cmd.Context(), s.Bus, settings.GetId(), o)
				if err != nil {
					return failed(err)
				}
				tellUnread(cmd.ErrOrStderr(), p.Unread)
				if err := writePreview(cmd.OutOrStdout(), p); err != nil {
					return failed(err)
				}
				if len(p.Broken) > 0 {
					return &exitError{code: ExitFailed}
				}
				return nil
			})
		},
	}
	a.flags(cmd)
	file.flag(cmd, " whose templates are shown, instead of those in use")
	cmd.Flags().StringVar(&incident, "incident", "", "`ID` of an incident on record, instead of a sample")
	return cmd
}

func writePreview(w io.Writer, p ticketer.TextPreview) error {
	var b strings.Builder
	for _, template := range slices.Sorted(maps.Keys(p.Broken)) {
		fmt.Fprintf(&b, "BROKEN: template %s %s; the built-in text stands for it\n", template, report.Printable(p.Broken[template]))
	}
	if len(p.Broken) > 0 {
		b.WriteString("\n")
	}
	section := func(title, text string) {
		fmt.Fprintf(&b, "--- %s\n%s\n\n", title, printableLines(text))
	}
	section("summary", p.Summary)
	section("description", p.Description)
	section("internal analysis", p.Analysis)
	section("note when the picture changes", p.Note)
	section("note when it is over", p.Resolution)
	if p.Routing != "" {
		text := p.Routing
		if p.Ticket != 0 {
			text += fmt.Sprintf("\n(for a ticket that is made now; ticket %d is there, and rules do not change it)", p.Ticket)
		}
		section("fields by rules", text)
	}
	if p.Agreement != "" {
		section("condition for the agreement", p.Agreement)
	}
	_, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}

// printableLines makes a text of several lines harmless, line by line.
func printableLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(report.Printable(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}
