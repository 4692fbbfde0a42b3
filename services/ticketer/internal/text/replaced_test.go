package text_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/text"
)

func TestATicketSaysWhichOneItReplacesAndWhy(t *testing.T) {
	w := text.NewWriter(nil, time.UTC, nil)
	at := timestamppb.New(time.Date(2026, 11, 20, 22, 10, 0, 0, time.UTC))
	for _, c := range []struct {
		sentence         string
		replaced         *ticketv1.Replaced
		public, internal string
	}{
		{"nothing where it replaces none", nil, "", ""},
		{
			"who closed it and the setting are internal", &ticketv1.Replaced{TicketId: 48216, At: at, By: "mreyes", Why: "it was closed (tickets.onHandClose: new)"},
			"This ticket replaces ticket 48216, which was closed on 2026-11-20 22:10 (UTC+00:00). The trouble that it was about is not over.\n\n",
			"This ticket replaces ticket 48216, which was closed by mreyes on 2026-11-20 22:10 (UTC+00:00). The trouble that it was about is not over.\n" +
				"Why there is another: it was closed (tickets.onHandClose: new)\n\n",
		},
		{
			"who deleted one is not known", &ticketv1.Replaced{TicketId: 48216, Deleted: true},
			"This ticket replaces ticket 48216, which was deleted. The trouble that it was about is not over.\n\n",
			"This ticket replaces ticket 48216, which was deleted. The trouble that it was about is not over.\n\n",
		},
		{
			"one that was merged into a closed one is what it replaces", &ticketv1.Replaced{TicketId: 48211, MergedTicketId: 48216, At: at, By: "mreyes"},
			"This ticket replaces ticket 48216, which was merged on 2026-11-20 22:10 (UTC+00:00) into ticket 48211, closed already at the time. The trouble that it was about is not over.\n\n",
			"This ticket replaces ticket 48216, which was merged by mreyes on 2026-11-20 22:10 (UTC+00:00) into ticket 48211, closed already at the time. The trouble that it was about is not over.\n\n",
		},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			require.Equal(t, c.public, w.Replaces(c.replaced, true))
			require.Equal(t, c.internal, w.Replaces(c.replaced, false))
		})
	}
}
