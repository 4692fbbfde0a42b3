package cwfake

import "fmt"

// one finds the only record of a resource, below an owner, with a name.
func (s *store) one(resource string, owner int, name string) (*record, error) {
	t := s.tables[resource]
	found := t.find(owner, "name", name)
	if len(found) != 1 {
		return nil, fmt.Errorf("%d records of %s have the name %q", len(found), t.resource.title, name)
	}
	return found[0], nil
}

func (s *store) statusOf(board, status string) (*record, error) {
	b, err := s.one(boardResource, 0, board)
	if err != nil {
		return nil, err
	}
	return s.one(statusResource, b.id, status)
}

// setUp changes members of a set-up record.
func (p *Person) setUp(resource string, find func(s *store) (*record, error), changes map[string]any) error {
	return p.act(func(s *store, by stamp) error {
		r, err := find(s)
		if err != nil {
			return err
		}
		return s.update(s.tables[resource].resource, r, changes, false, by)
	})
}

// RenameStatus renames a status of a board.
func (p *Person) RenameStatus(board, from, to string) error {
	return p.setUp(statusResource, func(s *store) (*record, error) { return s.statusOf(board, from) }, map[string]any{"name": to})
}

// SetStatusInactive makes a status inactive, or active again: no ticket can be given an inactive one.
func (p *Person) SetStatusInactive(board, status string, inactive bool) error {
	return p.setUp(statusResource, func(s *store) (*record, error) { return s.statusOf(board, status) }, map[string]any{"inactive": inactive})
}

// SetStatusCloses makes a status one that closes tickets, or one that does not: what tickets have it is changed with their
// next change.
func (p *Person) SetStatusCloses(board, status string, closes bool) error {
	return p.setUp(statusResource, func(s *store) (*record, error) { return s.statusOf(board, status) }, map[string]any{"closedStatus": closes})
}

// RenameBoard renames a board.
func (p *Person) RenameBoard(from, to string) error {
	return p.setUp(boardResource, func(s *store) (*record, error) { return s.one(boardResource, 0, from) }, map[string]any{"name": to})
}

// SetBoardInactive makes a board inactive, or active again: no ticket can be put on an inactive one.
func (p *Person) SetBoardInactive(board string, inactive bool) error {
	return p.setUp(boardResource, func(s *store) (*record, error) { return s.one(boardResource, 0, board) }, map[string]any{"inactiveFlag": inactive})
}

// RenamePriority renames a priority.
func (p *Person) RenamePriority(from, to string) error {
	return p.setUp(priorityResource, func(s *store) (*record, error) { return s.one(priorityResource, 0, from) }, map[string]any{"name": to})
}

// DeleteCompany sets the deletedFlag of a company, also of one that tickets refer to.
func (p *Person) DeleteCompany(company int) error {
	return p.act(func(s *store, by stamp) error {
		r, err := s.byID(companyResource, company)
		if err == nil {
			s.deleteCompany(r, by)
		}
		return err
	})
}

// RenameCompany changes the name of a company.
func (p *Person) RenameCompany(company int, name string) error {
	return p.setUp(companyResource, func(s *store) (*record, error) { return s.byID(companyResource, company) }, map[string]any{"name": name})
}

// SetCompanyStatus gives a company another status, by name.
func (p *Person) SetCompanyStatus(company int, status string) error {
	return p.setUp(companyResource, func(s *store) (*record, error) { return s.byID(companyResource, company) }, map[string]any{"status": byName(status)})
}

// MergeCompany moves everything of one company to another; the first is deleted, or gone (Switches.MergedCompanyGone).
func (p *Person) MergeCompany(from, into int) error {
	return p.act(func(s *store, by stamp) error {
		source, err := s.byID(companyResource, from)
		if err != nil {
			return err
		}
		target, err := s.byID(companyResource, into)
		if err != nil {
			return err
		}
		if source == target {
			return fmt.Errorf("company %d cannot be merged into itself", from)
		}
		s.mergeCompany(source, target, by)
		return nil
	})
}
