package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	companysync "github.com/covewise/covewise/services/companysync/app"
)

// arguments demands the arguments of these names.
func arguments(names []string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing; see %s --help", strings.Join(names[len(args):], ", then "), cmd.CommandPath())
		case len(args) > len(names):
			return fmt.Errorf("unexpected argument %q; quote a name that has blanks, and see %s --help", args[len(names)], cmd.CommandPath())
		}
		return nil
	}
}

func companyID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("COMPANY-ID %q is not the record id of a company, a number above 0; covewise companies compare shows candidates", text)
	}
	return id, nil
}

// orderFailed tells a wrong command from a failure.
func orderFailed(err error) error {
	if errclass.Of(err) == errclass.Rejected {
		return err
	}
	return failed(err)
}

// outcome is what became of an order.
type outcome string

const (
	carriedOut outcome = "carried out"
	previewed  outcome = "would be carried out"
	refused    outcome = "refused"
	wouldNot   outcome = "would be refused"
	kept       outcome = "kept for the next start"
	pending    outcome = "not carried out yet"
)

// result is an order with what became of it.
type result struct {
	customer, name string
	order          string // link, unlink, create, approve or ignore
	outcome        outcome
	state          string // of the link afterwards, "linked" …; "" when it is not known
	company        *companyv1.Company
	detail         string // evidence, reason or refusal
}

func resultOf(c companysync.Command, done companysync.Outcome, live bool) result {
	r := result{
		customer: done.Customer.GetId(), name: done.Customer.GetName(),
		order: strings.ToLower(strings.TrimPrefix(c.Kind.String(), "ORDER_KIND_")),
	}
	switch {
	case done.Refusal != "" && c.WhatIf:
		r.outcome, r.detail = wouldNot, done.Refusal
		return r
	case done.Refusal != "":
		r.outcome, r.detail = refused, done.Refusal
		return r
	case done.Link == nil && live:
		r.outcome, r.detail = pending, "it stays ordered, and the log of covewise up tells of it"
		return r
	case done.Link == nil:
		r.outcome, r.detail = kept, "no covewise runs there"
		return r
	case c.WhatIf:
		r.outcome = previewed
	default:
		r.outcome = carriedOut
	}
	link := done.Link
	r.state = strings.ToLower(strings.TrimPrefix(link.GetState().String(), "LINK_STATE_"))
	r.company, r.detail = link.GetCompany(), link.GetReason()
	if link.GetState() == companyv1.LinkState_LINK_STATE_LINKED && r.detail == "" {
		r.detail = link.GetEvidence()
	}
	return r
}

// conclude writes results, and ends with 3 when one of them is not what was ordered.
func conclude(w io.Writer, format report.Format, all []result) error {
	if err := writeResults(w, format, all); err != nil {
		return failed(err)
	}
	for _, r := range all {
		if r.outcome == refused || r.outcome == wouldNot || r.outcome == pending {
			return &exitError{code: ExitIncomplete}
		}
	}
	return nil
}

func writeResults(w io.Writer, format report.Format, all []result) error {
	if format == report.Text {
		for _, r := range all {
			if _, err := fmt.Fprintln(w, r); err != nil {
				return err
			}
		}
		if len(all) == 0 {
			_, err := fmt.Fprintln(w, "nothing is to be ordered")
			return err
		}
		return nil
	}
	t := report.Table{Columns: []report.Column{
		{Key: "customer_id"},
		{Key: "customer"},
		{Key: "order"},
		{Key: "outcome"},
		{Key: "state"},
		{Key: "company_id"},
		{Key: "company"},
		{Key: "identifier"},
		{Key: "detail"},
	}}
	for _, r := range all {
		var id any
		if r.company.GetId() != 0 {
			id = r.company.GetId()
		}
		t.Rows = append(t.Rows, []any{
			r.customer, r.name, r.order, string(r.outcome), r.state, id, r.company.GetName(), r.company.GetIdentifier(), r.detail,
		})
	}
	return t.Write(w, format)
}

// String returns the result in a line. It is not cut, because a remedy that ends halfway is none.
func (r result) String() string {
	parts := []string{fmt.Sprintf("%s %q: %s %s", r.customer, r.name, r.order, r.outcome)}
	switch {
	case r.state != "" && r.company.GetId() != 0:
		parts = append(parts, fmt.Sprintf("%s: company %d %q (%s)", r.state, r.company.GetId(), r.company.GetName(), r.company.GetIdentifier()))
	case r.state != "" && r.company != nil:
		parts = append(parts, fmt.Sprintf("%s: company %q (%s)", r.state, r.company.GetName(), r.company.GetIdentifier()))
	case r.state != "":
		parts = append(parts, r.state)
	}
	if r.detail != "" {
		parts = append(parts, r.detail)
	}
	return report.Printable(strings.Join(parts, "; "))
}

// differences is what a file says otherwise than a comparison.
type differences struct {
	changes []companysync.Change
	unknown []companysync.Row // rows whose customer is not there
	present map[string]companysync.Row
}

func differencesOf(file, present []companysync.Row) differences {
	d := differences{present: map[string]companysync.Row{}}
	d.changes, d.unknown = companysync.Changes(file, present)
	for _, r := range present {
		d.present[r.Partner] = r
	}
	return d
}

// write shows the differences. rows is how many the file has.
func (d differences) write(w io.Writer, format report.Format, rows int) error {
	t := report.Table{
		Columns: []report.Column{
			{Key: "customer_id", Title: "PARTNER"},
			{Key: "customer", Title: "CUSTOMER"},
			{Key: "status", Title: "STATUS"},
			{Key: "company_id", Title: "ID"},
			{Key: "company", Title: "COMPANY"},
			{Key: "file_company_id", Title: "ID IN FILE"},
			{Key: "file_company", Title: "COMPANY IN FILE"},
		},
		Empty: fmt.Sprintf("none of the %d rows differs", rows),
	}
	for _, c := range d.changes {
		now := d.present[c.Partner]
		var id any
		if now.CompanyID != 0 {
			id = now.CompanyID
		}
		t.Rows = append(t.Rows, []any{c.Partner, c.Customer, string(now.Status), id, now.Company, c.CompanyID, c.Company})
	}
	for _, r := range d.unknown {
		t.Rows = append(t.Rows, []any{r.Partner, r.Customer, "NoSuchCustomer", nil, "", r.CompanyID, r.Company})
	}
	if err := t.Write(w, format); err != nil || format != report.Text || len(t.Rows) == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d rows: %d links to order with --apply; %d name a customer that is not there, or whose name several have\n", rows, len(d.changes), len(d.unknown))
	return err
}

func unknownText(r companysync.Row) string {
	return fmt.Sprintf("the file names customer %s %q, which is not there, or whose name several have; nothing is ordered for it", r.Partner, r.Customer)
}
