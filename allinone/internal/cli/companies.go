package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/platform/telemetry"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	companysync "github.com/covewise/covewise/services/companysync/app"
)

func newCompanies(around Surroundings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "companies",
		Short: "Compare Cove's customers with ConnectWise's companies, and say which belong together",
		Long: `Shows which ConnectWise company stands for which Cove customer and why, and lets a person decide where it is doubtful.
A CUSTOMER is named by its Cove partner id, or by its name when no other customer has the same. docs/companies.md tells
how a customer finds its company.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newCompare(around),
		newOrder(around, order{
			kind: companyv1.OrderKind_ORDER_KIND_LINK, use: "link CUSTOMER COMPANY-ID", takes: []string{"CUSTOMER", "COMPANY-ID"},
			short: "Link a customer to a company, which then stays until a person says otherwise", example: `link "Acme Technologies" 1450 --reason "checked by phone"`,
		}),
		newOrder(around, order{
			kind: companyv1.OrderKind_ORDER_KIND_UNLINK, use: "unlink CUSTOMER", takes: []string{"CUSTOMER"},
			short: "Forget a customer's link, exclusion or proposal, and decide anew", example: "unlink 481301",
		}),
		newOrder(around, order{
			kind: companyv1.OrderKind_ORDER_KIND_CREATE, use: "create CUSTOMER", takes: []string{"CUSTOMER"},
			short: "Create a company for a customer that has none", example: "create 481309 --what-if",
		}),
		newOrder(around, order{
			kind: companyv1.OrderKind_ORDER_KIND_APPROVE, use: "approve CUSTOMER", takes: []string{"CUSTOMER"},
			short: "Accept what is proposed for a customer: link the proposed company, or create it", example: "approve 481309",
		}),
		newOrder(around, order{
			kind: companyv1.OrderKind_ORDER_KIND_IGNORE, use: "ignore CUSTOMER", takes: []string{"CUSTOMER"},
			short: "Exclude a customer: it is to have no company", example: `ignore 481312 --reason "our own test customer"`,
		}),
	)
	return cmd
}

// orders is what the commands have in common that order something, or may.
type orders struct {
	access
	author, reason string
	whatIf         bool
	timeout        time.Duration
}

func (o *orders) flags(cmd *cobra.Command) {
	o.timeout = time.Minute
	o.access.flags(cmd)
	o.outputFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.author, "author", "", "`NAME` of who orders it (default the user of the system)")
	flags.StringVar(&o.reason, "reason", "", "`TEXT` that says why; it is kept with the order")
	flags.BoolVar(&o.whatIf, "what-if", false, "show what would become of it, and write nothing anywhere")
	flags.DurationVar(&o.timeout, "timeout", o.timeout, "how long to wait until the order is carried out; it stays ordered after that")
}

// check completes the flags and refuses what makes no sense.
func (o *orders) check() error {
	if o.timeout <= 0 {
		return fmt.Errorf("--timeout %s is not positive; write for example 1m", o.timeout)
	}
	if o.author = strings.TrimSpace(o.author); o.author != "" {
		return nil
	}
	person, err := user.Current()
	if err != nil {
		return fmt.Errorf("--author is missing, and the system does not tell its user (%w); say who orders it", err)
	}
	o.author = person.Username
	return nil
}

// companies is what looks at a tenant's companies.
func (o *orders) companies(s *site) companysync.Access {
	return companysync.Access{Bus: s.Bus, Logger: telemetry.Logger(o.around.Stderr, slog.LevelWarn, telemetry.Text), LookupEnv: o.around.LookupEnv}
}

func newCompare(around Surroundings) *cobra.Command {
	o := &orders{access: access{around: around}}
	var file string
	apply := false
	cmd := &cobra.Command{
		Use:   "compare --data DIR",
		Short: "Compare all customers with all companies",
		Long: `Compares all customers of a tenant with all companies of its ConnectWise server, asking the server anew, and shows for
each customer its company with the evidence, or what a person could do. It writes nothing.

With -f it reads a file that --output csv wrote, or the CSV of the script before Covewise, and shows the rows whose
company is not the customer's today. --apply orders those links, each on its own; look at them first, because the
script took the first name that was alike. It ends with
  0  done, or the orders are kept for the next start
  1  Covewise failed
  2  the command line or the file is wrong
  3  an order was refused, or not carried out within --timeout; it stays ordered`,
		Example: `  covewise companies compare --data /var/lib/covewise
  covewise companies compare --data /var/lib/covewise --tenant harbor --output csv > companies.csv
  covewise companies compare --data /var/lib/covewise -f companies.csv
  covewise companies compare --data /var/lib/covewise -f companies.csv --apply --reason "list of May"`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := o.format()
			if err != nil {
				return err
			}
			if apply && file == "" {
				return errors.New("--apply orders what a file says; name the file with -f")
			}
			if err := o.check(); err != nil {
				return err
			}
			var wanted []companysync.Row
			if file != "" {
				if wanted, err = readComparison(file); err != nil {
					return err
				}
			}
			return o.withTenant(cmd.Context(), func(s *site, settings *tenantv1.Settings) error {
				all, err := companysync.Compare(cmd.Context(), o.companies(s), settings.GetId())
				switch {
				case err != nil:
					return failed(err)
				case file == "":
					return failed(writeComparison(cmd.OutOrStdout(), format, all))
				}
				d := differencesOf(wanted, all.Rows)
				if !apply {
					return failed(d.write(cmd.OutOrStdout(), format, len(wanted)))
				}
				return o.apply(cmd.Context(), cmd.OutOrStdout(), format, s, settings, d)
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "`FILE` with a comparison, to show what differs from it today")
	cmd.Flags().BoolVar(&apply, "apply", false, "order the links that the file names")
	return cmd
}

func readComparison(path string) ([]companysync.Row, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("-f: %w; name a file that covewise companies compare --output csv wrote", err)
	}
	defer func() { _ = file.Close() }() // it was read only
	rows, err := companysync.ReadCSV(file)
	if err != nil {
		return nil, fmt.Errorf("-f %s: %w", path, err)
	}
	return rows, nil
}

// comparisonColumns are those of companysync.Columns, with titles for the ones that people are shown.
func comparisonColumns() []report.Column {
	titles := map[string]string{
		"CovePartnerId": "PARTNER", "CoveCustomer": "CUSTOMER", "DeviceCount": "DEVICES", "MatchStatus": "STATUS", "MatchMethod": "METHOD",
		"CWMCompany": "COMPANY", "CWMCompanyID": "ID", "SuggestedIdentifier": "SUGGESTION", "Note": "NOTE",
	}
	var columns []report.Column
	for _, key := range companysync.Columns() {
		columns = append(columns, report.Column{Key: key, Title: titles[key]})
	}
	return columns
}

// writeComparison writes a comparison, for a person with a line that counts.
func writeComparison(w io.Writer, format report.Format, all companysync.Comparison) error {
	t := report.Table{Columns: comparisonColumns(), Empty: "Cove lists no customers below the tenant's partner"}
	for _, r := range all.Rows {
		t.Rows = append(t.Rows, r.Cells())
	}
	if err := t.Write(w, format); err != nil || format != report.Text || len(all.Rows) == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", all.Summary)
	return err
}

// order is a command about one customer.
type order struct {
	kind                companyv1.OrderKind
	use, short, example string
	takes               []string // names of its arguments
}

func newOrder(around Surroundings, what order) *cobra.Command {
	o := &orders{access: access{around: around}}
	cmd := &cobra.Command{
		Use:   what.use + " --data DIR",
		Short: what.short,
		Long: what.short + `.

The order is recorded with its author and reason, and carried out by the covewise that runs there; when none runs, at
its next start. It ends with
  0  it was carried out, or is kept for the next start
  1  Covewise failed
  2  the command line is wrong
  3  it was refused, or not carried out within --timeout; it stays ordered`,
		Example: "  covewise companies " + what.example + " --data /var/lib/covewise",
		Args:    arguments(what.takes),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := o.format()
			if err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			c := companysync.Command{Customer: args[0], Kind: what.kind}
			if what.kind == companyv1.OrderKind_ORDER_KIND_LINK {
				if c.CompanyID, err = companyID(args[1]); err != nil {
					return err
				}
			}
			return o.withTenant(cmd.Context(), func(s *site, settings *tenantv1.Settings) error {
				r, err := o.give(cmd.Context(), s, settings, c)
				if err != nil {
					return err
				}
				return conclude(cmd.OutOrStdout(), format, []result{r})
			})
		},
	}
	o.flags(cmd)
	return cmd
}

// give gives one order, or previews it.
func (o *orders) give(ctx context.Context, s *site, settings *tenantv1.Settings, c companysync.Command) (result, error) {
	c.Tenant, c.Author, c.Reason, c.WhatIf = settings.GetId(), o.author, o.reason, o.whatIf
	if s.Live {
		c.Wait = o.timeout
	}
	done, err := companysync.Order(ctx, o.companies(s), c)
	if err != nil {
		return result{}, orderFailed(err)
	}
	return resultOf(c, done, s.Live), nil
}

// apply orders the links that a file asks for. When one is not carried out in time, the others are not waited for.
func (o *orders) apply(ctx context.Context, w io.Writer, format report.Format, s *site, settings *tenantv1.Settings, d differences) error {
	var all []result
	each := *o
	for _, c := range d.changes {
		r, err := each.give(ctx, s, settings, companysync.Command{Customer: c.Partner, Kind: companyv1.OrderKind_ORDER_KIND_LINK, CompanyID: c.CompanyID})
		if err != nil {
			// What was ordered before is told all the same.
			if told := writeResults(w, format, all); told != nil {
				return failed(errors.Join(err, told))
			}
			return err
		}
		if r.outcome == pending {
			each.timeout = 0
		}
		all = append(all, r)
	}
	for _, r := range d.unknown {
		complain(o.around.Stderr, report.Printable("covewise: "+unknownText(r)))
	}
	return conclude(w, format, all)
}
