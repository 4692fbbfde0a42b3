package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

func TestEveryCodeHasWordsOfItsOwn(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct {
		codes map[int32]string
		words func(int32) string
	}{
		"phases":      {ticketv1.Phase_name, func(n int32) string { return phaseWords(ticketv1.Phase(n)) }},
		"waits":       {ticketv1.ParkReason_name, func(n int32) string { return parkWords(ticketv1.ParkReason(n)) }},
		"actions":     {ticketv1.Action_name, func(n int32) string { return actionWords(ticketv1.Action(n)) }},
		"resolutions": {incidentv1.Resolution_name, func(n int32) string { return resolutionWords(incidentv1.Resolution(n)) }},
		"conditions":  {incidentv1.ConditionKind_name, func(n int32) string { return conditionWords(incidentv1.ConditionKind(n)) }},
	} {
		t.Run(kind, func(t *testing.T) {
			codes := map[string]string{}
			for n, code := range c.codes {
				words := c.words(n)
				require.NotEmpty(t, words, code)
				require.Empty(t, codes[words], "%s says the same as %s", code, codes[words])
				codes[words] = code
			}
		})
	}
}

func TestReasonsOfEventsAreToldInWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "the customer's company: none is called X: yet", waitTold("company: none is called X: yet"))
	require.Equal(t, "live mode", waitTold("shadow"))
	require.Equal(t, "something else: so", waitTold("something else: so"))
	require.Equal(t, "the device is no longer in Cove", endTold("removed"))
	require.Equal(t, "its ticket was deleted by a person", endTold("its ticket was deleted by a person"))
}
