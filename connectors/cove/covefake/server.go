package covefake

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/covewise/covewise/platform/clock"
)

// Options are what a Server is made of.
type Options struct {
	// Clock is the time visas age by, relative times count from and delays pass on. Nil means the machine's.
	Clock clock.Clock
	// Logger gets one debug line per request, without secrets. Nil means none.
	Logger *slog.Logger
	// Username and Password are the one login that is good.
	Username, Password string
	// Partner is the partner name of the login, exact to the letter. Empty means the name of the fleet's root.
	Partner string
	// ControlToken protects the control API; empty leaves it open.
	ControlToken string
}

// Request is one request that the server received.
type Request struct {
	Time time.Time `json:"time"`
	// Verb and Path are of HTTP, without the query.
	Verb string `json:"verb"`
	Path string `json:"path"`
	// Method is the RPC method; empty where none could be read.
	Method string `json:"method"`
	// Device is the account the call names, or 0.
	Device int64 `json:"device,omitempty"`
}

// requestsKept bounds the request list; the counts go on beyond it.
const requestsKept = 10_000

// Server is a fake Cove server. It is safe for concurrent use.
type Server struct {
	options  Options
	clock    clock.Clock
	log      *slog.Logger
	mux      *http.ServeMux
	services map[string]service

	mu        sync.Mutex
	store     *store
	switches  Switches
	visas     *visas
	faults    faults
	requests  []Request
	counts    map[string]int
	ties      uint64 // grows with each statistics request, see Switches.UnstableTies
	badLogins int
	lockedTil time.Time
}

// New returns a server with a fleet of one reseller, partner 481200, and no devices.
func New(o Options) *Server {
	s := &Server{
		options: o, clock: o.Clock, log: o.Logger, visas: newVisas(),
		faults: newFaults(), counts: map[string]int{},
	}
	if s.clock == nil {
		s.clock = clock.System()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	name := o.Partner
	if name == "" {
		name = "Harbor IT (ops@harborit.example)"
	}
	root := Partner{ID: 481200, Name: name, Level: "Reseller"}
	s.store = newStore()
	s.store.root = root.ID
	_ = s.store.putPartner(root, s.clock.Now()) // cannot fail: the partner above is valid
	s.services = s.newServices()
	s.mux = s.routes()
	return s
}

// ServeHTTP answers the API and the control API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for path, svc := range s.services {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.serveRPC(w, r, svc) })
	}
	s.controlRoutes(mux)
	return mux
}

// Load replaces the fleet by a document; see Fleet. A bad document changes nothing.
func (s *Server) Load(r io.Reader) error {
	f, err := ReadFleet(r)
	if err != nil {
		return err
	}
	return s.SetFleet(f)
}

// SetFleet replaces the fleet. A bad fleet changes nothing.
func (s *Server) SetFleet(f Fleet) error {
	st, err := load(f, s.clock.Now())
	if err != nil {
		return fmt.Errorf("loading the fleet: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store = st
	return nil
}

// Device returns a copy of a device, with canonical codes and resolved times.
func (s *Server) Device(id int64) (Device, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.store.devices[id]
	if d == nil {
		return Device{}, false
	}
	return d.clone(), true
}

// Devices returns copies of all devices, by AccountId.
func (s *Server) Devices() []Device {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Device, 0, len(s.store.devices))
	for _, id := range slices.Sorted(maps.Keys(s.store.devices)) {
		list = append(list, s.store.devices[id].clone())
	}
	return list
}

// UpdateDevice lets change edit a device. Its Settings are under canonical codes (T0 is D09F00, TL is D09F09);
// use Device.Set to write by any spelling. The AccountId cannot change. Nothing happens when it errs.
// The server is locked meanwhile: change must not call it.
func (s *Server) UpdateDevice(id int64, change func(*Device)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.store.devices[id]
	if old == nil {
		return fmt.Errorf("device %d: %w", id, errMissing)
	}
	d := old.clone()
	change(&d)
	if d.AccountID != id {
		return fmt.Errorf("device %d: AccountId cannot change", id)
	}
	return s.store.putDevice(d, s.clock.Now())
}

// PutDevice adds a device or replaces the one of the same AccountId.
func (s *Server) PutDevice(d Device) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.putDevice(d, s.clock.Now())
}

// RemoveDevice removes a device with its sessions and says whether there was one.
func (s *Server) RemoveDevice(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.removeDevice(id)
}

// AddSession adds a session to a device. Its Plugin or M365 names the data source.
func (s *Server) AddSession(account int64, session Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.addSession(account, session, s.clock.Now())
}

// Partner returns a partner.
func (s *Server) Partner(id int64) (Partner, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.store.partners[id]
	if p == nil {
		return Partner{}, false
	}
	return *p, true
}

// PutPartner adds a partner or replaces the one of the same Id.
func (s *Server) PutPartner(p Partner) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.putPartner(p, s.clock.Now())
}

// Switches returns the switches as they are.
func (s *Server) Switches() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.switches.clone()
}

// SetSwitches replaces all switches.
func (s *Server) SetSwitches(w Switches) error {
	if err := w.check(); err != nil {
		return fmt.Errorf("setting switches: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.switches = w.clone()
	return nil
}

// ExpireVisas makes every visa issued so far useless.
func (s *Server) ExpireVisas() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visas.revokeAll()
}

// Requests returns the newest 10,000 requests of the API (not of the control API), oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests[max(0, len(s.requests)-requestsKept):])
}

// Counts returns the number of requests by RPC method, those that a fault spoilt included. Requests without a
// readable method are counted under "".
func (s *Server) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// ResetCounts forgets the requests and their counts.
func (s *Server) ResetCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.counts = nil, map[string]int{}
}

func (s *Server) note(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) >= 2*requestsKept {
		s.requests = slices.Clone(s.requests[len(s.requests)-requestsKept:])
	}
	s.requests = append(s.requests, r)
	s.counts[r.Method]++
}

// Set writes a value under a column code in any spelling; an empty value removes it. The value may be a time
// before now such as "@-2h". An unknown code is kept as it is and refused when the device is stored.
func (d *Device) Set(code, value string) {
	if d.Settings == nil {
		d.Settings = map[string]string{}
	}
	if known, ok := canonicalCode(code); ok {
		code = known
	}
	if value == "" {
		delete(d.Settings, code)
		return
	}
	d.Settings[code] = value
}
