package sweep

import (
	"context"
	"fmt"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

// mostEnumerations is how often a sweep tries to get pages that fit together. A device that comes or goes while
// they are read makes them not fit, which is rare; a server that never sorts them makes every try fail.
const mostEnumerations = 3

// enumerate reads every device below root, of any type and however long silent, and begins anew when the pages do
// not fit together.
func (s *sweeper) enumerate(ctx context.Context) error {
	for try := 1; ; try++ {
		misfit, err := s.enumerateOnce(ctx)
		if err != nil {
			return err
		}
		if misfit == nil {
			break
		}
		if try == mostEnumerations {
			return errclass.Newf(errclass.Transient, "enumerate devices", "%w (%d tries)", misfit, try)
		}
		s.repeated++
		s.fault = misfit.Error()
	}
	if err := s.answers.Check(); err != nil {
		return fmt.Errorf("enumerate devices: %w", err)
	}
	return nil
}

// enumerateOnce reads page after page. misfit says what does not fit about them.
func (s *sweeper) enumerateOnce(ctx context.Context) (misfit, err error) {
	s.all, s.hashes = &fleet.Enumeration{}, s.hashes[:0]
	for {
		start := s.all.Start()
		page, err := s.client.Statistics(ctx, cove.Query{
			PartnerID: s.root, Columns: s.light, OrderBy: "AU ASC", Start: start, Count: pageSize, Totals: fleet.TotalNames(),
		})
		if err != nil {
			return nil, fmt.Errorf("enumerate devices from %d: %w", start, err)
		}
		rows := make([]fleet.Device, len(page.Rows))
		for i, r := range page.Rows {
			rows[i] = fleet.NewDevice(r.AccountID, r.PartnerID, r.Columns)
		}
		s.answers.Page(rows, page.Refused, page.Unanswered)
		fresh, done, misfit := s.all.Add(rows, page.Totals, pageSize)
		if misfit != nil {
			return misfit, nil
		}
		for i := range fresh {
			s.take(&fresh[i])
		}
		if done {
			return s.all.Check(len(s.before)), nil
		}
	}
}

// take hashes a device and lets go of its columns when it looks as it did, which keeps the memory of a sweep small:
// a page's columns take some megabytes.
func (s *sweeper) take(d *fleet.Device) {
	hash := s.prints.Columns(*d)
	s.hashes = append(s.hashes, hash)
	before := s.before[d.ID]
	if before != nil && !before.GetErrorsMissing() && !before.GetUnsettled() && before.GetFingerprint() == fleet.Fingerprint(hash, *d, ownerIn(s.kept, *d)) {
		d.Columns = nil
	}
}
