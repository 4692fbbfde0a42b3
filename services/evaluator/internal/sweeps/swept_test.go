package sweeps_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/evaluator/internal/sweeps"
)

func (w *world) watched() {
	w.t.Helper()
	w.policy(func(p *tenantv1.Policy) { p.NotSweptAfter = 3 })
}

func brokenOff(sweep uint64, class, failure string) *statusv1.SweepCompleted {
	s := completed("harbor", sweep, 0)
	s.Complete, s.FailureClass, s.Failure, s.Interval = false, class, failure, durationpb.New(15*time.Minute)
	return s
}

func overdue(slot uint64) bus.Message {
	return bus.Message{
		Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbOverdue, Tenant: "harbor", Key: fmt.Sprint(slot)},
		ID:      fmt.Sprintf("overdue:harbor:%d", slot),
		Body:    &statusv1.SweepOverdue{Tenant: "harbor", ObservedAt: timestamppb.New(observed(slot)), Interval: durationpb.New(15 * time.Minute)},
	}
}

func TestATenantThatIsNotSweptIsOneIncidentOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.watched()
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 1, "5")
	w.complete(completed("harbor", 1, 1))
	for sweep := uint64(2); sweep < 7; sweep++ {
		w.complete(brokenOff(sweep, "transient", "page 2 is missing"))
	}
	w.complete(brokenOff(7, "auth_tenant", "login refused"))
	w.publish(overdue(8))
	w.complete(completed("harbor", 9, 1))
	w.settled()
	all := w.events()
	require.Equal(t, []string{"harbor tenant-1 r1 FAILED", "harbor tenant-1 r2 CHANGED", "harbor tenant-1 r3 RESOLVED"}, told(all))
	first := all[0]
	require.Equal(t, incidentv1.Scope_SCOPE_TENANT, first.GetScope())
	require.Equal(t, "own", first.GetCustomer().GetId())
	require.Equal(t, observed(4), first.GetOccurredAt().AsTime(), "the third incomplete sweep in a row")
	require.Equal(t, observed(1), first.GetLastCompleteSweepAt().AsTime())
	require.Equal(t, "page 2 is missing", first.GetConditions()[0].GetFindings()[0].GetErrors()[0].GetText())
	require.Equal(t, "login refused", all[1].GetConditions()[0].GetFindings()[0].GetErrors()[0].GetText())
	require.Equal(t, observed(9), all[2].GetLastCompleteSweepAt().AsTime())
}

func TestATenantOfWhichNothingIsHeardIsAnIncident(t *testing.T) {
	w := newWorld(t)
	w.watched()
	w.consume(w.handler(nil))
	w.publish(overdue(4))
	w.publish(overdue(5))
	w.complete(brokenOff(6, "auth_tenant", "login refused"))
	w.complete(completed("harbor", 7, 0))
	w.publish(overdue(8)) // of a watch that had not seen the sweep
	w.settled()
	all := w.events()
	require.Equal(t, []string{"harbor tenant-1 r1 FAILED", "harbor tenant-1 r2 CHANGED", "harbor tenant-1 r3 RESOLVED"}, told(all))
	require.Contains(t, all[0].GetConditions()[0].GetFindings()[0].GetErrorsUnavailable(), "no poller seems to be at work")
}

func TestATenantsIncidentSurvivesACrashAtAnyStepAndTwoEvaluators(t *testing.T) {
	for _, at := range []string{"before the write", "after the write", "before the event", "after the event"} {
		for _, forget := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, dedup forgot=%t", at, forget), func(t *testing.T) {
				t.Parallel() // most of it is the wait for redeliveries
				w := newWorld(t)
				w.watched()
				d := &dying{States: w.states, Tenants: w.tenants, Publisher: w.bus, at: at, forget: forget}
				d.left.Store(3)
				for range 2 {
					w.consume(w.handler(func(h *sweeps.Handler) { h.States, h.Tenants, h.Publisher = d, d.tenants(), d }))
				}
				for sweep := uint64(1); sweep < 6; sweep++ {
					w.complete(brokenOff(sweep, "transient", "page 2 is missing"))
				}
				w.complete(completed("harbor", 6, 0))
				w.settled()
				require.Equal(t, 2, identical(t, w.events()), told(w.events()))
				if !forget {
					require.Len(t, w.events(), 2)
				}
			})
		}
	}
}

func TestAccountsSumUpToTheEnumerationAndSayWhy(t *testing.T) {
	w := newWorld(t)
	w.policy(func(p *tenantv1.Policy) { p.ExcludeTrial = true })
	w.consume(w.handler(nil))
	w.snapshot("harbor", "1", 1, "5")
	w.snapshot("harbor", "2", 1, "2")
	trial := server("harbor", "3", 1, "5")
	trial.Customer.State = "InTrial"
	silent := server("harbor", "4", 1, "5")
	silent.Columns = silent.Columns[:1] // of which not even the type is told
	for _, s := range []*statusv1.Snapshot{trial, silent} {
		w.publish(bus.Message{
			Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: "harbor", Key: s.GetDeviceId()},
			ID:      "snapshot:harbor:" + s.GetDeviceId(), Body: s,
		})
	}
	w.complete(listing("harbor", 1, "1", "2", "3", "4", "5", "10"))
	second := listing("harbor", 2, "1", "3", "4", "5", "10")
	second.GoneDeviceIds = []string{"2"}
	w.complete(second)
	w.settled()
	accounts := w.accounts()
	require.Len(t, accounts, 2)
	for _, a := range accounts {
		require.Equal(t, a.GetDevices(), a.GetHealthy()+a.GetInTrouble()+a.GetExcluded()+a.GetUnknown())
		require.True(t, proto.Equal(&incidentv1.ReasonCount{Reason: "trial", Devices: 1}, a.GetExcludedReasons()[0]))
		require.Equal(t, []string{"4", "5", "10"}, a.GetUnknownIds())
		require.Equal(t, "device type not reported", a.GetUnknownReasons()[0].GetReason())
		require.True(t, proto.Equal(&incidentv1.ReasonCount{Reason: "not described yet", Devices: 2}, a.GetUnknownReasons()[1]))
	}
	require.EqualValues(t, 6, accounts[0].GetDevices())
	require.Equal(t, []uint32{1, 1, 1, 3}, []uint32{accounts[0].GetHealthy(), accounts[0].GetInTrouble(), accounts[0].GetExcluded(), accounts[0].GetUnknown()})
	require.EqualValues(t, 1, accounts[0].GetOpened())
	require.EqualValues(t, 5, accounts[1].GetDevices())
	require.EqualValues(t, 1, accounts[1].GetResolved())
	require.EqualValues(t, 1, accounts[1].GetGone())
}

// counting counts heartbeats.
type counting struct{ beats []string }

func (c *counting) Beat(s *tenantv1.Settings) { c.beats = append(c.beats, s.GetId()) }

func TestOnlyACompleteAndJudgedSweepBeats(t *testing.T) {
	w := newWorld(t)
	heart := &counting{}
	h := w.handler(func(h *sweeps.Handler) { h.Heart = heart })
	handle := func(s *statusv1.SweepCompleted) error {
		data, err := proto.Marshal(s)
		require.NoError(t, err)
		return h.Handle(t.Context(), bus.Delivery{Subject: sweepSubject(s), Data: data, Attempt: 1})
	}
	require.NoError(t, handle(brokenOff(1, "transient", "page 2 is missing")))
	require.NoError(t, handle(completed("lighthouse", 1, 0)), "a tenant without settings is not judged")
	require.Empty(t, heart.beats)
	require.NoError(t, handle(completed("harbor", 2, 0)))
	require.Equal(t, []string{"harbor"}, heart.beats)

	h.Publisher = refusingAccounts{w.bus}
	require.Equal(t, errclass.Transient, errclass.Of(handle(completed("harbor", 3, 0))))
	require.Len(t, heart.beats, 1, "a sweep whose account could not be told was not judged to its end")
}

// refusingAccounts cannot publish accounts.
type refusingAccounts struct{ sweeps.Publisher }

func (r refusingAccounts) Publish(ctx context.Context, m bus.Message) error {
	if m.Subject.Verb == bus.VerbJudged {
		return errclass.Newf(errclass.Transient, "publish", "no answer")
	}
	return r.Publisher.Publish(ctx, m)
}
