package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/platform/bus"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	ticketer "github.com/covewise/covewise/services/ticketer/app"
)

func newTickets(around Surroundings) *cobra.Command {
	a := &access{around: around}
	var wanted ticketSelection
	cmd := &cobra.Command{
		Use:   "tickets --data DIR",
		Short: "Show the ticket of every incident: how far it is, what it waits for, what people did to it",
		Long: `Shows one line for the ticket of each incident that is not over, those that wait first. What keeps Covewise from
writing to ConnectWise as a whole stands before them. covewise ticket show tells everything about one of them.

--output csv and json hold more columns, and not what stands before the table.`,
		Example: `  covewise tickets --data /var/lib/covewise
  covewise tickets --data /var/lib/covewise --tenant harbor --waiting
  covewise tickets --data /var/lib/covewise --all --output csv > tickets.csv`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			if wanted.all && wanted.waiting {
				return errors.New("--all and --waiting exclude each other; give one of them")
			}
			return a.withTenant(cmd.Context(), func(s *site, settings *tenantv1.Settings) error {
				unread, err := wanted.write(cmd.Context(), cmd.OutOrStdout(), format, s.Bus, settings)
				tellUnread(cmd.ErrOrStderr(), unread)
				return failed(err)
			})
		},
	}
	a.flags(cmd)
	a.outputFlag(cmd)
	cmd.Flags().BoolVar(&wanted.waiting, "waiting", false, "only what waits for something")
	cmd.Flags().BoolVar(&wanted.all, "all", false, "also what is over")
	return cmd
}

// ticketSelection says which incidents are shown.
type ticketSelection struct{ waiting, all bool }

func (s ticketSelection) shows(l *ticketv1.Ledger) bool {
	if s.waiting {
		return l.GetPark() != nil
	}
	return s.all || l.GetPark() != nil || !over(l)
}

// over reports whether nothing more is to be done about an incident's ticket.
func over(l *ticketv1.Ledger) bool {
	return l.GetPhase() == ticketv1.Phase_PHASE_CLOSED || l.GetPhase() == ticketv1.Phase_PHASE_DROPPED
}

func (s ticketSelection) write(ctx context.Context, w io.Writer, format report.Format, b *bus.Bus, settings *tenantv1.Settings) (ticketer.Unread, error) {
	ledgers, err := ledgersOf(ctx, b, settings.GetId())
	if err != nil {
		return nil, err
	}
	deeds, unread, err := deedsOf(ctx, b, settings.GetId())
	if err != nil {
		return nil, err
	}
	if format == report.Text {
		if err := writeTroubles(ctx, w, b, settings.GetId()); err != nil {
			return nil, err
		}
		if err := writeOrphans(ctx, w, b, settings.GetId()); err != nil {
			return nil, err
		}
	}
	return unread, s.writeTable(w, format, ledgers, deeds)
}

func (s ticketSelection) writeTable(w io.Writer, format report.Format, ledgers []*ticketv1.Ledger, deeds map[string]deeds) error {
	var shown []*ticketv1.Ledger
	for _, l := range ledgers {
		if s.shows(l) {
			shown = append(shown, l)
		}
	}
	t := ticketTable(shown, deeds)
	switch {
	case s.waiting:
		t.Empty = "no ticket waits for anything"
	case len(ledgers) > 0:
		t.Empty = "no ticket is open and none waits; --all shows those that are over"
	default:
		t.Empty = "no incident is known yet"
	}
	if err := t.Write(w, format); err != nil || format != report.Text || len(ledgers) == 0 {
		return err
	}
	waiting, done := 0, 0
	for _, l := range ledgers {
		switch {
		case l.GetPark() != nil:
			waiting++
		case over(l):
			done++
		}
	}
	if err := writeRemarks(w, shown); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s: %d waiting, %d otherwise open, %d over\n", counted(len(ledgers), "incident"), waiting, len(ledgers)-waiting-done, done)
	return err
}

// ledgersOf returns a tenant's ledgers: those that wait first, then those that are open, then those that are over, each
// with the newest incident first.
func ledgersOf(ctx context.Context, b *bus.Bus, tenant string) ([]*ticketv1.Ledger, error) {
	store, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
	if err != nil {
		return nil, err
	}
	var all []*ticketv1.Ledger
	err = store.Each(ctx, bus.Key(tenant)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		all = append(all, e.Value)
		return nil
	})
	rank := func(l *ticketv1.Ledger) int {
		switch {
		case l.GetPark() != nil:
			return 0
		case over(l):
			return 2
		default:
			return 1
		}
	}
	slices.SortFunc(all, func(a, b *ticketv1.Ledger) int {
		return cmp.Or(rank(a)-rank(b), moment(b.GetWanted().GetOpenedAt()).Compare(moment(a.GetWanted().GetOpenedAt())), strings.Compare(a.GetIncidentId(), b.GetIncidentId()))
	})
	return all, err
}

// deeds are what the record of events adds to a ledger.
type deeds struct {
	last *ticketv1.Event // the last thing that was done or seen; waits and remarks are none
	seen []string        // what others did to the ticket, newest first
}

// deedsOf returns the deeds of a tenant's incidents, as far as they can be read.
func deedsOf(ctx context.Context, b *bus.Bus, tenant string) (all map[string]deeds, unread ticketer.Unread, err error) {
	all = map[string]deeds{}
	err = b.History(ctx, bus.Ticket, "*", tenant, func(d bus.Delivery) error {
		e := &ticketv1.Event{}
		if !unread.Decode(d, e) || e.GetAction() == ticketv1.Action_ACTION_PARKED || e.GetAction() == ticketv1.Action_ACTION_REMARKED || e.GetIncidentId() == "" {
			return nil
		}
		of := all[e.GetIncidentId()]
		of.last = e
		if e.GetAction() == ticketv1.Action_ACTION_OBSERVED && e.GetReason() != "" {
			of.seen = slices.Insert(of.seen, 0, e.GetReason())
		}
		all[e.GetIncidentId()] = of
		return nil
	})
	return all, unread, err
}

// tellUnread says which events are left out of what is shown, beside it.
func tellUnread(w io.Writer, unread ticketer.Unread) {
	if len(unread) > 0 {
		complain(w, "covewise: "+report.Printable(unread.String()))
	}
}

// writeTroubles writes what a person has to mend before everything can be done again. It is not cut, because a remedy
// that ends halfway is none.
func writeTroubles(ctx context.Context, w io.Writer, b *bus.Bus, tenant string) error {
	troubles, err := ticketer.Troubles(ctx, b, tenant)
	if err != nil {
		return err
	}
	for _, t := range troubles {
		what := "cannot " + t.GetAbout()
		switch {
		case t.GetAbout() == "keys":
			what = "ConnectWise cannot be used at all"
		case strings.HasPrefix(t.GetAbout(), "tickets."), strings.HasPrefix(t.GetAbout(), "companies."): // the detail begins with the setting
			what = "what needs the setting waits"
		}
		line := fmt.Sprintf("TROUBLE since %s: %s: %s", instant(t.GetSince()), what, t.GetDetail())
		if _, err := fmt.Fprintln(w, report.Printable(line)); err != nil {
			return err
		}
	}
	if len(troubles) > 0 {
		_, err = fmt.Fprintln(w)
	}
	return err
}

// writeRemarks writes what a person should know of where and how the tickets were made, each remark once: a setting that
// is wrong concerns all tickets alike.
func writeRemarks(w io.Writer, shown []*ticketv1.Ledger) error {
	of := map[string][]*ticketv1.Ledger{}
	var order []string
	for _, l := range shown {
		for _, remark := range l.GetRemarks() {
			if of[remark] == nil {
				order = append(order, remark)
			}
			of[remark] = append(of[remark], l)
		}
	}
	for i, remark := range order {
		if i == 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		about := "incident " + of[remark][0].GetIncidentId()
		if more := len(of[remark]) - 1; more > 0 {
			about += fmt.Sprintf(" and %d more", more)
		}
		if _, err := fmt.Fprintln(w, report.Printable(fmt.Sprintf("REMARK on %s: %s", about, remark))); err != nil {
			return err
		}
	}
	return nil
}

func ticketTable(ledgers []*ticketv1.Ledger, all map[string]deeds) report.Table {
	t := report.Table{Columns: []report.Column{
		{Key: "ticket_id", Title: "TICKET"},
		{Key: "incident", Title: "INCIDENT"},
		{Key: "customer", Title: "CUSTOMER"},
		{Key: "company"},
		{Key: "device", Title: "DEVICE"},
		{Key: "phase_text", Title: "PHASE"},
		{Key: "status"},
		{Key: "waits_for", Title: "WAITS FOR"},
		{Key: "waiting_since"},
		{Key: "open_since", Title: "OPEN SINCE (UTC)"},
		{Key: "last_action", Title: "LAST ACTION"},
		{Key: "last_action_at"},
		{Key: "seen", Title: "SEEN IN CONNECTWISE"},
		{Key: "summary"},
		{Key: "phase"},
		{Key: "park_reason"},
		{Key: "tried_again_at"},
		{Key: "device_id"},
		{Key: "company_id"},
		{Key: "remarks"},
		{Key: "requests"},
		{Key: "former_tickets"},
		{Key: "wrong"},
	}}
	for _, l := range ledgers {
		of, wait := all[l.GetIncidentId()], ""
		if p := l.GetPark(); p != nil {
			wait = parkCode(p.GetReason())
		}
		var ticket any
		if l.GetTicketId() != 0 {
			ticket = l.GetTicketId()
		}
		last := ""
		if of.last != nil {
			last = actionWords(of.last.GetAction())
		}
		former := make([]string, len(l.GetFormerTicketIds()))
		for i, id := range l.GetFormerTicketIds() {
			former[i] = fmt.Sprint(id)
		}
		t.Rows = append(t.Rows, []any{
			ticket, l.GetIncidentId(), l.GetWanted().GetCustomer().GetName(), l.GetObserved().GetCompany(), aboutWhat(l), phaseWords(l.GetPhase()), statusWords(l),
			waitsFor(l.GetPark()), moment(l.GetPark().GetSince()), moment(l.GetWanted().GetOpenedAt()), last, moment(of.last.GetOccurredAt()),
			of.seen, cmp.Or(l.GetObserved().GetSummary(), l.GetSummary()), phaseCode(l.GetPhase()), wait, moment(l.GetPark().GetUntil()), l.GetDeviceId(), l.GetCompanyId(),
			l.GetRemarks(), l.GetRequests(), former, trouble(l.GetWanted()),
		})
	}
	return t
}
