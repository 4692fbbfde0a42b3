package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// askCompany asks company-sync and waits for the answer, which wakes the incident. It makes sure before that ConnectWise can
// be asked: keys that do not work are the tenant's trouble, told once, whichever service meets them; and once they work,
// what company-sync could not answer is asked anew.
func (r *run) askCompany(ctx context.Context, step plan.AskCompany) error {
	if err := r.call(ctx, "check settings", r.site.desk.Look); err != nil {
		return r.failed(ctx, "check settings", r.ledger, err)
	}
	// Who asks again does so because the answer to the question before did not come, or did not help.
	again := ""
	if p := r.ledger.GetPark(); p.GetReason() == ticketv1.ParkReason_PARK_REASON_COMPANY {
		again = fmt.Sprintf(":%d", p.GetTimes()+1)
	}
	if err := r.wantCompany(ctx, again, false); err != nil {
		return err
	}
	if r.facts.Link.GetMissingRight() != "" {
		lacking := &ticketv1.Trouble{About: aboutCompanies, Reason: ticketv1.ParkReason_PARK_REASON_AUTH, Detail: r.facts.Link.GetReason()}
		if err := r.alert(ctx, []*ticketv1.Trouble{lacking}); err != nil {
			return err
		}
	}
	return r.park(ctx, plan.Park{
		Reason: ticketv1.ParkReason_PARK_REASON_COMPANY,
		Detail: asked(r.ledger.GetWanted().GetCustomer(), r.facts.Link), Until: step.Until,
	})
}

// wantCompany publishes the question for the customer's company. Many devices of a customer ask; one question in ten
// minutes is enough, unless suffix tells it from the others. doubted says that ConnectWise refused the company that
// is on record.
func (r *run) wantCompany(ctx context.Context, suffix string, doubted bool) error {
	wanted, now := r.ledger.GetWanted(), r.clock.Now()
	tenant, customer := r.ledger.GetTenant(), wanted.GetCustomer()
	r.onStep("ask for company: begin")
	err := r.bus.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbWanted, Tenant: tenant, Key: customer.GetId()},
		ID:      fmt.Sprintf("wanted:%s:%s:%d%s", tenant, customer.GetId(), now.Unix()/int64(plan.StaleAnswer/time.Second), suffix),
		Body: &companyv1.Wanted{
			SchemaVersion: 1, Tenant: tenant, Customer: customer, AskedAt: timestamppb.New(now), IncidentId: r.ledger.GetIncidentId(),
			ObservedAt: wanted.GetOccurredAt(), Doubted: doubted,
		},
	})
	if err != nil {
		return err
	}
	r.onStep("ask for company: end")
	return nil
}

// companyRefused reports whether ConnectWise may have refused a create because of its company: it names the company
// among what it complains of, or says nothing of the kind.
func companyRefused(err error) bool {
	var answer *connectwise.APIError
	class := errclass.Of(err)
	if (class != errclass.Rejected && class != errclass.NotFound) || !errors.As(err, &answer) {
		return false
	}
	return len(answer.Errors) == 0 || slices.ContainsFunc(answer.Errors, func(f connectwise.FieldError) bool {
		return strings.HasPrefix(strings.ToLower(f.Field), "company")
	})
}

// asked says what a customer's incidents wait for while its company is asked for, with the last answer if there
// was one.
func asked(customer *statusv1.Customer, last *companyv1.Link) string {
	switch {
	case last.GetReason() != "":
		return "asked again for a company; the last answer: " + plan.Homeless(customer, last.GetReason())
	case customer.GetId() == tenant.OwnCustomer: // what concerns the tenant as a whole
		return "asked for the MSP's own ConnectWise company"
	}
	return fmt.Sprintf("asked for the ConnectWise company of customer %q", customer.GetName())
}
