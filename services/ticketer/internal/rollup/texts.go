package rollup

import (
	"fmt"
	"strings"

	tenantdoc "github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/wording"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

// Summary is the ticket's title.
func Summary(w *text.Writer, e *incidentv1.Event) string {
	return w.RollUp(wording.Summary, e, issue(e), "Cove ALL roll-up - "+issue(e))
}

// Description is the ticket's first text. At a customer's company it names that customer's devices only: customers may read
// it.
func Description(w *text.Writer, e *incidentv1.Event) string {
	shown, others := text.Theirs(e)
	return w.RollUp(wording.Description, e, issue(e), fmt.Sprintf("%s in trouble beyond the tickets that one hour may have (tickets.hourlyCap). "+
		"Each gets its own ticket as soon as the cap allows it, unless it recovers before. Many at once often have one cause: look there first.\n\n%s",
		areDevices(e.GetMembersTotal()), list(w, e, shown, others)))
}

// Analysis is the internal text that goes with the description.
func Analysis(w *text.Writer, e *incidentv1.Event, reference string) string {
	var b strings.Builder
	if e.GetCustomer().GetId() != tenantdoc.OwnCustomer {
		fmt.Fprintf(&b, "THIS TICKET IS AT THE COMPANY OF %q, because most of the devices are theirs and your own company is not known. "+
			"To have it at your own: companies.own, the identifier of your own company in ConnectWise.\n\n%s\n",
			e.GetCustomer().GetName(), list(w, e, e.GetMembers(), 0))
	}
	fmt.Fprintf(&b, "Reference: %s\n\n%s", reference, text.Marker(e.GetIncidentId(), e.GetRevision()))
	return b.String()
}

// Change is the note about other devices than the ticket names. It is always internal.
func Change(w *text.Writer, shown, e *incidentv1.Event) string {
	was := map[string]bool{}
	for _, m := range shown.GetMembers() {
		was[m.GetDeviceId()] = true
	}
	fresh := 0
	for _, m := range e.GetMembers() {
		if !was[m.GetDeviceId()] {
			fresh++
		}
	}
	news := ""
	if fresh > 0 {
		news = fmt.Sprintf(" %d of those listed are new here.", fresh)
	}
	if int(e.GetMembersTotal()) == len(e.GetMembers()) {
		news += " Who is not listed any more has its own ticket by now, or has recovered."
	}
	return w.RollUp(wording.Note, e, issue(e), fmt.Sprintf("%s waiting for a separate ticket now; %d before.%s\n\n%s",
		areDevices(e.GetMembersTotal()), shown.GetMembersTotal(), news, list(w, e, e.GetMembers(), 0)))
}

// Resolution is the note that ends the roll-up.
func Resolution(w *text.Writer, e *incidentv1.Event) string {
	return w.RollUp(wording.Resolution, e, issue(e), "Every device that was listed here has a ticket of its own now, or has recovered.\n")
}

// issue is what the ticket is about in a few words.
func issue(e *incidentv1.Event) string {
	switch {
	case e.GetKind() == incidentv1.EventKind_EVENT_KIND_RESOLVED:
		return "no device waits for its ticket any more"
	case e.GetMembersTotal() == 1:
		return "1 more device in trouble than tickets for an hour"
	}
	return fmt.Sprintf("%d more devices in trouble than tickets for an hour", e.GetMembersTotal())
}

func areDevices(n uint32) string {
	if n == 1 {
		return "1 device is"
	}
	return fmt.Sprintf("%d devices are", n)
}

// list names devices, the gravest first, and counts the rest; others of those listed elsewhere are other customers'.
func list(w *text.Writer, e *incidentv1.Event, shown []*incidentv1.Member, others int) string {
	var b strings.Builder
	for _, m := range shown {
		b.WriteString("- " + w.Waiting(m) + "\n")
	}
	if others > 0 {
		fmt.Fprintf(&b, "and %d of other customers (see the internal note)\n", others)
	}
	if more := int(e.GetMembersTotal()) - len(e.GetMembers()); more > 0 {
		fmt.Fprintf(&b, "and %d more, less grave than these\n", more)
	}
	return b.String()
}
