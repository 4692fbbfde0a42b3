package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
)

func newDevices(around Surroundings) *cobra.Command {
	a := &access{around: around}
	var wanted selection
	cmd := &cobra.Command{
		Use:   "devices --data DIR",
		Short: "Show every device: how it stands, its last good backups, and why it is not judged if it is not",
		Long: `Shows every device that Cove lists for a tenant, as of the last complete sweep: in trouble, unknown, healthy, or excluded
by policy with the reason. What is unknown is never counted as healthy. --output csv and json hold all that is known of
each device, one row for each; docs/devices-csv.md describes the columns.`,
		Example: `  covewise devices --data /var/lib/covewise --trouble
  covewise devices --data /var/lib/covewise --tenant harbor --output csv > devices.csv
  covewise devices --data /var/lib/covewise --customer "Bluefin Dental Group"`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			return a.withTenant(cmd.Context(), func(s *site, settings *tenantv1.Settings) error {
				all, err := evaluator.Devices(cmd.Context(), s.Bus, settings)
				if err != nil {
					return failed(err)
				}
				if wanted.customer != "" && !slices.ContainsFunc(all.Devices, wanted.ofCustomer) {
					return fmt.Errorf("--customer %q has no device in %s; write its whole name or its id, as covewise devices shows it", wanted.customer, settings.GetId())
				}
				return failed(wanted.write(cmd.OutOrStdout(), format, all))
			})
		},
	}
	a.flags(cmd)
	a.outputFlag(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&wanted.trouble, "trouble", false, "only devices in trouble")
	flags.StringVar(&wanted.customer, "customer", "", "only devices of the customer of that `NAME` or id")
	flags.BoolVar(&wanted.gone, "gone", false, "also devices that Cove no longer lists")
	return cmd
}

// selection says which devices are shown.
type selection struct {
	trouble, gone bool
	customer      string
}

func (s selection) ofCustomer(d evaluator.DeviceStanding) bool {
	return s.customer == "" || d.Customer.GetId() == s.customer || strings.EqualFold(d.Customer.GetName(), s.customer)
}

func (s selection) shows(d evaluator.DeviceStanding) bool {
	return s.ofCustomer(d) && (!s.trouble || d.State == evaluator.DeviceInTrouble) && (s.gone || d.State != evaluator.DeviceGone)
}

// write writes the chosen devices, for a person with a line that counts all of the customer or the tenant.
func (s selection) write(w io.Writer, format report.Format, all evaluator.Roster) error {
	columns := deviceColumns()
	t := report.Table{Empty: "no device is known; the first complete sweep brings them"}
	for _, c := range columns {
		t.Columns = append(t.Columns, c.Column)
	}
	counts := map[evaluator.DeviceState]int{}
	for _, d := range all.Devices {
		if s.ofCustomer(d) {
			counts[d.State]++
		}
		if !s.shows(d) {
			continue
		}
		row := make([]any, len(columns))
		for i, c := range columns {
			row[i] = c.cell(d)
		}
		t.Rows = append(t.Rows, row)
	}
	listed := counts[evaluator.DeviceInTrouble] + counts[evaluator.DeviceUnknown] + counts[evaluator.DeviceHealthy] + counts[evaluator.DeviceExcluded]
	if s.trouble && listed > 0 {
		t.Empty = "no device is in trouble"
	}
	if err := t.Write(w, format); err != nil || format != report.Text || len(all.Devices) == 0 {
		return err
	}
	asOf := "no complete sweep was judged yet"
	if !all.At.IsZero() {
		asOf = "as of the sweep of " + all.At.UTC().Format("2006-01-02 15:04 UTC")
	}
	_, err := fmt.Fprintf(w, "\n%s: %d in trouble, %d unknown, %d healthy, %d excluded; %d gone; %s\n", counted(listed, "device"),
		counts[evaluator.DeviceInTrouble], counts[evaluator.DeviceUnknown], counts[evaluator.DeviceHealthy], counts[evaluator.DeviceExcluded], counts[evaluator.DeviceGone], asOf)
	return err
}

// namedFailures are the statuses that say more than that a backup failed.
func namedFailures() []string {
	return []string{"Aborted", "Interrupted", "Over quota", "No selection", "Blocked", "Not started", "Restarted"}
}

// why says in short why a device stands as it does, with the status of what failed where that says more.
func why(d evaluator.DeviceStanding) string {
	var parts []string
	for _, c := range d.Conditions {
		c.Sources = slices.Clone(c.Sources)
		for i, name := range c.Sources {
			if status := statusOf(d, name); c.Kind == "failed" && slices.Contains(namedFailures(), status) {
				c.Sources[i] = name + ": " + strings.ToLower(status)
			}
		}
		parts = append(parts, c.String())
	}
	if d.Muted != "" {
		parts = append(parts, "muted: "+d.Muted)
	}
	return cmp.Or(strings.Join(parts, "; "), d.Reason)
}

// statusOf returns the status of the data source of that name, or "".
func statusOf(d evaluator.DeviceStanding, name string) string {
	for _, s := range d.Device.GetSources() {
		if s.GetName() == name {
			return s.GetStatus()
		}
	}
	return ""
}

func conditionTexts(d evaluator.DeviceStanding) []string {
	var texts []string
	for _, c := range d.Conditions {
		texts = append(texts, c.String())
	}
	return texts
}
