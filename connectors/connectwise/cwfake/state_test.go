package cwfake_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestDuplicates(t *testing.T) {
	w := newWorld(t)
	w.ticket("COVE SVR A #17 - failed", `"externalXRef":"x"`)
	w.ticket("COVE SVR A #171 - failed", `"externalXRef":"y"`)
	w.ticket("COVE SVR A #17 failed", `"externalXRef":"z"`)
	require.Empty(t, w.server.Duplicates())
	again := w.ticket("again COVE SVR A #17 - failed", `"externalXRef":"y"`)
	require.Equal(t, []cwfake.Duplicate{
		{Kind: cwfake.DuplicateReference, Key: "y", Tickets: []int{48212, again}},
		{Kind: cwfake.DuplicateMarker, Key: "#17 -", Tickets: []int{48211, again}},
	}, w.server.Duplicates())
	require.NoError(t, w.server.Person("").Close(again, ""))
	require.Equal(t, []cwfake.Duplicate{{Kind: cwfake.DuplicateReference, Key: "y", Tickets: []int{48212, again}}}, w.server.Duplicates(),
		"a reference stays with a closed ticket, a marker does not")
}

func TestRequestsAreAccountedFor(t *testing.T) {
	w := newWorld(t)
	id := w.ticket("a")
	w.want(400, "POST", "/service/tickets", `{}`)
	w.want(200, "GET", path("/service/tickets/%d?fields=id", id), nil)
	w.want(200, "POST", "/service/tickets/search", `{}`)
	w.want(200, "PATCH", path("/service/tickets/%d", id), `[]`)
	w.want(404, "GET", "/nothing", nil)
	require.Equal(t, map[string]int{
		"POST /service/tickets": 2, "GET /service/tickets/{id}": 1, "POST /service/tickets/search": 1, "PATCH /service/tickets/{id}": 1, "GET (none)": 1,
	}, w.server.Counts())
	require.Equal(t, 3, w.server.Writes())
	require.Equal(t, cwfake.Request{
		Method: "GET", Route: "/service/tickets/{id}", Path: w.base + path("/service/tickets/%d?fields=id", id), Time: w.clock.Now(), Status: 200,
	}, w.server.Requests()[2])
	w.server.ResetCounts()
	require.Empty(t, w.server.Counts())
	require.Zero(t, w.server.Writes()+w.server.MaxPerMinute())
}

func TestMaxPerMinute(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		after time.Duration
		calls int
	}{{0, 2}, {59 * time.Second, 3}, {time.Second, 1}, {2 * time.Minute, 4}} {
		w.clock.Add(c.after)
		for range c.calls {
			w.want(200, "GET", "/system/info", nil)
		}
	}
	require.Equal(t, 5, w.server.MaxPerMinute(), "a request 60 s after another is in the next minute")
}
