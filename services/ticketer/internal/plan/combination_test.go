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
		{"open", phase(ticketv1.Phase_PHASE_OPEN)},
		{"closing", phase(ticketv1.Phase_PHASE_CLOSING)},
		{"reopening", phase(ticketv1.Phase_PHASE_REOPENING)},
		{"left to people", func(l *ticketv1.Ledger) {
			phase(ticketv1.Phase_PHASE_HANDED_OVER)(l)
			l.HandedOverAt = stamp(now.Add(-time.Hour))
		}},
		{"closed", phase(ticketv1.Phase_PHASE_CLOSED)},
		{"ended without a ticket", func(l *ticketv1.Ledger) { l.Phase, l.TicketId, l.Observed = ticketv1.Phase_PHASE_DROPPED, 0, nil }},
	}
}

func pictures() []variant {
	return []variant{{"unchanged", func(*ticketv1.Ledger) {}}, {"changed", wanted(2, changed)}, {"recovered", wanted(2, resolved)}}
}

func states() []variant {
	shut := func(l *ticketv1.Ledger) { l.Observed.Closed, l.Observed.ClosedAt = true, stamp(now.Add(-time.Hour)) }
	foreign := func(l *ticketv1.Ledger) { l.Foreign = true }
	return []variant{
		{"as we left it", func(*ticketv1.Ledger) {}},
		{"moved, edited, a child", func(l *ticketv1.Ledger) {
			l.Observed.BoardId, l.Observed.Summary, l.Observed.OwnerId, l.Observed.ParentId = 2, "theirs", 9, 5
		}},
		{"closed", shut},
		{"closed, and something else failed since", func(l *ticketv1.Ledger) { shut(l); fails("D02")(l) }},
		{"closed for the fourth time in a row, a moment after it was opened", func(l *ticketv1.Ledger) {
			shut(l)
			l.Answers, l.AnsweredAt = 3, stamp(now.Add(-time.Minute))
		}},
		{"deleted", func(l *ticketv1.Ledger) { l.Observed.Deleted = true }},
		{"merged", func(l *ticketv1.Ledger) { l.Observed.Closed, l.Observed.MergedInto = true, 77 }},
		{"a person's", foreign},
		{"a person's, closed", func(l *ticketv1.Ledger) { shut(l); foreign(l) }},
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
		"and how many requests that is. A merged ticket was merged into a person's open one. Where a policy matters, it is named;\n" +
		"a closed ticket was closed an hour ago.\n\n" +
		"The ticket is seen anew before it is written to: where the last look is older than five seconds, one look at what changed at\n" +
		"all of the tenant's tickets comes first. It serves every incident of these seconds and is not among the requests here.\n\n" +
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
					f.Handling = pol.handling
					end, steps, requests := row(ph.name, pic.name, state.name, pol.name, l, f, &ticketv1.Observed{TicketId: 77, BoardId: 1})
					check(t, fmt.Sprintf("%s, %s, %s, %s", ph.name, pic.name, state.name, pol.name), l, end, steps, requests)
				}
			}
		}
	}
	for _, h := range hindrances() {
		stuck(t, h, row)
	}
	for _, c := range particular() {
		row(c.phase, c.picture, c.ticket, c.policy, c.ledger, c.facts, nil)
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
		for _, ph := range []variant{{"no ticket yet", func(*ticketv1.Ledger) {}}, {"being created by a run that ended", begunCreate(time.Hour, 1)}} {
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
				_, steps, requests := row(ph.name, pic.name, state.name, policy, standing(ph, pic, state), f, &ticketv1.Observed{TicketId: 77, BoardId: 1})
				nothing(strings.Join([]string{ph.name, pic.name, state.name}, ", "), steps, requests)
			}
		}
	}
}
