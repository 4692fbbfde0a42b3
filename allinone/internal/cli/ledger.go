package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
)

// mostAccounts bounds --sweeps: 400 days of a sweep every 15 minutes, which is all that is kept.
const mostAccounts = 40_000

func newLedger(around Surroundings) *cobra.Command {
	a := &access{around: around}
	sweeps := 10
	cmd := &cobra.Command{
		Use:   "ledger --data DIR",
		Short: "Show the account of the last sweeps: every device healthy, in trouble, excluded or unknown",
		Long: `After every complete sweep each device that Cove lists is accounted for: healthy, in trouble, excluded by policy, or
unknown. The four sum up to the devices listed, and what is unknown is never counted as healthy. The newest sweep comes
first.`,
		Example: `  covewise ledger --data /var/lib/covewise
  covewise ledger --data /var/lib/covewise --tenant harbor --sweeps 100 --output csv`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			if sweeps < 1 || sweeps > mostAccounts {
				return fmt.Errorf("--sweeps %d is not between 1 and %d; give how many sweeps to show", sweeps, mostAccounts)
			}
			return a.withTenant(cmd.Context(), func(s *site, settings *tenantv1.Settings) error {
				accounts, err := evaluator.Ledger(cmd.Context(), s.Bus, settings.GetId(), sweeps)
				if err != nil {
					return failed(err)
				}
				return failed(ledger(accounts).Write(cmd.OutOrStdout(), format))
			})
		},
	}
	a.flags(cmd)
	a.outputFlag(cmd)
	cmd.Flags().IntVar(&sweeps, "sweeps", sweeps, "`N` sweeps to show")
	return cmd
}

func ledger(accounts []*incidentv1.SweepJudged) report.Table {
	t := report.Table{
		Columns: []report.Column{
			{Key: "sweep", Title: "SWEEP"},
			{Key: "observed_at", Title: "OBSERVED (UTC)"},
			{Key: "devices", Title: "DEVICES"},
			{Key: "healthy", Title: "HEALTHY"},
			{Key: "in_trouble", Title: "IN TROUBLE"},
			{Key: "excluded", Title: "EXCLUDED"},
			{Key: "unknown", Title: "UNKNOWN"},
			{Key: "unknown_because", Title: "UNKNOWN BECAUSE"},
			{Key: "unknown_devices"},
			{Key: "excluded_because"},
			{Key: "withheld_because"},
			{Key: "opened"},
			{Key: "changed"},
			{Key: "resolved"},
			{Key: "gone"},
			{Key: "policy_version"},
		},
		Empty: "no complete sweep was judged yet",
	}
	for _, x := range accounts {
		t.Rows = append(t.Rows, []any{
			x.GetSweep(), x.GetObservedAt().AsTime(), x.GetDevices(), x.GetHealthy(), x.GetInTrouble(), x.GetExcluded(), x.GetUnknown(),
			because(x.GetUnknownReasons()), x.GetUnknownIds(), because(x.GetExcludedReasons()), because(x.GetMutedReasons()),
			x.GetOpened(), x.GetChanged(), x.GetResolved(), x.GetGone(), x.GetPolicyVersion(),
		})
	}
	return t
}

// because writes each reason with its number of devices.
func because(reasons []*incidentv1.ReasonCount) []string {
	all := make([]string, len(reasons))
	for i, r := range reasons {
		all[i] = fmt.Sprintf("%s (%d)", r.GetReason(), r.GetDevices())
	}
	return all
}
