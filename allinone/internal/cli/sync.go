package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/platform/bus"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	poller "github.com/covewise/covewise/services/poller/app"
)

func newSync(around Surroundings) *cobra.Command {
	a := &access{around: around}
	timeout := 2 * time.Minute
	cmd := &cobra.Command{
		Use:   "sync --data DIR",
		Short: "Sweep a tenant now",
		Long: `Orders a sweep of a tenant at once, also while failures keep it from being swept, and waits until it has ended. A sweep
that is under way already is followed by another. When no covewise runs, the order is kept for its next start. It ends with
  0  the sweep was complete, or the order is kept
  1  Covewise failed
  2  the command line is wrong
  3  the sweep was incomplete, or did not end within --timeout; the order stays`,
		Example: `  covewise sync --data /var/lib/covewise --tenant harbor`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timeout <= 0 {
				return fmt.Errorf("--timeout %s is not positive; write for example 2m", timeout)
			}
			return a.withTenant(cmd.Context(), func(s *site, settings *tenantv1.Settings) error {
				id := settings.GetId()
				if err := poller.SyncNow(cmd.Context(), s.Bus, id); err != nil {
					return failed(err)
				}
				if !s.Live {
					_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: no covewise runs there; the sweep is due at its next start\n", id)
					return failed(err)
				}
				ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
				defer cancel()
				done, err := swept(ctx, s.Bus, id)
				switch {
				case cmd.Context().Err() != nil:
					return failed(errors.New("interrupted before the sweep ended; it stays ordered"))
				case errors.Is(err, context.DeadlineExceeded):
					return &exitError{ExitIncomplete, fmt.Errorf("%s: the sweep did not end within %s; it stays ordered, and the log of covewise up tells of it", id, timeout)}
				case err != nil:
					return failed(err)
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), sweepLine(done)); err != nil {
					return failed(err)
				}
				if !done.GetComplete() {
					return &exitError{code: ExitIncomplete}
				}
				return nil
			})
		},
	}
	a.flags(cmd)
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "how long to wait for the end of the sweep")
	return cmd
}

// swept waits until every order to sweep a tenant that stands now is answered, and returns the account of the sweep
// that answered it. The context's end is its error.
func swept(ctx context.Context, b *bus.Bus, tenant string) (*statusv1.SweepCompleted, error) {
	leases, err := bus.OpenStore[*statusv1.PollLease](ctx, b, bus.PollLease)
	if err != nil {
		return nil, err
	}
	key := bus.Key(tenant)
	ordered, _, err := leases.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	changed := make(chan struct{}, 1)
	view := bus.NewView(leases, key, func(e bus.Entry[*statusv1.PollLease]) *statusv1.PollLease { return e.Value }, func(string) {
		select {
		case changed <- struct{}{}:
		default: // a change is waiting to be looked at already
		}
	})
	watching, stop := context.WithCancel(ctx)
	var watch errgroup.Group
	watch.Go(func() error { return view.Run(watching, b) })
	defer func() { _ = watch.Wait() }() // it returns nil
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
		if l, known := view.Get(key); known && l.GetAnswered() >= ordered.GetAsked() {
			return l.GetLast(), nil
		}
	}
}

// sweepLine is a sweep's account in one line.
func sweepLine(done *statusv1.SweepCompleted) string {
	took := done.GetFinishedAt().AsTime().Sub(done.GetObservedAt().AsTime()).Round(time.Second)
	if !done.GetComplete() {
		return fmt.Sprintf("%s: sweep %d is incomplete, nothing is concluded from it: %s", done.GetTenant(), done.GetSweep(), done.GetFailure())
	}
	parts := []string{
		fmt.Sprintf("%s, %d changed", counted(int(done.GetDevices()), "device"), done.GetPublished()), fmt.Sprintf("%s in %s", counted(int(done.GetRequests()), "request"), took),
	}
	if codes := done.GetColumnsRefused(); len(codes) > 0 {
		parts = append(parts, "refused columns, whose verdicts are unknown: "+strings.Join(codes, ", "))
	}
	if codes := done.GetColumnsUnanswered(); len(codes) > 0 {
		parts = append(parts, "columns that came for no device, whose verdicts are unknown: "+strings.Join(codes, ", "))
	}
	if n := done.GetCausesMissing(); n > 0 {
		parts = append(parts, fmt.Sprintf("causes of %d devices still to be read", n))
	}
	if n := len(done.GetNodesSkipped()); n > 0 {
		parts = append(parts, fmt.Sprintf("%d storage nodes skipped", n))
	}
	return fmt.Sprintf("%s: sweep %d is complete; %s", done.GetTenant(), done.GetSweep(), strings.Join(parts, "; "))
}
