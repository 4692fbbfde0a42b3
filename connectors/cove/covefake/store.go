package covefake

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// errMissing says that what was to be read or changed is not there.
var errMissing = errors.New("not in the fleet")

// store is the fleet in memory. Whatever it hands out is never changed afterwards, only replaced, so that readers
// can go on without the server's lock.
type store struct {
	root     int64
	partners map[int64]*Partner
	history  map[int64][]epoch
	devices  map[int64]*Device
	tokens   map[string]int64
	sessions map[int64][]*run
	views    map[string][]row
}

// epoch is what a partner was from a time on.
type epoch struct {
	partner *Partner
	since   int64
}

// run is a session with its time resolved and its errors numbered.
type run struct {
	Session
	plugin plugin // zero for Microsoft 365
	source string // D-code
	start  int64
	first  int64 // id of the first error; the others follow
}

// row is a device with its partner, as one moment saw them.
type row struct {
	device  *Device
	partner *Partner
}

func newStore() *store {
	return &store{
		partners: map[int64]*Partner{}, history: map[int64][]epoch{}, devices: map[int64]*Device{},
		tokens: map[string]int64{}, sessions: map[int64][]*run{}, views: map[string][]row{},
	}
}

// load fills a new store, so that a bad fleet leaves the old one in place.
func load(f Fleet, now time.Time) (*store, error) {
	st := newStore()
	st.root = f.Root
	for _, p := range f.Partners {
		if st.partners[p.ID] != nil {
			return nil, fmt.Errorf("partner %d: listed twice", p.ID)
		}
		if err := st.putPartner(p, now); err != nil {
			return nil, err
		}
	}
	if st.partners[f.Root] == nil {
		return nil, fmt.Errorf("root %d: no partner has this id", f.Root)
	}
	for _, d := range f.Devices {
		if st.devices[d.AccountID] != nil {
			return nil, fmt.Errorf("device %d: listed twice", d.AccountID)
		}
		if err := st.putDevice(d, now); err != nil {
			return nil, err
		}
	}
	for _, g := range f.Sessions {
		if st.devices[g.AccountID] == nil {
			return nil, fmt.Errorf("sessions: AccountId %d: no device has this id", g.AccountID)
		}
		if err := st.addGroup(g, now); err != nil {
			return nil, err
		}
	}
	return st, nil
}

func (st *store) changed() { st.views = map[string][]row{} }

func (st *store) putPartner(p Partner, now time.Time) error {
	if p.ID <= 0 {
		return fmt.Errorf("partner %q: Id must be positive", p.Name)
	}
	if p.Name == "" {
		return fmt.Errorf("partner %d: Name is empty", p.ID)
	}
	if !slices.Contains(levels, p.Level) {
		return fmt.Errorf("partner %d: Level %q is none of %v", p.ID, p.Level, levels)
	}
	for up, seen := p.ParentID, 0; up != 0; seen++ {
		if up == p.ID || seen > len(st.partners) {
			return fmt.Errorf("partner %d: ParentId %d makes a circle", p.ID, p.ParentID)
		}
		parent := st.partners[up]
		if parent == nil {
			break
		}
		up = parent.ParentID
	}
	if p.CreationTime == 0 {
		p.CreationTime = 1679400000
	}
	if p.UID == "" {
		p.UID = uuid("partner", p.ID)
	}
	if p.State == "" {
		p.State = "InProduction"
	}
	if p.ServiceType == "" {
		p.ServiceType = "AllInclusive"
	}
	since := now.Unix()
	if len(st.history[p.ID]) == 0 {
		since = p.CreationTime
	}
	st.partners[p.ID] = &p
	st.history[p.ID] = append(slices.Clip(st.history[p.ID]), epoch{&p, since})
	st.changed()
	return nil
}

// putDevice takes a device over, with its codes canonical and its times resolved.
func (st *store) putDevice(d Device, now time.Time) error {
	if d.AccountID <= 0 {
		return fmt.Errorf("device %d: AccountId must be positive", d.AccountID)
	}
	partner := st.partners[d.PartnerID]
	if partner == nil {
		return fmt.Errorf("device %d: PartnerId %d: no partner has this id", d.AccountID, d.PartnerID)
	}
	settings := make(map[string]string, len(d.Settings))
	for _, spelling := range slices.Sorted(maps.Keys(d.Settings)) {
		code, ok := canonicalCode(spelling)
		if !ok {
			return fmt.Errorf("device %d: Settings: %q is no column code", d.AccountID, spelling)
		}
		value, err := resolve(d.Settings[spelling], now)
		if err != nil {
			return fmt.Errorf("device %d: Settings: %s: %w", d.AccountID, spelling, err)
		}
		if old, twice := settings[code]; twice && old != value {
			return fmt.Errorf("device %d: Settings: %s repeats %s with another value", d.AccountID, spelling, code)
		}
		settings[code] = value
	}
	delete(settings, "I0")
	delete(settings, "I83")
	if settings["I8"] == partner.Name {
		delete(settings, "I8")
	}
	if settings["I77"] == partner.ExternalCode {
		delete(settings, "I77")
	}
	d.Settings = settings
	d.Flags = slices.Clone(d.Flags)
	st.devices[d.AccountID] = &d
	st.tokens[accountToken(d.AccountID)] = d.AccountID
	st.changed()
	return nil
}

func (st *store) removeDevice(id int64) bool {
	if st.devices[id] == nil {
		return false
	}
	delete(st.devices, id)
	delete(st.tokens, accountToken(id))
	delete(st.sessions, id)
	st.changed()
	return true
}

func (st *store) addGroup(g SessionGroup, now time.Time) error {
	for _, s := range g.Sessions {
		s.Plugin, s.M365 = g.Plugin, g.M365
		if err := st.addSession(g.AccountID, s, now); err != nil {
			return err
		}
	}
	return nil
}

func (st *store) addSession(account int64, s Session, now time.Time) error {
	if st.devices[account] == nil {
		return fmt.Errorf("session of device %d: %w", account, errMissing)
	}
	r := run{Session: s}
	var known bool
	switch {
	case s.Plugin != "" && s.M365 == "":
		r.plugin, known = pluginNamed(s.Plugin)
		r.source = r.plugin.source
	case s.M365 != "" && s.Plugin == "":
		r.source, known = m365Sources[s.M365]
	default:
		return fmt.Errorf("session of device %d: give one of plugin and m365", account)
	}
	if !known {
		return fmt.Errorf("session of device %d: %q is no data source", account, s.Plugin+s.M365)
	}
	if !slices.Contains(statuses, s.Status) {
		return fmt.Errorf("session of device %d: Status %q is none of %v", account, s.Status, statuses)
	}
	at, err := resolve(s.At, now)
	if err != nil {
		return fmt.Errorf("session of device %d: at: %w", account, err)
	}
	if r.start, err = strconv.ParseInt(at, 10, 64); err != nil {
		return fmt.Errorf("session of device %d: at %q is neither unix seconds nor @- and a duration", account, s.At)
	}
	next, nextError := int64(1), int64(1)
	for _, other := range st.sessions[account] {
		if other.ID == s.ID {
			return fmt.Errorf("session of device %d: Id %d exists already", account, s.ID)
		}
		next = max(next, other.ID+1)
		nextError = max(nextError, other.first+int64(len(other.Errors)))
	}
	if r.ID == 0 {
		r.ID = next
	}
	r.first = nextError
	r.Errors = slices.Clone(s.Errors)
	st.sessions[account] = append(slices.Clip(st.sessions[account]), &r)
	return nil
}

// subtree returns the ids at and below a partner, less those at and below the excluded ones.
func (st *store) subtree(top int64, excluded ...int64) map[int64]bool {
	children := make(map[int64][]int64, len(st.partners))
	for id, p := range st.partners {
		children[p.ParentID] = append(children[p.ParentID], id)
	}
	in := map[int64]bool{}
	queue := []int64{top}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		if in[id] || slices.Contains(excluded, id) {
			continue
		}
		in[id] = true
		queue = append(queue, children[id]...)
	}
	return in
}

// within says whether a partner is the root of the login or lies below it.
func (st *store) within(id int64) bool {
	for id != 0 {
		if id == st.root {
			return true
		}
		p := st.partners[id]
		if p == nil {
			return false
		}
		id = p.ParentID
	}
	return false
}

// below lists the rows of all devices in a set of partners, by AccountId.
func (st *store) below(partners map[int64]bool) []row {
	rows := make([]row, 0, len(st.devices))
	for _, d := range st.devices {
		if partners[d.PartnerID] {
			rows = append(rows, row{d, st.partners[d.PartnerID]})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.device.AccountID, b.device.AccountID) })
	return rows
}

// clone copies what a caller may change.
func (d *Device) clone() Device {
	c := *d
	c.Flags = slices.Clone(d.Flags)
	c.Settings = maps.Clone(d.Settings)
	return c
}

// uuid derives the permanent uuid of a thing from its kind and id: it survives restarts of the fake.
func uuid(kind string, id int64) string {
	h := sha256.Sum256(fmt.Appendf(nil, "covefake %s %d", kind, id))
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func accountToken(id int64) string { return uuid("account token", id) }
