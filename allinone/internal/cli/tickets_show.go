package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	ticketer "github.com/covewise/covewise/services/ticketer/app"
)

func newTicket(around Surroundings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ticket",
		Short: "Tell all about one incident's ticket, and preview texts and the adoption of tickets",
		Long:  `Tells what is on record about one incident's ticket, and previews what would be written. None of it writes anything.`,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTicketShow(around), newTicketAdoption(around), newTicketPreview(around))
	return cmd
}

func newTicketShow(around Surroundings) *cobra.Command {
	a := &access{around: around}
	cmd := &cobra.Command{
		Use:   "show INCIDENT --data DIR",
		Short: "Show the ticket of an incident: how far it is, and all that happened",
		Long: `Shows how far the ticket of an incident is, where it is in ConnectWise, what it waits for, and in order of time what
was decided about the device, what was done in ConnectWise, and what people did there. Requests are those that Covewise
sent to ConnectWise for the incident up to that event.

INCIDENT is an id as covewise tickets shows it; it also stands in the summary of the ticket, after "CW-".`,
		Example: "  covewise ticket show 1234567-1 --data /var/lib/covewise",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one incident by its id; covewise tickets shows them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTenant(cmd.Context(), func(s *site, settings *tenantv1.Settings) error {
				story, err := ticketStory(cmd.Context(), s.Bus, settings.GetId(), args[0])
				if err != nil {
					return err
				}
				revisions, err := revisionsOf(cmd.Context(), s.Bus, story.Ledger, &story.Unread)
				if err != nil {
					return failed(err)
				}
				tellUnread(cmd.ErrOrStderr(), story.Unread)
				return failed(writeStory(cmd.OutOrStdout(), story, revisions))
			})
		},
	}
	a.flags(cmd)
	return cmd
}

// ticketStory returns what is on record about an incident's ticket. The error for an incident that is not there names
// those that could be meant.
func ticketStory(ctx context.Context, b *bus.Bus, tenant, incident string) (ticketer.TicketStory, error) {
	story, err := ticketer.Ticket(ctx, b, tenant, incident)
	if err == nil {
		return story, nil
	}
	if class := errclass.Of(err); class != errclass.NotFound && class != errclass.Rejected {
		return story, failed(err)
	}
	all, listing := ledgersOf(ctx, b, tenant)
	if listing != nil {
		return story, failed(listing)
	}
	near := nearIncidents(all, incident)
	if len(near) == 0 {
		return story, fmt.Errorf("no incident %q is on record at %s; covewise tickets --all shows those that are", incident, tenant)
	}
	return story, fmt.Errorf("no incident %q is on record at %s; near ones are %s", incident, tenant, report.Printable(strings.Join(near, ", ")))
}

// mostNear bounds the incidents that an error names.
const mostNear = 10

// nearIncidents names the incidents of the device that a person may have meant, by the device's id or name, and the one
// with that ticket, newest first.
func nearIncidents(all []*ticketv1.Ledger, meant string) []string {
	meant = strings.TrimPrefix(strings.Trim(meant, "[]# "), "CW-")
	device := meant
	if i := strings.LastIndex(meant, "-"); i > 0 {
		device = meant[:i]
	}
	slices.SortStableFunc(all, func(a, b *ticketv1.Ledger) int {
		return moment(b.GetWanted().GetOpenedAt()).Compare(moment(a.GetWanted().GetOpenedAt()))
	})
	var near []string
	for _, l := range all {
		ofDevice := l.GetDeviceId() == device || l.GetDeviceId() == meant || strings.EqualFold(aboutWhat(l), meant)
		if !ofDevice && (l.GetTicketId() == 0 || fmt.Sprint(l.GetTicketId()) != meant) {
			continue
		}
		if len(near) == mostNear {
			return append(near, "and more")
		}
		text := l.GetIncidentId() + " (" + phaseWords(l.GetPhase())
		if l.GetTicketId() != 0 {
			text += fmt.Sprintf(", ticket %d", l.GetTicketId())
		}
		near = append(near, text+")")
	}
	return near
}

// revisionsOf returns the pictures of an incident in order, as far as they can be read.
func revisionsOf(ctx context.Context, b *bus.Bus, l *ticketv1.Ledger, unread *ticketer.Unread) ([]*incidentv1.Event, error) {
	var all []*incidentv1.Event
	for _, verb := range []string{bus.VerbFailed, bus.VerbChanged, bus.VerbResolved} {
		err := b.History(ctx, bus.Incident, verb, l.GetTenant(), func(d bus.Delivery) error {
			if d.Subject.Key != l.GetDeviceId() {
				return nil
			}
			e := &incidentv1.Event{}
			if unread.Decode(d, e) && e.GetIncidentId() == l.GetIncidentId() {
				all = append(all, e)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b *incidentv1.Event) int { return cmp.Compare(a.GetRevision(), b.GetRevision()) })
	// A dead letter that was put back is in the stream twice.
	return slices.CompactFunc(all, func(a, b *incidentv1.Event) bool { return a.GetRevision() == b.GetRevision() }), nil
}

func writeStory(w io.Writer, story ticketer.TicketStory, revisions []*incidentv1.Event) error {
	l := story.Ledger
	var b strings.Builder
	fmt.Fprintf(&b, "incident %s of %s\n\n", l.GetIncidentId(), l.GetTenant())
	for _, line := range ledgerLines(l) {
		if line.text != "" {
			fmt.Fprintf(&b, "%-13s  %s\n", line.label, report.Printable(line.text))
		}
	}
	b.WriteString("\nwhat happened\n")
	all := happenings(story.Events, revisions)
	if len(all) == 0 {
		b.WriteString("  nothing is on record\n")
	}
	for _, h := range all {
		fmt.Fprintf(&b, "  %s  %s\n", h.at.UTC().Format("2006-01-02 15:04:05 UTC"), report.Printable(h.text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type labelled struct{ label, text string }

// ledgerLines says in words what a ledger records; lines without text are not shown.
func ledgerLines(l *ticketv1.Ledger) []labelled {
	e, o := l.GetWanted(), l.GetObserved()
	about := aboutWhat(l)
	if e.GetDevice() != nil && about != l.GetDeviceId() {
		about += ", device " + l.GetDeviceId()
	}
	customer := e.GetCustomer().GetName()
	if id := e.GetCustomer().GetId(); id != "" && customer != "" {
		customer += ", customer " + id
	}
	wrong := trouble(e)
	if e.GetKind() == incidentv1.EventKind_EVENT_KIND_RESOLVED {
		wrong = "nothing any more: " + ended(e)
	}
	lines := []labelled{
		{"device", about},
		{"customer", customer},
		{"wrong", wrong},
		{"open since", instant(e.GetOpenedAt())},
		{"phase", phaseWords(l.GetPhase())},
		{"waits for", waitsFor(l.GetPark())},
	}
	if p := l.GetPark(); p != nil {
		lines = append(lines, labelled{"", fmt.Sprintf("since %s; looked at again %s", instant(p.GetSince()), instant(p.GetUntil()))})
	}
	if l.GetTicketId() != 0 {
		lines = append(lines, labelled{"ticket", fmt.Sprint(l.GetTicketId())})
	}
	lines = append(
		lines,
		labelled{"", origin(l)},
		labelled{"link", ticketLink(l)},
		labelled{"summary", cmp.Or(o.GetSummary(), l.GetSummary())},
		labelled{"last seen", observedWords(o)},
	)
	if l.GetCreatedAt() != nil {
		lines = append(lines, labelled{"has it since", instant(l.GetCreatedAt())})
	}
	if l.GetClosedAt() != nil {
		lines = append(lines, labelled{"closed", instant(l.GetClosedAt())})
	}
	for _, remark := range l.GetRemarks() {
		lines = append(lines, labelled{"remark", remark})
	}
	for _, id := range l.GetFormerTicketIds() {
		lines = append(lines, labelled{"former ticket", fmt.Sprint(id)})
	}
	if l.GetAttachedTo() != 0 {
		lines = append(lines, labelled{"attached to", fmt.Sprintf("ticket %d of its group", l.GetAttachedTo())})
	}
	lines = append(lines, labelled{"reference", l.GetReference()}, labelled{"revisions", revisionWords(l)})
	if l.GetRequests() > 0 {
		lines = append(lines, labelled{"requests", fmt.Sprintf("%d sent to ConnectWise so far", l.GetRequests())})
	}
	return lines
}

// origin says where the ticket is from when that is not a create for this incident.
func origin(l *ticketv1.Ledger) string {
	switch {
	case l.GetForeign():
		return "made by others; Covewise writes notes to it and does not close it"
	case l.GetTakenUp():
		return "made before this incident and taken up for it"
	case l.GetStandIn():
		return "at the catch-all company, until the customer has one of its own"
	default:
		return ""
	}
}

// revisionWords says which picture of the incident the ticket shows.
func revisionWords(l *ticketv1.Ledger) string {
	newest, shown := l.GetWanted().GetRevision(), l.GetShown().GetRevision()
	switch shown {
	case newest:
		return fmt.Sprintf("the newest, %d, is in the ticket", newest)
	case 0:
		return fmt.Sprintf("the newest is %d; none is in the ticket", newest)
	default:
		return fmt.Sprintf("the newest is %d; %d is in the ticket", newest, shown)
	}
}

// observedWords says how the ticket looked when it was seen last.
func observedWords(o *ticketv1.Observed) string {
	if o == nil {
		return ""
	}
	var parts []string
	add := func(said bool, format string, args ...any) {
		if said {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(o.GetDeleted(), "deleted")
	add(o.GetMergedInto() != 0, "merged into ticket %d", o.GetMergedInto())
	add(o.GetStatus() != "", "status %q%s", o.GetStatus(), map[bool]string{true: ", a closed one"}[o.GetClosed()])
	add(o.GetBoard() != "", "board %q", o.GetBoard())
	add(o.GetPriority() != "", "priority %q", o.GetPriority())
	add(o.GetCompany() != "", "company %q", o.GetCompany())
	add(o.GetOwner() != "", "owner %q", o.GetOwner())
	add(o.GetParentId() != 0, "a child of ticket %d", o.GetParentId())
	add(o.GetHasChildren(), "has children")
	add(o.GetHasMerged(), "others were merged into it")
	add(o.GetCustomerUpdated(), "the customer wrote the last note")
	add(o.GetUpdatedBy() != "", "changed last by %s", o.GetUpdatedBy())
	return strings.Join(parts, "; ")
}

// happening is one thing that happened.
type happening struct {
	at   time.Time
	text string
}

// happenings puts what was decided and what was done in one order: of time, and at one time the decision first.
func happenings(events []*ticketv1.Event, revisions []*incidentv1.Event) []happening {
	var all []happening
	for _, e := range revisions {
		all = append(all, happening{moment(e.GetOccurredAt()), revisionTold(e)})
	}
	for _, e := range events {
		all = append(all, happening{moment(e.GetOccurredAt()), eventTold(e)})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return a.at.Compare(b.at) })
	return all
}

func revisionTold(e *incidentv1.Event) string {
	head := fmt.Sprintf("incident, revision %d: ", e.GetRevision())
	switch e.GetKind() {
	case incidentv1.EventKind_EVENT_KIND_FAILED:
		return head + "began: " + trouble(e)
	case incidentv1.EventKind_EVENT_KIND_CHANGED:
		return head + "changed: " + trouble(e)
	case incidentv1.EventKind_EVENT_KIND_RESOLVED:
		return head + "over: " + ended(e)
	case incidentv1.EventKind_EVENT_KIND_UNSPECIFIED:
	}
	return head + "unknown"
}

// ended says why an incident is over.
func ended(e *incidentv1.Event) string {
	if e.GetReason() != "" {
		return resolutionWords(e.GetResolution()) + " (" + e.GetReason() + ")"
	}
	return resolutionWords(e.GetResolution())
}

func eventTold(e *ticketv1.Event) string {
	text := actionWords(e.GetAction())
	if e.GetTicketId() != 0 && e.GetAction() != ticketv1.Action_ACTION_PARKED {
		text += fmt.Sprintf(" (%d)", e.GetTicketId())
	}
	reason := e.GetReason()
	switch e.GetAction() {
	case ticketv1.Action_ACTION_PARKED:
		text += " " + waitTold(reason)
		reason = ""
	case ticketv1.Action_ACTION_CLOSED, ticketv1.Action_ACTION_DROPPED:
		reason = endTold(reason)
	default:
	}
	if reason != "" {
		text += ": " + reason
	}
	if e.GetSummary() != "" && e.GetAction() != ticketv1.Action_ACTION_CLOSED {
		text += fmt.Sprintf("; summary %q", e.GetSummary())
	}
	if e.GetRequests() > 0 {
		text = strings.TrimSuffix(text, ".") + "; " + counted(int(e.GetRequests()), "request") + " so far"
	}
	return text
}
