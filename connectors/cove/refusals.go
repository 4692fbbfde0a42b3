package cove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/platform/errclass"
)

// refusalAge is how long a refused column is left out before Cove is asked again: rights get widened.
const refusalAge = 24 * time.Hour

// refusals remembers the columns that this login was refused. One such column fails a whole request with 13501,
// the number of a missing right, without a word about which it was (observed).
type refusals struct {
	turn chan struct{} // held by the caller that looks for refused columns

	mu    sync.Mutex
	since map[string]time.Time // by canonical code
}

func newRefusals() refusals {
	return refusals{turn: make(chan struct{}, 1), since: map[string]time.Time{}}
}

// split divides columns into those to ask for, and the canonical codes of those that are known to be refused.
func (r *refusals) split(codes []string) (asked, refused []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked = make([]string, 0, len(codes))
	for _, code := range codes {
		canonical := columns.Canonical(code)
		if _, known := r.since[canonical]; known {
			refused = append(refused, canonical)
			continue
		}
		asked = append(asked, code)
	}
	return asked, refused
}

// stale returns those of the columns whose refusal is too old to be believed.
func (r *refusals) stale(codes []string, now time.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var old []string
	for _, code := range codes {
		if since, known := r.since[columns.Canonical(code)]; known && now.Sub(since) >= refusalAge {
			old = append(old, code)
		}
	}
	return old
}

// settle records which of the columns are refused and which are not.
func (r *refusals) settle(codes, refused []string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, code := range codes {
		delete(r.since, columns.Canonical(code))
	}
	for _, code := range refused {
		r.since[columns.Canonical(code)] = now
	}
}

// isForbidden reports whether Cove refused a method, a partner or a column.
func isForbidden(err error) bool { return errors.Is(err, ErrForbidden) }

// withoutRefused reads a page, and leaves out the columns that Cove refuses. What is refused for another reason
// than a column stays an error.
func (c *Client) withoutRefused(ctx context.Context, q Query) (Page, error) {
	if old := c.refused.stale(q.Columns, c.options.Clock.Now()); len(old) > 0 {
		if err := c.probeStale(ctx, q); err != nil {
			return Page{}, err
		}
	}
	wanted := q.Columns
	var refused []string
	q.Columns, refused = c.refused.split(wanted)
	page, err := c.page(ctx, q)
	if isForbidden(err) {
		found, probing := c.findRefused(ctx, q)
		switch {
		case probing != nil:
			return Page{}, probing
		case !found:
			return Page{}, err
		}
		q.Columns, refused = c.refused.split(wanted)
		page, err = c.page(ctx, q)
	}
	if err != nil {
		return Page{}, err
	}
	page.Refused = refused
	page.Unanswered = unanswered(q.Columns, page)
	return page.Page, nil
}

// probeStale asks again for those columns of a query that were refused long ago.
func (c *Client) probeStale(ctx context.Context, q Query) error {
	return c.inTurn(ctx, func() error {
		now := c.options.Clock.Now()
		old := c.refused.stale(q.Columns, now)
		if len(old) == 0 {
			return nil // another caller has asked meanwhile
		}
		still, err := c.bisect(ctx, q.PartnerID, old, false)
		if err != nil {
			return fmt.Errorf("asking again for columns that were refused: %w", err)
		}
		c.refused.settle(old, still, now)
		return nil
	})
}

// findRefused looks for the columns that got a query refused, and remembers them. It reports false when no column
// is to blame, so that the refusal concerns the method, the partner or another part of the query.
func (c *Client) findRefused(ctx context.Context, q Query) (found bool, err error) {
	err = c.inTurn(ctx, func() error {
		asked, _ := c.refused.split(q.Columns)
		found = len(asked) < len(q.Columns) // by another caller meanwhile
		if granted, err := c.granted(ctx, q.PartnerID, []string{"AU"}); err != nil || !granted {
			return err
		}
		refused, err := c.bisect(ctx, q.PartnerID, asked, false)
		if err != nil {
			return fmt.Errorf("looking for the column that was refused: %w", err)
		}
		if len(refused) == 0 {
			return nil
		}
		found = true
		c.refused.settle(nil, refused, c.options.Clock.Now())
		c.log.WarnContext(ctx, "cove refuses columns; they are left out", "partner", q.PartnerID, "columns", refused)
		return nil
	})
	return found, err
}

func (c *Client) inTurn(ctx context.Context, do func() error) error {
	select {
	case c.refused.turn <- struct{}{}:
		defer func() { <-c.refused.turn }()
		return do()
	case <-ctx.Done():
		return errclass.New(errclass.Transient, "waiting for the search of refused columns", ctx.Err())
	}
}

// bisect returns the refused ones of some columns. suspected says that there must be one among them.
func (c *Client) bisect(ctx context.Context, partner int64, codes []string, suspected bool) ([]string, error) {
	if len(codes) == 0 {
		return nil, nil
	}
	if !suspected || len(codes) == 1 {
		if granted, err := c.granted(ctx, partner, codes); err != nil || granted {
			return nil, err
		}
	}
	if len(codes) == 1 {
		return codes, nil
	}
	half := len(codes) / 2
	left, err := c.bisect(ctx, partner, codes[:half], false)
	if err != nil {
		return nil, err
	}
	right, err := c.bisect(ctx, partner, codes[half:], len(left) == 0)
	return slices.Concat(left, right), err
}

// granted asks for one row of some columns, and reports whether they are granted.
func (c *Client) granted(ctx context.Context, partner int64, codes []string) (bool, error) {
	_, err := c.page(ctx, Query{PartnerID: partner, Columns: codes, Count: 1})
	if isForbidden(err) {
		return false, nil
	}
	return err == nil, err
}

// unanswered returns the canonical codes of the columns that must have a value on some of the rows and have one on
// none: Cove passes over codes that it does not know without an error.
func unanswered(asked []string, page rawPage) []string {
	var missing []string
	for _, code := range asked {
		code = columns.Canonical(code)
		isDue := columns.Required(code)
		if isDue == nil || page.set[code] {
			continue
		}
		if slices.ContainsFunc(page.Rows, func(row Row) bool { return isDue(row.Columns) }) {
			missing = append(missing, code)
		}
	}
	return missing
}
