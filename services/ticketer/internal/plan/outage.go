package plan

import (
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// wholeDevice is the data source code of what concerns a device as a whole.
const wholeDevice = "D09"

// trouble is what can break anew: a data source, or the device as a whole in one way.
type trouble struct {
	source string
	kind   incidentv1.ConditionKind
}

// newOutage reports whether something has broken that the ticket does not show, so that who closed it did not know: another
// data source, or the device as a whole in another way. Another finding about the same source is none, because a source
// that stays as it is becomes stale by the passing of time alone; nor is that of the whole device.
func newOutage(l *ticketv1.Ledger) bool {
	if l.GetShown() == nil || Resolved(l) {
		return false
	}
	known := troubles(l.GetShown())
	for t := range troubles(l.GetWanted()) {
		if !known[t] {
			return true
		}
	}
	return false
}

func troubles(e *incidentv1.Event) map[trouble]bool {
	all := map[trouble]bool{}
	for _, c := range e.GetConditions() {
		whole := len(c.GetFindings()) == 0
		for _, f := range c.GetFindings() {
			if code := f.GetSourceCode(); code != "" && code != wholeDevice {
				all[trouble{source: code}] = true
			} else {
				whole = true
			}
		}
		aged := c.GetKind() == incidentv1.ConditionKind_CONDITION_KIND_STALE || c.GetKind() == incidentv1.ConditionKind_CONDITION_KIND_NO_ERROR_FREE
		if whole && !aged {
			all[trouble{kind: c.GetKind()}] = true
		}
	}
	return all
}
