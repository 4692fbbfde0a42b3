package cwfake

import (
	"fmt"
	"slices"
	"strings"
)

// prepareCompany gives a new company the default status and remembers the name of the site that it asks for.
func prepareCompany(w *write) []fieldError {
	w.setDefault("status", companyStatusRes, w.store.tables[companyStatusRes].preferred(0, "defaultFlag"))
	if w.before == nil {
		w.set("deletedFlag", w.draft.flag("deletedFlag"))
	}
	return nil
}

func checkCompany(w *write) []fieldError {
	var errors []fieldError
	for _, other := range w.store.tables[companyResource].find(0, "identifier", w.draft.text("identifier")) {
		if other != w.record {
			errors = append(errors, fieldError{Code: "ObjectExists", Message: fmt.Sprintf("The identifier '%s' is already in use", w.draft.text("identifier")), Field: "identifier"})
		}
	}
	if w.before == nil && w.store.switches.CompanyNeedsAddress && !slices.ContainsFunc(addressMembers(), func(m string) bool { return w.draft.values[m] != nil }) {
		errors = append(errors, missing("addressLine1", strings.Join(addressMembers(), ", ")+": one of them"))
	}
	return errors
}

func addressMembers() []string {
	return []string{"addressLine1", "addressLine2", "city", "state", "zip", "country"}
}

// companySaved creates the first site of a new company, if the request names one.
func companySaved(w *write) {
	site, _ := w.changes["site"].(map[string]any)
	name, _ := site["name"].(string)
	if w.before != nil || name == "" || w.record.values["site"] != nil {
		return
	}
	values := map[string]any{"name": name, "primaryAddressFlag": true, "company": ref{companyResource, w.record.id}}
	for _, member := range []string{"addressLine1", "addressLine2", "city", "zip", "country"} {
		if value := w.record.values[member]; value != nil {
			values[member] = value
		}
	}
	row := &record{values: values, entered: w.stamp.at, updated: w.stamp.at, enteredBy: w.stamp.by, updatedBy: w.stamp.by}
	w.store.tables[siteResource].insert(row)
	w.record.values["site"] = ref{siteResource, row.id}
}

// deleteCompany marks a company as deleted; the record stays visible.
func (s *store) deleteCompany(company *record, by stamp) {
	company.values["deletedFlag"] = true
	company.values["dateDeleted"] = by.at
	company.values["deletedBy"] = by.by
	company.updated, company.updatedBy = by.at, by.by
}

// mergeCompany moves everything of a company to another one and deletes the first.
func (s *store) mergeCompany(from, into *record, by stamp) {
	target := ref{companyResource, into.id}
	for _, name := range []string{siteResource, contactResource, agreementResource} {
		for _, row := range append([]*record{}, s.tables[name].of(from.id)...) {
			s.tables[name].rehome(row, target)
		}
	}
	for _, name := range []string{ticketResource, configurationRes} {
		for _, row := range s.tables[name].rows {
			if row.ref("company") == from.id {
				row.values["company"] = target
				row.updated, row.updatedBy = by.at, by.by
			}
		}
	}
	if s.switches.MergedCompanyGone {
		s.delete(s.tables[companyResource].resource, from)
		return
	}
	s.deleteCompany(from, by)
}

// usedByTickets tells whether a ticket refers to the company.
func (s *store) usedByTickets(company int) bool {
	return slices.ContainsFunc(s.tables[ticketResource].rows, func(t *record) bool { return t.ref("company") == company })
}

// prepareContact derives the name that references to the contact show.
func prepareContact(w *write) []fieldError {
	w.set("name", strings.TrimSpace(w.draft.text("firstName")+" "+w.draft.text("lastName")))
	return nil
}

func prepareMember(w *write) []fieldError {
	w.set("name", strings.TrimSpace(w.draft.text("firstName")+" "+w.draft.text("lastName")))
	return nil
}

// prepareConfigurationStatus names the status in references by its description.
func prepareConfigurationStatus(w *write) []fieldError {
	w.set("name", w.draft.text("description"))
	return nil
}

func prepareConfiguration(w *write) []fieldError {
	w.setDefault("status", configurationStatRes, w.store.tables[configurationStatRes].preferred(0, "defaultFlag"))
	if w.before == nil && !w.named("activeFlag") {
		w.set("activeFlag", true)
	}
	return nil
}
