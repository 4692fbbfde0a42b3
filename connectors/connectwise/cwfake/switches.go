package cwfake

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Switches are the standing properties of a server on which the facts about the real one are doubtful, or which a
// test wants to vary. The zero value is not the default; see DefaultSwitches.
type Switches struct {
	// CodeBase is the path element before apis/3.0, with its trailing slash; the old one answers 404 after a change.
	CodeBase string `json:"codeBase"`
	// SearchLag hides a ticket from lists, searches and counts until it is this old by the server's clock.
	SearchLag time.Duration `json:"searchLag"`
	// SearchLagRequests hides a ticket from the next n lists, searches and counts of tickets after its creation.
	SearchLagRequests int `json:"searchLagRequests"`
	// ChangeLag makes lists, searches and counts take a ticket as it was so long ago by the server's clock. Reading it by its id
	// tells the present, and a deletion shows at once. Changes that were made before the switch was set may show early.
	ChangeLag time.Duration `json:"changeLag"`
	// NotFoundForBadKeys answers 404 instead of 401 to wrong keys, as cloud servers were seen to do.
	NotFoundForBadKeys bool `json:"notFoundForBadKeys"`
	// PageSizeOverLimitRefused answers 400 to a pageSize over 1000 instead of using 1000.
	PageSizeOverLimitRefused bool `json:"pageSizeOverLimitRefused"`
	// PatchIntoReference is what a patch path such as status/id does: ignored (default), applied or refused.
	PatchIntoReference string `json:"patchIntoReference"`
	// BoardAloneRefused answers 400 to a move to another board that does not name a status.
	BoardAloneRefused bool `json:"boardAloneRefused"`
	// MergedTicketsFrozen refuses changes and notes to a ticket that was merged into another.
	MergedTicketsFrozen bool `json:"mergedTicketsFrozen"`
	// CloseChildrenWithParent closes the child tickets when their parent is closed.
	CloseChildrenWithParent bool `json:"closeChildrenWithParent"`
	// CompanyNeedsAddress demands an address member of a new company, as the description says.
	CompanyNeedsAddress bool `json:"companyNeedsAddress"`
	// MergedCompanyGone answers 404 for a company merged into another; else it stays, with deletedFlag.
	MergedCompanyGone bool `json:"mergedCompanyGone"`
	// IsCloudAsText sends IsCloud of the company information as the string "True", as some versions do.
	IsCloudAsText bool `json:"isCloudAsText"`
}

// DefaultSwitches are the ones a new server has.
func DefaultSwitches(codeBase string) Switches {
	return Switches{
		CodeBase: codeBase, PatchIntoReference: IntoReferenceIgnored, MergedTicketsFrozen: true, CompanyNeedsAddress: true,
	}
}

func (s Switches) validate() error {
	if !slices.Contains([]string{IntoReferenceIgnored, IntoReferenceApplied, IntoReferenceRefused}, s.PatchIntoReference) {
		return fmt.Errorf("patchIntoReference %q: want ignored, applied or refused", s.PatchIntoReference)
	}
	if len(s.CodeBase) < 2 || s.CodeBase[len(s.CodeBase)-1] != '/' || s.CodeBase[0] == '/' {
		return fmt.Errorf("codeBase %q: want a path element with a trailing slash, such as v2025_1/", s.CodeBase)
	}
	if s.SearchLag < 0 || s.SearchLagRequests < 0 || s.ChangeLag < 0 {
		return errors.New("searchLag, searchLagRequests and changeLag must not be negative")
	}
	return nil
}

// Switches returns the present switches.
func (s *Server) Switches() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data.switches
}

// Configure changes switches: f edits a copy of the present ones, which take effect together unless they are invalid.
func (s *Server) Configure(f func(*Switches)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.data.switches
	f(&next)
	if err := next.validate(); err != nil {
		return err
	}
	s.data.switches = next
	return nil
}
