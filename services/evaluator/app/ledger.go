package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/covewise/covewise/platform/bus"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// Ledger returns the accounts of a tenant's last complete sweeps, newest first, at most n of them. In each every device
// that was enumerated is healthy, in trouble, excluded or unknown.
func Ledger(ctx context.Context, b *bus.Bus, tenant string, n int) ([]*incidentv1.SweepJudged, error) {
	var last []*incidentv1.SweepJudged
	err := b.History(ctx, bus.Incident, bus.VerbJudged, tenant, func(d bus.Delivery) error {
		account := &incidentv1.SweepJudged{}
		if err := d.Decode(account); err != nil {
			return err
		}
		// A sweep that was delivered again may have told its account twice; the first one stands.
		if slices.ContainsFunc(last, func(a *incidentv1.SweepJudged) bool { return a.GetSweep() == account.GetSweep() }) {
			return nil
		}
		if last = append(last, account); len(last) > n {
			last = slices.Delete(last, 0, 1)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	slices.SortFunc(last, func(a, b *incidentv1.SweepJudged) int { return int(int64(b.GetSweep()) - int64(a.GetSweep())) })
	return last, nil
}
