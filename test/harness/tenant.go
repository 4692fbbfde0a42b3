package harness

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/clock/clocktest"
	"github.com/covewise/covewise/platform/tenant"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/test/openapi"
)

// The set-up of every tenant, as its document would say it. The boards and the like are those of the fake's default
// seed.
const (
	Board               = "Service Desk"
	NewStatus           = "New"
	ClosedStatus        = "Closed"
	PriorityServer      = "Priority 1 - Critical"
	PriorityWorkstation = "Priority 3 - Normal"
	PriorityM365        = "Priority 2 - Quick Response"

	// pollInterval is shorter than a document may say, so that stories are short on the machine's clock. A larger fleet
	// gets more time: when sweeps come faster than they are judged, under the race detector on a busy machine, nothing
	// is ever calm.
	pollInterval = 300 * time.Millisecond
	pollDevice   = 30 * time.Millisecond
	// handInterval is the interval on a clock that is moved by hand: the product's default.
	handInterval = 15 * time.Minute
)

// Tenant is an MSP with its two servers.
type Tenant struct {
	ID   string
	Cove *covefake.Server
	PSA  *cwfake.Server

	h *Harness
}

// AddTenant starts a tenant's fakes with a fleet and companies, and then writes its settings, live and with the
// defaults of the tenant document. change, which may be nil, edits the settings before they are written.
func (h *Harness) AddTenant(id string, fleet covefake.Fleet, companies []cwfake.Company, change func(*tenantv1.Settings)) *Tenant {
	h.t.Helper()
	const username, password, company = "psa-sync", "a-token-of-cove", "harbor"
	tn := &Tenant{
		ID: id, h: h,
		Cove: covefake.New(covefake.Options{Clock: h.Clock, Username: username, Password: password}),
		PSA:  cwfake.New(cwfake.Options{Clock: h.Clock, Company: company, PublicKey: "public-" + id, PrivateKey: "private-" + id}),
	}
	require.NoError(h.t, tn.Cove.SetFleet(fleet))
	for _, c := range companies {
		_, err := tn.PSA.AddCompany(c)
		require.NoError(h.t, err)
	}
	dir := h.t.TempDir()
	secret := func(name, value string) tenant.SecretRef {
		ref := tenant.SecretRef{Field: name, File: filepath.Join(dir, name)}
		require.NoError(h.t, os.WriteFile(ref.File, []byte(value+"\n"), 0o600))
		return ref
	}
	doc := tenant.Defaults()
	doc.ID, doc.Mode = id, tenant.Live
	doc.Cove.URL, doc.Cove.Username, doc.Cove.Password = h.serve(tn.Cove)+"/jsonapi", username, secret("cove.secret", password)
	doc.ConnectWise = tenant.ConnectWise{
		URL: h.serve(openapi.Judged(h.t, tn.PSA)), Company: company, ClientID: cwfake.DefaultClientID,
		PublicKey: secret("cw.pub", "public-"+id), PrivateKey: secret("cw.key", "private-"+id),
	}
	doc.Tickets.Board, doc.Tickets.NewStatus, doc.Tickets.ClosedStatus = Board, NewStatus, ClosedStatus
	doc.Tickets.Priorities = tenant.Priorities{Server: PriorityServer, Workstation: PriorityWorkstation, M365: PriorityM365}
	settings := doc.Settings()
	settings.PollInterval = durationpb.New(pollInterval + time.Duration(len(fleet.Devices))*pollDevice)
	if _, byHand := h.Clock.(*clocktest.Clock); byHand {
		settings.PollInterval = durationpb.New(handInterval)
	}
	if change != nil {
		change(settings)
	}
	h.tenants = append(h.tenants, tn)
	_, err := h.settings.Put(h.ctx(), bus.Key(id), settings, 0)
	require.NoError(h.t, err)
	return tn
}

// TicketPerDevice is a change of settings for stories in which many devices fail alike and each shall have its ticket.
func TicketPerDevice(s *tenantv1.Settings) {
	s.Policy.Group = &tenantv1.GroupPolicy{Join: tenantv1.GroupJoin_GROUP_JOIN_OFF}
}

// TicketPerTrouble is a change of settings for stories in which a device fails again and again within seconds and each
// trouble shall have its ticket: nothing counts as flapping, and no closed ticket comes back.
func TicketPerTrouble(s *tenantv1.Settings) {
	s.Policy.Tenant = map[string]string{"flap.changes": "0"}
	s.Tickets.ReopenWithin = nil
}

func (h *Harness) serve(handler http.Handler) string {
	server := httptest.NewServer(handler)
	h.t.Cleanup(server.Close)
	return server.URL
}

// Change edits the tenant's settings, as applying another document would.
func (tn *Tenant) Change(edit func(*tenantv1.Settings)) {
	tn.h.t.Helper()
	_, err := tn.h.settings.Update(tn.h.ctx(), bus.Key(tn.ID), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
		edit(s)
		return s, nil
	})
	require.NoError(tn.h.t, err)
}

// Lease is the poller's record of the tenant; nil before its first sweep.
func (tn *Tenant) Lease() *statusv1.PollLease {
	tn.h.t.Helper()
	l, _, err := tn.h.leases.Get(tn.h.ctx(), bus.Key(tn.ID))
	require.NoError(tn.h.t, err)
	return l
}

// Ledgers are the ticketer's records of the tenant, by incident.
func (tn *Tenant) Ledgers() map[string]*ticketv1.Ledger {
	tn.h.t.Helper()
	all := map[string]*ticketv1.Ledger{}
	require.NoError(tn.h.t, tn.h.ledgers.Each(tn.h.ctx(), bus.Key(tn.ID)+".>", func(e bus.Entry[*ticketv1.Ledger]) error {
		all[e.Value.GetIncidentId()] = e.Value
		return nil
	}))
	return all
}

// Ledger is the record of a device's only incident.
func (tn *Tenant) Ledger(device int64) *ticketv1.Ledger {
	tn.h.t.Helper()
	var found *ticketv1.Ledger
	for _, l := range tn.Ledgers() {
		if l.GetDeviceId() == fmt.Sprint(device) {
			require.Nil(tn.h.t, found, "device %d has more than one incident", device)
			found = l
		}
	}
	require.NotNil(tn.h.t, found, "device %d has no incident", device)
	return found
}

// States are the evaluator's records of the tenant, by device.
func (tn *Tenant) States() map[string]*incidentv1.DeviceState {
	tn.h.t.Helper()
	all := map[string]*incidentv1.DeviceState{}
	require.NoError(tn.h.t, tn.h.states.Each(tn.h.ctx(), bus.Key(tn.ID)+".>", func(e bus.Entry[*incidentv1.DeviceState]) error {
		all[e.Value.GetDeviceId()] = e.Value
		return nil
	}))
	return all
}

// Links are company-sync's answers, by customer.
func (tn *Tenant) Links() map[string]*companyv1.Link {
	tn.h.t.Helper()
	all := map[string]*companyv1.Link{}
	require.NoError(tn.h.t, tn.h.links.Each(tn.h.ctx(), bus.Key(tn.ID)+".>", func(e bus.Entry[*companyv1.Link]) error {
		all[e.Value.GetCustomer().GetId()] = e.Value
		return nil
	}))
	return all
}

// AskAgain has company-sync asked about a customer anew, as if its refusal had grown old by itself: the answer is made
// older, and the question is put again.
func (tn *Tenant) AskAgain(customer string) {
	tn.h.t.Helper()
	const old = 11 * time.Minute
	link, err := tn.h.links.Update(tn.h.ctx(), bus.Key(tn.ID, customer), func(l *companyv1.Link) (*companyv1.Link, error) {
		l.CheckedAt = timestamppb.New(l.GetCheckedAt().AsTime().Add(-old))
		return l, nil
	})
	require.NoError(tn.h.t, err)
	require.NoError(tn.h.t, tn.h.bus.Publish(tn.h.ctx(), bus.Message{
		Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbWanted, Tenant: tn.ID, Key: customer},
		ID:      "harness:" + nuid.Next(),
		Body:    &companyv1.Wanted{SchemaVersion: 1, Tenant: tn.ID, Customer: link.GetCustomer(), AskedAt: timestamppb.New(tn.h.Clock.Now())},
	}))
}

// Ticket is the tenant's only ticket.
func (tn *Tenant) Ticket() cwfake.Ticket {
	tn.h.t.Helper()
	tickets := tn.PSA.Tickets()
	require.Len(tn.h.t, tickets, 1, "tenant %s: tickets", tn.ID)
	return tickets[0]
}

// TicketOf is the ticket of a device's only incident.
func (tn *Tenant) TicketOf(device int64) cwfake.Ticket {
	tn.h.t.Helper()
	l := tn.Ledger(device)
	ticket, found := tn.PSA.Ticket(int(l.GetTicketId()))
	require.True(tn.h.t, found, "device %d has no ticket: %s, %s %s", device, l.GetPhase(), l.GetPark().GetReason(), l.GetPark().GetDetail())
	return ticket
}

// TicketOfOpen is the ticket of a device's open incident.
func (tn *Tenant) TicketOfOpen(device int64) cwfake.Ticket {
	tn.h.t.Helper()
	open := tn.States()[fmt.Sprint(device)].GetOpen()
	require.NotNil(tn.h.t, open, "device %d has no open incident", device)
	l := tn.Ledgers()[open.GetIncidentId()]
	ticket, found := tn.PSA.Ticket(int(l.GetTicketId()))
	require.True(tn.h.t, found, "incident %s has no ticket", open.GetIncidentId())
	return ticket
}

// Page reads a list of the console's API into a value.
func (h *Harness) Page(path string, into any) {
	h.t.Helper()
	h.Settles("the console answers "+path, func() string {
		if err := Page(h.ctx(), h.runtime.consoleURL()+path, into); err != nil {
			return err.Error()
		}
		return ""
	})
}
