package covefake

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// Fleet returns everything the fake knows of the fleet, as SetFleet takes it: partners and devices by id, and their
// sessions with resolved times. Switches, faults, visas, request counts and the history of partners are not part of it.
func (s *Server) Fleet() Fleet {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := Fleet{Root: s.store.root, Partners: []Partner{}, Devices: []Device{}, Sessions: []SessionGroup{}}
	for _, id := range slices.Sorted(maps.Keys(s.store.partners)) {
		f.Partners = append(f.Partners, *s.store.partners[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.store.devices)) {
		f.Devices = append(f.Devices, s.store.devices[id].clone())
		f.Sessions = append(f.Sessions, s.store.groups(id)...)
	}
	return f
}

// groups lists a device's sessions by data source, oldest first.
func (st *store) groups(account int64) []SessionGroup {
	var groups []SessionGroup
	for _, r := range st.sessions[account] {
		at := slices.IndexFunc(groups, func(g SessionGroup) bool { return g.Plugin == r.Plugin && g.M365 == r.M365 })
		if at < 0 {
			at = len(groups)
			groups = append(groups, SessionGroup{AccountID: account, Plugin: r.Plugin, M365: r.M365})
		}
		session := r.Session
		session.At = strconv.FormatInt(r.start, 10)
		groups[at].Sessions = append(groups[at].Sessions, session)
	}
	slices.SortFunc(groups, func(a, b SessionGroup) int {
		return cmp.Or(cmp.Compare(a.Plugin, b.Plugin), cmp.Compare(a.M365, b.M365))
	})
	return groups
}
