package app_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/app"
)

// garbage is no message of any kind.
var garbage = []byte{0xff, 0xff, 0xff}

func TestEventsThatCannotBeReadAreLeftOutOfATicketsStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.say("7", 1, failed)
	w.until("a ticket", w.inPhase("7", open, 1))
	w.say("7", 2, changed)
	w.until("a note", w.inPhase("7", open, 2))
	w.say("7", 3, resolved)
	w.until("closed", w.inPhase("7", closed, 3))
	whole, err := app.Ticket(t.Context(), w.bus, "harbor", "7-1")
	require.NoError(t, err)
	require.Empty(t, whole.Unread.String())
	stop()

	js, err := jetstream.New(w.nc)
	require.NoError(t, err)
	at := map[string]uint64{}
	for _, subject := range []string{"ticket.v1.created.harbor.7", "ticket.v1.created.harbor.8", "incident.v1.changed.harbor.7"} {
		ack, err := js.Publish(t.Context(), subject, garbage)
		require.NoError(t, err)
		at[subject] = ack.Sequence
	}
	story, err := app.Ticket(t.Context(), w.bus, "harbor", "7-1")
	require.NoError(t, err)
	require.Len(t, story.Events, len(whole.Events))
	require.Equal(t, fmt.Sprintf("1 event on record cannot be read and is left out here: ticket.v1.created.harbor.7 (sequence %d)", at["ticket.v1.created.harbor.7"]), story.Unread.String())

	p, err := app.Preview(t.Context(), w.bus, "harbor", app.PreviewOptions{Incident: "7-1"})
	require.NoError(t, err)
	require.Contains(t, p.Description, "Files and Folders: Failed")
	require.Equal(t, app.Unread{fmt.Sprintf("incident.v1.changed.harbor.7 (sequence %d)", at["incident.v1.changed.harbor.7"])}, p.Unread)
}

func TestManyEventsThatCannotBeReadAreCounted(t *testing.T) {
	t.Parallel()
	var u app.Unread
	for i := range 7 {
		u = append(u, fmt.Sprintf("e%d", i))
	}
	require.Equal(t, "7 events on record cannot be read and are left out here: e0, e1, e2, e3, e4, and 2 more", u.String())
	require.Equal(t, "2 events on record cannot be read and are left out here: e0, e1", u[:2].String())
}

func TestAPreviewTellsOfTheTicketThatIsThereAlready(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings(func(s *tenantv1.Settings) {
		s.Tickets.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: map[string]string{"team": "Service Team"}}}
	})
	w.start()
	w.say("7", 1, failed)
	w.until("a ticket", w.inPhase("7", open, 1))
	p, err := app.Preview(t.Context(), w.bus, "harbor", app.PreviewOptions{Incident: "7-1"})
	require.NoError(t, err)
	require.Equal(t, []any{`team by "all"`, w.ledger("7").GetTicketId()}, []any{p.Routing, p.Ticket})
	sample, err := app.Preview(t.Context(), w.bus, "harbor", app.PreviewOptions{Clock: w.clock})
	require.NoError(t, err)
	require.Zero(t, sample.Ticket)
}
