package plan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/plan"
)

// variant is one value of a column of the table, and what it means for a ledger.
type variant struct {
	name  string
	apply func(*ticketv1.Ledger)
	into  *ticketv1.Observed // what the ticket was merged into; nil: a person's open one
}

// policy is a tenant's policy, with the states of a ticket that it matters for: "closed", "deleted" or any other.
type policy struct {
	name     string
	handling plan.Handling
	about    string
}

// hindrance is why nothing can be written now.
type hindrance struct {
	name  string
	apply func(*plan.Facts)
}

func phases() []variant {
	return []variant{
		{name: "open", apply: phase(ticketv1.Phase_PHASE_OPEN)},
		{name: "closing", apply: phase(ticketv1.Phase_PHASE_CLOSING)},
		{name: "reopening", apply: phase(ticketv1.Phase_PHASE_REOPENING)},
		{name: "left to people", apply: func(l *ticketv1.Ledger) {
			phase(ticketv1.Phase_PHASE_HANDED_OVER)(l)
			l.HandedOverAt = stamp(now.Add(-time.Hour))
		}},
		{name: "closed", apply: phase(ticketv1.Phase_PHASE_CLOSED)},
		{name: "ended without a ticket", apply: func(l *ticketv1.Ledger) { l.Phase, l.TicketId, l.Observed = ticketv1.Phase_PHASE_DROPPED, 0, nil }},
	}
}

func pictures() []variant {
	return []variant{{name: "unchanged", apply: func(*ticketv1.Ledger) {}}, {name: "changed", apply: wanted(2, changed)}, {name: "recovered", apply: wanted(2, resolved)}}
}

func states() []variant {
	shut := func(l *ticketv1.Ledger) { l.Observed.Closed, l.Observed.ClosedAt = true, stamp(now.Add(-time.Hour)) }
	foreign := func(l *ticketv1.Ledger) { l.Foreign = true }
	merged := func(l *ticketv1.Ledger) {
		l.Observed.Closed, l.Observed.MergedInto, l.Observed.LastUpdated, l.Observed.UpdatedBy = true, 77, stamp(now.Add(-time.Hour)), "mreyes"
	}
	old := func(reference string) *ticketv1.Observed {
		return &ticketv1.Observed{TicketId: 77, BoardId: 1, Reference: reference, Closed: true, ClosedAt: stamp(now.Add(-30 * 24 * time.Hour)), ClosedBy: "tokafor"}
	}
	return []variant{
		{name: "as we left it", apply: func(*ticketv1.Ledger) {}},
		{name: "moved, edited, a child", apply: func(l *ticketv1.Ledger) {
			l.Observed.BoardId, l.Observed.Summary, l.Observed.OwnerId, l.Observed.ParentId = 2, "theirs", 9, 5
		}},
		{name: "closed", apply: shut},
		{name: "closed, and something else failed since", apply: func(l *ticketv1.Ledger) { shut(l); fails("D02")(l) }},
		{name: "closed for the fourth time in a row, a moment after it was opened", apply: func(l *ticketv1.Ledger) {
			shut(l)
			l.Answers, l.AnsweredAt = 3, stamp(now.Add(-time.Minute))
		}},
		{name: "deleted", apply: func(l *ticketv1.Ledger) { l.Observed.Deleted = true }},
		{name: "merged", apply: merged},
		{name: "merged into a person's closed one", apply: merged, into: old("")},
		{name: "merged into one of ours that we had closed", apply: merged, into: old("r")},
		{name: "a person's", apply: foreign},
		{name: "a person's, closed", apply: func(l *ticketv1.Ledger) { shut(l); foreign(l) }},
	}
}

// fails is an incident whose wanted picture has a data source in trouble that the ticket does not show.
func fails(source string) func(*ticketv1.Ledger) {
	of := func(codes ...string) []*incidentv1.Condition {
		c := &incidentv1.Condition{Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED}
		for _, code := range codes {
			c.Findings = append(c.Findings, &incidentv1.Finding{SourceCode: code})
		}
		return []*incidentv1.Condition{c}
	}
	return func(l *ticketv1.Ledger) {
		if l.GetShown() != nil {
			l.Shown.Conditions = of("D01")
		}
		if !plan.Resolved(l) {
			l.Wanted.Conditions = of("D01", source)
		}
	}
}

func policies() []policy {
	const reopen, fresh = tenantv1.HandClose_HAND_CLOSE_REOPEN, tenantv1.HandClose_HAND_CLOSE_NEW
	const respect, wontFix = tenantv1.HandClose_HAND_CLOSE_RESPECT, tenantv1.HandClose_HAND_CLOSE_WONT_FIX
	const day = 24 * time.Hour
	return []policy{
		{"onHandClose: reopen", plan.Handling{OnHandClose: reopen}, "closed"},
		{"onHandClose: new", plan.Handling{OnHandClose: fresh}, "closed"},
		{"onHandClose: respect, not over; reopenWithin: never", plan.Handling{OnHandClose: respect, RespectFor: 2 * time.Hour}, "closed"},
		{"onHandClose: respect, not over; reopenWithin: 24h", plan.Handling{OnHandClose: respect, RespectFor: 2 * time.Hour, ReopenWithin: day}, "closed"},
		{"onHandClose: respect, over; reopenWithin: never", plan.Handling{OnHandClose: respect, RespectFor: time.Minute}, "closed"},
		{"onHandClose: respect, over; reopenWithin: 24h", plan.Handling{OnHandClose: respect, RespectFor: time.Minute, ReopenWithin: day}, "closed"},
		{"onHandClose: wontFix; reopenWithin: never", plan.Handling{OnHandClose: wontFix}, "closed"},
		{"onHandClose: wontFix; reopenWithin: 24h", plan.Handling{OnHandClose: wontFix, ReopenWithin: day}, "closed"},
		{"onDeleted: leave", plan.Handling{OnDeleted: tenantv1.Deleted_DELETED_LEAVE}, "deleted"},
		{"onDeleted: new", plan.Handling{OnDeleted: tenantv1.Deleted_DELETED_NEW}, "deleted"},
		{"any", plan.Handling{}, ""},
	}
}

func hindrances() []hindrance {
	return []hindrance{
		{"shadow mode", shadow},
		{"no settings", unknown},
		{"the settings name another server", func(f *plan.Facts) { f.Server = there }},
	}
}

// about is what a policy must speak of to matter for a ticket in that state.
func about(state string) string {
	switch {
	case strings.Contains(state, "closed"):
		return "closed"
	case state == "deleted":
		return state
	default:
		return ""
	}
}

// The whole plan: every phase, picture, state of the ticket and policy, with what follows when nothing fails.
func TestThePlanOfEveryCombination(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What the ticketer does\n\nGenerated by `go test ./services/ticketer/internal/plan -run Combination -update`. Every phase of an incident's ticket, with what the\n" +
		"incident wants to be shown, the ticket as it was seen last, and the tenant's policy; then what follows when no request fails,\n" +
		"and how many requests that is. Where no more is said, a merged ticket was merged into a person's open one. One that was merged\n" +
		"into a closed one was merged an hour ago, and the other was closed a month ago. Where a policy matters, it is named; a closed\n" +
		"ticket was closed an hour ago.\n\n" +
		"The ticket is seen anew before it is written to: where the last look is older than five seconds, one look at what changed at\n" +
		"all of the tenant's tickets comes first. It serves every incident of these seconds and is not among the requests here. One that\n" +
		"is to be opened again, and one that bears no reference of ours, is read by itself in place of that: a request more.\n\n" +
		"| phase | picture | ticket | policy | what follows | requests |\n|---|---|---|---|---|---|\n")
	rows := 0
	row := func(phase, picture, state, policy string, l *ticketv1.Ledger, f plan.Facts, target *ticketv1.Observed) (end *ticketv1.Ledger, steps []plan.Step, requests int) {
		end, steps = course(t, l, f, target)
		words, requests := told(steps)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d |\n", phase, picture, state, policy, words, requests)
		rows++
		return end, steps, requests
	}
	begin(row)
	for _, ph := range phases() {
		for _, pic := range pictures() {
			for _, state := range states() {
				for _, pol := range policies() {
					over := pic.name == "recovered" || strings.HasPrefix(ph.name, "closed") || strings.HasPrefix(ph.name, "ended")
					matters := pol.about == about(state.name)
					if over {
						matters = pol.about == ""
					}
					if !matters || impossible(ph.name, pic.name, state.name) {
						continue
					}
					l, f := standing(ph, pic, state), live()
					f.Handling, f.Listed = pol.handling, false
					into := target(state, &f)
					end, steps, requests := row(ph.name, pic.name, state.name, pol.name, l, f, into)
					name := fmt.Sprintf("%s, %s, %s, %s", ph.name, pic.name, state.name, pol.name)
					check(t, name, l, end, into, steps, requests)
					if strings.Contains(pol.name, "not over") && state.into != nil || strings.Contains(pol.name, "wontFix") && state.into != nil {
						require.LessOrEqual(t, requests, 1, "%s: people decided to leave it closed", name)
					}
				}
			}
		}
	}
	for _, h := range hindrances() {
		stuck(t, h, row)
	}
	for _, c := range particular() {
		row(c.phase, c.picture, c.ticket, c.policy, c.ledger, c.facts, c.seen)
	}
	require.Greater(t, rows, 250)
	path := filepath.Join("..", "..", "..", "..", "docs", "ticket-plan.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, firstDifference(string(want), b.String()), "docs/ticket-plan.md is not what follows from the plan; run with -update if this is meant")
}

// firstDifference is the first line of got that is not want's; empty when there is none.
func firstDifference(want, got string) string {
	lines := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || lines[i] != line {
			return fmt.Sprintf("line %d: %s", i+1, line)
		}
	}
	return map[bool]string{true: "too short"}[len(want) != len(got)]
}

// standing is the ledger of an incident that has a ticket.
func standing(ph, pic, state variant) *ticketv1.Ledger {
	l := ledger(ticket(41), server(here))
	l.Observed = &ticketv1.Observed{TicketId: 41, BoardId: 1}
	ph.apply(l)
	pic.apply(l)
	if l.GetObserved() != nil {
		state.apply(l)
	}
	return l
}

// target is what the ticket was merged into. The facts say when it was we who had closed that one.
func target(state variant, f *plan.Facts) *ticketv1.Observed {
	if state.into == nil {
		return &ticketv1.Observed{TicketId: 77, BoardId: 1}
	}
	if state.into.GetReference() != "" {
		f.Closer = plan.CloserOurs
	}
	return state.into
}

// impossible reports whether there is no such combination.
func impossible(phase, picture, state string) bool {
	switch phase {
	case "closing":
		return picture != "recovered"
	case "closed":
		return picture == "changed"
	case "ended without a ticket":
		return picture != "recovered" || state != "as we left it"
	default:
		return strings.Contains(state, "something else") && picture != "changed"
	}
}

type tableRow func(phase, picture, state, policy string, l *ticketv1.Ledger, f plan.Facts, target *ticketv1.Observed) (*ticketv1.Ledger, []plan.Step, int)

// begin are the rows of incidents that have no ticket yet.
func begin(row tableRow) {
	made := &ticketv1.Observed{TicketId: 42, BoardId: 1}
	for _, pic := range pictures() {
		l := ledger()
		pic.apply(l)
		row("no ticket yet", pic.name, "none", "any", l, live(), nil)
	}
	for _, pic := range pictures() {
		for _, c := range []struct {
			state  string
			missed time.Duration
			found  *ticketv1.Observed
		}{
			{"it is there", 0, made},
			{"it is not there, at the first look", 0, nil},
			{"it is not there, a patience after a look in vain", time.Hour, nil},
		} {
			l := ledger(begunCreate(time.Hour, 1), server(here))
			if c.missed > 0 {
				missedBefore(c.missed)(l)
			}
			pic.apply(l)
			row("being created by a run that ended", pic.name, c.state, "any", l, live(), c.found)
		}
	}
}

// stuck are the rows of incidents for which nothing can be written now. Nothing is; a ticket may be read in shadow mode.
func stuck(t *testing.T, h hindrance, row tableRow) {
	t.Helper()
	reopen := plan.Handling{OnHandClose: tenantv1.HandClose_HAND_CLOSE_REOPEN, OnDeleted: tenantv1.Deleted_DELETED_NEW}
	nothing := func(name string, steps []plan.Step, requests int) {
		if h.name != "shadow mode" {
			require.Zero(t, requests, "%s, %s", h.name, name)
		}
		require.False(t, slices.ContainsFunc(steps, func(s plan.Step) bool {
			switch s.(type) {
			case plan.Create, plan.Note, plan.Close, plan.Reopen, plan.MoveHome, plan.Attach:
				return true
			default:
				return false
			}
		}), "%s, %s", h.name, name)
	}
	for _, pic := range pictures() {
		for _, ph := range []variant{{name: "no ticket yet", apply: func(*ticketv1.Ledger) {}}, {name: "being created by a run that ended", apply: begunCreate(time.Hour, 1)}} {
			if ph.name == "no ticket yet" && h.name == "the settings name another server" {
				continue // it is created there
			}
			l := ledger(server(here))
			ph.apply(l)
			pic.apply(l)
			_, steps, requests := row(ph.name, pic.name, "not known", h.name, l, live(h.apply), nil)
			nothing(ph.name+", "+pic.name, steps, requests)
		}
	}
	for _, ph := range phases() {
		for _, pic := range pictures() {
			for _, state := range states() {
				if impossible(ph.name, pic.name, state.name) || strings.Contains(state.name, ",") && state.name != "a person's, closed" {
					continue
				}
				f := live(h.apply)
				f.Handling = reopen
				policy := h.name
				if a := about(state.name); a != "" && pic.name != "recovered" {
					policy += map[string]string{"closed": ", onHandClose: reopen", "deleted": ", onDeleted: new"}[a]
				}
				into := target(state, &f)
				_, steps, requests := row(ph.name, pic.name, state.name, policy, standing(ph, pic, state), f, into)
				nothing(strings.Join([]string{ph.name, pic.name, state.name}, ", "), steps, requests)
			}
		}
	}
}
