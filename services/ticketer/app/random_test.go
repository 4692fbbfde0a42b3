package app_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

var seeds = flag.Uint64("seeds", 12, "how many random lives are played")

// play is one random life of a few devices, people and a bad server.
type play struct {
	*world
	random   *rand.Rand
	revision map[string]uint32
	over     map[string]bool
}

var playDevices = []string{"1", "2", "3", "4"}

func (p *play) pick() string { return playDevices[p.random.IntN(len(playDevices))] }

// news lets a device fail, change or recover.
func (p *play) news() {
	d := p.pick()
	if p.over[d] {
		return
	}
	kind := incidentv1.EventKind_EVENT_KIND_CHANGED
	switch {
	case p.revision[d] == 0:
		kind = failed
	case p.random.IntN(5) == 0:
		kind, p.over[d] = resolved, true
	}
	p.revision[d]++
	p.say(d, p.revision[d], kind)
}

// person does something to an open ticket of ours.
func (p *play) person() {
	var open []cwfake.Ticket
	for _, t := range p.cw.OpenTickets() {
		if strings.HasPrefix(t.ExternalXRef, "covewise:") {
			open = append(open, t)
		}
	}
	if len(open) == 0 {
		return
	}
	ticket, by := open[p.random.IntN(len(open))], p.cw.Person("")
	var err error
	switch p.random.IntN(6) {
	case 0, 1:
		err = by.Close(ticket.ID, "")
	case 2:
		err = by.Edit(ticket.ID, cwfake.Edit{Summary: "theirs", Owner: "tokafor"})
	case 3:
		board := map[bool]string{true: "NOC", false: "Service Desk"}[ticket.Board == "Service Desk"]
		err = by.Move(ticket.ID, board, "")
	case 4:
		err = by.Delete(ticket.ID)
	case 5:
		var target int
		target, err = by.CreateTicket(cwfake.NewTicket{Summary: "a person's", CompanyIdentifier: "acme"})
		require.NoError(p.t, err)
		err = by.Merge(ticket.ID, target, "")
	}
	require.NoError(p.t, err)
}

// misfortune makes the server worse for the next requests.
func (p *play) misfortune() {
	routes := []string{postTicket, postNote, patchTicket, listTickets, listNotes, "GET /service/tickets/{id}"}
	f := cwfake.Fault{Match: routes[p.random.IntN(len(routes))], Times: 1 + p.random.IntN(2)}
	switch p.random.IntN(5) {
	case 0:
		f.Kind, f.Drop = cwfake.FaultLostAnswer, p.random.IntN(2) == 0
	case 1:
		f.Kind = cwfake.FaultErrorBefore
	case 2:
		f.Kind, f.RetryAfter = cwfake.FaultRateLimited, "1"
	case 3:
		f.Kind = cwfake.FaultTruncated
	case 4:
		f.Kind = cwfake.FaultHTML200
	}
	p.fault(f)
}

// wrong says what is not yet as it must be once everything is calm; empty when all is.
func (p *play) wrong() string {
	for _, d := range playDevices {
		if p.revision[d] == 0 {
			continue
		}
		l := p.ledger(d)
		mine := 0
		for _, t := range p.cw.OpenTickets() {
			if _, rest, ours := strings.Cut(t.ExternalXRef, ":harbor:"); ours && (rest == d+"-1" || strings.HasPrefix(rest, d+"-1:")) {
				mine++
			}
		}
		name := fmt.Sprintf("device %s, phase %s, ticket %d, park %s", d, l.GetPhase(), l.GetTicketId(), l.GetPark())
		if p.over[d] {
			if mine != 0 || l.GetPhase() != closed && l.GetPhase() != dropped {
				return name + ": over, and has an open ticket"
			}
			continue
		}
		theirs, there := p.cw.Ticket(int(l.GetTicketId()))
		switch {
		case l.GetPhase() != open || l.GetShown().GetRevision() != p.revision[d] || l.GetPark() != nil || l.GetNoteBegunRevision() != 0:
			return name + ": not settled"
		case !there || theirs.ClosedFlag:
			return name + ": its ticket is not open"
		case l.GetForeign() && mine != 0, !l.GetForeign() && mine != 1:
			return fmt.Sprintf("%s: %d open tickets", name, mine)
		}
	}
	return ""
}

// Whatever devices, people and the server do, in the end every failing device has one open ticket and every one that
// is well has none, and no note stands twice.
func TestAnyLifeEndsWithOneOpenTicketForEachFailingDevice(t *testing.T) {
	t.Parallel()
	for seed := range *seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			p := &play{world: newWorld(t), random: rand.New(rand.NewPCG(seed, 1)), revision: map[string]uint32{}, over: map[string]bool{}}
			p.settings(func(s *tenantv1.Settings) {
				s.Tickets.OnHandClose, s.Tickets.OnDeleted = tenantv1.HandClose_HAND_CLOSE_REOPEN, tenantv1.Deleted_DELETED_NEW
			})
			if seed%3 == 1 {
				require.NoError(t, p.cw.Configure(func(s *cwfake.Switches) { s.SearchLag = 20 * time.Second }))
			}
			stop := p.start(watching)
			for range 60 {
				switch p.random.IntN(8) {
				case 0, 1, 2:
					p.news()
				case 3:
					p.person()
				case 4:
					p.misfortune()
				case 5:
					if p.random.IntN(4) == 0 {
						stop()
						stop = p.start(watching)
					}
				default:
					p.clock.Add(time.Duration(p.random.IntN(90)) * time.Second)
				}
				if p.random.IntN(2) == 0 {
					p.clock.Add(time.Second)
				}
			}
			p.cw.ClearFaults()
			deadline := p.clock.Now().Add(12 * time.Hour)
			for p.wrong() != "" && p.clock.Now().Before(deadline) {
				p.clock.Add(20 * time.Second)
				p.drained()
			}
			require.Empty(t, p.wrong())
			for _, ticket := range p.cw.Tickets() {
				seen := map[string]bool{}
				for _, n := range ticket.Notes {
					lines := strings.Split(strings.TrimSpace(n.Text), "\n")
					key := fmt.Sprint(n.Discussion, lines[len(lines)-1])
					require.False(t, seen[key], "ticket %d has note %q twice", ticket.ID, key)
					seen[key] = true
				}
			}
		})
	}
}
