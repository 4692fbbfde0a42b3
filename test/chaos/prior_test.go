package chaos_test

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// The sorts of tickets for a device that may be on the board before Covewise comes to it.
const (
	priorScript  = "script"
	priorLegacy  = "legacy-script"
	priorForeign = "script-with-reference" // of somebody else
	priorLost    = "lost-state"            // ours, from an installation whose records are lost
)

// prior is such a ticket.
type prior struct {
	device string
	kind   string
}

// addPrior puts a ticket for a device on the board, unless Covewise may have looked at it already.
func (m *msp) addPrior(d *device, kind string) error {
	if m.world.swept {
		return nil
	}
	n := cwfake.NewTicket{CompanyIdentifier: company(d.number % 2).Identifier, Summary: fmt.Sprintf("COVE SVR SRV-%s #%s - FS Failed(7)", d.id, d.id)}
	switch kind {
	case priorScript:
	case priorLegacy:
		n.Summary = fmt.Sprintf("Cove: [Server] SRV-%s (ID: %s) - Critical - Failed", d.id, d.id)
	case priorForeign:
		n.ExternalXRef = "rmm:" + d.id
	case priorLost:
		n.Summary, n.ExternalXRef = "renamed by a person", fmt.Sprintf("covewise:LOST:%s:%s-4", m.id, d.id)
	default:
		return fmt.Errorf("unknown sort of ticket %q", kind)
	}
	// A second of the same sort would be a duplicate that others made.
	for _, p := range m.priors {
		if p == (prior{d.id, kind}) || p.device == d.id && strings.HasPrefix(p.kind, priorScript) && strings.HasPrefix(kind, priorScript) {
			return nil
		}
	}
	id, err := m.fake.Person("").CreateTicket(n)
	if err != nil {
		return err
	}
	m.priors[id] = prior{d.id, kind}
	m.world.pass(time.Minute) // so that it is no news to a search that lags
	m.before[id], _ = m.fake.Ticket(id)
	return nil
}

// judgePriors asks that a device's ticket from before has become its incident's, and that what nobody needed is as it was.
func (m *msp) judgePriors(ledgers map[string]*ticketv1.Ledger, tickets map[int]cwfake.Ticket) {
	count := map[string]int{}
	for _, p := range m.priors {
		count[p.device]++
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, p := range m.priors {
		t, there := tickets[id]
		was := m.before[id]
		t.Company, was.Company = "", "" // its name, which people change at the company
		if t.UpdatedBy == cwfake.DefaultMember && t.ExternalXRef == was.ExternalXRef {
			// It was marked by a process that had stood still, and given back: another one went on with the incident.
			t.UpdatedAt, t.UpdatedBy = was.UpdatedAt, was.UpdatedBy
		}
		if adopted(ledgers, id, p.device) {
			m.world.figures.meet("ticket from before: " + p.kind)
			continue
		}
		switch {
		case m.handled[id] || !there:
		case (p.kind == priorLost || t.ExternalXRef != was.ExternalXRef) && t.UpdatedBy == cwfake.DefaultMember:
			// It is ours, or was marked as ours when the device recovered before that was recorded, and is closed when nobody needs it.
		case m.failed[p.device] && count[p.device] == 1 && m.contacted(p.device, ledgers):
			m.world.found("a ticket from before is adopted", "%s: device %s: ticket %d %q was not; people: %s", m.id, p.device, id, t.Summary, strings.Join(m.acts, ", "))
		case !m.touched[id] && !reflect.DeepEqual(t, was):
			m.world.found("no ticket is touched that is not ours", "%s: ticket %d was %+v and is %+v; people: %s", m.id, id, was, t, strings.Join(m.acts, ", "))
		}
	}
}

// contacted reports whether an incident of the device came as far as a ticket.
func (m *msp) contacted(device string, ledgers map[string]*ticketv1.Ledger) bool {
	for _, l := range ledgers {
		if l.GetDeviceId() == device && (l.GetTicketId() != 0 || len(l.GetFormerTicketIds()) > 0) {
			return true
		}
	}
	return false
}

// adopted reports whether a ticket is, or was, that of an incident of the device. People may merge another device's into it.
func adopted(ledgers map[string]*ticketv1.Ledger, ticket int, device string) bool {
	for _, l := range ledgers {
		if l.GetDeviceId() != device {
			continue
		}
		if int(l.GetTicketId()) == ticket {
			return true
		}
		for _, former := range l.GetFormerTicketIds() {
			if int(former) == ticket {
				return true
			}
		}
	}
	return false
}
