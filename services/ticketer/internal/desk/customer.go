package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/ticketer/internal/agreement"
	"github.com/covewise/covewise/services/ticketer/internal/configuration"
)

// What follows belongs to the customer's company. A rule for many customers may name a site that one of them lacks, a role
// may not read agreements, and a company may be gone: the ticket is made without it then, with a remark, because the trouble
// is graver. Should the company itself be what is amiss, the create tells.

func (l lookup) remark(format string, args ...any) {
	l.filing.remarks = append(l.filing.remarks, fmt.Sprintf(format, args...))
}

// unreadable reports whether ConnectWise does not give a table, mostly for want of a right, and remarks it.
func (l lookup) unreadable(what string, err error) bool {
	switch {
	case forbidden(err):
		l.remark("%s could not be read, because the role of the API member lacks the right to: %s", what, err)
	case refused(err):
		l.remark("%s could not be read: %s", what, err)
	default:
		return false
	}
	return true
}

func (l lookup) site(ctx context.Context) error {
	c, set := l.route.Fields["site"]
	if !set {
		return nil
	}
	rows, err := l.sites(ctx)
	if err != nil {
		if l.unreadable("The company's sites", err) {
			return nil
		}
		return err
	}
	i := slices.IndexFunc(rows, func(s connectwise.Site) bool { return !s.InactiveFlag && strings.EqualFold(s.Name, c.Value) })
	if i < 0 {
		l.remark("The company has no active site %q, which %s asks for; the ticket is at its default site.", c.Value, where(c))
		return nil
	}
	l.filing.ticket.Site, l.filing.asked["site"] = connectwise.Reference{ID: rows[i].ID}, rows[i].Name
	return nil
}

// mappedSite is the company's site that is called as the device's site in Cove, when the settings want that and no rule
// named one.
func (l lookup) mappedSite(ctx context.Context, e *incidentv1.Event) error {
	name := strings.TrimSpace(e.GetSite())
	if _, routed := l.route.Fields["site"]; routed || name == "" || !l.settings.GetMapSites() {
		return nil
	}
	rows, err := l.sites(ctx)
	if err != nil {
		if l.unreadable("The company's sites", err) {
			return nil
		}
		return err
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(s connectwise.Site) bool {
		return s.InactiveFlag || !strings.EqualFold(strings.TrimSpace(s.Name), name)
	})
	if len(rows) != 1 {
		l.remark("The company has %d active sites %q, which is the device's site in Cove; the ticket is at its default site.", len(rows), name)
		return nil
	}
	l.filing.ticket.Site, l.filing.asked["site"] = connectwise.Reference{ID: rows[0].ID}, rows[0].Name
	return nil
}

func (l lookup) sites(ctx context.Context) ([]connectwise.Site, error) {
	return remember(ctx, l, fmt.Sprintf("sites:%d", l.company), func() ([]connectwise.Site, error) { return l.client.Sites(ctx, l.company) })
}

func (l lookup) contact(ctx context.Context) error {
	c, set := l.route.Fields["contact"]
	if !set {
		return nil
	}
	rows, err := remember(ctx, l, fmt.Sprintf("contacts:%d", l.company), func() ([]connectwise.Contact, error) {
		return l.client.Contacts(ctx, connectwise.Eq("company/id", l.company))
	})
	if err != nil {
		if l.unreadable("The company's contacts", err) {
			return nil
		}
		return err
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(p connectwise.Contact) bool {
		return p.InactiveFlag || !strings.EqualFold(strings.TrimSpace(p.FirstName+" "+p.LastName), c.Value)
	})
	if len(rows) != 1 {
		l.remark("The company has %d active contacts %q, which %s asks for; the ticket has its default contact.", len(rows), c.Value, where(c))
		return nil
	}
	l.filing.ticket.Contact, l.filing.asked["contact"] = connectwise.Reference{ID: rows[0].ID}, c.Value
	return nil
}

// agreement sets the agreement that the tenant's condition chooses. The agreements of all companies are read at once,
// so that a storm costs a page or two and not a request for each company.
func (l lookup) agreement(ctx context.Context, e *incidentv1.Event) error {
	condition := agreement.For(l.settings, e.GetCustomer())
	if condition.Where == "" {
		return nil
	}
	byCompany, err := remember(ctx, l, "agreements", func() (map[int][]agreement.Candidate, error) {
		all := map[int][]agreement.Candidate{}
		for a, err := range l.client.Agreements(ctx, connectwise.Eq("cancelledFlag", false), "id", "name", "type", "company", "cancelledFlag", "agreementStatus") {
			if err != nil {
				return nil, err
			}
			if !a.CancelledFlag && (a.AgreementStatus == "" || a.AgreementStatus == "Active") {
				all[a.Company.ID] = append(all[a.Company.ID], agreement.Candidate{ID: a.ID, Name: a.Name, Type: a.Type.Name})
			}
		}
		return all, nil
	})
	if err != nil {
		if l.unreadable("No agreement is set: agreements", err) {
			return nil
		}
		return err
	}
	chosen, found, remark := agreement.Choose(condition, byCompany[l.company])
	if remark != "" {
		l.remark("%s", remark)
	}
	if found {
		l.filing.ticket.Agreement, l.filing.asked["agreement"] = connectwise.Reference{ID: chosen.ID}, chosen.Name
	}
	return nil
}

// device finds the configuration that stands for the device.
func (l lookup) device(ctx context.Context, e *incidentv1.Event) error {
	if !l.settings.GetAttachConfigurations() || e.GetDevice() == nil {
		return nil
	}
	all, err := remember(ctx, l, fmt.Sprintf("configurations:%d", l.company), func() ([]configuration.Candidate, error) {
		var all []configuration.Candidate
		for c, err := range l.client.Configurations(ctx, connectwise.Eq("company/id", l.company), "id", "name", "deviceIdentifier", "activeFlag") {
			if err != nil {
				return nil, err
			}
			if c.ActiveFlag == nil || *c.ActiveFlag {
				all = append(all, configuration.Candidate{ID: c.ID, Name: c.Name, DeviceIdentifier: c.DeviceIdentifier})
			}
		}
		return all, nil
	})
	if err != nil {
		if l.unreadable("No configuration is attached: the company's configurations", err) {
			return nil
		}
		return err
	}
	chosen, found, remark := configuration.Choose(e, all)
	if remark != "" {
		l.remark("%s", remark)
	}
	if found {
		l.filing.configuration = chosen.ID
	}
	return nil
}

// remember returns what was looked up under a key since the names were read, or looks it up. One lookup goes on at a
// time, so that a storm of tickets makes each once.
func remember[T any](ctx context.Context, l lookup, key string, read func() (T, error)) (T, error) {
	known := func() (T, bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		value, ok := l.names.kept[key].(T)
		return value, ok
	}
	if value, ok := known(); ok {
		return value, nil
	}
	var none T
	select {
	case l.looking <- struct{}{}:
		defer func() { <-l.looking }()
	case <-ctx.Done():
		return none, errclass.New(errclass.Transient, "look up names in ConnectWise", ctx.Err())
	}
	if value, ok := known(); ok {
		return value, nil
	}
	value, err := read()
	if err != nil {
		return none, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names.kept[key] = value
	return value, nil
}
