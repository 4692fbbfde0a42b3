// Package desk is one tenant's service desk in ConnectWise: the few things that the ticketer does there, by the
// names that the tenant's settings use.
//
// It owns the client with its pace and the ids behind the names. It decides nothing about incidents and repeats
// nothing that creates; the errors keep the classes that the client gave them.
package desk

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

// Options are what a desk needs beside the tenant's settings.
type Options struct {
	LookupEnv func(name string) (value string, set bool) // where secrets named by environment variables are
	Clock     clock.Clock                                // for the age of what is remembered; requests keep the machine's time
	Logger    *slog.Logger
	Transport http.RoundTripper   // nil: the client's own
	Pace      clock.Clock         // for pace and pauses of requests; nil: the machine's
	Limits    *connectwise.Limits // shared with other clients of the process; nil: the desk's own
}

// Desk is a tenant's service desk. It may be used by several goroutines.
type Desk struct {
	client   *connectwise.Client
	settings *tenantv1.Tickets
	log      *slog.Logger
	writer   *text.Writer
	clock    clock.Clock

	reading sync.Mutex // held while the names are looked up

	// looking holds a token while names are looked up, so that a storm of tickets looks each up once.
	looking chan struct{}

	mu    sync.Mutex
	names *names               // nil until read
	good  map[string]time.Time // settings that were found good, by key: how old the names were by which they were
}

// Open makes a desk of a tenant's settings; it sends nothing. Settings that cannot be used are Rejected.
func Open(settings *tenantv1.Settings, o Options) (*Desk, error) {
	cw := settings.GetConnectwise()
	secret := func(field string, ref *tenantv1.SecretRef) tenant.SecretRef {
		return tenant.SecretRef{Field: "connectwise." + field, File: ref.GetFile(), Env: ref.GetEnv()}
	}
	publicRef, privateRef := secret("publicKey", cw.GetPublicKey()), secret("privateKey", cw.GetPrivateKey())
	client, err := connectwise.New(connectwise.Options{
		Site: cw.GetUrl(), Company: cw.GetCompany(), ClientID: cw.GetClientId(), Logger: o.Logger, Transport: o.Transport, Clock: o.Pace,
		Limits: o.Limits, Tenant: settings.GetId(), RequestsPerMinute: int(cw.GetRequestsPerMinute()), Burst: int(cw.GetBurst()),
		Keys: func() (string, string, error) {
			public, err := publicRef.Resolve(o.LookupEnv)
			if err != nil {
				return "", "", err
			}
			private, err := privateRef.Resolve(o.LookupEnv)
			return public.Reveal(), private.Reveal(), err
		},
	})
	if err != nil {
		return nil, errclass.New(errclass.Rejected, "tenant setting connectwise", err)
	}
	zone, err := time.LoadLocation(settings.GetTickets().GetTimeZone())
	if err != nil {
		client.Close()
		return nil, errclass.New(errclass.Rejected, "tenant setting tickets.timeZone", err)
	}
	d := &Desk{
		client: client, settings: settings.GetTickets(), log: o.Logger.With("tenant", settings.GetId()), clock: o.Clock,
		looking: make(chan struct{}, 1), good: map[string]time.Time{},
	}
	d.writer = text.NewWriter(settings.GetTickets(), zone, func(template string, err error) {
		d.log.Warn("template does not work, the built-in text stands for it", "template", template, "err", err)
	})
	return d, nil
}

// Close gives back the desk's idle connections.
func (d *Desk) Close() { d.client.Close() }

// Writer writes the tenant's texts.
func (d *Desk) Writer() *text.Writer { return d.writer }

// Requests returns how many requests were sent to ConnectWise, and how many of them were to change something.
func (d *Desk) Requests() (all, writes int64) { return d.client.Requests(), d.client.Writes() }

// Backlog returns how long a request would wait for its turn now.
func (d *Desk) Backlog() time.Duration { return d.client.Backlog() }

// Announce keeps a place for a create that comes soon; nil when it should rather come later, because enough of the tenant's
// requests wait already.
func (d *Desk) Announce() *connectwise.Announcement { return d.client.Announce() }

// Interval returns the time between two turns of the tenant.
func (d *Desk) Interval() time.Duration { return d.client.Interval() }

// Note adds a note, internal unless the settings say otherwise, in one request.
func (d *Desk) Note(ctx context.Context, ticket int64, body string) error {
	public := d.settings.GetPublicNotes()
	_, err := d.client.CreateTicketNote(ctx, int(ticket), connectwise.NewNote{Text: body, InternalAnalysisFlag: !public, DetailDescriptionFlag: public})
	return err
}

// Tell adds an internal note, whatever the settings say, in one request.
func (d *Desk) Tell(ctx context.Context, ticket int64, body string) error {
	_, err := d.client.CreateTicketNote(ctx, int(ticket), connectwise.NewNote{Text: body, InternalAnalysisFlag: true})
	return err
}

// resolvingTook is the length of the time entry that ends an incident: ConnectWise takes none without one.
const resolvingTook = time.Minute

// Resolve adds the note that ends an incident, as Note does, or as a time entry of no charge where the settings ask
// for it, in one request. A time entry that ConnectWise refuses, for example because no time period is open, becomes a
// note: it must not keep a ticket open.
func (d *Desk) Resolve(ctx context.Context, ticket int64, body string) error {
	if !d.settings.GetZeroBillTime() {
		return d.Note(ctx, ticket, body)
	}
	public, now := d.settings.GetPublicNotes(), d.clock.Now()
	_, err := d.client.CreateTimeEntry(ctx, connectwise.NewTimeEntry{
		Ticket: int(ticket), Start: now.Add(-resolvingTook), End: now, Notes: body, Internal: !public, Discussion: public,
	})
	if forbidden(err) || err != nil && errclass.Of(err) == errclass.Rejected {
		d.log.WarnContext(ctx, "time entry refused, writing a note", "ticket", ticket, "err", err)
		return d.Note(ctx, ticket, body)
	}
	return err
}

// forbidden reports whether a role lacks the right to something.
func forbidden(err error) bool {
	answer, ok := errors.AsType[*connectwise.APIError](err)
	return ok && answer.Status == http.StatusForbidden
}

// HasNote reports whether a ticket has a note, or a time entry, with the marker.
func (d *Desk) HasNote(ctx context.Context, ticket int64, marker string) (bool, error) {
	list := d.client.TicketNotes
	if d.settings.GetZeroBillTime() {
		list = d.client.AllNotes // the others leave out those of time entries
	}
	notes, err := list(ctx, int(ticket))
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(notes, func(n connectwise.Note) bool { return text.HasMarker(n.Text, marker) }), nil
}

// CloseTicket gives a ticket the closed status of the board it is on (0: the settings' board), in one request once the
// names are known. It may be repeated.
func (d *Desk) CloseTicket(ctx context.Context, ticket, board int64) (*ticketv1.Observed, error) {
	return d.setStatus(ctx, ticket, board, keyClosedStatus, func(s statuses) connectwise.Reference { return s.closed })
}

// Reopen gives a ticket an open status of the board it is on (0: the settings' board), as CloseTicket does.
func (d *Desk) Reopen(ctx context.Context, ticket, board int64) (*ticketv1.Observed, error) {
	return d.setStatus(ctx, ticket, board, keyNewStatus, func(s statuses) connectwise.Reference { return s.open })
}

func (d *Desk) setStatus(
	ctx context.Context, ticket, board int64, setting string, which func(statuses) connectwise.Reference,
) (*ticketv1.Observed, error) {
	n, err := d.known(ctx, anyNames)
	if err != nil {
		return nil, err
	}
	here := statuses{open: n.newStatus, closed: n.closedStatus}
	if board != 0 && int(board) != n.board.ID {
		// Also where the settings' board goes by another name now: the ticket knows its id.
		here, err = d.statusesOf(ctx, int(board))
	} else {
		err = n.wrong.about(keyBoard, setting)
	}
	if err != nil {
		return nil, err
	}
	changed, err := d.client.PatchTicket(ctx, int(ticket), connectwise.Replace("status", which(here)))
	if err == nil {
		return observed(changed), nil
	}
	if d.doubt(err) {
		// What is wrong with the names by now says more than the refusal.
		if n, again := d.known(ctx, freshNames); again == nil {
			if found := n.wrong.about(setting); found != nil && int(board) == n.board.ID {
				return nil, found
			}
		}
	}
	return nil, err
}

// Move gives a ticket to another company, in one request. It may be repeated.
func (d *Desk) Move(ctx context.Context, ticket, company int64) (*ticketv1.Observed, error) {
	changed, err := d.client.PatchTicket(ctx, int(ticket), connectwise.Replace("company", connectwise.Reference{ID: int(company)}))
	if err != nil {
		return nil, err
	}
	return observed(changed), nil
}

// Attach makes a ticket a child of another, in one request.
func (d *Desk) Attach(ctx context.Context, parent, child int64) error {
	return d.client.AttachChildren(ctx, int(parent), int(child))
}
