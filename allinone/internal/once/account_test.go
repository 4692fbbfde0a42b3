package once

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

var now = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

func event(revision uint32) *incidentv1.Event {
	return &incidentv1.Event{Revision: revision, Customer: &statusv1.Customer{Id: "7", Name: "Quill"}}
}

func ledger(phase ticketv1.Phase, park *ticketv1.Park) *ticketv1.Ledger {
	return &ticketv1.Ledger{Tenant: "harbor", DeviceId: "1", IncidentId: "1-1", Phase: phase, Park: park, Wanted: event(1)}
}

func parked(reason ticketv1.ParkReason, until time.Duration) *ticketv1.Park {
	return &ticketv1.Park{Reason: reason, Until: timestamppb.New(now.Add(until)), Detail: "the detail"}
}

func TestWhatIsStillToBeDone(t *testing.T) {
	linked := &companyv1.Link{State: companyv1.LinkState_LINK_STATE_LINKED}
	missing := &companyv1.Link{State: companyv1.LinkState_LINK_STATE_MISSING}
	shown := ledger(ticketv1.Phase_PHASE_OPEN, nil)
	shown.Shown = event(1)
	outdated := ledger(ticketv1.Phase_PHASE_OPEN, nil)
	outdated.Shown, outdated.Wanted = event(1), event(2)
	cases := map[string]struct {
		ledger *ticketv1.Ledger
		link   *companyv1.Link
		mode   tenantv1.Mode // unspecified: no tenant
		want   string
	}{
		"a new incident has its ticket before it":               {ledger(ticketv1.Phase_PHASE_NEW, nil), nil, tenantv1.Mode_MODE_LIVE, "its ticket is being written"},
		"a create of this moment ends soon":                     {ledger(ticketv1.Phase_PHASE_CREATING, nil), nil, tenantv1.Mode_MODE_LIVE, "its ticket is being written"},
		"a ticket that shows what is wanted is done":            {shown, nil, tenantv1.Mode_MODE_LIVE, ""},
		"a ticket that lags behind is not":                      {outdated, nil, tenantv1.Mode_MODE_LIVE, "its ticket is being written"},
		"a close under way ends soon":                           {ledger(ticketv1.Phase_PHASE_CLOSING, nil), nil, tenantv1.Mode_MODE_LIVE, "its ticket is being written"},
		"a closed ticket is done":                               {ledger(ticketv1.Phase_PHASE_CLOSED, nil), nil, tenantv1.Mode_MODE_LIVE, ""},
		"what was dropped is done":                              {ledger(ticketv1.Phase_PHASE_DROPPED, nil), nil, tenantv1.Mode_MODE_LIVE, ""},
		"what was handed over is done":                          {ledger(ticketv1.Phase_PHASE_HANDED_OVER, nil), nil, tenantv1.Mode_MODE_LIVE, ""},
		"an unknown outcome is waited for":                      {ledger(ticketv1.Phase_PHASE_CREATING, parked(ticketv1.ParkReason_PARK_REASON_OUTCOME, time.Minute)), nil, tenantv1.Mode_MODE_LIVE, "the detail"},
		"a rate limit is waited for":                            {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_RATE_LIMITED, time.Minute)), nil, tenantv1.Mode_MODE_LIVE, "the detail"},
		"a turn is waited for":                                  {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_YIELDED, time.Minute)), nil, tenantv1.Mode_MODE_LIVE, "the detail"},
		"a server that is down is not":                          {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, time.Minute)), nil, tenantv1.Mode_MODE_LIVE, ""},
		"but what is due is":                                    {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_UNAVAILABLE, 0)), nil, tenantv1.Mode_MODE_LIVE, "its wait is over"},
		"wrong keys are not waited for":                         {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_AUTH, time.Minute)), nil, tenantv1.Mode_MODE_LIVE, ""},
		"a refusal is not waited for":                           {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_REJECTED, time.Minute)), nil, tenantv1.Mode_MODE_LIVE, ""},
		"an unmapped customer is not waited for":                {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_COMPANY, time.Minute)), missing, tenantv1.Mode_MODE_LIVE, ""},
		"a company nobody could be asked for is not waited for": {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_COMPANY, time.Minute)), &companyv1.Link{Reason: "HTTP 401"}, tenantv1.Mode_MODE_LIVE, ""},
		"a company that has just been found is taken":           {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_COMPANY, time.Minute)), linked, tenantv1.Mode_MODE_LIVE, "its customer has a company now"},
		"shadow mode is not waited for":                         {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_SHADOW, time.Hour)), nil, tenantv1.Mode_MODE_SHADOW, ""},
		"going live is acted upon":                              {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_SHADOW, time.Hour)), nil, tenantv1.Mode_MODE_LIVE, "the tenant has gone live"},
		"a tenant that is gone is not waited for":               {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_NO_TENANT, 0)), nil, 0, ""},
		"a tenant that is back is":                              {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_NO_TENANT, time.Hour)), nil, tenantv1.Mode_MODE_LIVE, "the tenant has settings now"},
		"what is due of a tenant that is gone stays as is":      {ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_AUTH, 0)), nil, 0, ""},
	}
	for says, c := range cases {
		t.Run(says, func(t *testing.T) {
			s := newState(now, time.Time{})
			if c.link != nil {
				s.links["harbor.7"] = c.link
			}
			if c.mode != tenantv1.Mode_MODE_UNSPECIFIED {
				s.settings["harbor"] = &tenantv1.Settings{Id: "harbor", Mode: c.mode}
			}
			require.Equal(t, c.want, s.toDo(c.ledger))
		})
	}
}

func TestACompanyThatNobodyCouldBeAskedForIsAskedForAnew(t *testing.T) {
	s := newState(now, now.Add(time.Minute))
	s.links["harbor.7"] = &companyv1.Link{Reason: "ConnectWise could not be asked: HTTP 401"}
	s.settings["harbor"] = &tenantv1.Settings{Id: "harbor", Mode: tenantv1.Mode_MODE_LIVE}
	l := ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_COMPANY, time.Minute))
	l.UpdatedAt = timestamppb.New(now)
	require.Equal(t, "what failed before is tried again", s.toDo(l))
	l.UpdatedAt = timestamppb.New(now.Add(2 * time.Minute))
	require.Empty(t, s.toDo(l))
}

// What concerns no single customer has a company only if the settings name it, so that its wait is a fault of theirs.
func TestAnIncidentOfTheMSPItselfWithoutACompanyIsAFailure(t *testing.T) {
	before, after := newState(now, time.Time{}), newState(now, now.Add(time.Minute))
	l := ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_COMPANY, time.Minute))
	l.Wanted.Customer = &statusv1.Customer{Id: "own"}
	after.ledgers["group"] = l
	after.links["harbor.own"] = &companyv1.Link{State: companyv1.LinkState_LINK_STATE_MISSING, Reason: `your own company "Nope" does not exist`}
	after.settings["harbor"] = &tenantv1.Settings{Id: "harbor", Mode: tenantv1.Mode_MODE_LIVE}
	const why = `your own company "Nope" does not exist; write the identifier of your own company in ConnectWise into companies.own`
	require.Equal(t, "harbor: incomplete ("+why+"); 0 devices, 0 in trouble; tickets: 0 created, 0 annotated, 0 closed; 1 waiting:\n  1: "+why,
		account(&statusv1.SweepCompleted{Tenant: "harbor", Complete: true}, before, after, "").String())
	require.Empty(t, after.toDo(l), "no wait helps")
}

func TestTheAccountOfATenant(t *testing.T) {
	before, after := newState(now, time.Time{}), newState(now, time.Time{})
	put := func(s state, key string, phase ticketv1.Phase, ticket int64, shown uint32, park *ticketv1.Park) {
		l := ledger(phase, park)
		l.TicketId = ticket
		if shown > 0 {
			l.Shown = event(shown)
		}
		s.ledgers[key] = l
	}
	put(before, "unchanged", ticketv1.Phase_PHASE_OPEN, 10, 1, nil)
	put(after, "unchanged", ticketv1.Phase_PHASE_OPEN, 10, 1, nil)
	put(after, "created", ticketv1.Phase_PHASE_OPEN, 11, 1, nil)
	put(after, "adopted", ticketv1.Phase_PHASE_OPEN, 17, 1, nil)
	after.ledgers["adopted"].TakenUp = true
	put(before, "annotated", ticketv1.Phase_PHASE_OPEN, 12, 1, nil)
	put(after, "annotated", ticketv1.Phase_PHASE_OPEN, 12, 2, nil)
	put(before, "closed", ticketv1.Phase_PHASE_OPEN, 13, 1, nil)
	put(after, "closed", ticketv1.Phase_PHASE_CLOSED, 13, 2, nil)
	put(before, "closed long ago", ticketv1.Phase_PHASE_CLOSED, 14, 2, nil)
	put(after, "closed long ago", ticketv1.Phase_PHASE_CLOSED, 14, 2, nil)
	put(after, "both", ticketv1.Phase_PHASE_CLOSED, 15, 2, nil)
	put(after, "waits", ticketv1.Phase_PHASE_NEW, 0, 0, parked(ticketv1.ParkReason_PARK_REASON_COMPANY, 0))
	put(after, "waits too", ticketv1.Phase_PHASE_NEW, 0, 0, parked(ticketv1.ParkReason_PARK_REASON_COMPANY, 0))
	put(after, "has no rights", ticketv1.Phase_PHASE_OPEN, 16, 1, parked(ticketv1.ParkReason_PARK_REASON_AUTH, 0))
	put(before, "has no rights", ticketv1.Phase_PHASE_OPEN, 16, 1, nil)
	after.links["harbor.7"] = &companyv1.Link{
		State: companyv1.LinkState_LINK_STATE_MISSING, Reason: "no company is called so", Customer: &statusv1.Customer{Name: "Quill"},
	}
	after.devices["1"] = &incidentv1.DeviceState{Tenant: "harbor", Open: event(1)}
	after.devices["2"] = &incidentv1.DeviceState{Tenant: "harbor"}
	after.devices["3"] = &incidentv1.DeviceState{Tenant: "harbor", Open: event(1), Gone: true}
	after.devices["4"] = &incidentv1.DeviceState{Tenant: "other", Open: event(1)}

	done := &statusv1.SweepCompleted{Tenant: "harbor", Complete: true, Devices: 2}
	require.Equal(t, `harbor: incomplete (the detail); 2 devices, 1 in trouble; tickets: 2 created, 1 adopted, 1 annotated, 2 closed; `+
		`3 waiting:`+"\n"+`  2: customer "Quill" has no ConnectWise company: no company is called so; link one with covewise companies link, or name one by CWM:<id> in the customer's reference in Cove`+"\n"+`  1: the detail`, account(done, before, after, "").String())

	delete(after.ledgers, "has no rights")
	require.True(t, account(done, before, after, "").Complete, "waiting for a person's decision about a company is no failure")
	for _, key := range []string{"created", "both", "unchanged"} {
		after.ledgers[key].Remarks = []string{"No agreement is set."}
	}
	require.Contains(t, account(done, before, after, "").String(), "\n  made otherwise than the settings say, 2: No agreement is set.", "those of this run")
	after.links["harbor.7"].State = companyv1.LinkState_LINK_STATE_UNSPECIFIED
	require.Equal(t, "no company is called so", account(done, before, after, "").Reason, "ConnectWise could not be asked")

	bad := account(&statusv1.SweepCompleted{Tenant: "harbor", Failure: "Cove is down"}, before, after, "")
	require.False(t, bad.Complete)
	require.Contains(t, bad.String(), "harbor: incomplete (Cove is down); 2 devices, 1 in trouble; ")

	late := account(done, before, after, "not finished")
	require.False(t, late.Complete)
	require.Contains(t, late.String(), "harbor: incomplete (not finished); ")

	quiet := account(&statusv1.SweepCompleted{Tenant: "quiet", Complete: true, Devices: 5}, before, after, "")
	require.Equal(t, "quiet: complete; 5 devices, 0 in trouble; tickets: 0 created, 0 annotated, 0 closed", quiet.String())
}

func TestWhatFailedBeforeThisRunIsWaitedFor(t *testing.T) {
	s := newState(now, now.Add(-time.Minute))
	s.settings["harbor"] = &tenantv1.Settings{Id: "harbor"}
	l := ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_REJECTED, time.Hour))
	l.UpdatedAt = timestamppb.New(now.Add(-time.Hour))
	require.Equal(t, "what failed before is tried again", s.toDo(l))
	l.UpdatedAt = timestamppb.New(now.Add(-time.Second))
	require.Empty(t, s.toDo(l), "it has failed in this run")
}

func TestARollUpIsWaitedForUntilItIsUpToDate(t *testing.T) {
	capped := ledger(ticketv1.Phase_PHASE_NEW, parked(ticketv1.ParkReason_PARK_REASON_CAPPED, time.Minute))
	made, over := ledger(ticketv1.Phase_PHASE_OPEN, nil), ledger(ticketv1.Phase_PHASE_CLOSED, nil)
	for _, l := range []*ticketv1.Ledger{made, over} {
		l.DeviceId, l.IncidentId = "rollup", "rollup-1"
		l.Shown = l.GetWanted()
	}
	over.Wanted.Kind = incidentv1.EventKind_EVENT_KIND_RESOLVED
	const pending = "the roll-up ticket of harbor is not up to date yet"
	for says, c := range map[string]struct {
		ledgers []*ticketv1.Ledger
		want    string
	}{
		"there is none yet":               {[]*ticketv1.Ledger{capped}, pending},
		"the last one is over":            {[]*ticketv1.Ledger{capped, over}, pending},
		"it stands for those that wait":   {[]*ticketv1.Ledger{capped, made}, ""},
		"nobody waits any more":           {[]*ticketv1.Ledger{made}, pending},
		"it is over and nobody waits":     {[]*ticketv1.Ledger{over}, ""},
		"there was none and nobody waits": {nil, ""},
	} {
		t.Run(says, func(t *testing.T) {
			s := newState(now, now)
			s.settings["harbor"] = &tenantv1.Settings{Id: "harbor", Mode: tenantv1.Mode_MODE_LIVE}
			for i, l := range c.ledgers {
				s.ledgers[string(rune('a'+i))] = l
			}
			require.Equal(t, c.want, s.busy())
		})
	}
}
