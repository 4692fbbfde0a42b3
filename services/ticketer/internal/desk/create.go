package desk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Draft is a ticket to be made.
type Draft struct {
	Summary     string // at most 100 UTF-16 units
	Description string // the customer may see it
	Analysis    string // internal
	Reference   string // goes to externalXRef
	Company     int64
	Event       *incidentv1.Event // decides where the ticket goes
}

// Filed is a ticket that was made.
type Filed struct {
	Ticket  *ticketv1.Observed // as it was made
	Remarks []string           // what a person should know of where it went: errors of the configuration, what ConnectWise made otherwise
}

// Found is a ticket of the server with more of it than others need to see.
type Found struct {
	Ticket *ticketv1.Observed
	whole  connectwise.Ticket
}

// Entered is when the ticket was made, by the server's clock; zero when it does not tell.
func (f Found) Entered() time.Time { return f.whole.Info.DateEntered.Time }

// Create makes a ticket, in one request once the names are known (see Check), and attaches the device's configuration
// in another where the settings ask for it.
func (d *Desk) Create(ctx context.Context, t Draft) (Filed, error) {
	f, err := d.file(ctx, t.Event, t.Company)
	if err != nil {
		return Filed{}, err
	}
	ticket := f.ticket
	ticket.Summary, ticket.ExternalXRef = t.Summary, t.Reference
	ticket.InitialDescription = joined(t.Description, f.publicAppend)
	ticket.InitialInternalAnalysis = joined(t.Analysis, f.remarksText(), f.internalAppend)
	made, err := d.client.CreateTicket(ctx, ticket)
	if err != nil {
		if d.doubt(err) {
			// A setting that is wrong by now says more than the refusal.
			if _, again := d.file(ctx, t.Event, t.Company); errors.As(again, new(SettingErrors)) {
				err = again
			}
		}
		return Filed{}, err
	}
	remarks := append(f.remarks, f.drift(t.Summary, made)...)
	return Filed{Ticket: observed(made), Remarks: append(remarks, d.attachConfiguration(ctx, made.ID, f.configuration)...)}, nil
}

// Complete does for a ticket that was found what Create does once its answer has come, so that what a ticket carries does
// not depend on the answer: it tells what ConnectWise made otherwise than the draft asked, and attaches the device's
// configuration. Settings that are wrong by now are a remark; the ticket is there.
func (d *Desk) Complete(ctx context.Context, found Found, t Draft) (Filed, error) {
	f, err := d.file(ctx, t.Event, t.Company)
	if filed, given := mistaken(found, err); given || err != nil {
		return filed, err
	}
	remarks := append(f.remarks, f.drift(t.Summary, found.whole)...)
	return Filed{Ticket: found.Ticket, Remarks: append(remarks, d.attachConfiguration(ctx, found.whole.ID, f.configuration)...)}, nil
}

// Unclaim gives a ticket the reference that it had before it was claimed.
func (d *Desk) Unclaim(ctx context.Context, ticket int64, reference string) error {
	_, err := d.client.PatchTicket(ctx, int(ticket), connectwise.Replace("externalXRef", reference))
	return err
}

// Claim makes a ticket of others ours: it gives it our reference, unless that is empty, and what Create gives a ticket of
// the device and this one lacks, the agreement and the configuration, both of the company that it is at. That costs a
// request, and another for the configuration; none when there is nothing to give. It may be repeated.
func (d *Desk) Claim(ctx context.Context, found Found, reference string, e *incidentv1.Event) (Filed, error) {
	f, err := d.belongings(ctx, e, found.Ticket.GetCompanyId())
	filed, given := mistaken(found, err)
	if err != nil && !given {
		return Filed{}, err
	}
	if !given {
		filed = Filed{Ticket: found.Ticket, Remarks: f.remarks}
	}
	var mark, more []connectwise.PatchOp
	if reference != "" {
		mark = append(mark, connectwise.Replace("externalXRef", reference))
	}
	if agreement := f.ticket.Agreement; agreement.ID != 0 && found.whole.Agreement.ID == 0 {
		more = append(more, connectwise.Replace("agreement", agreement))
	}
	if len(mark)+len(more) > 0 {
		changed, err := d.client.PatchTicket(ctx, found.whole.ID, append(slices.Clone(mark), more...)...)
		if err != nil && errclass.Of(err) == errclass.Rejected && len(more) > 0 {
			filed.Remarks = append(filed.Remarks, "The agreement could not be set: "+err.Error())
			if changed, err = found.whole, nil; len(mark) > 0 {
				changed, err = d.client.PatchTicket(ctx, found.whole.ID, mark...)
			}
		}
		if err != nil {
			return Filed{}, err
		}
		filed.Ticket = observed(changed)
	}
	filed.Remarks = append(filed.Remarks, d.attachConfiguration(ctx, found.whole.ID, f.configuration)...)
	return filed, nil
}

// mistaken makes a remark of settings that cannot be used, for a ticket that is there all the same.
func mistaken(found Found, err error) (Filed, bool) {
	if err == nil || errclass.Of(err) != errclass.Rejected {
		return Filed{}, false
	}
	return Filed{Ticket: found.Ticket, Remarks: []string{"The ticket could not be compared with the settings: " + err.Error()}}, true
}

// attachTries bounds how often a configuration is attached that the server did not take for a reason that may pass.
const attachTries = 3

// attachConfiguration attaches a configuration to a ticket, and returns what a person should know when that fails: what is
// amiss now must not make anybody believe that the ticket is not there. It may be repeated: ConnectWise refuses what is
// attached already, in words that differ, so that the ticket is looked at after a refusal, in one more request.
func (d *Desk) attachConfiguration(ctx context.Context, ticket, configuration int) []string {
	if configuration == 0 {
		return nil
	}
	var err error
	for range attachTries {
		err = d.client.AttachConfiguration(ctx, ticket, configuration)
		switch errclass.Of(err) {
		case errclass.Transient, errclass.RateLimited, errclass.UnknownOutcome:
			continue
		case errclass.Rejected, errclass.Conflict:
			if d.isAttached(ctx, ticket, configuration) {
				return nil
			}
		default:
		}
		break
	}
	if err == nil {
		return nil
	}
	return []string{"The device's configuration could not be attached: " + err.Error()}
}

// isAttached reports whether a ticket is known to have a configuration.
func (d *Desk) isAttached(ctx context.Context, ticket, configuration int) bool {
	attached, err := d.client.TicketConfigurations(ctx, ticket)
	return err == nil && slices.ContainsFunc(attached, func(c connectwise.ConfigurationReference) bool { return c.ID == configuration })
}

// joined puts texts below each other.
func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n\n")
}
