package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// names are the records that the settings name.
type names struct {
	readAt                  time.Time
	board                   connectwise.Reference
	newStatus, closedStatus connectwise.Reference
	priorities              priorities
	wrong                   SettingErrors    // those of the above that ConnectWise does not have
	good                    []string         // the keys of the others
	elsewhere               map[int]statuses // of boards that people moved tickets to; guarded by Desk.mu
	kept                    map[string]any   // what was looked up beside these, see remember; guarded by Desk.mu
}

// statuses are the ones with which a board's tickets are opened and closed.
type statuses struct{ open, closed connectwise.Reference }

// How old the names may be. New tickets are made by names looked up within ten minutes. Closing takes them however
// old they are, so that it costs one request: an id that has become wrong is refused, and then looked up.
const (
	freshNames = 10 * time.Minute
	anyNames   = time.Duration(1<<63 - 1)
	// wrongNames is how long names are believed of which some are wrong: people are about to mend them.
	wrongNames = time.Minute
)

// Keys of the settings that are names.
const (
	keyBoard        = "tickets.board"
	keyNewStatus    = "tickets.newStatus"
	keyClosedStatus = "tickets.closedStatus"
)

// Check looks up what a ticket for the incident at the company needs to be made in one request, unless that was done
// within ten minutes. A name that ConnectWise does not have is Rejected, with the setting and the names that it has.
func (d *Desk) Check(ctx context.Context, e *incidentv1.Event, company int64) error {
	_, err := d.file(ctx, e, company)
	return err
}

// Look makes sure that ConnectWise answered a minute ago, or answers now.
func (d *Desk) Look(ctx context.Context) error {
	_, err := d.known(ctx, time.Minute)
	return err
}

// known returns the names, looked up anew when they are older than that. That some are wrong is no error here: each use
// needs others of them.
func (d *Desk) known(ctx context.Context, oldest time.Duration) (*names, error) {
	remembered := func() *names {
		d.mu.Lock()
		defer d.mu.Unlock()
		switch n := d.names; {
		case n == nil, d.clock.Now().Sub(n.readAt) >= oldest, len(n.wrong) > 0 && d.clock.Now().Sub(n.readAt) >= wrongNames:
			return nil
		default:
			return n
		}
	}
	if n := remembered(); n != nil {
		return n, nil
	}
	// One reads for all: a storm begins with many that need the names.
	d.reading.Lock()
	defer d.reading.Unlock()
	if n := remembered(); n != nil {
		return n, nil
	}
	now := d.clock.Now()
	n, err := d.read(ctx)
	if err != nil {
		return nil, err
	}
	n.readAt = now
	d.judged(n, n.wrong, n.good...)
	d.mu.Lock()
	d.names = n
	d.mu.Unlock()
	return n, nil
}

// doubt forgets the names when a request was refused that used them, and reports whether it did.
func (d *Desk) doubt(err error) bool {
	if errclass.Of(err) != errclass.Rejected || onlyCompany(err) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names = nil
	return true
}

// onlyCompany reports whether a refusal complains of nothing but the ticket's company, which has no name here. A storm of
// tickets for a company that is inactive would look everything up for each of them otherwise.
func onlyCompany(err error) bool {
	answer, ok := errors.AsType[*connectwise.APIError](err)
	return ok && len(answer.Errors) > 0 && !slices.ContainsFunc(answer.Errors, func(f connectwise.FieldError) bool {
		return !strings.HasPrefix(strings.ToLower(f.Field), "company")
	})
}

func (d *Desk) read(ctx context.Context) (*names, error) {
	t := d.settings
	n := &names{elsewhere: map[int]statuses{}, kept: map[string]any{}}
	board, err := d.board(ctx, keyBoard, t.GetBoard())
	if missing, ok := errors.AsType[SettingErrors](err); ok && errclass.Of(err) == errclass.Rejected {
		n.wrong = missing
		return n, nil
	}
	if err != nil {
		return nil, err
	}
	n.board, n.good = board, []string{keyBoard}
	rows, err := d.activeStatuses(ctx, board.ID)
	if err != nil {
		return nil, lookingUp(keyNewStatus, err)
	}
	status := func(setting, name string, closed bool) (connectwise.Reference, error) {
		s, err := pick(fmt.Sprintf("status of board %q", t.GetBoard()), setting, name, rows, func(s connectwise.BoardStatus) string { return s.Name })
		if err == nil && s.ClosedStatus != closed {
			what := map[bool]string{true: "does not close", false: "closes"}[closed]
			err = wrong(setting, "status %q of board %q %s tickets", s.Name, t.GetBoard(), what)
		}
		return connectwise.Reference{ID: s.ID}, err
	}
	judge := func(setting string, err error) {
		if found, ok := errors.AsType[SettingErrors](err); ok {
			n.wrong = append(n.wrong, found...)
		} else {
			n.good = append(n.good, setting)
		}
	}
	n.newStatus, err = status(keyNewStatus, t.GetNewStatus(), false)
	judge(keyNewStatus, err)
	n.closedStatus, err = status(keyClosedStatus, t.GetClosedStatus(), true)
	judge(keyClosedStatus, err)

	const keyPriorities = "tickets.priorities"
	all, err := d.client.Priorities(ctx)
	if err != nil {
		return nil, lookingUp(keyPriorities, err)
	}
	n.good = append(n.good, keyPriorities)
	for _, p := range []struct {
		setting, name string
		into          *connectwise.Priority
	}{
		{"tickets.priorities.server", t.GetPriorityServer(), &n.priorities.server},
		{"tickets.priorities.workstation", t.GetPriorityWorkstation(), &n.priorities.workstation},
		{"tickets.priorities.m365", t.GetPriorityM365(), &n.priorities.m365},
	} {
		if p.name == "" {
			continue
		}
		found, err := pick("priority", p.setting, p.name, all, func(p connectwise.Priority) string { return p.Name })
		*p.into = found
		judge(p.setting, err)
	}
	return n, nil
}

func (d *Desk) activeStatuses(ctx context.Context, board int) ([]connectwise.BoardStatus, error) {
	rows, err := d.client.BoardStatuses(ctx, board)
	return slices.DeleteFunc(rows, func(s connectwise.BoardStatus) bool { return s.Inactive }), err
}

// statusesOf returns the statuses of a board that the settings do not name: those of the settings' names where it
// has them, else its default and its first by their order.
func (d *Desk) statusesOf(ctx context.Context, board int) (statuses, error) {
	d.mu.Lock()
	if d.names != nil {
		if known, there := d.names.elsewhere[board]; there {
			d.mu.Unlock()
			return known, nil
		}
	}
	d.mu.Unlock()
	rows, err := d.activeStatuses(ctx, board)
	if err != nil {
		return statuses{}, err
	}
	slices.SortStableFunc(rows, func(a, b connectwise.BoardStatus) int { return a.SortOrder - b.SortOrder })
	best := func(name string, closed bool) (connectwise.Reference, error) {
		rank := func(s connectwise.BoardStatus) int {
			switch {
			case s.ClosedStatus != closed:
				return 0
			case strings.EqualFold(s.Name, name):
				return 3
			case s.DefaultFlag:
				return 2
			default:
				return 1
			}
		}
		found := 0
		for i := range rows {
			if rank(rows[i]) > rank(rows[found]) {
				found = i
			}
		}
		if len(rows) == 0 || rank(rows[found]) == 0 {
			what := map[bool]string{true: "closes", false: "opens"}[closed]
			return connectwise.Reference{}, errclass.Newf(errclass.Rejected, "set status",
				"board %d has no active status that %s tickets; give it one in ConnectWise", board, what)
		}
		return connectwise.Reference{ID: rows[found].ID}, nil
	}
	var s statuses
	if s.closed, err = best(d.settings.GetClosedStatus(), true); err != nil {
		return statuses{}, err
	}
	if s.open, err = best(d.settings.GetNewStatus(), false); err != nil {
		return statuses{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names != nil {
		d.names.elsewhere[board] = s
	}
	return s, nil
}

// board returns the board of that name; setting is where the name is from.
func (d *Desk) board(ctx context.Context, setting, name string) (connectwise.Reference, error) {
	usable := func(boards []connectwise.Board) []connectwise.Board {
		return slices.DeleteFunc(boards, func(b connectwise.Board) bool { return b.InactiveFlag || b.ProjectFlag })
	}
	named := func(b connectwise.Board) string { return b.Name }
	const what = "service board"
	boards, err := d.client.Boards(ctx, name)
	if err != nil {
		return connectwise.Reference{}, lookingUp(setting, err)
	}
	if board, err := pick(what, setting, name, usable(boards), named); err == nil {
		return connectwise.Reference{ID: board.ID}, nil
	}
	// Only to tell which there are.
	if boards, err = d.client.Boards(ctx, ""); err != nil {
		return connectwise.Reference{}, lookingUp(setting, err)
	}
	board, err := pick(what, setting, name, usable(boards), named)
	return connectwise.Reference{ID: board.ID}, err
}

// pick returns the record of that name: equal to the letter, else equal but for case.
func pick[T any](what, setting, name string, all []T, named func(T) string) (T, error) {
	for _, equal := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		if i := slices.IndexFunc(all, func(t T) bool { return equal(named(t), name) }); i >= 0 {
			return all[i], nil
		}
	}
	const most = 20
	var there []string
	for _, t := range all {
		there = append(there, fmt.Sprintf("%q", named(t)))
	}
	if len(there) > most {
		there = append(there[:most], fmt.Sprintf("and %d more", len(there)-most))
	}
	var none T
	if len(there) == 0 {
		return none, wrong(setting, "ConnectWise has no active %s that this API member can see", what)
	}
	return none, wrong(setting, "ConnectWise has no active %s %q; there are %s", what, name, strings.Join(there, ", "))
}
