package fleet

import (
	"slices"
	"strings"

	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/platform/errclass"
)

// indispensable are the columns without which no device can be judged: whatever they were left out for, what follows
// from their absence would be wrong for the whole fleet. A data source's status (F00) counts too, where a device
// shows that it ran; a refused one concerns that data source only. Without a creation time (CD) or a heartbeat (TS)
// less is known, which the evaluator says, but what is judged is right.
var indispensable = []string{"AT", "I78", "OT"}

// Answers collects which of the columns that were asked for came, over all pages of an enumeration.
type Answers struct {
	due        []string // columns that must come on some rows
	refused    map[string]bool
	unanswered map[string]bool
	came       map[string]bool
}

// NewAnswers returns answers about columns, of which those that a rule requires of some rows are followed.
func NewAnswers(codes []string) *Answers {
	a := &Answers{refused: map[string]bool{}, unanswered: map[string]bool{}, came: map[string]bool{}}
	for _, code := range codes {
		if columns.Required(code) != nil {
			a.due = append(a.due, code)
		}
	}
	return a
}

// Page takes what one page says of its columns; see cove.Page. A page may hold a single row that lacks a column by
// chance, so one value on any page acquits the column.
func (a *Answers) Page(rows []Device, refused, unanswered []string) {
	for _, code := range refused {
		a.refused[code] = true
	}
	for _, code := range unanswered {
		a.unanswered[code] = true
	}
	for _, code := range a.due {
		if !a.came[code] && slices.ContainsFunc(rows, func(d Device) bool { return d.Columns[code] != "" }) {
			a.came[code] = true
		}
	}
}

// Refused returns the columns that Cove refuses, sorted.
func (a *Answers) Refused() []string { return sorted(a.refused, nil) }

// Unanswered returns the columns that are due on some rows and came on none, sorted.
func (a *Answers) Unanswered() []string { return sorted(a.unanswered, a.came) }

// Check says which indispensable columns are missing, or returns nil. The error is of class AuthTenant when the login
// lacks the right to one, and Transient otherwise.
func (a *Answers) Check() error {
	var missing []string
	class := errclass.Transient
	for _, code := range a.Refused() {
		if slices.Contains(indispensable, code) {
			missing = append(missing, code+" (refused to this login)")
			class = errclass.AuthTenant
		}
	}
	for _, code := range a.Unanswered() {
		if slices.Contains(indispensable, code) || strings.HasSuffix(code, "F00") {
			missing = append(missing, code+" (came for no device)")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return errclass.Newf(class, "", "devices cannot be judged without column %s", strings.Join(missing, ", "))
}

func sorted(codes, without map[string]bool) []string {
	var list []string
	for code := range codes {
		if !without[code] {
			list = append(list, code)
		}
	}
	slices.Sort(list)
	return list
}
