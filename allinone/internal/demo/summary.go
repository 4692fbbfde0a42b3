package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

// tally is what the fake ConnectWise holds of Covewise's tickets.
type tally struct{ created, annotated, closed int }

func (w *world) tally() tally {
	var t tally
	for _, ticket := range w.cwm.Tickets() {
		if ticket.EnteredBy != cwfake.DefaultMember {
			continue
		}
		t.created++
		for _, note := range ticket.Notes {
			// The description's notes are as old as the ticket.
			if note.CreatedBy == cwfake.DefaultMember && note.CreatedAt.After(ticket.EnteredAt) {
				t.annotated++
			}
		}
		if ticket.ClosedFlag {
			t.closed++
			t.annotated-- // the resolution's note
		}
	}
	return t
}

// summarise writes what happened in this run. Tickets and duplicates are counted at the fake server, so that the
// judge is not the judged.
func (d *demo) summarise() error {
	now, before := d.world.tally(), d.tally
	cove, cwm := d.world.requests()
	duplicates := d.world.cwm.Duplicates()
	p := d.last
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe demo ran for %s; in its time %s, until %s.\n",
		d.real.Now().Sub(d.begun).Round(time.Second), span(p.now.Sub(d.start)), p.now.Format("Mon 2 Jan 2006 15:04"))
	fmt.Fprintf(&b, "  devices     %d at %d customers, %d in trial and not judged\n", p.devices, len(customers()), p.trial)
	fmt.Fprintf(&b, "  incidents   %d opened, %d resolved, %d open now\n", p.opened, p.resolved, len(p.lines))
	fmt.Fprintf(&b, "  tickets     %d created, %d annotated, %d closed; incidents waiting: %d\n",
		now.created-before.created, now.annotated-before.annotated, now.closed-before.closed, p.waits)
	fmt.Fprintf(&b, "  requests    Cove %d, ConnectWise %d\n", cove, cwm)
	fmt.Fprintf(&b, "  duplicates  %d\n", len(duplicates))
	for _, dup := range duplicates {
		fmt.Fprintf(&b, "    %s %s: tickets %v\n", dup.Kind, dup.Key, dup.Tickets)
	}
	fmt.Fprintf(&b, "Run it again to go on from here, or with --fresh to start over. Seed %d; log and state in %s.\n", d.seed, d.dir)
	if _, err := fmt.Fprint(d.opts.Out, b.String()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	if len(duplicates) > 0 {
		return ErrDuplicates
	}
	return nil
}

// span is a duration in days, hours and minutes.
func span(d time.Duration) string {
	d = d.Round(time.Minute)
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	default:
		return fmt.Sprintf("%d min", minutes)
	}
}
