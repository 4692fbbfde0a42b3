package poll

import (
	"time"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/lease"
)

// say logs and counts how a sweep ended; next is the tenant's lease as it was given back.
func (p *Poller) say(o lease.Outcome, next *statusv1.PollLease) {
	done, took := o.Done, o.Ended.Sub(o.Began)
	p.opts.Metrics.observe(done, took)
	log := p.log.With("tenant", done.GetTenant(), "sweep", done.GetSweep(), "requests", done.GetRequests(), "took", took.Round(time.Millisecond))
	if next.GetNextDue() != nil {
		log = log.With("next", next.GetNextDue().AsTime().UTC().Format(time.RFC3339))
	}
	if done.GetEnumerationsRepeated() > 0 {
		log.Warn("the pages of devices did not fit together and were read again", "times", done.GetEnumerationsRepeated(), "err", done.GetEnumerationFault())
	}
	for _, n := range done.GetNodesSkipped() {
		log.Warn("session errors of a storage node are not read", "host", n.GetHost(), "devices", n.GetDevices(), "err", n.GetReason())
	}
	if refused, unanswered := done.GetColumnsRefused(), done.GetColumnsUnanswered(); len(refused)+len(unanswered) > 0 {
		log.Warn("columns are missing; what depends on them is unknown, and closes nothing", "columns_refused", refused, "columns_unanswered", unanswered)
	}
	if !done.GetComplete() {
		log = log.With("class", done.GetFailureClass(), "err", done.GetFailure(), "failures", next.GetFailures())
		if next.GetFailures() > 1 {
			log.Warn("sweeps fail one after the other, nothing is concluded; backing off until next, a success, other Cove settings or a sync")
			return
		}
		log.Warn("sweep incomplete, nothing is concluded from it")
		return
	}
	log.Info("sweep complete", "devices", done.GetDevices(), "published", done.GetPublished(), "new", len(done.GetNewDeviceIds()),
		"gone", len(done.GetGoneDeviceIds()), "causes_missing", done.GetCausesMissing())
}
