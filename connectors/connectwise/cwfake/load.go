package cwfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Load replaces everything that the server holds by a seed. Switches, faults and the requests seen stay. Nothing
// changes if the seed breaks a rule of the API.
func (s *Server) Load(seed Seed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := newStore(s.data.switches)
	l := &loader{store: fresh, by: stamp{by: "setup", at: s.options.Clock.Now()}}
	l.load(seed, s.options.Member)
	if l.err != nil {
		return fmt.Errorf("loading the seed: %w", l.err)
	}
	s.data = fresh
	return nil
}

// AddCompany stores a company and returns its id. A company with the same id is replaced.
func (s *Server) AddCompany(company Company) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &loader{store: s.data, by: stamp{by: "setup", at: s.options.Clock.Now()}}
	id := l.company(company)
	return id, l.err
}

// LoadCompanies adds the companies of a JSON array of {id, identifier, name, status, deletedFlag}, or of the member
// "companies" of a JSON object. It returns how many there were.
func (s *Server) LoadCompanies(from io.Reader) (int, error) {
	body, err := io.ReadAll(from)
	if err != nil {
		return 0, fmt.Errorf("reading companies: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		var file struct {
			Companies json.RawMessage `json:"companies"`
		}
		if err := json.Unmarshal(body, &file); err != nil {
			return 0, fmt.Errorf("reading companies: %w", err)
		}
		body = file.Companies
	}
	var companies []Company
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&companies); err != nil {
		return 0, fmt.Errorf("reading companies: %w", err)
	}
	for _, company := range companies {
		if _, err := s.AddCompany(company); err != nil {
			return 0, fmt.Errorf("adding company %d %q: %w", company.ID, company.Name, err)
		}
	}
	return len(companies), nil
}

// loader enters seed rows through the same rules as requests; after the first error it does nothing more.
type loader struct {
	store *store
	by    stamp
	err   error
}

func (l *loader) add(resource string, owner, id int, values map[string]any) int {
	if l.err != nil {
		return 0
	}
	t := l.store.tables[resource]
	if id != 0 && t.byID[id] != nil {
		l.err = fmt.Errorf("%s %d is there twice", resource, id)
		return 0
	}
	r, err := l.store.create(t.resource, owner, id, values, l.by)
	if err != nil {
		l.err = fmt.Errorf("%s %v: %w", resource, values["name"], err)
		return 0
	}
	return r.id
}

func (l *loader) named(resource string, owner int, rows []Named) {
	for _, row := range rows {
		values := map[string]any{"name": row.Name}
		if l.store.tables[resource].resource.exact["defaultFlag"] != nil {
			values["defaultFlag"] = row.Default
		}
		l.add(resource, owner, row.ID, values)
	}
}

func (l *loader) load(seed Seed, apiMember string) {
	location := l.add(locationResource, 0, 0, map[string]any{"name": "Main Office"})
	department := l.add(departmentResource, 0, 0, map[string]any{"name": "Professional Services"})
	l.members(seed.Members, apiMember)
	for _, b := range seed.Boards {
		id := l.add(boardResource, 0, b.ID, map[string]any{
			"name": b.Name, "inactiveFlag": b.Inactive, "location": idOf(location), "department": idOf(department),
		})
		if b.Name == seed.DefaultBoard {
			l.store.defaultBoard = id
		}
		l.boardParts(id, b)
	}
	for _, p := range seed.Priorities {
		if p.Color == "" {
			p.Color = "White"
		}
		l.add(priorityResource, 0, p.ID, map[string]any{"name": p.Name, "color": p.Color, "sortOrder": p.SortOrder, "defaultFlag": p.Default})
	}
	l.named(sourceResource, 0, seed.Sources)
	l.customFields(seed.CustomFields)
	for _, c := range seed.Countries {
		l.add(countryResource, 0, c.ID, map[string]any{"identifier": c.Identifier, "name": c.Name})
	}
	for _, st := range seed.CompanyStatuses {
		l.add(companyStatusRes, 0, st.ID, map[string]any{
			"name": st.Name, "defaultFlag": st.Default, "inactiveFlag": st.Inactive, "disallowSavingFlag": st.DisallowSaving,
		})
	}
	l.named(companyTypeResource, 0, seed.CompanyTypes)
	l.named(configurationTypeRes, 0, seed.ConfigurationTypes)
	for _, st := range seed.ConfigurationStatuses {
		l.add(configurationStatRes, 0, st.ID, map[string]any{"description": st.Description, "closedFlag": st.Closed, "defaultFlag": st.Default})
	}
	for _, c := range seed.Companies {
		l.company(c)
	}
	if l.err == nil && seed.DefaultBoard != "" && l.store.defaultBoard == 0 {
		l.err = fmt.Errorf("the default board %q is not among the boards", seed.DefaultBoard)
	}
}

func (l *loader) members(members []Member, apiMember string) {
	known := false
	for _, m := range members {
		known = known || m.Identifier == apiMember
		if m.LicenseClass == "" {
			m.LicenseClass = "F"
		}
		l.add(memberResource, 0, m.ID, map[string]any{
			"identifier": m.Identifier, "firstName": m.FirstName, "lastName": m.LastName, "licenseClass": m.LicenseClass, "inactiveFlag": m.Inactive,
		})
	}
	if !known {
		l.add(memberResource, 0, 0, map[string]any{"identifier": apiMember, "firstName": "API", "lastName": "Member", "licenseClass": "A"})
	}
}

func (l *loader) boardParts(board int, b Board) {
	for _, st := range b.Statuses {
		l.add(statusResource, board, st.ID, map[string]any{
			"name": st.Name, "closedStatus": st.ClosedStatus, "defaultFlag": st.Default, "inactive": st.Inactive, "sortOrder": st.SortOrder,
			"displayOnBoard": !st.ClosedStatus,
		})
	}
	l.named(boardTypeResource, board, b.Types)
	l.named(subTypeResource, board, b.SubTypes)
	l.named(itemResource, board, b.Items)
	l.combinations(board, b.Combinations)
	for _, team := range b.Teams {
		leader := l.store.tables[memberResource].preferred(0, "")
		if leader == nil {
			l.err = fmt.Errorf("team %q: the seed has no member to lead it", team.Name)
			return
		}
		l.add(teamResource, board, team.ID, map[string]any{"name": team.Name, "teamLeader": idOf(leader.id), "defaultFlag": team.Default})
	}
}

func (l *loader) company(c Company) int {
	addressNeeded := l.store.switches.CompanyNeedsAddress
	l.store.switches.CompanyNeedsAddress = false
	defer func() { l.store.switches.CompanyNeedsAddress = addressNeeded }()
	companies := l.store.tables[companyResource]
	replaced := companies.byID[c.ID]
	values := map[string]any{"identifier": c.Identifier, "name": c.Name}
	if c.Status != "" {
		values["status"] = map[string]any{"name": c.Status}
	}
	if replaced != nil {
		companies.remove(replaced)
	}
	id := l.add(companyResource, 0, c.ID, values)
	if l.err != nil {
		if replaced != nil {
			companies.insert(replaced)
		}
		return 0
	}
	for _, site := range c.Sites {
		l.add(siteResource, id, site.ID, map[string]any{"name": site.Name, "primaryAddressFlag": site.Primary})
	}
	for _, contact := range c.Contacts {
		l.add(contactResource, id, contact.ID, map[string]any{"firstName": contact.FirstName, "lastName": contact.LastName})
	}
	for _, agreement := range c.Agreements {
		l.agreement(id, agreement)
	}
	if c.Deleted {
		l.store.deleteCompany(companies.byID[id], l.by)
	}
	return id
}

func idOf(id int) map[string]any { return map[string]any{"id": id} }
