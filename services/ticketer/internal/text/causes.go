package text

import (
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// knowsMore reports whether one finding on a data source tells more of the cause than another.
func knowsMore(f, than *incidentv1.Finding) bool {
	switch {
	case len(than.GetErrors()) > 0:
		return false
	case len(f.GetErrors()) > 0:
		return true
	case than.GetErrorsUnavailable() != "" || than.GetErrorsAwaited():
		return false
	default:
		return f.GetErrorsUnavailable() != "" || f.GetErrorsAwaited() || f.GetErrorsTotal() > than.GetErrorsTotal()
	}
}

// nothingSelected is the evaluator's word for a session that had nothing to back up.
const nothingSelected = "No selection"

// unquoted says why no error is quoted where a session shows the trouble.
func (p *page) unquoted(t *trouble) {
	f := t.quote
	if !t.session || len(f.GetErrors()) > 0 || f.GetErrorsUnavailable() != "" {
		return
	}
	total := f.GetErrorsTotal()
	switch {
	case f.GetErrorsAwaited() && total > 0:
		p.line("  Cause: not read yet; the next sweep asks Cove for the " + counted(total, "error", "errors") + " of the session")
	case f.GetErrorsAwaited():
		p.line("  Cause: not read yet; the next sweep asks Cove for the errors of the session")
	case f.GetSummary() == nothingSelected:
		p.line("  Cause: in Cove nothing is selected to back up on this data source")
	case deviceWide(f) && total > 0:
		p.line("  Cause: not told; Cove counts these errors on the device and its session history names none")
	case total > 0:
		p.line("  Cause: not told; Cove counts " + counted(total, "error", "errors") + ", and its session history names none")
	default:
		p.line("  Cause: not told; Cove's session history names no error")
	}
}

// session names the session that shows the trouble, by which people find it in Cove.
func (p *page) session(f *incidentv1.Finding) {
	id := oneLine(f.GetSessionId())
	if id == "" {
		return
	}
	line := "  Session: " + id
	if at := f.GetSessionStartedAt(); at != nil {
		line += ", began " + p.stamp(at.AsTime())
	}
	p.line(line)
}
