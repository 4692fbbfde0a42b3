package cwfake_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

const newTicket = `{"summary":"a","company":{"id":250}}`

func TestFaultsOnACreate(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault cwfake.Fault
		// status 0 is a connection that broke.
		status    int
		contains  string
		header    map[string]string
		committed bool
	}{
		{"the answer is lost with the connection", cwfake.Fault{Kind: cwfake.FaultLostAnswer, Drop: true}, 0, "", nil, true},
		{"the answer is lost in a time-out", cwfake.Fault{Kind: cwfake.FaultLostAnswer}, 500, "A timeout has occured. Please try again.", nil, true},
		{"500", cwfake.Fault{Kind: cwfake.FaultErrorBefore}, 500, "Timeout expired.", nil, false},
		{"503", cwfake.Fault{Kind: cwfake.FaultErrorBefore, Status: 503}, 503, "\"code\": \"ConnectWiseApi\"", nil, false},
		{"522 page", cwfake.Fault{Kind: cwfake.FaultErrorBefore, Status: 522, HTML: true}, 522, "<!DOCTYPE html>", map[string]string{"Content-Type": "text/html; charset=utf-8"}, false},
		{"200 page", cwfake.Fault{Kind: cwfake.FaultHTML200}, 200, "<title>Sign in</title>", map[string]string{"Content-Type": "text/html; charset=utf-8"}, false},
		{"429 with Retry-After", cwfake.Fault{Kind: cwfake.FaultRateLimited, RetryAfter: "7"}, 429, `"Too many requests. Please try again in 7 seconds."`, map[string]string{"Retry-After": "7"}, false},
		{"429 without", cwfake.Fault{Kind: cwfake.FaultRateLimited}, 429, `"error": "ConnectWiseAPI"`, map[string]string{"Retry-After": ""}, false},
		{"empty", cwfake.Fault{Kind: cwfake.FaultEmpty}, 201, "", nil, true},
		{"truncated", cwfake.Fault{Kind: cwfake.FaultTruncated}, 0, "", nil, true},
		{"dropped before", cwfake.Fault{Kind: cwfake.FaultDrop}, 0, "", nil, false},
		{"401", cwfake.Fault{Kind: cwfake.FaultUnauthorized}, 401, "UserNotAuthenticated", nil, false},
		{"404 for keys", cwfake.Fault{Kind: cwfake.FaultNotFoundAuth}, 404, "The endpoint does not exist.", nil, false},
		{"403", cwfake.Fault{Kind: cwfake.FaultForbidden, Right: "Service Tickets"}, 403, "User does not have the 'Service Tickets' permission", nil, false},
		{"403 for closing does not concern an open ticket", cwfake.Fault{Kind: cwfake.FaultForbidden, Right: cwfake.RightCloseTickets}, 201, "48211", nil, true},
		{"code base", cwfake.Fault{Kind: cwfake.FaultCodeBaseChange, CodeBase: "v2026_1/"}, 404, "The endpoint does not exist.", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.fault.Match, c.fault.Times = "POST /service/tickets", 1
			require.NoError(t, w.server.AddFaults(c.fault))
			w.want(200, "GET", "/service/tickets", nil)
			r, err := w.try("POST", "/service/tickets", newTicket)
			if c.status == 0 {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
				require.Equal(t, c.status, r.status)
				require.Contains(t, r.text, c.contains)
			}
			for name, want := range c.header {
				require.Equal(t, want, r.header.Get(name))
			}
			require.Equal(t, c.committed, len(w.server.Tickets()) == 1)
			if c.fault.Kind == cwfake.FaultEmpty {
				require.Empty(t, r.text)
			}
			requests := w.server.Requests()
			if c.fault.Kind != cwfake.FaultTruncated {
				require.Equal(t, c.status, requests[len(requests)-1].Status)
			}
			if c.fault.Right == cwfake.RightCloseTickets {
				require.Len(t, w.server.PendingFaults(), 1)
				return
			}
			require.Empty(t, w.server.PendingFaults(), "the rule is used up")
			w.base = "/" + w.server.Switches().CodeBase + "apis/3.0"
			w.want(201, "POST", "/service/tickets", newTicket)
		})
	}
}

func TestADroppedGetIsNotQuietlyRepeated(t *testing.T) {
	w := newWorld(t)
	w.want(200, "GET", "/service/tickets", nil)
	require.NoError(t, w.server.AddFaults(cwfake.Fault{Match: "GET", Times: 1, Kind: cwfake.FaultDrop}))
	_, err := w.try("GET", "/service/tickets", nil)
	require.Error(t, err)
	require.Equal(t, map[string]int{"GET /service/tickets": 2}, w.server.Counts())
}

func TestFaultsApplyInTheirOrderSkippingAndUntilCleared(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.server.AddFaults(
		cwfake.Fault{Match: "GET /service/tickets/{number}", Skip: 1, Times: 1, Kind: cwfake.FaultErrorBefore, Status: 502},
		cwfake.Fault{Match: "* /service/tickets/{id}", Skip: 2, Times: 2, Kind: cwfake.FaultErrorBefore, Status: 503},
		cwfake.Fault{Kind: cwfake.FaultErrorBefore, Status: 524, Match: "GET /service/boards"},
	))
	id := w.ticket("a")
	var got []int
	for range 6 {
		got = append(got, w.call("GET", path("/service/tickets/%d", id), nil).status)
	}
	require.Equal(t, []int{200, 502, 200, 503, 503, 200}, got)
	for range 3 {
		w.want(524, "GET", "/service/boards", nil)
	}
	w.server.ClearFaults()
	w.want(200, "GET", "/service/boards", nil)
	require.NoError(t, w.server.AddFaults(cwfake.Fault{Kind: cwfake.FaultErrorBefore, Status: 500, Times: 2}))
	w.want(500, "GET", "/login/companyinfo/harbor", nil)
	w.want(500, "GET", "/no/such/thing", nil)
	w.want(404, "GET", "/no/such/thing", nil)
}

func TestClosingIsForbidden(t *testing.T) {
	w := newWorld(t)
	id, other := w.ticket("a"), w.ticket("b")
	require.NoError(t, w.server.AddFaults(cwfake.Fault{Kind: cwfake.FaultForbidden, Right: cwfake.RightCloseTickets, Times: 4}))
	before := w.server.Tickets()
	closing := `[{"op":"replace","path":"summary","value":"b"},{"op":"replace","path":"status","value":{"name":"Closed"}}]`
	require.Contains(t, w.want(403, "PATCH", path("/service/tickets/%d", id), closing).text, "Close Service Tickets")
	w.want(403, "PUT", path("/service/tickets/%d", id), `{"summary":"b","company":{"id":250},"severity":"Low","impact":"Low","status":{"name":"Closed"}}`)
	w.want(403, "POST", "/service/tickets", `{"summary":"c","company":{"id":250},"status":{"name":"Resolved"}}`)
	w.want(403, "POST", path("/service/tickets/%d/merge", id), map[string]any{"mergeTicketIds": []int{other}, "status": map[string]any{"name": "Closed"}})
	require.Equal(t, before, w.server.Tickets())
	w.want(200, "PATCH", path("/service/tickets/%d", id), closing)

	require.NoError(t, w.server.AddFaults(cwfake.Fault{Kind: cwfake.FaultForbidden, Right: cwfake.RightCloseTickets}))
	require.NoError(t, w.server.Person("").Close(other, ""), "people have the right")
	w.want(200, "PATCH", path("/service/tickets/%d", id), `[{"op":"replace","path":"status","value":{"name":"New"}}]`)
}

func TestSlowAnswersWaitForTheirReleaseOrTheClock(t *testing.T) {
	for _, c := range []struct {
		name        string
		beforeWrite bool
		byClock     bool
	}{
		{"released after the write", false, false},
		{"released before the write", true, false},
		{"by the clock after the write", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			release := make(chan struct{})
			fault := cwfake.Fault{Match: "POST /service/tickets", Times: 1, Kind: cwfake.FaultSlow, BeforeWrite: c.beforeWrite, Release: release}
			if c.byClock {
				fault.Release, fault.Delay = nil, time.Minute
			}
			require.NoError(t, w.server.AddFaults(fault, cwfake.Fault{Match: "POST", Times: 1, Kind: cwfake.FaultLostAnswer}))
			done := make(chan int, 1)
			go func() {
				r, _ := w.try("POST", "/service/tickets", newTicket)
				done <- r.status
			}()
			require.Eventually(t, func() bool {
				return len(w.server.Requests()) == 1 && len(w.server.Tickets()) == map[bool]int{true: 0, false: 1}[c.beforeWrite]
			}, 10*time.Second, time.Millisecond)
			require.Empty(t, done)
			w.want(200, "GET", "/service/tickets", nil)
			if c.byClock {
				// The request may not be waiting yet; whoever begins to wait later waits for a later minute.
				require.Eventually(t, func() bool { w.clock.Add(time.Minute); return len(done) == 1 }, 10*time.Second, time.Millisecond)
			} else {
				close(release)
			}
			require.Equal(t, 500, <-done, "the other fault applies as well")
			require.Len(t, w.server.Tickets(), 1)
		})
	}
}

func TestASlowRequestThatIsGivenUp(t *testing.T) {
	for _, beforeWrite := range []bool{false, true} {
		w := newWorld(t)
		release := make(chan struct{})
		require.NoError(t, w.server.AddFaults(cwfake.Fault{Match: "DELETE", Times: 1, Kind: cwfake.FaultSlow, BeforeWrite: beforeWrite, Release: release}))
		id := w.ticket("a")
		ctx, cancel := context.WithCancel(t.Context())
		w.client.Transport = cancelling{w.client.Transport, ctx}
		done := make(chan error, 1)
		go func() {
			_, err := w.try("DELETE", path("/service/tickets/%d", id), nil)
			done <- err
		}()
		require.Eventually(t, func() bool { return len(w.server.PendingFaults()) == 0 }, 10*time.Second, time.Millisecond)
		if !beforeWrite {
			require.Eventually(t, func() bool { return len(w.server.Tickets()) == 0 }, 10*time.Second, time.Millisecond)
		}
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		_, exists := w.server.Ticket(id)
		require.Equal(t, beforeWrite, exists)
		if !beforeWrite {
			close(release)
		}
	}
}

func TestFaultsAreValidated(t *testing.T) {
	for _, c := range []struct {
		fault   cwfake.Fault
		message string
	}{
		{cwfake.Fault{Kind: "explode"}, `fault kind "explode" is not known`},
		{cwfake.Fault{Kind: cwfake.FaultDrop, Match: "POST /service/ticket"}, `match "POST /service/ticket" names no route`},
		{cwfake.Fault{Kind: cwfake.FaultDrop, Match: "PUT /service/tickets"}, "names no route"},
		{cwfake.Fault{Kind: cwfake.FaultErrorBefore, Status: 200}, "status 200 is no error"},
		{cwfake.Fault{Kind: cwfake.FaultSlow}, "needs a delay or a release channel"},
		{cwfake.Fault{Kind: cwfake.FaultCodeBaseChange, CodeBase: "v1"}, "want a path element with a trailing slash"},
		{cwfake.Fault{Kind: cwfake.FaultDrop, Times: -1}, "must not be negative"},
	} {
		w := newWorld(t)
		require.ErrorContains(t, w.server.AddFaults(cwfake.Fault{Kind: cwfake.FaultDrop}, c.fault), c.message)
		require.Empty(t, w.server.PendingFaults())
	}
}
