package app

import (
	"context"

	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/poller/internal/doctor"
)

// Check is one finding about a login to Cove.
type Check = doctor.Check

// CheckLevel says how grave a Check is.
type CheckLevel = doctor.Level

// The levels of a Check.
const (
	CheckOK      = doctor.OK
	CheckWarning = doctor.Warning
	CheckError   = doctor.Error
)

// Doctor examines what a poller could do with a tenant's settings for Cove: the login, the partner that would be watched,
// rights, columns, clocks, storage nodes, and devices that are where one would not expect them. It only reads. Of the
// options it uses Logger, Clock, LookupEnv and RequestsPerSecond. The findings come in the order in which they were
// made, the last one an error if nothing further could be looked at; the only error besides is the context's.
func Doctor(ctx context.Context, settings *tenantv1.Settings, opts Options) ([]Check, error) {
	login := settings.GetCove()
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	if opts.LookupEnv == nil {
		opts.LookupEnv = func(string) (string, bool) { return "", false }
	}
	password := tenant.Reference("cove.password", login.GetPassword())
	if _, err := password.Resolve(opts.LookupEnv); err != nil {
		return []Check{{
			Name: "password", Level: CheckError, Text: err.Error(), Remedy: "put the API user's token there, alone and on one line",
		}}, nil
	}
	client, err := opts.newClient(login)
	if err != nil {
		return []Check{{Name: "settings", Level: CheckError, Text: err.Error(), Remedy: "mend the tenant's document under cove"}}, nil
	}
	examined, ok := client.(doctor.Client)
	if !ok {
		return nil, errclass.Newf(errclass.Bug, "examine Cove", "a %T answers no questions about the server", client)
	}
	return doctor.Run(ctx, examined, doctor.Options{
		Username: login.GetUsername(), Partner: login.GetPartner(), Password: password.String(), Root: login.GetRoot(), Clock: opts.Clock,
		TrialsExcluded: settings.GetPolicy().GetExcludeTrial(),
	})
}
