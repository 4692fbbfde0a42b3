package desk

import (
	"fmt"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise"
)

// drift tells what ConnectWise made otherwise than it was asked: defaults of the API member, workflows and SLAs change
// tickets as they are made. What was not asked for is ConnectWise's to choose.
func (f filing) drift(summary string, made connectwise.Ticket) []string {
	var all []string
	member := func(name string, asked, got connectwise.Reference) {
		if asked.ID != 0 && asked.ID != got.ID {
			all = append(all, fmt.Sprintf("%s is %s, asked for was %s", name, describe(got), describe(connectwise.Reference{ID: asked.ID, Name: f.asked[name]})))
		}
	}
	t := f.ticket
	member("board", t.Board, made.Board)
	member("status", t.Status, made.Status)
	member("company", t.Company, made.Company)
	member("type", t.Type, made.Type)
	member("subType", t.SubType, made.SubType)
	member("item", t.Item, made.Item)
	member("team", t.Team, made.Team)
	member("owner", t.Owner, made.Owner)
	member("priority", t.Priority, made.Priority)
	member("source", t.Source, made.Source)
	member("site", t.Site, made.Site)
	member("contact", t.Contact, made.Contact)
	member("agreement", t.Agreement, made.Agreement)
	word := func(name, asked, got string) {
		if asked != "" && asked != got {
			all = append(all, fmt.Sprintf("%s is %q, asked for was %q", name, got, asked))
		}
	}
	word("impact", t.Impact, made.Impact)
	word("urgency", t.Severity, made.Severity)
	word("summary", summary, made.Summary)
	all = append(all, f.customDrift(made.CustomFields)...)
	if len(all) == 0 {
		return nil
	}
	return []string{"ConnectWise made the ticket otherwise than asked: " + strings.Join(all, "; ") + "."}
}

func describe(r connectwise.Reference) string {
	switch {
	case r.ID == 0:
		return "empty"
	case r.Name != "":
		return fmt.Sprintf("%q (%d)", r.Name, r.ID)
	case r.Identifier != "":
		return fmt.Sprintf("%q (%d)", r.Identifier, r.ID)
	default:
		return fmt.Sprintf("number %d", r.ID)
	}
}
