package chaos_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/tenant"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// respectFor is how long a closing by hand is respected where the schedule says so.
const respectFor = time.Hour

// The companies of every tenant; each customer has the one of its name.
const (
	firstCompany  = "NorthgateDental"
	secondCompany = "SouthgateLaw"
)

func customers() []*statusv1.Customer {
	return []*statusv1.Customer{
		{Id: "701", Name: "Northgate Dental", Level: "EndCustomer", State: "InProduction"},
		{Id: "702", Name: "Southgate Law", Level: "EndCustomer", State: "InProduction"},
	}
}

// msp is a tenant: its devices as they are, its ConnectWise server, and what people did there.
type msp struct {
	world     *world
	id        string
	fake      *cwfake.Server
	gate      *gateway
	web       *httptest.Server
	cove      *covefake.Server // nil: the harness takes Cove's and the poller's part
	coveWeb   *httptest.Server
	devices   []*device
	sweeps    uint64
	handClose tenantv1.HandClose
	deletion  tenantv1.Deleted
	catchAll  string
	moveHome  bool
	cap       int
	capped    bool                  // an incident waited for the next hour
	foreign   []int                 // tickets that people made: two open ones, two that are closed
	priors    map[int]prior         // those that stand for devices
	before    map[int]cwfake.Ticket // both as they were
	failed    map[string]bool       // devices that failed at some time
	ordered   []order               // faults of the servers

	mu sync.Mutex
	people
}

func secrets(name string) (string, bool) {
	value, known := map[string]string{"CW_PUBLIC": cwfake.DefaultPublicKey, "CW_PRIVATE": cwfake.DefaultPrivateKey, "COVE": covePassword, "CW_TOKEN": callbackToken}[name]
	return value, known
}

func (w *world) newTenant(s schedule, n int, planted string) (*msp, error) {
	m := &msp{
		world: w, id: fmt.Sprintf("t%d-%x", n, s.Seed), fake: cwfake.New(cwfake.Options{Clock: w.servers}),
		handClose: s.HandClose, deletion: s.Deleted, catchAll: s.CatchAll, moveHome: s.MoveHome, cap: s.Cap,
		before: map[int]cwfake.Ticket{}, priors: map[int]prior{}, failed: map[string]bool{}, people: newPeople(),
	}
	for i := range customers() {
		if _, err := m.fake.AddCompany(company(i)); err != nil {
			return nil, err
		}
	}
	for i := range 4 {
		id, err := m.fake.Person("").CreateTicket(cwfake.NewTicket{
			Summary: fmt.Sprintf("Backup of srv-%d is slow", i), CompanyIdentifier: []string{firstCompany, secondCompany}[i%2], Description: "by phone",
		})
		if err != nil {
			return nil, err
		}
		if i >= 2 { // long over
			if err := m.fake.Person("").Close(id, ""); err != nil {
				return nil, err
			}
		}
		m.foreign = append(m.foreign, id)
		m.before[id], _ = m.fake.Ticket(id)
	}
	for i := n; i < s.Devices; i += s.Tenants {
		m.devices = append(m.devices, &device{id: strconv.Itoa(2001 + i), number: i})
	}
	m.gate = &gateway{server: m.fake, activity: &w.activity, requests: &w.figures.requests, figures: w.figures, repeats: planted}
	if s.Pipeline {
		if err := m.addCove(); err != nil {
			return nil, err
		}
	}
	m.web = httptest.NewServer(m.gate)
	_, err := w.settings.Put(w.ctx, bus.Key(m.id), m.settings(s), 0)
	return m, err
}

func (m *msp) settings(s schedule) *tenantv1.Settings {
	doc := tenant.Defaults()
	doc.ID, doc.Mode = m.id, tenant.Live
	doc.ConnectWise = tenant.ConnectWise{
		URL: m.web.URL, Company: cwfake.DefaultCompany, ClientID: cwfake.DefaultClientID,
		PublicKey: tenant.SecretRef{Env: "CW_PUBLIC"}, PrivateKey: tenant.SecretRef{Env: "CW_PRIVATE"},
	}
	if m.cove != nil {
		doc.Cove.URL, doc.Cove.Username, doc.Cove.Password = m.coveWeb.URL+"/jsonapi", coveLogin, tenant.SecretRef{Env: "COVE"}
	}
	doc.Tickets.Board, doc.Tickets.NewStatus, doc.Tickets.ClosedStatus = "Service Desk", "New", "Closed"
	doc.Tickets.Priorities = tenant.Priorities{
		Server: "Priority 1 - Critical", Workstation: "Priority 3 - Normal", M365: "Priority 2 - Quick Response",
	}
	// What would make one incident of several, or hold one open, is no matter here.
	doc.Policy.Values = map[string]string{"flap.changes": "0"}
	doc.Policy.Group.Join, doc.Policy.NotSweptAfter = tenant.JoinOff, 0
	doc.Companies.Own = ownCompany
	if s.CatchAll != "" {
		doc.Companies.CatchAll, doc.Companies.MoveHome = ownCompany, s.MoveHome
		doc.Companies.CatchAllAfter, _ = time.ParseDuration(s.CatchAll) // the schedule's own spelling
	}
	if m.world.door != nil {
		doc.ConnectWise.Callbacks = tenant.Callbacks{URL: m.world.door.URL, Token: tenant.SecretRef{Env: "CW_TOKEN"}}
	}
	all := doc.Settings()
	all.Tickets.OnHandClose, all.Tickets.OnDeleted, all.Tickets.RespectFor = s.HandClose, s.Deleted, durationpb.New(respectFor)
	all.Tickets.ReopenWithin = durationpb.New(0)
	if s.Cap > 0 {
		all.Tickets.HourlyCap = uint32(s.Cap)
	}
	if s.Reopen {
		all.Tickets.ReopenWithin = durationpb.New(24 * time.Hour)
	}
	return all
}

// deviceOf returns a schedule's device with its tenant.
func (w *world) deviceOf(number int) (*msp, *device) {
	for _, m := range w.tenants {
		for _, d := range m.devices {
			if d.number == number {
				return m, d
			}
		}
	}
	return w.tenants[0], w.tenants[0].devices[0]
}

// sweep publishes how every device stands, and the end of the sweep, as the poller does; or has the poller do it.
func (m *msp) sweep() error {
	for _, d := range m.devices {
		d.seen(!m.world.pipeline)
	}
	if m.cove != nil {
		return m.askPoller()
	}
	m.sweeps++
	at := m.world.clock.Now()
	var messages []bus.Message
	var ids []string
	for _, d := range m.devices {
		if d.failing < 0 {
			continue
		}
		ids = append(ids, d.id)
		messages = append(messages, bus.Message{
			Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSnapshot, Tenant: m.id, Key: d.id},
			ID:      fmt.Sprintf("snapshot:%s:%s:%d", m.id, d.id, m.sweeps), Body: m.snapshot(d, at),
		})
	}
	messages = append(messages, bus.Message{
		Subject: bus.Subject{Family: bus.Status, Verb: bus.VerbSweep, Tenant: m.id, Key: strconv.FormatUint(m.sweeps, 10)},
		ID:      fmt.Sprintf("sweep:%s:%d", m.id, m.sweeps),
		Body: &statusv1.SweepCompleted{
			SchemaVersion: 1, Tenant: m.id, Sweep: m.sweeps, ObservedAt: timestamppb.New(at), FinishedAt: timestamppb.New(at), Complete: true,
			Devices: uint32(len(ids)), DeviceIds: ids, Interval: durationpb.New(15 * time.Minute),
		},
	})
	return m.world.bus.PublishAll(m.world.ctx, messages)
}

// snapshot is what Cove would say about a device.
func (m *msp) snapshot(d *device, at time.Time) *statusv1.Snapshot {
	s := &statusv1.Snapshot{
		SchemaVersion: 1, Tenant: m.id, DeviceId: d.id, Source: "cove", Sweep: m.sweeps, ObservedAt: timestamppb.New(at),
		Customer: customers()[d.number%2], PartnerId: customers()[d.number%2].GetId(),
	}
	for code, value := range d.columns(func(ago time.Duration) string { return strconv.FormatInt(at.Add(-ago).Unix(), 10) }) {
		s.Columns = append(s.Columns, &statusv1.Column{Code: code, Value: value})
	}
	slices.SortFunc(s.Columns, func(a, b *statusv1.Column) int { return strings.Compare(a.GetCode(), b.GetCode()) })
	for _, t := range d.troubles() {
		s.SourceErrors = append(s.SourceErrors, &statusv1.SourceErrors{
			SourceCode: t.Source, SessionStatus: "Failed", ErrorsTotal: t.Count, Errors: []*statusv1.SessionError{{Text: t.Text, Count: t.Count}},
		})
	}
	return s
}
