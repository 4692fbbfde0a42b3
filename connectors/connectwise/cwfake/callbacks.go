package cwfake

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const callbackResource = "callbackEntry"

// What a callback says happened.
const (
	actionAdded   = "added"
	actionUpdated = "updated"
	actionDeleted = "deleted"
)

// ticketChange is what happened to a ticket.
type ticketChange struct {
	ticket int
	action string
	by     string
	// within are the records at whose levels a callback hears of it, with the ticket's own id.
	within map[string]int
}

// callbackLevels are the types of callbacks with the levels that each knows [documentation].
func callbackLevels() map[string]string {
	return map[string]string{
		"activity": "owner status type company activity", "agreement": "owner type company agreement",
		"company": "owner status type territory company integratortag", "configuration": "owner type status configuration",
		"contact": "owner type territory company contact", "expense": "owner chargetotype type class company expense",
		"invoice": "owner status company invoice", "member": "owner location securityrole member",
		"opportunity": "owner statusid company opportunity", "productcatalog": "owner", "project": "owner status board project",
		"purchaseorder": "owner status vendor company purchaseorder", "schedule": "owner status type location member schedule",
		"ticket": "owner board project phase status ticket integratortag", "time": "owner company time",
	}
}

func systemResources() []*resource {
	return []*resource{{
		name: callbackResource, title: "Callback Entry", typeName: "CallbackEntry",
		fields: join(
			text("description", 100), text("url", 0, required), integer("objectId", required),
			text("type", 0, required), text("level", 0, required),
			integer("memberId", readOnly), text("payloadVersion", 0), text("connectWiseID", 0),
			several(booleanField, "inactiveFlag isSoapCallbackFlag isSelfSuppressedFlag"),
		),
		prepare: prepareCallback, check: checkCallback,
	}}
}

func prepareCallback(w *write) []fieldError {
	if w.draft.text("level") == "owner" && w.draft.values["objectId"] == float64(0) {
		w.set("objectId", float64(1))
	}
	if w.draft.text("payloadVersion") == "" {
		w.set("payloadVersion", "3.0.0")
	}
	if w.draft.values["inactiveFlag"] == nil {
		w.set("inactiveFlag", false)
	}
	return nil
}

func checkCallback(w *write) []fieldError {
	d := w.draft
	if u, err := url.Parse(d.text("url")); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return []fieldError{bad("url", "Invalid URL")}
	}
	levels := strings.Fields(callbackLevels()[strings.ToLower(d.text("type"))])
	if !slices.Contains(levels, strings.ToLower(d.text("level"))) {
		return []fieldError{bad("level", "Unrecognized level for type, see documentation for supported levels for each type")}
	}
	key := func(r *record) string {
		return fmt.Sprintf("%s %s %s %d", r.text("url"), strings.ToLower(r.text("type")), strings.ToLower(r.text("level")), r.number("objectId"))
	}
	for _, other := range w.store.tables[callbackResource].rows {
		if other != w.record && key(other) == key(d) {
			return []fieldError{{Code: "ObjectExists", Message: "A matching callback entry already exists", Field: "objectId"}}
		}
	}
	return nil
}

// tell keeps a change of a ticket for the search index and for the callbacks, if there are any.
func (s *store) tell(r *record, action string, by stamp) {
	if s.tables[ticketResource].byID[r.id] != r {
		return
	}
	s.index(r, by.at)
	if len(s.tables[callbackResource].rows) == 0 {
		return
	}
	s.changes = append(s.changes, ticketChange{ticket: r.id, action: action, by: by.by, within: map[string]int{
		"owner": 1, "board": r.ref("board"), "status": r.ref("status"), "ticket": r.id,
	}})
}
