package apply

import (
	"cmp"
	"slices"
	"sync"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/adopt"
)

// owns are open tickets with our own reference that were found, by device.
type owns struct {
	mu       sync.Mutex
	byDevice map[string][]*ticketv1.Candidate
	self     string // as whom ConnectWise records what we write; empty: not known
}

func (o *owns) knownSelf() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.self
}

func (o *owns) learnSelf(self string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.self = self
}

// offer puts tickets up for adoption by incidents of their devices, beside those of the first contact.
func (s *site) offer(candidates ...*ticketv1.Candidate) {
	s.owns.mu.Lock()
	defer s.owns.mu.Unlock()
	if s.owns.byDevice == nil {
		s.owns.byDevice = map[string][]*ticketv1.Candidate{}
	}
	for _, c := range candidates {
		if there := s.owns.byDevice[c.GetDeviceId()]; !has(there, c) {
			s.owns.byDevice[c.GetDeviceId()] = append(there, c)
		}
	}
}

// offered returns what an incident may adopt: what bears its own reference first, then as adopt.Compare orders them. listed are the tickets of
// the first contact.
func (s *site) offered(l *ticketv1.Ledger, listed []*ticketv1.Candidate) []*ticketv1.Candidate {
	s.owns.mu.Lock()
	all := slices.Clone(s.owns.byDevice[l.GetDeviceId()])
	s.owns.mu.Unlock()
	for _, c := range listed {
		if c.GetDeviceId() == l.GetDeviceId() && !has(all, c) {
			all = append(all, c)
		}
	}
	other := func(c *ticketv1.Candidate) int {
		if _, incident, _ := adopt.Incident(c.GetReference(), l.GetTenant()); incident == l.GetIncidentId() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b *ticketv1.Candidate) int {
		return cmp.Or(cmp.Compare(other(a), other(b)), adopt.Compare(a, b))
	})
	return all
}

func has(all []*ticketv1.Candidate, c *ticketv1.Candidate) bool {
	return slices.ContainsFunc(all, func(k *ticketv1.Candidate) bool { return k.GetTicketId() == c.GetTicketId() })
}
