package observe

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// The single tickets read in one comparison; the others are read in the next.
const (
	mostReads   = 50
	mostGivenUp = 10 // of those that wait to be replaced
)

// visit looks at one tenant. d is the desk's record as the turn left it.
func (w *Watcher) visit(ctx context.Context, d *ticketv1.Desk, now time.Time) error {
	tenant := d.GetTenant()
	w.mu.Lock()
	ledgers := maps.Clone(w.byTenant[tenant])
	w.mu.Unlock()
	if err := w.rollUp(ctx, tenant, ledgers, true); err != nil {
		return err
	}
	if err := w.callHome(ctx, tenant, ledgers); err != nil {
		return err
	}
	expired := now.Sub(d.GetExpiredAt().AsTime()) >= 24*time.Hour
	if expired {
		w.forget(ctx, ledgers, now)
	}
	cursor, census, server := d.GetCursor().AsTime(), false, d.GetServer()
	var err error
	var lone *orphans
	due := now.Sub(d.GetCensusAt().AsTime()) >= censusTurns*w.every
	// Without any record there may still be tickets: it may have been lost.
	if due || slices.ContainsFunc(slices.Collect(maps.Values(ledgers)), func(t *tracked) bool { return t.ticket != 0 }) {
		err = w.look(ctx, tenant, func(ctx context.Context, present string, r Reader) error {
			// Another server's clock and tickets are others.
			census = due || present != server && server != ""
			if present != server && server != "" {
				cursor = now.Add(-clockSkew)
			}
			server = present
			if census {
				// The view may lag, and what a comparison leaves out is missed for an hour.
				if ledgers, err = w.list(ctx, tenant); err != nil {
					return err
				}
			}
			lone = newOrphans(d, ledgers)
			newest, differences, err := w.compare(ctx, r, tenant, ledgers, cursor, census, lone)
			if newest.After(cursor) {
				cursor = newest
			}
			if err != nil {
				return err
			}
			return errors.Join(w.handOver(ctx, r, present, lone, census), w.bus.PublishAll(ctx, differences))
		})
	}
	_, recorded := w.desks.Update(ctx, bus.Key(tenant), func(d *ticketv1.Desk) (*ticketv1.Desk, error) {
		if d == nil {
			return nil, bus.ErrKeep
		}
		if err == nil {
			d.Server, d.Cursor = server, timestamppb.New(cursor)
			if census {
				d.Orphans = lone.still(d.GetOrphans())
			}
			if census && lone.all {
				d.CensusAt = timestamppb.New(now)
			}
		}
		if expired {
			d.ExpiredAt = timestamppb.New(now)
		}
		return d, nil
	})
	if err != nil {
		return err
	}
	return recorded
}

// list reads the tenant's ledgers from the bucket.
func (w *Watcher) list(ctx context.Context, tenant string) (map[string]*tracked, error) {
	all := map[string]*tracked{}
	err := w.store.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		all[e.Key] = project(e)
		return nil
	})
	return all, err
}

// compare returns every difference between tickets and ledgers to be handed over, and the time of the newest change seen.
func (w *Watcher) compare(
	ctx context.Context, r Reader, tenant string, ledgers map[string]*tracked, cursor time.Time, census bool, lone *orphans,
) (newest time.Time, differences []bus.Message, err error) {
	prefix := adopt.Prefix(w.bus.Installation(), tenant)
	byTicket := map[int64][]string{}
	for key, t := range ledgers {
		// Somebody else's ticket is theirs again when the trouble is over.
		if t.ticket != 0 && (t.over.IsZero() || !t.foreign) {
			byTicket[t.ticket] = append(byTicket[t.ticket], key)
		}
	}
	others := w.others(ledgers, prefix)
	rows, err := r.Changed(ctx, prefix, others, cursor.Add(-overlap))
	if err != nil {
		return time.Time{}, nil, err
	}
	if census {
		more, err := w.missing(ctx, r, prefix, others, ledgers)
		if err != nil {
			return time.Time{}, nil, err
		}
		rows = append(rows, more...)
	}
	lone.sift(rows, func(reference string) bool { return strings.HasPrefix(reference, prefix) })
	look := w.clock.Now().UnixNano() / int64(w.every)
	// They come first: who closes the one and opens the other wants no third.
	for _, s := range strays(ledgers, byTicket, rows, tenant, prefix) {
		differences = append(differences, observation(ledgers[s.key], s.key, s.row, look))
	}
	for _, row := range rows {
		if at := row.GetLastUpdated().AsTime(); row.GetLastUpdated() != nil && at.After(newest) {
			newest = at
		}
		for _, key := range byTicket[row.GetTicketId()] {
			if t := ledgers[key]; news(t.observed, row) {
				differences = append(differences, observation(t, key, row, look))
			}
		}
	}
	return newest, differences, nil
}

// others are the tickets that may bear no reference of ours, such as those that ours were merged into, in ascending order. A former
// one's reference is not on record. Of an incident that is over they are listed for a time only: they grow ever more.
func (w *Watcher) others(ledgers map[string]*tracked, prefix string) []int64 {
	now := w.clock.Now()
	var all []int64
	for _, t := range ledgers {
		if !t.over.IsZero() && now.Sub(t.over) > lately {
			continue
		}
		all = append(all, t.former...)
		if t.ticket != 0 && (t.over.IsZero() || !t.foreign) && !strings.HasPrefix(t.observed.GetReference(), prefix) {
			all = append(all, t.ticket)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// news reports whether a picture of a ticket differs from the one on record and is not older.
func news(old, seen *ticketv1.Observed) bool {
	return (seen.GetDeleted() || seen.GetLastUpdated().GetSeconds() >= old.GetLastUpdated().GetSeconds()) && len(plan.Changes(old, seen)) > 0
}

// givenUp are the tickets that wait to be replaced.
func givenUp(ledgers map[string]*tracked) map[int64]bool {
	all := map[int64]bool{}
	for _, t := range ledgers {
		if t.givenUp != 0 {
			all[t.givenUp] = true
		}
	}
	return all
}

// missing compares all open tickets with those that ought to be open, and reads each one that is not among them. Of those that wait
// to be replaced, which may have been merged on, as no list of open tickets shows, some are read each time, in turn.
func (w *Watcher) missing(
	ctx context.Context, r Reader, prefix string, others []int64, ledgers map[string]*tracked,
) ([]*ticketv1.Observed, error) {
	open, err := r.Open(ctx, prefix, others)
	if err != nil {
		return nil, err
	}
	there := map[int64]bool{}
	for _, o := range open {
		there[o.GetTicketId()] = true
	}
	wanted := map[int64]bool{}
	for _, t := range ledgers {
		if t.ticket != 0 && t.over.IsZero() && !t.observed.GetClosed() && !t.observed.GetDeleted() {
			wanted[t.ticket] = true
		}
	}
	absent := func(tickets map[int64]bool) []int64 {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(tickets)), func(ticket int64) bool { return there[ticket] })
	}
	missed, replaced := absent(wanted), absent(givenUp(ledgers))
	for _, ticket := range missed[:min(len(missed), mostReads)] {
		o, err := r.Read(ctx, ticket)
		if err != nil {
			return nil, err
		}
		open = append(open, o)
	}
	turn := int(w.clock.Now().UnixNano()/int64(censusTurns*w.every)) * mostGivenUp
	for i := range min(len(replaced), mostGivenUp) {
		o, err := r.Read(ctx, replaced[(turn+i)%len(replaced)])
		switch {
		case ctx.Err() != nil:
			return nil, err
		case err == nil: // otherwise the create that replaces it reads it, too
			open = append(open, o)
		}
	}
	return open, nil
}

// observation hands a picture over. Its id tells one look from the next: a difference that is still there then was lost on
// its way.
func observation(t *tracked, key string, o *ticketv1.Observed, look int64) bus.Message {
	h := fnv.New64a()
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(o) // of a flat message; never fails
	_, _ = h.Write(raw)
	return bus.Message{
		Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbObserved, Tenant: t.tenant, Key: t.device},
		ID:      fmt.Sprintf("observed:%s:%x@%d", key, h.Sum64(), look), TTL: time.Hour,
		Body: &ticketv1.Observation{SchemaVersion: 1, Tenant: t.tenant, DeviceId: t.device, IncidentId: t.incident, Observed: o},
	}
}

// callHome wakes the incidents whose tickets are at the catch-all company although their customer has one by now.
func (w *Watcher) callHome(ctx context.Context, tenant string, ledgers map[string]*tracked) error {
	homes := map[string]*companyv1.Link{}             // by customer
	look := w.clock.Now().UnixNano() / int64(w.every) // a wake that came to nothing, its server being down, is repeated by the next look
	var messages []bus.Message
	for key, t := range ledgers {
		if t.standIn == "" {
			continue
		}
		link, asked := homes[t.standIn]
		if !asked {
			var err error
			if link, _, err = w.links.Get(ctx, bus.Key(tenant, t.standIn)); err != nil {
				return err
			}
			homes[t.standIn] = link
		}
		if link.GetState() != companyv1.LinkState_LINK_STATE_LINKED || link.GetMethod() == companyv1.LinkMethod_LINK_METHOD_CATCH_ALL {
			continue
		}
		messages = append(messages, bus.Message{
			Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbRedrive, Tenant: tenant, Key: t.device},
			ID:      fmt.Sprintf("redrive:%s:home:%d@%d", key, link.GetCompany().GetId(), look), TTL: time.Hour,
			Body: &incidentv1.Event{SchemaVersion: 1, Tenant: tenant, DeviceId: t.device, IncidentId: t.incident},
		})
	}
	return w.bus.PublishAll(ctx, messages)
}

// forget deletes the ledgers of incidents that ended long ago. One that was changed meanwhile stays.
func (w *Watcher) forget(ctx context.Context, ledgers map[string]*tracked, now time.Time) {
	for key, t := range ledgers {
		if t.over.IsZero() || now.Sub(t.over) < Keep {
			continue
		}
		l, revision, err := w.store.Get(ctx, key)
		if err == nil && l != nil && now.Sub(l.GetUpdatedAt().AsTime()) >= Keep {
			err = w.store.Delete(ctx, key, revision)
		}
		if err != nil && errclass.Of(err) != errclass.Conflict {
			w.log.WarnContext(ctx, "an old ledger is not forgotten", "tenant", t.tenant, "incident", t.incident, "err", err)
		}
	}
}
