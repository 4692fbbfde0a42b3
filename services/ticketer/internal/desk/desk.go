// Package desk is one tenant's service desk in ConnectWise: the few things that the ticketer does there, by the
// names that the tenant's settings use.
//
// It owns the client with its pace and the ids behind the names. It decides nothing about incidents and repeats
// nothing that creates; the errors keep the classes that the client gave them.
package desk

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

// Options are what a desk needs beside the tenant's settings.
type Options struct {
	LookupEnv func(name string) (value string, set bool) // where secrets named by environment variables are
	Clock     clock.Clock                                // for the age of what is remembered; requests keep the machine's time
	Logger    *slog.Logger
	Transport http.RoundTripper // nil: the client's own
}

// Desk is a tenant's service desk. It may be used by several goroutines.
type Desk struct {
	client   *connectwise.Client
	settings *tenantv1.Tickets
	zone     *time.Location
	clock    clock.Clock

	mu    sync.Mutex
	names *names // nil until read
}

// Draft is a ticket to be made.
type Draft struct {
	Summary     string // at most 100 UTF-16 units
	Description string // the customer may see it
	Analysis    string // internal
	Reference   string // goes to externalXRef
	Company     int64
	Class       incidentv1.DeviceClass // decides the priority
}

// Ticket is a ticket that was found or made.
type Ticket struct{ ID, Company int64 }

// Open makes a desk of a tenant's settings; it sends nothing. Settings that cannot be used are Rejected.
func Open(settings *tenantv1.Settings, o Options) (*Desk, error) {
	cw := settings.GetConnectwise()
	secret := func(field string, ref *tenantv1.SecretRef) tenant.SecretRef {
		return tenant.SecretRef{Field: "connectwise." + field, File: ref.GetFile(), Env: ref.GetEnv()}
	}
	publicRef, privateRef := secret("publicKey", cw.GetPublicKey()), secret("privateKey", cw.GetPrivateKey())
	client, err := connectwise.New(connectwise.Options{
		Site: cw.GetUrl(), Company: cw.GetCompany(), ClientID: cw.GetClientId(), Logger: o.Logger, Transport: o.Transport,
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
	return &Desk{client: client, settings: settings.GetTickets(), zone: zone, clock: o.Clock}, nil
}

// Close gives back the desk's idle connections.
func (d *Desk) Close() { d.client.Close() }

// Zone is the zone that times in tickets are shown in.
func (d *Desk) Zone() *time.Location { return d.zone }

// Requests returns how many requests were sent to ConnectWise, and how many of them were to change something.
func (d *Desk) Requests() (all, writes int64) { return d.client.Requests(), d.client.Writes() }

// Create makes a ticket, in one request once the names are known (see Check).
func (d *Desk) Create(ctx context.Context, t Draft) (Ticket, error) {
	n, err := d.known(ctx, freshNames)
	if err != nil {
		return Ticket{}, err
	}
	made, err := d.client.CreateTicket(ctx, connectwise.NewTicket{
		Summary: t.Summary, Board: n.board, Status: n.newStatus, Priority: n.priority(t.Class),
		Company: connectwise.Reference{ID: int(t.Company)}, ExternalXRef: t.Reference,
		InitialDescription: t.Description, InitialInternalAnalysis: t.Analysis,
	})
	if err != nil {
		d.doubt(err)
		return Ticket{}, err
	}
	return Ticket{ID: int64(made.ID), Company: int64(made.Company.ID)}, nil
}

// Find returns the tickets with a reference, by ascending id. One that was made lately may be missing, because the
// server's search may lag.
func (d *Desk) Find(ctx context.Context, reference string) ([]Ticket, error) {
	rows, err := connectwise.All(d.client.Tickets(ctx, connectwise.Eq("externalXRef", reference), "id", "company", "externalXRef"))
	if err != nil {
		return nil, err
	}
	var found []Ticket
	for _, row := range rows {
		// The server compares without regard to case.
		if row.ExternalXRef == reference {
			found = append(found, Ticket{ID: int64(row.ID), Company: int64(row.Company.ID)})
		}
	}
	slices.SortFunc(found, func(a, b Ticket) int { return int(a.ID - b.ID) })
	return found, nil
}

// Note adds an internal note, in one request.
func (d *Desk) Note(ctx context.Context, ticket int64, body string) error {
	_, err := d.client.CreateTicketNote(ctx, int(ticket), connectwise.NewNote{Text: body, InternalAnalysisFlag: true})
	return err
}

// HasNote reports whether a ticket has a note with the marker.
func (d *Desk) HasNote(ctx context.Context, ticket int64, marker string) (bool, error) {
	notes, err := d.client.TicketNotes(ctx, int(ticket))
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(notes, func(n connectwise.Note) bool { return text.HasMarker(n.Text, marker) }), nil
}

// CloseTicket gives a ticket the closed status, in one request once the names are known. It may be repeated.
func (d *Desk) CloseTicket(ctx context.Context, ticket int64) error {
	n, err := d.known(ctx, anyNames)
	if err != nil {
		return err
	}
	_, err = d.client.PatchTicket(ctx, int(ticket), connectwise.Replace("status", connectwise.Reference{ID: n.closedStatus.ID}))
	if err != nil {
		d.doubt(err)
	}
	return err
}
