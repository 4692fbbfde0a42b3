package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	poller "github.com/covewise/covewise/services/poller/app"
)

func newDoctor(around Surroundings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine what Covewise needs of other systems, and say what to do about what is wrong",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDoctorCove(around))
	return cmd
}

func newDoctorCove(around Surroundings) *cobra.Command {
	file := &policyFile{around: around}
	a := &access{around: around}
	cmd := &cobra.Command{
		Use:   "cove -f FILE",
		Short: "Examine a tenant's login to Cove",
		Long: `Logs in to Cove as the poller does and looks at what could hinder the watch: the login, the clocks, the partner that is
watched, the rights to customers, devices, columns and session errors, the storage nodes, and devices that are not where
one expects them. It reads only, and works before anything else runs. With -f the settings are those of a file, otherwise
those that a covewise knows. Each line is ok, a warning or an error, with what to do about it. It ends with
  0  there is no error
  1  there is an error: the tenant's devices cannot be watched
  2  the command line or the file is wrong, and nothing was examined`,
		Example: `  covewise doctor cove -f tenants.yaml --tenant harbor
  covewise doctor cove --data /var/lib/covewise --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			return a.withSettings(cmd.Context(), file, func(settings *tenantv1.Settings) error {
				checks, err := poller.Doctor(cmd.Context(), settings, poller.Options{LookupEnv: around.LookupEnv})
				if err != nil {
					return failed(err)
				}
				return diagnose(cmd.OutOrStdout(), format, checks)
			})
		},
	}
	cmd.Flags().StringVarP(&file.path, "tenants", "f", "", "`FILE` with the tenants' documents, instead of --data or --nats")
	a.flags(cmd)
	a.outputFlag(cmd)
	return cmd
}

// withSettings does something with the settings of one tenant, from a file or from what a covewise knows.
func (a *access) withSettings(ctx context.Context, file *policyFile, work func(*tenantv1.Settings) error) error {
	_, cluster := a.around.LookupEnv("NATS_URL")
	switch {
	case file.path != "" && (a.data != "" || a.nats != ""):
		return errors.New("-f excludes --data and --nats; give one of them")
	case file.path != "":
		doc, err := file.document(a.tenant)
		if err != nil {
			return err
		}
		return work(doc.Settings())
	case a.data == "" && a.nats == "" && !cluster:
		return errors.New("-f is missing; name the file with the tenants' documents, or a covewise with --data or --nats")
	}
	return a.withTenant(ctx, func(_ *site, settings *tenantv1.Settings) error { return work(settings) })
}

// diagnose writes the findings, and ends with 1 when there is an error among them.
func diagnose(w io.Writer, format report.Format, checks []poller.Check) error {
	levels := map[poller.CheckLevel]int{}
	t := report.Table{Columns: []report.Column{{Key: "check"}, {Key: "level"}, {Key: "text"}, {Key: "remedy"}}}
	for _, c := range checks {
		levels[c.Level]++
		t.Rows = append(t.Rows, []any{c.Name, string(c.Level), c.Text, c.Remedy})
	}
	var err error
	if format == report.Text {
		err = findings(w, checks, levels)
	} else {
		err = t.Write(w, format)
	}
	switch {
	case err != nil:
		return failed(err)
	case levels[poller.CheckError] > 0:
		return &exitError{code: ExitFailed}
	default:
		return nil
	}
}

// findings writes the findings for a person. They are not cut, because a remedy that ends halfway is none.
func findings(w io.Writer, checks []poller.Check, levels map[poller.CheckLevel]int) error {
	for _, c := range checks {
		if _, err := fmt.Fprintf(w, "%-7s  %-14s  %s\n", c.Level, c.Name, c.Text); err != nil {
			return err
		}
		if c.Remedy == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%25s-> %s\n", "", c.Remedy); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\n%d ok, %d warnings, %d errors\n", levels[poller.CheckOK], levels[poller.CheckWarning], levels[poller.CheckError])
	return err
}
