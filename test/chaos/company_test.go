package chaos_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// What people do to companies.
const (
	companyInactive = "inactive"
	companyDelete   = "delete"
	companyRename   = "rename"
	companyMend     = "mend" // as it was in the beginning
)

// ownCompany is the MSP's own company: the catch-all one, and that of roll-ups.
const ownCompany = "HarborIT"

// company is one of a tenant's companies as it is to be: that of the customer with the same index.
func company(i int) cwfake.Company {
	return cwfake.Company{ID: 310 + i, Identifier: []string{firstCompany, secondCompany}[i], Name: customers()[i].GetName(), Status: "Active"}
}

// treat does something to the company of a device's customer.
func (m *msp) treat(d *device, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := company(d.number % 2)
	if m.mends(c.ID, what) == nil {
		m.acts = append(m.acts, fmt.Sprintf("%s company %d", what, c.ID))
		m.world.figures.meet("company: " + what)
	}
}

func (m *msp) mends(id int, what string) error {
	p, c := m.fake.Person(""), company(id-310)
	switch what {
	case companyInactive:
		m.unwell[id] = true
		return p.SetCompanyStatus(id, "Inactive")
	case companyDelete:
		m.unwell[id] = true
		return p.DeleteCompany(id)
	case companyRename:
		m.unwell[id] = true
		return p.RenameCompany(id, "Formerly "+c.Name)
	default:
		if !m.unwell[id] {
			return errNothing
		}
		delete(m.unwell, id)
		_, err := m.fake.AddCompany(c)
		return err
	}
}

// ill reports whether a company is not as it should be.
func (m *msp) ill() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.unwell) > 0
}

// mendCompanies makes every company what it was.
func (m *msp) mendCompanies() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.unwell {
		if err := m.mends(id, companyMend); err != nil {
			return err
		}
		m.acts = append(m.acts, fmt.Sprintf("%s company %d in the end", companyMend, id))
	}
	return nil
}

// excused reports whether an incident may wait for a company that is not well.
func (m *msp) excused(l *ticketv1.Ledger) bool {
	switch l.GetPark().GetReason() {
	case ticketv1.ParkReason_PARK_REASON_COMPANY, ticketv1.ParkReason_PARK_REASON_REJECTED:
		return m.ill() && m.catchAll == "" && l.GetTicketId() == 0
	default:
		return false
	}
}

// causes are words by which a person knows what to mend.
func causes() []string {
	return []string{"is inactive", "is deleted", "no company is called", "restore it", "Correct the tenant's settings or the record in ConnectWise"}
}

// judgeParked asks that an incident that waits for its company tells what is to be mended.
func (m *msp) judgeParked(d *device, l *ticketv1.Ledger) {
	detail := l.GetPark().GetDetail()
	if slices.ContainsFunc(causes(), func(words string) bool { return strings.Contains(detail, words) }) {
		return
	}
	m.world.found("a wait for a company names what is to be mended", "%s: device %s, incident %s waits for %s: %q", m.id, d.id, l.GetIncidentId(), l.GetPark().GetReason(), detail)
}

// astray names an incident whose ticket is at the catch-all company although its own is well, or returns "".
func (m *msp) astray(l *ticketv1.Ledger) string {
	if !m.moveHome || m.ill() || !l.GetStandIn() || l.GetForeign() || l.GetPhase() != ticketv1.Phase_PHASE_OPEN {
		return ""
	}
	return "stands at the catch-all company"
}

// countHandling counts what the tenant's settings had happen.
func (m *msp) countHandling() {
	stoodIn := false
	for _, t := range m.fake.Tickets() {
		device, _ := m.owner(t)
		stoodIn = stoodIn || device != "" && device != rollup && strings.Contains(firstText(t), "THIS TICKET IS AT THE CATCH-ALL COMPANY")
	}
	for kind, is := range map[string][2]bool{"hourly cap": {m.cap > 0, m.capped}, "catch-all company": {m.catchAll != "", stoodIn}} {
		if is[0] {
			m.world.figures.draw(kind)
		}
		if is[1] {
			m.world.figures.meet(kind)
		}
	}
}

// firstText is what was written into a ticket when it was made.
func firstText(t cwfake.Ticket) string {
	var b strings.Builder
	for _, n := range t.Notes[:min(2, len(t.Notes))] {
		b.WriteString(n.Text)
	}
	return b.String()
}

// rollup is the device id of roll-ups.
const rollup = "rollup"

// judgeRollups asks that whoever waits for the next hour is told of in an open ticket, and that there is none without need.
func (m *msp) judgeRollups() (string, error) {
	if m.cap == 0 {
		return "", nil
	}
	waiting, listed := 0, 0
	open := ""
	err := m.world.ledgers.Each(m.world.ctx, bus.Key(m.id)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		l := e.Value
		switch {
		case l.GetDeviceId() == rollup:
			if t, there := m.fake.Ticket(int(l.GetTicketId())); there && !t.ClosedFlag {
				open, listed = l.GetIncidentId(), int(l.GetWanted().GetMembersTotal())
			}
		case l.GetPark().GetReason() == ticketv1.ParkReason_PARK_REASON_CAPPED:
			waiting++
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case waiting == 0 && open != "":
		return fmt.Sprintf("%s: nobody waits for the next hour, and roll-up %s is open", m.id, open), nil
	case waiting > 0 && open == "":
		return fmt.Sprintf("%s: %d incidents wait for the next hour without a roll-up", m.id, waiting), nil
	case waiting > 0:
		m.capped = true
		// It is told anew when the number has doubled or halved.
		if waiting >= 2*listed || 2*waiting <= listed {
			return fmt.Sprintf("%s: %d incidents wait for the next hour, and roll-up %s tells of %d", m.id, waiting, open, listed), nil
		}
	}
	return "", nil
}
