package observe

import (
	"context"
	"slices"
	"strings"

	"github.com/covewise/covewise/platform/bus"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// mostOrphans bounds the orphans handed over in one look: each costs up to six requests in its device's partition.
const mostOrphans = 100

// orphans collects the open tickets with a reference of ours that no ledger owns, in one look.
type orphans struct {
	tenant   string
	owned    map[int64]bool
	creating map[string]bool // references that a create under way finds by itself
	told     map[int64]bool  // those that a person was told of
	rows     []*ticketv1.Observed
	all      bool // all of them were handed over, but for those that a person was told of
}

func newOrphans(d *ticketv1.Desk, ledgers map[string]*tracked) *orphans {
	o := &orphans{tenant: d.GetTenant(), owned: map[int64]bool{}, creating: map[string]bool{}, told: map[int64]bool{}}
	for _, known := range d.GetOrphans() {
		o.told[known.GetTicketId()] = true
	}
	for _, t := range ledgers {
		o.owned[t.ticket] = true
		for _, former := range t.former {
			o.owned[former] = true
		}
		if t.phase == ticketv1.Phase_PHASE_CREATING {
			o.creating[t.reference] = true
		}
	}
	return o
}

// sift takes the orphans out of what was listed.
func (o *orphans) sift(rows []*ticketv1.Observed, prefix func(reference string) bool) {
	for _, row := range rows {
		ticket := row.GetTicketId()
		_, _, ours := adopt.Incident(row.GetReference(), o.tenant)
		if !plan.Open(row) || !ours || !prefix(row.GetReference()) || o.owned[ticket] || o.creating[row.GetReference()] || o.has(ticket) {
			continue
		}
		o.rows = append(o.rows, row)
	}
}

func (o *orphans) has(ticket int64) bool {
	return slices.ContainsFunc(o.rows, func(row *ticketv1.Observed) bool { return row.GetTicketId() == ticket })
}

// still leaves those of the desk's record that were seen again.
func (o *orphans) still(known []*ticketv1.Orphan) []*ticketv1.Orphan {
	return slices.DeleteFunc(known, func(k *ticketv1.Orphan) bool { return !o.has(k.GetTicketId()) })
}

// handOver gives the orphans to the partitions of their devices, those first of which nobody was told. That comes before the
// other differences are handed over: who closes one of two tickets, or has replaced one after the backup that a record is
// restored from, wants the open one to be followed, and no third to be made.
func (w *Watcher) handOver(ctx context.Context, r Reader, server string, o *orphans, census bool) error {
	if census {
		if err := w.bereft(ctx, r, server, o); err != nil {
			return err
		}
	}
	told := func(row *ticketv1.Observed) int {
		if o.told[row.GetTicketId()] {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(o.rows, func(a, b *ticketv1.Observed) int { return told(a) - told(b) })
	now, later := o.rows[:min(len(o.rows), mostOrphans)], o.rows[min(len(o.rows), mostOrphans):]
	o.all = len(later) == 0 || told(later[0]) == 1
	look := w.clock.Now().UnixNano() / int64(w.every)
	messages := make([]bus.Message, 0, len(now))
	for _, row := range now {
		device, incident, _ := adopt.Incident(row.GetReference(), o.tenant)
		t := &tracked{tenant: o.tenant, device: device, incident: incident}
		messages = append(messages, observation(t, bus.Key(o.tenant, device, incident), row, look))
	}
	return w.bus.PublishAll(ctx, messages)
}

// bereft lists the open tickets of the installations whose records were lost, those that the first contact has taken for ours.
func (w *Watcher) bereft(ctx context.Context, r Reader, server string, o *orphans) error {
	accepted := map[int64]bool{}
	var lost []string // installations
	err := w.adopted.Each(ctx, bus.Key(o.tenant)+".>", func(e bus.Entry[*ticketv1.Adoption]) error {
		if !strings.EqualFold(e.Value.GetServer(), server) {
			return nil
		}
		for _, c := range e.Value.GetCandidates() {
			other := adopt.Stranger(c.GetReference(), w.bus.Installation(), o.tenant)
			if other == "" || o.owned[c.GetTicketId()] {
				continue
			}
			accepted[c.GetTicketId()] = true
			if !slices.Contains(lost, other) {
				lost = append(lost, other)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, installation := range lost {
		rows, err := r.Open(ctx, adopt.Prefix(installation, o.tenant), nil)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(row *ticketv1.Observed) bool { return !accepted[row.GetTicketId()] })
		o.sift(rows, func(string) bool { return true })
	}
	return nil
}
