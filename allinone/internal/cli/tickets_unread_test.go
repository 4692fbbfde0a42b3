package cli_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/tenant"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestAnEventThatCannotBeReadHidesNoTicket(t *testing.T) {
	t.Parallel()
	at := map[string]uint64{}
	dir := recorded(t, func(ctx context.Context, nc *nats.Conn) {
		b := bustest.Open(t, nc)
		settings, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
		require.NoError(t, err)
		doc := tenant.Defaults()
		doc.ID = "harbor"
		told := doc.Settings()
		told.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"board": "NOC"}}}
		_, err = settings.Put(ctx, bus.Key("harbor"), told, 0)
		require.NoError(t, err)
		first := picture("1000", "SRV-A", "Acme", 1, incidentv1.EventKind_EVENT_KIND_FAILED)
		l := ledgerOf(first, first, ticketv1.Phase_PHASE_OPEN)
		l.TicketId = 501
		ledgers, err := bus.OpenStore[*ticketv1.Ledger](ctx, b, bus.TicketLedger)
		require.NoError(t, err)
		_, err = ledgers.Put(ctx, bus.Key("harbor", "1000", "1000-1"), l, 0)
		require.NoError(t, err)
		require.NoError(t, b.Publish(ctx, bus.Message{
			Subject: bus.Subject{Family: bus.Ticket, Verb: "created", Tenant: "harbor", Key: "1000"}, ID: "created", Body: &ticketv1.Event{
				SchemaVersion: 1, Tenant: "harbor", DeviceId: "1000", IncidentId: "1000-1", Action: ticketv1.Action_ACTION_CREATED, OccurredAt: minutes(1), TicketId: 501,
			},
		}))
		js, err := jetstream.New(nc)
		require.NoError(t, err)
		for _, subject := range []string{"ticket.v1.created.harbor.1000", "incident.v1.failed.harbor.1000"} {
			ack, err := js.Publish(ctx, subject, []byte{0xff, 0xff, 0xff})
			require.NoError(t, err)
			at[subject] = ack.Sequence
		}
	})
	named := func(subject string) string { return fmt.Sprintf("%s (sequence %d)", subject, at[subject]) }
	tickets, incident := named("ticket.v1.created.harbor.1000"), named("incident.v1.failed.harbor.1000")
	for _, c := range []struct {
		args         []string
		says, stdout string
	}{
		{[]string{"tickets"}, "1 event on record cannot be read and is left out here: " + tickets, "ticket created"},
		{[]string{"tickets", "--output", "json"}, "1 event on record cannot be read and is left out here: " + tickets, `"ticket_id": 501`},
		{[]string{"ticket", "show", "1000-1"}, "2 events on record cannot be read and are left out here: " + tickets + ", " + incident, "ticket created (501)"},
		{
			[]string{"ticket", "preview", "--incident", "1000-1"},
			"", "--- fields by rules\nboard by \"all\"\n(for a ticket that is made now; ticket 501 is there, and rules do not change it)\n",
		},
		{[]string{"ticket", "preview"}, "", "--- fields by rules\nboard by \"all\"\n"},
	} {
		got := execute(t.Context(), nil, append(c.args, "--data", dir)...)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Contains(t, got.stdout, c.stdout)
		if c.says != "" {
			c.says = "covewise: " + c.says + "\n"
		}
		require.Equal(t, c.says, got.stderr)
	}
}
