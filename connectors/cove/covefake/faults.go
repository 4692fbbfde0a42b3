package covefake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// FaultKind is a way to misbehave.
type FaultKind string

// The ways to misbehave.
const (
	// FaultRPCError answers the error of Code, Data and Message with HTTP 200.
	FaultRPCError FaultKind = "rpc_error"
	// FaultHTML answers 200 with a page in HTML.
	FaultHTML FaultKind = "html"
	// FaultHTTPStatus answers Status, with Retry-After where RetryAfter is set.
	FaultHTTPStatus FaultKind = "http_status"
	// FaultTruncated carries the call out, announces the whole answer, sends half of it and ends the connection.
	FaultTruncated FaultKind = "truncated"
	// FaultEmpty answers 200 with no body.
	FaultEmpty FaultKind = "empty"
	// FaultDrop closes the connection without an answer.
	FaultDrop FaultKind = "drop"
	// FaultSlow holds the call for DelaySeconds, or, if that is 0, until Release; then it goes on as usual.
	FaultSlow FaultKind = "slow"
	// FaultExpiredVisa answers 1701 and makes the visa that was presented useless.
	FaultExpiredVisa FaultKind = "expired_visa"
	// FaultMissingRow leaves Rows rows out of the middle of a statistics page. Totals stay true.
	FaultMissingRow FaultKind = "missing_row"
	// FaultRepeatedRow overwrites the last Rows rows of a statistics page with its first. Totals stay true.
	FaultRepeatedRow FaultKind = "repeated_row"
	// FaultReordered turns a statistics page upside down.
	FaultReordered FaultKind = "reordered"
	// FaultShortPage ends a statistics page after Rows rows (0 = half of them) although more follow. Totals stay true.
	FaultShortPage FaultKind = "short_page"
	// FaultNoDevices answers statistics with success, no row, and Totals of nothing.
	FaultNoDevices FaultKind = "no_devices"
	// FaultNodeDown closes the connection of calls to storage nodes.
	FaultNodeDown FaultKind = "node_down"
)

var pageFaults = []FaultKind{FaultMissingRow, FaultRepeatedRow, FaultReordered, FaultShortPage, FaultNoDevices}

// Fault is one order to misbehave. Faults with a number of Times form a queue, first come, first served; those
// without stand until cleared and apply when no queued one does. Each call meets one fault at most.
type Fault struct {
	// ID is given by the server.
	ID int `json:"id"`
	// Match is the RPC method it applies to; empty means all.
	Match string `json:"match"`
	// Device restricts it to calls that name this account; 0 means any.
	Device int64 `json:"device,omitempty"`
	// Skip is the number of matching calls to let pass first.
	Skip int `json:"skip,omitempty"`
	// Times is how often it applies; 0 means until cleared.
	Times int       `json:"times"`
	Kind  FaultKind `json:"kind"`
	// Code (0 = -32603), Data and Message are those of FaultRPCError.
	Code    int    `json:"code,omitempty"`
	Data    int    `json:"data,omitempty"`
	Message string `json:"message,omitempty"`
	// Status and RetryAfter (seconds) are those of FaultHTTPStatus.
	Status     int `json:"status,omitempty"`
	RetryAfter int `json:"retryAfter,omitempty"`
	// DelaySeconds is that of FaultSlow, on the server's clock.
	DelaySeconds float64 `json:"delaySeconds,omitempty"`
	// Rows is the number of rows of FaultMissingRow and FaultRepeatedRow (0 = 1) and FaultShortPage.
	Rows int `json:"rows,omitempty"`
	// After carries the call out before the answer is spoilt: the effect is there, the good news is not.
	After bool `json:"after,omitempty"`
}

func (f Fault) check() error {
	all := append([]FaultKind{
		FaultRPCError, FaultHTML, FaultHTTPStatus, FaultTruncated, FaultEmpty, FaultDrop, FaultSlow,
		FaultExpiredVisa, FaultNodeDown,
	}, pageFaults...)
	switch {
	case !slices.Contains(all, f.Kind):
		return fmt.Errorf("kind %q is none of %v", f.Kind, all)
	case f.Skip < 0 || f.Times < 0 || f.RetryAfter < 0 || f.DelaySeconds < 0 || f.Rows < 0:
		return errors.New("skip, times, retryAfter, delaySeconds and rows may not be negative")
	case f.Kind == FaultHTTPStatus && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status %d is not between 200 and 599", f.Status)
	default:
		return nil
	}
}

// faults are the orders that still stand, and the requests they hold.
type faults struct {
	list    []*Fault
	lastID  int
	held    int
	release chan struct{} // closed to let the held requests go, then replaced
}

func newFaults() faults { return faults{release: make(chan struct{})} }

// AddFault orders a fault and returns its id.
func (s *Server) AddFault(f Fault) (int, error) {
	if err := f.check(); err != nil {
		return 0, fmt.Errorf("adding a fault: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.lastID++
	f.ID = s.faults.lastID
	s.faults.list = append(s.faults.list, &f)
	return f.ID, nil
}

// Faults returns the faults not used up yet, with the Skip and Times that are left.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Fault, 0, len(s.faults.list))
	for _, f := range s.faults.list {
		list = append(list, *f)
	}
	return list
}

// ClearFaults forgets all faults and releases the requests they hold.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	s.faults.list = nil
	s.mu.Unlock()
	s.Release()
}

// Release lets the requests that FaultSlow holds go on.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.faults.release)
	s.faults.release = make(chan struct{})
}

// Held returns the number of requests that FaultSlow holds now.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.held
}

// nextFault uses up one turn of the fault that this call meets, if any.
func (s *Server) nextFault(svc service, env envelope) *Fault {
	device := s.deviceOf(env.params)
	s.mu.Lock()
	defer s.mu.Unlock()
	var chosen *Fault
	for _, f := range s.faults.list {
		if !f.applies(svc, env, device) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if chosen == nil || chosen.Times == 0 && f.Times > 0 {
			chosen = f
		}
	}
	if chosen == nil {
		return nil
	}
	now := *chosen
	if chosen.Times > 0 {
		chosen.Times--
		if chosen.Times == 0 {
			s.faults.list = slices.DeleteFunc(s.faults.list, func(f *Fault) bool { return f == chosen })
		}
	}
	return &now
}

func (f *Fault) applies(svc service, env envelope, device int64) bool {
	switch {
	case f.Match != "" && f.Match != env.method, f.Device != 0 && f.Device != device:
		return false
	case slices.Contains(pageFaults, f.Kind):
		return env.method == "EnumerateAccountStatistics"
	case f.Kind == FaultNodeDown:
		return svc.access == byToken
	case f.Kind == FaultExpiredVisa:
		return svc.access != byToken && env.method != "Login"
	default:
		return true
	}
}

// misbehave does what a fault asks for and says whether that was the answer.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, f *Fault, env envelope) bool {
	switch f.Kind {
	case FaultRPCError:
		code := f.Code
		if code == 0 {
			code = codeInternal
		}
		writeRPCError(w, env.id, &rpcError{code, f.Data, f.Message})
	case FaultExpiredVisa:
		s.mu.Lock()
		s.visas.revoke(env.visa)
		if bearer := r.Header.Get("Authorization"); len(bearer) > len("Bearer ") {
			s.visas.revoke(bearer[len("Bearer "):])
		}
		s.mu.Unlock()
		writeRPCError(w, env.id, errVisa())
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>\n"))
	case FaultHTTPStatus:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		http.Error(w, fmt.Sprintf("%d %s", f.Status, http.StatusText(f.Status)), f.Status)
	case FaultEmpty:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
	case FaultDrop, FaultNodeDown:
		drop(w)
	case FaultSlow:
		s.hold(r.Context(), time.Duration(f.DelaySeconds*float64(time.Second)))
		return false
	default: // truncated and lying pages spoil an answer that must exist first
		return false
	}
	return true
}

func writeRPCError(w http.ResponseWriter, id json.RawMessage, e *rpcError) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encodeAnswer(id, answer{}, e))
}

// drop closes the connection; over HTTP/2, where no handler can, it answers 502.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "502 dropped", http.StatusBadGateway)
		return
	}
	_ = conn.Close()
}

// hold waits for d on the server's clock, or without end if d is 0, until Release or the end of the request.
func (s *Server) hold(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	release := s.faults.release
	s.faults.held++
	s.mu.Unlock()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-release:
			cancel()
		case <-ctx.Done():
		}
	}()
	if d > 0 {
		_ = s.clock.Sleep(ctx, d) // an early end is a release or a client that went away
	} else {
		<-ctx.Done()
	}
	cancel()
	<-watched
	s.mu.Lock()
	s.faults.held--
	s.mu.Unlock()
}
