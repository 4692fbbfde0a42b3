// Package doctor looks at what a tenant's login to Cove can do, and says line by line what will hinder the watch over
// its fleet and what to do about it. It only reads, and keeps nothing. It does not own how a fleet is enumerated or
// who owns a device, which are package fleet's, nor what is done about a device, which policy decides.
package doctor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/errclass"
)

// Level says how grave a finding is.
type Level string

// The levels.
const (
	OK      Level = "ok"
	Warning Level = "warning" // the fleet is watched, but less well than it could be, or not as one might think
	Error   Level = "error"   // the fleet cannot be watched
)

// Check is one finding.
type Check struct {
	Name   string // what was looked at, such as "login"
	Level  Level
	Text   string // what was found; names from outside are quoted
	Remedy string // what to do about it; "" when it is OK
}

// What is looked at.
const (
	aboutLogin     = "login"
	aboutClock     = "clock"
	aboutPartner   = "partner"
	aboutPartners  = "partners"
	aboutDevices   = "devices"
	aboutColumns   = "columns"
	aboutPlacement = "placement"
	aboutTrial     = "trial"
	aboutBins      = "recycle bins"
	aboutAccounts  = "accounts"
	aboutSessions  = "session errors"
	aboutNode      = "storage node"
)

func ok(name, format string, args ...any) Check {
	return Check{Name: name, Level: OK, Text: fmt.Sprintf(format, args...)}
}

// failure is the finding of a call that failed and without which nothing can be watched.
func failure(name, doing string, err error) Check {
	return Check{Name: name, Level: Error, Text: doing + ": " + err.Error(), Remedy: remedy(err)}
}

// remedy says what to do about a failed call.
func remedy(err error) string {
	if errors.Is(err, cove.ErrForbidden) {
		return "give the login the role Operator or higher, in the partner at the root of the devices"
	}
	switch errclass.Of(err) {
	case errclass.Transient:
		return "let this machine reach cove.url over HTTPS, and try again in some minutes"
	case errclass.RateLimited:
		return "try again in some minutes; lower cove.requestsPerSecond if it comes back"
	case errclass.AuthTenant:
		return "check the login in the Cove console"
	case errclass.Bug, errclass.Rejected, errclass.NotFound, errclass.Conflict, errclass.UnknownOutcome:
	}
	return "ask N-able support what this answer means"
}

// mostNamed is how many names a text lists.
const mostNamed = 5

// some lists the first names, and says how many there are besides.
func some(names []string) string {
	if more := len(names) - mostNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}

// count writes "1 device" and "2 devices".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
