package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/platform/bus"
	ticketer "github.com/covewise/covewise/services/ticketer/app"
)

// writeOrphans writes which open tickets of ours belong to no incident on record. It is not cut, for the same reason as
// troubles are not.
func writeOrphans(ctx context.Context, w io.Writer, b *bus.Bus, tenant string) error {
	orphans, err := ticketer.Orphans(ctx, b, tenant)
	if err != nil {
		return err
	}
	for _, o := range orphans {
		line := fmt.Sprintf("TICKET %d, %q, is open without an incident on record, seen since %s: %s", o.GetTicketId(), o.GetSummary(), instant(o.GetSince()), o.GetDetail())
		if _, err := fmt.Fprintln(w, report.Printable(line)); err != nil {
			return err
		}
	}
	if len(orphans) > 0 {
		_, err = fmt.Fprintln(w)
	}
	return err
}
