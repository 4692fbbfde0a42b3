package plan

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// Observe takes what was seen of the incident's ticket into the ledger. It returns the ledger as it is, and no
// changes, when that is about another ticket, older than what is on record, or the same. The changes are told in the
// order of their weight, for a person, and name who changed the ticket last.
func Observe(l *ticketv1.Ledger, o *ticketv1.Observed, now time.Time) (next *ticketv1.Ledger, changes []string) {
	old := l.GetObserved()
	if l.GetTicketId() == 0 || o.GetTicketId() != l.GetTicketId() || older(o, old) {
		return l, nil
	}
	changes = Changes(old, notOurs(l, o))
	if len(changes) == 0 {
		return l, nil
	}
	l = change(l, now)
	l.Observed, l.LookDue = o, false
	if closedAnew(old, o) && l.GetHandedOverAt() != nil {
		l.HandedOverAt = timestamppb.New(now) // the time of respect begins anew
	}
	if l.GetPhase() == ticketv1.Phase_PHASE_CLOSED && old.GetDeleted() && Open(o) {
		// Nobody has told it the end.
		l.Phase, l.ClosedAt = ticketv1.Phase_PHASE_OPEN, nil
	}
	if o.GetDeleted() && old != nil {
		l.Observed = proto.CloneOf(old)
		l.Observed.Deleted = true
	}
	if o.GetCompanyId() != 0 && o.GetCompanyId() != l.GetCompanyId() {
		l.CompanyId = o.GetCompanyId()
		l.StandIn = false // a person has decided where it belongs
	}
	return l, changes
}

// LookNeeded records that the ticket has changed in a way that only a look can tell.
func LookNeeded(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.LookDue = true
	return l
}

// Looked records that the ticket was looked at and is as it was seen before.
func Looked(l *ticketv1.Ledger, now time.Time) *ticketv1.Ledger {
	l = change(l, now)
	l.LookDue = false
	return l
}

// OwnClosing reports whether the closing that o shows is the one that this incident's ledger has on record as ours.
func OwnClosing(l *ticketv1.Ledger, o *ticketv1.Observed) bool {
	at := l.GetOwnCloseAt()
	return at != nil && o.GetClosed() && at.GetSeconds() == o.GetClosedAt().GetSeconds() && l.GetOwnCloseBy() == o.GetClosedBy()
}

// SameSecond reports whether two pictures of a ticket differ and bear the same time, so that only a fresh look can
// tell which one is the later.
func SameSecond(l *ticketv1.Ledger, o *ticketv1.Observed) bool {
	old := l.GetObserved()
	return old != nil && !o.GetDeleted() && o.GetTicketId() == old.GetTicketId() && len(Changes(old, o)) > 0 &&
		o.GetLastUpdated().GetSeconds() == old.GetLastUpdated().GetSeconds()
}

// older reports whether a picture is from before the one on record. A search index may lag, and a page may have
// been read before our own last write.
func older(o, old *ticketv1.Observed) bool {
	return !o.GetDeleted() && !old.GetDeleted() && o.GetLastUpdated().GetSeconds() < old.GetLastUpdated().GetSeconds()
}

// notOurs is a picture without the name of who changed it last where that was us: our note or status came after the change,
// whose author the server does not tell any more.
func notOurs(l *ticketv1.Ledger, o *ticketv1.Observed) *ticketv1.Observed {
	if o.GetUpdatedBy() == "" || o.GetUpdatedBy() != l.GetWrittenAs() {
		return o
	}
	o = proto.CloneOf(o)
	o.UpdatedBy = ""
	return o
}

// closedAnew reports whether a ticket that was closed has been opened and closed again since it was seen last.
func closedAnew(old, o *ticketv1.Observed) bool {
	return old.GetClosed() && o.GetClosed() && old.GetClosedAt() != nil && o.GetClosedAt() != nil &&
		o.GetClosedAt().GetSeconds() > old.GetClosedAt().GetSeconds()
}

// Changes lists in what a ticket differs from an earlier picture of it. Without one, only what takes it out of our
// hands counts.
func Changes(old, o *ticketv1.Observed) []string {
	var all []string
	by := ""
	if o.GetUpdatedBy() != "" {
		by = " by " + o.GetUpdatedBy()
	}
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)+by) }
	if old.GetDeleted() && !o.GetDeleted() {
		all = append(all, "there again after it could not be found")
	}
	switch {
	case o.GetDeleted() && !old.GetDeleted():
		return []string{"deleted"}
	case o.GetDeleted():
		return nil
	}
	if o.GetMergedInto() != old.GetMergedInto() && o.GetMergedInto() != 0 {
		add("merged into ticket %d", o.GetMergedInto())
	}
	switch {
	case o.GetClosed() && !old.GetClosed():
		what := fmt.Sprintf("closed with status %q", o.GetStatus())
		if who := cmp.Or(o.GetClosedBy(), o.GetUpdatedBy()); who != "" {
			what += " by " + who
		}
		all = append(all, what)
	case closedAnew(old, o):
		what := fmt.Sprintf("opened again and closed again with status %q", o.GetStatus())
		if who := cmp.Or(o.GetClosedBy(), o.GetUpdatedBy()); who != "" {
			what += " by " + who
		}
		all = append(all, what)
	case !o.GetClosed() && old.GetClosed():
		add("opened again with status %q", o.GetStatus())
	case old != nil && o.GetStatusId() != old.GetStatusId():
		add("status changed from %q to %q", old.GetStatus(), o.GetStatus())
	}
	if o.GetParentId() != old.GetParentId() {
		if o.GetParentId() != 0 {
			add("made a child of ticket %d", o.GetParentId())
		} else {
			add("no longer a child of ticket %d", old.GetParentId())
		}
	}
	if old == nil {
		return all
	}
	if o.GetBoardId() != old.GetBoardId() {
		add("moved from board %q to %q", old.GetBoard(), o.GetBoard())
	}
	if o.GetCompanyId() != old.GetCompanyId() {
		add("company changed from %q to %q", old.GetCompany(), o.GetCompany())
	}
	if o.GetPriorityId() != old.GetPriorityId() {
		add("priority changed from %q to %q", old.GetPriority(), o.GetPriority())
	}
	if o.GetOwnerId() != old.GetOwnerId() {
		add("owner changed from %q to %q", old.GetOwner(), o.GetOwner())
	}
	if o.GetSummary() != old.GetSummary() {
		add("summary changed from %q to %q", old.GetSummary(), o.GetSummary())
	}
	if !strings.EqualFold(o.GetReference(), old.GetReference()) {
		add("external reference changed from %q to %q", old.GetReference(), o.GetReference())
	}
	if o.GetHasMerged() && !old.GetHasMerged() {
		add("other tickets were merged into it")
	}
	if o.GetHasChildren() != old.GetHasChildren() {
		add("%s", map[bool]string{true: "other tickets were made its children", false: "it has no children any more"}[o.GetHasChildren()])
	}
	if o.GetCustomerUpdated() && !old.GetCustomerUpdated() {
		add("the customer wrote a note")
	}
	return all
}
