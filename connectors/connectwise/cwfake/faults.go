package cwfake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FaultKind names a way to misbehave.
type FaultKind string

// The kinds of faults.
const (
	// FaultLostAnswer commits the write and then drops the connection (Drop) or answers a 500 time-out.
	FaultLostAnswer FaultKind = "lost_answer"
	// FaultErrorBefore answers Status (500 by default) before anything is done, as JSON or as a page (HTML).
	FaultErrorBefore FaultKind = "error_before"
	// FaultHTML200 answers 200 with a page before anything is done, as a log-in page in front of the service would.
	FaultHTML200 FaultKind = "html_200"
	// FaultRateLimited answers 429 before anything is done, with the Retry-After header if RetryAfter is set.
	FaultRateLimited FaultKind = "rate_limited"
	// FaultSlow delays the answer until Release is closed or, without it, for Delay on the server's clock. The write is
	// done before the wait, or after it with BeforeWrite (and then not at all if the client has gone meanwhile). Slow
	// faults come in addition to another fault on the same request.
	FaultSlow FaultKind = "slow"
	// FaultTruncated does the work and breaks the answer off in the middle of its body.
	FaultTruncated FaultKind = "truncated"
	// FaultEmpty does the work and answers the right status without a body.
	FaultEmpty FaultKind = "empty"
	// FaultDrop drops the connection before anything is done.
	FaultDrop FaultKind = "drop"
	// FaultUnauthorized answers 401 although the keys are right.
	FaultUnauthorized FaultKind = "unauthorized"
	// FaultNotFoundAuth answers the 404 that cloud servers give for keys they do not know.
	FaultNotFoundAuth FaultKind = "not_found_auth"
	// FaultForbidden answers 403 for want of Right. RightCloseTickets refuses only writes that set a closed status.
	FaultForbidden FaultKind = "forbidden"
	// FaultCodeBaseChange changes the code base to CodeBase before the request, which then gets the 404 of the old one.
	FaultCodeBaseChange FaultKind = "codebase_change"
)

// RightCloseTickets is the right that setting a closed status needs.
const RightCloseTickets = "Close Service Tickets"

// Fault is a rule by which the server misbehaves. Of the rules that match a request the first that was added and is
// not used up applies.
type Fault struct {
	// Match is "METHOD /route/{id}" as in the route table, "METHOD" or "* /route" for part of it, empty for all.
	Match string `json:"match"`
	// Times is how often the rule applies; 0 is until it is cleared.
	Times int `json:"times"`
	// Skip lets that many matching requests pass before the rule applies.
	Skip int `json:"skip"`
	// Kind says what happens; the fields below belong to some kinds only.
	Kind        FaultKind     `json:"kind"`
	Status      int           `json:"status"`
	HTML        bool          `json:"html"`
	Drop        bool          `json:"drop"`
	RetryAfter  string        `json:"retryAfter"`
	Delay       time.Duration `json:"delay"`
	BeforeWrite bool          `json:"beforeWrite"`
	Right       string        `json:"right"`
	CodeBase    string        `json:"codeBase"`
	// Release ends the wait of a slow fault when it is closed.
	Release <-chan struct{} `json:"-"`
}

type standingFault struct {
	Fault
	skipped, applied int
}

func faultKinds() []FaultKind {
	return []FaultKind{
		FaultLostAnswer, FaultErrorBefore, FaultHTML200, FaultRateLimited, FaultSlow, FaultTruncated, FaultEmpty, FaultDrop,
		FaultUnauthorized, FaultNotFoundAuth, FaultForbidden, FaultCodeBaseChange,
	}
}

func (s *Server) validateFault(f Fault) error {
	switch {
	case !slices.Contains(faultKinds(), f.Kind):
		return fmt.Errorf("fault kind %q is not known; known are %v", f.Kind, faultKinds())
	case f.Times < 0 || f.Skip < 0 || f.Delay < 0:
		return fmt.Errorf("fault %s: times, skip and delay must not be negative", f.Kind)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("fault %s: status %d is no error", f.Kind, f.Status)
	case f.Kind == FaultSlow && f.Delay == 0 && f.Release == nil:
		return errors.New("fault slow: needs a delay or a release channel")
	case f.Kind == FaultCodeBaseChange:
		next := s.data.switches
		next.CodeBase = f.CodeBase
		return next.validate()
	}
	if f.Match == "" || slices.ContainsFunc(s.router.routes, func(r *route) bool { return f.matches(r.method, r.pattern) }) {
		return nil
	}
	return fmt.Errorf("fault %s: match %q names no route of this server", f.Kind, f.Match)
}

// matches compares a route's method and pattern with Match; the names of parameters do not matter.
func (f Fault) matches(method, pattern string) bool {
	wantMethod, wantPattern, _ := strings.Cut(f.Match, " ")
	if wantMethod != "" && wantMethod != "*" && wantMethod != method {
		return false
	}
	if wantPattern = strings.TrimSpace(wantPattern); wantPattern == "" {
		return true
	}
	wanted, parts := segments(wantPattern), segments(pattern)
	return slices.EqualFunc(wanted, parts, func(a, b string) bool { return a == b || (isParameter(a) && isParameter(b)) })
}

// AddFaults appends rules, all or none.
func (s *Server) AddFaults(faults ...Fault) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		if err := s.validateFault(f); err != nil {
			return err
		}
	}
	for _, f := range faults {
		s.faults = append(s.faults, &standingFault{Fault: f})
	}
	return nil
}

// ClearFaults removes all rules. Requests that wait in a slow fault go on waiting.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// PendingFaults returns the rules that are not used up, with the Times that remain.
func (s *Server) PendingFaults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	pending := []Fault{}
	for _, f := range s.faults {
		left := f.Fault
		if f.Times > 0 {
			left.Times -= f.applied
		}
		left.Skip -= f.skipped
		pending = append(pending, left)
	}
	return pending
}

// takeFaults finds the rules for a request and uses them up. A forbidden fault for closing is used up only when the
// request turns out to close something.
func (s *Server) takeFaults(x *exchange) {
	pattern := ""
	if x.route != nil {
		pattern = x.route.pattern
	}
	for _, f := range s.faults {
		if (f.Match != "" && x.route == nil) || !f.matches(x.request.Method, pattern) || (f.Kind != FaultSlow && x.fault != nil) {
			continue
		}
		if f.skipped < f.Skip {
			f.skipped++
			continue
		}
		if f.Kind == FaultSlow {
			x.waits = append(x.waits, f.Fault)
		} else {
			x.fault = f
		}
		if f.Kind != FaultForbidden || f.Right != RightCloseTickets {
			f.applied++
		}
	}
	s.dropUsedUp()
}

func (s *Server) dropUsedUp() {
	s.faults = slices.DeleteFunc(s.faults, func(f *standingFault) bool { return f.Times > 0 && f.applied >= f.Times })
}

// wait holds the request as its slow faults say; it fails when the client has gone.
func (s *Server) wait(ctx context.Context, x *exchange, beforeWrite bool) error {
	for _, f := range x.waits {
		if f.BeforeWrite != beforeWrite {
			continue
		}
		if f.Release == nil {
			if err := s.options.Clock.Sleep(ctx, f.Delay); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.Release:
		}
	}
	return nil
}

// faultBefore applies the faults that leave the request undone.
func (s *Server) faultBefore(x *exchange) (reply, bool) {
	if x.fault == nil {
		return reply{}, false
	}
	f := x.fault.Fault
	refused := func(p *refusalError) (reply, bool) { return s.encode(x, answer{}, p), true }
	switch f.Kind {
	case FaultErrorBefore:
		status := f.Status
		if status == 0 {
			status = http.StatusInternalServerError
		}
		if f.HTML {
			return page(status, fmt.Sprintf("%d %s", status, http.StatusText(status))), true
		}
		if status == http.StatusInternalServerError {
			return refused(refuse(status, "ConnectWiseApi", "Timeout expired. The timeout period elapsed prior to obtaining a connection from the pool."))
		}
		return refused(refuse(status, "ConnectWiseApi", "The service is not available."))
	case FaultHTML200:
		return page(http.StatusOK, "Sign in"), true
	case FaultRateLimited:
		return rateLimited(f.RetryAfter), true
	case FaultDrop:
		return reply{cut: droppedConnection}, true
	case FaultUnauthorized:
		return refused(unauthorized())
	case FaultNotFoundAuth:
		return refused(noEndpoint())
	case FaultForbidden:
		if f.Right != RightCloseTickets {
			return refused(forbidden(f.Right))
		}
		s.data.closing = closingForbidden
	case FaultCodeBaseChange:
		s.data.switches.CodeBase = f.CodeBase
		return refused(noEndpoint())
	}
	return reply{}, false
}

// faultAfter spoils the answer of a request that was done.
func (s *Server) faultAfter(x *exchange, out reply) reply {
	if x.fault == nil {
		return out
	}
	switch x.fault.Kind {
	case FaultLostAnswer:
		if x.fault.Drop {
			return reply{cut: droppedConnection}
		}
		return s.encode(x, answer{}, refuse(http.StatusInternalServerError, "ConnectWiseApi", "A timeout has occured. Please try again.")) //nolint:misspell // the real server spells it so
	case FaultTruncated:
		out.cut = truncatedBody
		if len(out.body) == 0 {
			out.cut = droppedConnection
		}
	case FaultEmpty:
		out.body = nil
	case FaultForbidden:
		if s.data.closing == closingRefused {
			x.fault.applied++
			s.dropUsedUp()
		}
		s.data.closing = closingAllowed
	}
	return out
}

func forbidden(right string) *refusalError {
	if right == "" {
		return refuse(http.StatusForbidden, "Forbidden", "User does not have permission")
	}
	return refuse(http.StatusForbidden, "Forbidden", "User does not have the '%s' permission", right)
}

func page(status int, title string) reply {
	body := "<!DOCTYPE html>\r\n<html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>\r\n"
	return reply{status: status, contentType: "text/html; charset=utf-8", header: http.Header{}, body: []byte(body)}
}

func rateLimited(retryAfter string) reply {
	seconds := retryAfter
	if seconds == "" {
		seconds = "30"
	}
	out := reply{status: http.StatusTooManyRequests, contentType: "application/json; charset=utf-8", header: http.Header{}}
	out.body = fmt.Appendf(nil, "{\r\n  \"error\": \"ConnectWiseAPI\",\r\n  \"message\": \"Too many requests. Please try again in %s seconds.\"\r\n}", seconds)
	if retryAfter != "" {
		out.header.Set("Retry-After", retryAfter)
	}
	return out
}
