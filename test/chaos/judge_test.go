package chaos_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// The promises about numbers.
const (
	onlyOne  = "a sustained incident has exactly one open ticket"
	noneLeft = "a resolved incident has no open ticket"
	oneEach  = "no two tickets are made for one thing"
	noteOnce = "no note is sent twice"
)

// judge compares the servers with how the devices really are, and the ledgers with the servers.
func (w *world) judge() error {
	letters, err := w.deadLetters()
	if err != nil {
		return err
	}
	for _, letter := range letters {
		w.found("nothing becomes a dead letter", "%s", letter)
	}
	for _, m := range w.tenants {
		if err := m.judge(); err != nil {
			return err
		}
	}
	return nil
}

func (m *msp) judge() error {
	w := m.world
	tickets := map[int]cwfake.Ticket{}
	for _, t := range m.fake.Tickets() {
		tickets[t.ID] = t
	}
	ledgers := map[string]*ticketv1.Ledger{}
	if err := w.ledgers.Each(w.ctx, bus.Key(m.id)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		ledgers[e.Value.GetIncidentId()] = e.Value
		return nil
	}); err != nil {
		return err
	}
	spells := map[string]int{}
	for _, l := range ledgers {
		spells[l.GetDeviceId()]++
	}
	incidents := map[string]string{} // the open one, by device
	if err := w.states.Each(w.ctx, bus.Key(m.id)+".>", func(e bus.Entry[*incidentv1.DeviceState]) error {
		incidents[e.Value.GetDeviceId()] = e.Value.GetOpen().GetIncidentId()
		return nil
	}); err != nil {
		return err
	}
	serving := map[int]bool{} // tickets in which a device that fails stands
	for _, d := range m.devices {
		open := incidents[d.id]
		if spells[d.id] > d.spells {
			w.found("a device that goes on failing has one incident", "%s: device %s began to fail %d times and had %d incidents", m.id, d.id, d.spells, spells[d.id])
		}
		if d.failing > 0 != (open != "") {
			w.found("incidents are those of the devices", "%s: device %s fails in way %d, its incident is %q", m.id, d.id, d.failing, open)
			continue
		}
		if d.failing > 0 {
			m.judgeFailing(d, ledgers, ledgers[open], tickets, serving)
		}
	}
	for _, d := range m.devices {
		m.judgeOthers(d, ledgers, tickets, serving)
	}
	for _, l := range ledgers {
		m.judgeLedger(l, tickets, serving)
	}
	for _, twice := range m.fake.Duplicates() {
		w.found(oneEach, "%s: tickets %v have the %s %q", m.id, twice.Tickets, twice.Kind, twice.Key)
	}
	m.judgeNotes(tickets)
	m.judgePeople(tickets)
	m.judgePriors(ledgers, tickets)
	return nil
}

// judgeFailing asks for the one open ticket of a device that fails.
func (m *msp) judgeFailing(d *device, ledgers map[string]*ticketv1.Ledger, l *ticketv1.Ledger, tickets map[int]cwfake.Ticket, serving map[int]bool) {
	if l == nil {
		m.world.found(onlyOne, "%s: device %s has none, nor a ledger", m.id, d.id)
		return
	}
	id := int(l.GetTicketId())
	t, there := tickets[id]
	if m.excused(l) {
		m.judgeParked(d, l)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if there && !t.ClosedFlag {
		serving[id] = true
		if !d.another && !inherited(l, ledgers) { // what people closed does not hide another outage
			m.judgePolicy(l, tickets, ledgers)
		}
		return
	}
	if len(m.unwell) > 0 && l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_RESPECTED {
		return // the end of the schedule is still to come
	}
	left := l.GetPhase() == ticketv1.Phase_PHASE_HANDED_OVER &&
		(m.handClose == tenantv1.HandClose_HAND_CLOSE_WONT_FIX && m.closed[id] || m.deletion == tenantv1.Deleted_DELETED_LEAVE && m.deleted[id])
	if !left {
		m.world.found(onlyOne, "%s: device %s, incident %s: ticket %d there=%t closed=%t by %q, ledger %s park %s %q; people: %s", m.id, d.id, l.GetIncidentId(),
			id, there, t.ClosedFlag, t.ClosedBy, l.GetPhase(), l.GetPark().GetReason(), l.GetPark().GetDetail(), strings.Join(m.acts, ", "))
	}
}

// inherited reports whether a ticket that the incident has or had was that of another incident of its device. Until a note of
// this one is in it, who closes it knows of that one's trouble alone.
func inherited(l *ticketv1.Ledger, ledgers map[string]*ticketv1.Ledger) bool {
	all := func(l *ticketv1.Ledger) []int64 { return append(slices.Clone(l.GetFormerTicketIds()), l.GetTicketId()) }
	for _, other := range ledgers {
		if other.GetDeviceId() == l.GetDeviceId() && other.GetIncidentId() != l.GetIncidentId() &&
			slices.ContainsFunc(all(other), func(id int64) bool { return id != 0 && slices.Contains(all(l), id) }) {
			return true
		}
	}
	return false
}

// judgePolicy asks that a ticket closed for good by a person has not been opened again or replaced, unless another device that
// had stood in it has failed anew since.
func (m *msp) judgePolicy(l *ticketv1.Ledger, tickets map[int]cwfake.Ticket, ledgers map[string]*ticketv1.Ledger) {
	if m.handClose != tenantv1.HandClose_HAND_CLOSE_WONT_FIX {
		return
	}
	for _, other := range ledgers {
		if other.GetTakenUp() && other.GetTicketId() == l.GetTicketId() {
			return
		}
	}
	for _, id := range append(slices.Clone(l.GetFormerTicketIds()), l.GetTicketId()) {
		t, there := tickets[int(id)]
		if m.closed[t.ID] && !m.merged[t.ID] && !m.reopened[t.ID] && there && t.MergedInto == 0 {
			m.world.found("what people closed for good stays closed", "%s: incident %s: ticket %d was closed by a person, and ticket %d is open; people: %s",
				m.id, l.GetIncidentId(), id, l.GetTicketId(), strings.Join(m.acts, ", "))
		}
	}
}

// judgeOthers asks that no other ticket of a device is open, but those that people opened.
func (m *msp) judgeOthers(d *device, ledgers map[string]*ticketv1.Ledger, tickets map[int]cwfake.Ticket, serving map[int]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range tickets {
		device, incident := m.owner(t)
		if before, is := m.priors[t.ID]; is && !adopted(ledgers, t.ID, before.device) && t.ExternalXRef == m.before[t.ID].ExternalXRef {
			continue // see judgePriors
		}
		if device != d.id || t.ClosedFlag || serving[t.ID] || m.reopened[t.ID] {
			continue
		}
		promise := noneLeft
		if d.failing > 0 {
			promise = onlyOne
		}
		m.world.found(promise, "%s: device %s (way %d) has ticket %d of %s open, %q; people: %s", m.id, d.id, d.failing, t.ID, incident, t.Summary,
			strings.Join(m.acts, ", "))
	}
}

// judgeLedger compares a ledger with the server.
func (m *msp) judgeLedger(l *ticketv1.Ledger, tickets map[int]cwfake.Ticket, serving map[int]bool) {
	const promise = "the ledger equals the server"
	say := func(format string, args ...any) {
		m.world.found(promise, "%s: incident %s, %s, ticket %d: %s; people: %s", m.id, l.GetIncidentId(), l.GetPhase(), l.GetTicketId(), fmt.Sprintf(format, args...),
			strings.Join(m.acts, ", "))
	}
	t, there := tickets[int(l.GetTicketId())]
	if m.excused(l) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch l.GetPhase() {
	case ticketv1.Phase_PHASE_DROPPED:
		return
	case ticketv1.Phase_PHASE_CLOSED:
		if there && !t.ClosedFlag && !l.GetForeign() && !serving[t.ID] && !m.reopened[t.ID] {
			say("the server's is open")
		}
		return
	case ticketv1.Phase_PHASE_HANDED_OVER:
		if there && !t.ClosedFlag {
			say("the server's is open")
		}
		return
	default:
	}
	if !there {
		say("the server has none")
		return
	}
	// A later ticket of the incident begins with the picture as it was then, and one taken over may show none.
	if marker := fmt.Sprintf("Covewise %s r%d", l.GetIncidentId(), l.GetShown().GetRevision()); l.GetShown().GetRevision() > 0 && len(l.GetFormerTicketIds()) == 0 &&
		!slices.ContainsFunc(t.Notes, func(n cwfake.Note) bool { return strings.Contains(n.Text, marker) }) {
		say("no note shows r%d", l.GetShown().GetRevision())
	}
	o := l.GetObserved()
	seen := []any{o.GetClosed(), o.GetStatus(), o.GetBoard(), o.GetSummary(), o.GetPriority(), o.GetOwner(), int(o.GetCompanyId()), int(o.GetParentId()), int(o.GetMergedInto())}
	is := []any{t.ClosedFlag, t.Status, t.Board, t.Summary, t.Priority, t.Owner, t.CompanyID, t.ParentID, t.MergedInto}
	if !reflect.DeepEqual(seen, is) {
		say("it was seen as %v and is %v", seen, is)
	}
	// A ticket that ours was merged into keeps its own.
	if len(l.GetFormerTicketIds()) == 0 && !l.GetTakenUp() && t.ExternalXRef != l.GetReference() {
		say("reference %q, on the server %q", l.GetReference(), t.ExternalXRef)
	}
}

// judgeNotes asks that no note of ours is in a ticket twice.
func (m *msp) judgeNotes(tickets map[int]cwfake.Ticket) {
	for _, t := range tickets {
		seen := map[string]bool{}
		for _, n := range t.Notes {
			if n.CreatedBy != cwfake.DefaultMember {
				continue
			}
			lines := strings.Split(strings.TrimSpace(n.Text), "\n")
			for _, key := range []string{n.Text, lines[len(lines)-1]} {
				if key == n.Text && len(lines) == 1 {
					continue
				}
				key = fmt.Sprint(n.Discussion, n.Internal, n.Resolution, len(key) == len(n.Text), key)
				if seen[key] {
					m.world.found(noteOnce, "%s: ticket %d: %q", m.id, t.ID, key)
				}
				seen[key] = true
			}
		}
	}
}

// judgePeople asks that what people made or changed is as they left it.
func (m *msp) judgePeople(tickets map[int]cwfake.Ticket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.foreign {
		now, before := tickets[id], m.before[id]
		now.Company, before.Company = "", "" // its name, which people change at the company
		if m.touched[id] {
			// Notes may come to an open one, children too; the rest is not ours.
			if !before.ClosedFlag {
				now.Notes, before.Notes = nil, nil
			}
			now.UpdatedAt, now.UpdatedBy = before.UpdatedAt, before.UpdatedBy
		}
		if !reflect.DeepEqual(now, before) {
			m.world.found("no ticket is touched that is not ours", "%s: ticket %d was %+v and is %+v; people: %s", m.id, id, before, now, strings.Join(m.acts, ", "))
		}
	}
	for id, e := range m.changed {
		t, there := tickets[id]
		if !there {
			continue
		}
		is := cwfake.Edit{}
		for _, f := range []struct {
			want, is string
			into     *string
		}{{e.Summary, t.Summary, &is.Summary}, {e.Priority, t.Priority, &is.Priority}, {e.Owner, t.Owner, &is.Owner}, {e.Company, t.CompanyIdentifier, &is.Company}} {
			if f.want != "" {
				*f.into = f.is
			}
		}
		if is != e {
			m.world.found("what people changed stays", "%s: ticket %d: %+v has become %+v", m.id, id, e, is)
		}
	}
	for id, board := range m.moved {
		if t, there := tickets[id]; there && t.Board != board {
			m.world.found("what people changed stays", "%s: ticket %d was moved to %s and is on %s", m.id, id, board, t.Board)
		}
	}
}

// promises lists what was broken, each once.
func promises(all []finding) []string {
	var names []string
	for _, f := range all {
		if !slices.Contains(names, f.promise) {
			names = append(names, f.promise)
		}
	}
	slices.Sort(names)
	return names
}
