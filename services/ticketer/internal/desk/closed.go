package desk

import (
	"context"
	"fmt"

	"github.com/covewise/covewise/platform/errclass"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// ClosedAtOnceError says that a ticket came back closed although it was given the status of open ones: the status closes
// tickets by now, or a rule at the server closes them on arrival. A person has to mend it.
type ClosedAtOnceError struct {
	Ticket  int64
	Status  string // that it has
	Setting error  // what is wrong with the settings, a SettingErrors; nil when they are good
}

// Error names the ticket, the status and the remedy.
func (e *ClosedAtOnceError) Error() string {
	came := fmt.Sprintf("ticket %d came back closed, with status %q", e.Ticket, e.Status)
	if e.Setting != nil {
		return came + ": " + e.Setting.Error() + "; choose another status for tickets.newStatus"
	}
	return came + ", which closes no tickets: a workflow rule of the board does. Choose another status for tickets.newStatus, or change the rule"
}

// Unwrap returns what is wrong with the settings.
func (e *ClosedAtOnceError) Unwrap() error { return e.Setting }

// Opened returns a ClosedAtOnceError, of class Rejected, when a ticket that was just made, or opened again, is closed. The
// names are looked up anew then: one of them may mean something else by now.
func (d *Desk) Opened(ctx context.Context, o *ticketv1.Observed) error {
	if !o.GetClosed() {
		return nil
	}
	d.mu.Lock()
	d.names = nil
	d.mu.Unlock()
	closed := &ClosedAtOnceError{Ticket: o.GetTicketId(), Status: o.GetStatus()}
	if n, err := d.known(ctx, freshNames); err == nil {
		closed.Setting = n.wrong.about(keyNewStatus)
	}
	return errclass.New(errclass.Rejected, "open ticket", closed)
}
