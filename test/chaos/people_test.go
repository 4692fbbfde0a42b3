package chaos_test

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

// people is what persons did at a tenant's server, by ticket.
type people struct {
	handled  map[int]bool // tickets to which they did something
	closed   map[int]bool
	merged   map[int]bool // what closed ones were merged into, which is no decision about what had failed since
	reopened map[int]bool
	deleted  map[int]bool
	touched  map[int]bool        // tickets of others that people brought ours together with
	changed  map[int]cwfake.Edit // what people wrote last; the company as its identifier
	moved    map[int]string      // board
	unwell   map[int]bool        // companies that are not as they should be
	acts     []string
}

func newPeople() people {
	return people{
		handled: map[int]bool{}, unwell: map[int]bool{}, closed: map[int]bool{}, merged: map[int]bool{}, reopened: map[int]bool{}, deleted: map[int]bool{}, touched: map[int]bool{},
		changed: map[int]cwfake.Edit{}, moved: map[int]string{},
	}
}

// owner returns the device and the incident of a ticket of ours by its reference
// ("covewise:<installation>:<tenant>:<device>-<n>"); empty for others.
func (m *msp) owner(t cwfake.Ticket) (device, incident string) {
	parts := strings.Split(t.ExternalXRef, ":")
	if len(parts) < 4 || parts[0] != "covewise" || parts[2] != m.id {
		return "", ""
	}
	device, _, _ = strings.Cut(parts[3], "-")
	return device, parts[3]
}

// tickets returns a device's tickets by ascending id, with those from before.
func (m *msp) tickets(d *device) []cwfake.Ticket {
	var all []cwfake.Ticket
	for _, t := range m.fake.Tickets() {
		if device, _ := m.owner(t); device == d.id || m.priors[t.ID].device == d.id {
			all = append(all, t)
		}
	}
	return all
}

// person does something to the newest ticket of a device. What ConnectWise refuses is not done.
func (m *msp) person(d *device, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	own := m.tickets(d)
	if len(own) == 0 {
		return
	}
	t := own[len(own)-1].ID
	if m.do(d, what, t, own) == nil {
		m.handled[t] = true
		m.acts = append(m.acts, fmt.Sprintf("%s %d", what, t))
		m.world.figures.meet("person: " + what)
	}
}

// ambush lets a person wait for a request of the ticketer.
func (m *msp) ambush(d *device, s step) *hook {
	if s.How != "reopen-at-close" {
		return &hook{left: s.N, after: s.N%2 == 0, act: func(*http.Request) bool { m.person(d, s.How); return false }}
	}
	// The person opens the ticket again before the answer to our close is back.
	done := false
	return &hook{method: http.MethodPatch, act: func(r *http.Request) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		id, _ := strconv.Atoi(path.Base(r.URL.Path)) // 0 is no ticket
		t, there := m.fake.Ticket(id)
		if !there || done || !t.ClosedFlag || t.ClosedBy != cwfake.DefaultMember || !slices.ContainsFunc(m.tickets(d), func(own cwfake.Ticket) bool { return own.ID == id }) {
			return false
		}
		if m.reopen(t) == nil {
			done = true
			m.acts = append(m.acts, fmt.Sprintf("%s %d", s.How, id))
			m.world.figures.meet(s.kind())
		}
		return false
	}}
}

// reopen opens a ticket again.
func (m *msp) reopen(t cwfake.Ticket) error {
	if !t.ClosedFlag || t.MergedInto != 0 {
		return errNothing
	}
	err := m.fake.Person("").Reopen(t.ID, "")
	if err == nil {
		m.reopened[t.ID], m.handled[t.ID] = true, true
	}
	return err
}

func (m *msp) do(d *device, what string, t int, own []cwfake.Ticket) error {
	p := m.fake.Person("")
	write := func(change cwfake.Edit, into func(*cwfake.Edit)) error {
		err := p.Edit(t, change)
		if err == nil {
			e := m.changed[t]
			into(&e)
			m.changed[t] = e
		}
		return err
	}
	other := m.foreign[d.number%2]
	switch what {
	case "close":
		before, _ := m.fake.Ticket(t)
		err := p.Close(t, "")
		// Another status for a ticket that Covewise has closed is no decision to leave it closed.
		m.closed[t] = m.closed[t] || err == nil && !before.ClosedFlag
		return err
	case "reopen":
		for _, candidate := range own {
			if m.closed[candidate.ID] && candidate.ClosedFlag {
				return m.reopen(candidate)
			}
		}
		return errNothing
	case "reopen-ours":
		last := own[len(own)-1]
		if last.ClosedBy != cwfake.DefaultMember {
			return errNothing
		}
		return m.reopen(last)
	case "reopen-former":
		if len(own) < 2 {
			return errNothing
		}
		return m.reopen(own[len(own)-2])
	case "move":
		err := p.Move(t, "NOC", "")
		if err == nil {
			m.moved[t] = "NOC"
			m.reopened[t] = m.reopened[t] || own[len(own)-1].ClosedFlag // the board's first status is an open one
		}
		return err
	case "edit":
		text := fmt.Sprintf("Looked into by Maria, %d", len(m.acts))
		return write(cwfake.Edit{Summary: text, Priority: "Priority 4 - Low"}, func(e *cwfake.Edit) { e.Summary, e.Priority = text, "Priority 4 - Low" })
	case "owner":
		return write(cwfake.Edit{Owner: "tokafor"}, func(e *cwfake.Edit) { e.Owner = "tokafor" })
	case "company":
		return write(cwfake.Edit{Company: secondCompany}, func(e *cwfake.Edit) { e.Company = secondCompany })
	case "merge":
		err := p.Merge(t, other, "")
		m.touched[other] = m.touched[other] || err == nil
		return err
	case "merge-closed":
		closed := m.foreign[2+d.number%2]
		before, _ := m.fake.Ticket(t)
		err := p.Merge(t, closed, "")
		m.touched[closed] = m.touched[closed] || err == nil
		m.closed[closed] = m.closed[closed] || err == nil
		m.merged[closed] = m.merged[closed] || err == nil && before.ClosedFlag
		return err
	case "merge-own":
		for _, d2 := range m.devices {
			theirs := m.tickets(d2)
			if d2 != d && len(theirs) > 0 && !theirs[len(theirs)-1].ClosedFlag {
				into := theirs[len(theirs)-1].ID
				err := p.Merge(t, into, "")
				m.handled[into] = m.handled[into] || err == nil
				return err
			}
		}
		return errNothing
	case "child":
		err := p.AttachChild(other, t)
		m.touched[other] = m.touched[other] || err == nil
		return err
	case "delete":
		err := p.Delete(t)
		m.deleted[t] = m.deleted[t] || err == nil
		return err
	case "note":
		return p.AddNote(t, "I am looking into it", false)
	case "customer-note":
		return p.AddNote(t, "It works for us", true)
	default:
		return errNothing
	}
}
