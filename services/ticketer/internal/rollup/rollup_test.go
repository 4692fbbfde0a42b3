package rollup_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
	"github.com/covewise/covewise/services/ticketer/internal/rollup"
)

var now = time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)

func waiting(n int) []*incidentv1.Member {
	all := make([]*incidentv1.Member, 0, n)
	for i := range n {
		all = append(all, &incidentv1.Member{DeviceId: fmt.Sprintf("%04d", n-i), DeviceName: fmt.Sprintf("SRV-%d\nx", n-i), CustomerName: "Acme"})
	}
	return all
}

func TestWhenTheRollUpTellsNews(t *testing.T) {
	opened, news := rollup.Next("harbor", nil, waiting(10), now)
	require.True(t, news)
	require.Equal(t, []any{"rollup", "rollup-498670", uint32(1), incidentv1.EventKind_EVENT_KIND_FAILED, uint32(10), "0001", "own"},
		[]any{opened.GetDeviceId(), opened.GetIncidentId(), opened.GetRevision(), opened.GetKind(), opened.GetMembersTotal(), opened.GetMembers()[0].GetDeviceId(), opened.GetCustomer().GetId()})
	open := &ticketv1.Ledger{Wanted: opened}
	for _, c := range []struct {
		says string
		n    int
		want incidentv1.EventKind // unspecified: no news
	}{
		{"the same number is no news", 10, incidentv1.EventKind_EVENT_KIND_UNSPECIFIED},
		{"a few more are none", 19, incidentv1.EventKind_EVENT_KIND_UNSPECIFIED},
		{"twice as many are", 20, incidentv1.EventKind_EVENT_KIND_CHANGED},
		{"a few less are none", 6, incidentv1.EventKind_EVENT_KIND_UNSPECIFIED},
		{"half as many are", 5, incidentv1.EventKind_EVENT_KIND_CHANGED},
		{"none is the end", 0, incidentv1.EventKind_EVENT_KIND_RESOLVED},
	} {
		t.Run(c.says, func(t *testing.T) {
			e, news := rollup.Next("harbor", open, waiting(c.n), now.Add(time.Minute))
			require.Equal(t, c.want != incidentv1.EventKind_EVENT_KIND_UNSPECIFIED, news)
			if news {
				require.Equal(t, []any{c.want, "rollup-498670", uint32(2)}, []any{e.GetKind(), e.GetIncidentId(), e.GetRevision()})
			}
		})
	}
	_, news = rollup.Next("harbor", nil, nil, now)
	require.False(t, news)
}

func TestWhatTheRollUpSays(t *testing.T) {
	e, _ := rollup.Next("harbor", nil, waiting(1000), now)
	require.LessOrEqual(t, len(rollup.Summary(e)), 100)
	text := rollup.Description(e)
	require.Less(t, len(text), 30_000)
	require.Contains(t, text, "1000 devices are in trouble")
	require.Contains(t, text, "- SRV-1 x (Acme), device 0001\n")
	require.Contains(t, text, "and 700 more\n")
	for _, s := range []string{text, rollup.Change(e), rollup.Resolution(e), rollup.Analysis(e, "covewise:I:harbor:rollup-1")} {
		require.Contains(t, s, "\nCovewise rollup-498670 r1")
	}
}
