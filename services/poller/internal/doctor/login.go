package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/covewise/covewise/connectors/cove"
)

// roles are the names of Cove's roles (observed).
var roles = map[int64]string{1: "SuperUser", 2: "Administrator", 3: "Manager", 4: "Operator", 5: "Supporter", 6: "Reporter", 7: "Notifier"}

const roleOperator = 4 // the least that suffices to read devices, partners and sessions (observed)

// login logs in. Cove does not tell a wrong password from an unknown user or partner.
func (e *examination) login(ctx context.Context) (cove.Identity, bool) {
	who, err := e.client.Identity(ctx)
	switch {
	case errors.Is(err, cove.ErrLogin):
		partner := "cove.partner is not set; set it to the partner's exact console name if the user's name is not unique"
		if e.opts.Partner != "" {
			partner = fmt.Sprintf("cove.partner %q must be the partner's exact console name, often with its contact in brackets", e.opts.Partner)
		}
		e.add(Check{
			Name: aboutLogin, Level: Error,
			Text: fmt.Sprintf("Cove refuses user %q with the password in %s: the user, its partner or the password is wrong, or the user is locked", e.opts.Username, e.opts.Password),
			Remedy: "retype the password, as pasted text often has a part too much or too little; check cove.username; " + partner +
				"; wait some minutes before the next try, as repeated bad logins lock the user",
		})
	case errors.Is(err, cove.ErrForbidden):
		c := failure(aboutLogin, fmt.Sprintf("Cove refuses user %q", e.opts.Username), err)
		c.Remedy = "allow API authentication for the user in the Cove console; a user with two-factor authentication cannot log in to the API"
		e.add(c)
	case err != nil:
		e.add(failure(aboutLogin, "the login failed", err))
	default:
		e.add(loggedIn(e.opts.Username, who))
	}
	return who, err == nil
}

func loggedIn(username string, who cove.Identity) Check {
	role, known := roles[who.RoleID]
	if !known {
		role = fmt.Sprintf("role %d", who.RoleID)
	}
	c := ok(aboutLogin, "user %q (%d, %s) in partner %d", username, who.UserID, role, who.PartnerID)
	if known && who.RoleID > roleOperator {
		c.Level, c.Remedy = Warning, "give the user the role Operator, the least that is known to suffice"
	}
	return c
}

// How far the clocks may be apart. A visa is used for 14 of its 15 minutes by this machine's clock, and the age of a
// backup is what lies between Cove's time and ours.
const (
	skewWarning = time.Minute
	skewError   = 5 * time.Minute
)

func (e *examination) clocks(ctx context.Context) {
	asked := e.opts.Clock.Now()
	info, err := e.client.ServerInfo(ctx)
	answered := e.opts.Clock.Now()
	switch {
	case err != nil:
		c := failure(aboutClock, "Cove's clock could not be read", err)
		c.Level = Warning
		e.add(c)
	case info.Time.IsZero():
		e.add(Check{
			Name: aboutClock, Level: Warning, Text: "Cove's answer has no date to compare this machine's clock with",
			Remedy: "make sure that a time service sets this machine's clock",
		})
	default:
		e.add(skew(asked, answered, info))
	}
}

// skew compares Cove's clock, which shows whole seconds, with this machine's before and after it was asked.
func skew(asked, answered time.Time, info cove.ServerInfo) Check {
	apart, way := time.Duration(0), ""
	switch {
	case asked.After(info.Time.Add(time.Second)):
		apart, way = asked.Sub(info.Time), "ahead of"
	case info.Time.After(answered):
		apart, way = info.Time.Sub(answered), "behind"
	}
	server := ""
	if info.Version != "" {
		server = fmt.Sprintf(" (version %q)", info.Version)
	}
	if apart <= time.Second {
		return ok(aboutClock, "this machine's clock is that of Cove's server%s", server)
	}
	c := ok(aboutClock, "this machine's clock is %s %s that of Cove's server%s", apart.Round(time.Second), way, server)
	if apart > skewWarning {
		c.Level, c.Remedy = Warning, "let a time service set this machine's clock; backups look older or newer than they are"
	}
	if apart > skewError {
		c.Level = Error
	}
	return c
}
