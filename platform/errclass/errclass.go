// Package errclass is the closed set of error classes that cross layers and services.
//
// A class is attached where the meaning of a failure is known (a connector that has seen the status
// code, a decoder that has seen the bytes) and decides what happens next where the failure is handled.
// The text of an error never decides anything.
package errclass

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Class says what kind of failure an error is. The zero value is Bug: an error nobody classified is a
// defect of ours until somebody says otherwise.
type Class uint8

// The classes. Each leads to exactly one Action.
const (
	Bug            Class = iota // ours: unclassified, or a state that must not occur
	Transient                   // the other side or the way to it failed; the same request may succeed later
	RateLimited                 // the other side asks for patience; see RetryAfter
	AuthTenant                  // the tenant's credentials or rights do not suffice
	Rejected                    // the other side understood the request and refuses it for good
	NotFound                    // the object addressed does not exist
	Conflict                    // somebody else changed the object meanwhile; read again and decide again
	UnknownOutcome              // a write may or may not have happened; look before writing again
)

var names = [...]string{"bug", "transient", "rate_limited", "auth_tenant", "rejected", "not_found", "conflict", "unknown_outcome"}

// All returns every class, in order, for metrics that create each label at zero.
func All() []Class {
	all := make([]Class, len(names))
	for i := range all {
		all[i] = Class(i)
	}
	return all
}

// String returns the class's stable name, fit for a metric label or a message header.
func (c Class) String() string {
	if int(c) < len(names) {
		return names[c]
	}
	return "bug"
}

// Action is what a message handler does with a failure.
type Action uint8

// The actions.
const (
	DeadLetter Action = iota // record it for a person and go on
	Redeliver                // hand the message back and take it again after a growing delay
)

// ActionOf maps a class to the one thing a consume loop does with it. Classes that concern one tenant
// only (AuthTenant, RateLimited for long) are expected to be parked by the service before they get here.
func ActionOf(c Class) Action {
	switch c {
	case Transient, RateLimited, AuthTenant, Conflict, UnknownOutcome:
		return Redeliver
	case Bug, Rejected, NotFound:
		return DeadLetter
	default:
		return DeadLetter
	}
}

// Error is an error with a class. Op names the action that failed ("create ticket").
type Error struct {
	Class      Class
	Op         string
	RetryAfter time.Duration // how long the other side asked to wait; 0 when it did not say
	Err        error
}

// New returns an error of class c: "op: err".
func New(c Class, op string, err error) *Error { return &Error{Class: c, Op: op, Err: err} }

// Newf is New with a formatted cause; it understands %w.
func Newf(c Class, op, format string, args ...any) *Error {
	return New(c, op, fmt.Errorf(format, args...))
}

// Error returns "op: cause", without the class.
func (e *Error) Error() string {
	switch {
	case e.Op == "":
		return e.Err.Error()
	case e.Err == nil:
		return e.Op
	default:
		return e.Op + ": " + e.Err.Error()
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Of returns the class of err: that of the outermost Error in its chain, Transient for a cancelled or
// timed-out context, and Bug for everything else.
func Of(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Transient
	}
	return Bug
}

// RetryAfter returns how long the other side asked to wait, or 0.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
