package covefake_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

func (r *rig) fault(f covefake.Fault) {
	r.t.Helper()
	_, err := r.fake.AddFault(f)
	require.NoError(r.t, err)
}

func (r *rig) requireHealthy() {
	r.t.Helper()
	require.Empty(r.t, r.fake.Faults())
	require.Equal(r.t, []int64{101, 102, 103, 104, 105}, r.statistics(nil).ids(r.t))
}

func TestFaultsThatReplaceTheAnswer(t *testing.T) {
	tests := map[string]struct {
		fault covefake.Fault
		check func(*testing.T, reply)
	}{
		"An RPC error.": {
			covefake.Fault{Kind: covefake.FaultRPCError, Code: -32000, Data: 77, Message: "Try later"},
			func(t *testing.T, a reply) {
				requireError(t, a, -32000, 77)
				require.Equal(t, "Try later", a.Error.Message)
				require.Equal(t, 7.0, a.ID)
			},
		},
		"An RPC error without numbers.": {
			covefake.Fault{Kind: covefake.FaultRPCError},
			func(t *testing.T, a reply) { requireError(t, a, -32603, 0) },
		},
		"HTML with status 200.": {
			covefake.Fault{Kind: covefake.FaultHTML},
			func(t *testing.T, a reply) {
				require.Equal(t, 200, a.status)
				require.Contains(t, a.header.Get("Content-Type"), "text/html")
				require.True(t, strings.HasPrefix(a.raw, "<!DOCTYPE html>"))
			},
		},
		"A gateway error.": {
			covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 502},
			func(t *testing.T, a reply) {
				require.Equal(t, 502, a.status)
				require.Empty(t, a.header.Get("Retry-After"))
			},
		},
		"Too many requests.": {
			covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 429, RetryAfter: 30},
			func(t *testing.T, a reply) {
				require.Equal(t, 429, a.status)
				require.Equal(t, "30", a.header.Get("Retry-After"))
			},
		},
		"A truncated answer.": {
			covefake.Fault{Kind: covefake.FaultTruncated},
			func(t *testing.T, a reply) {
				require.ErrorIs(t, a.err, io.ErrUnexpectedEOF)
				require.True(t, strings.HasPrefix(a.raw, `{"id":7`))
				require.False(t, json.Valid([]byte(a.raw)))
			},
		},
		"An empty answer.": {
			covefake.Fault{Kind: covefake.FaultEmpty},
			func(t *testing.T, a reply) {
				require.Equal(t, 200, a.status)
				require.Empty(t, a.raw)
				require.NoError(t, a.err)
			},
		},
		"A dropped connection.": {
			covefake.Fault{Kind: covefake.FaultDrop},
			func(t *testing.T, a reply) { require.ErrorIs(t, a.err, io.EOF) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := loggedIn(t)
			tt.fault.Match, tt.fault.Times = "EnumerateAccountStatistics", 1
			r.fault(tt.fault)
			require.Nil(t, r.call("GetServerInfo", obj{}).Error, "another method is spared")
			tt.check(t, r.statistics(nil))
			require.Equal(t, 1, r.fake.Counts()["EnumerateAccountStatistics"])
			r.requireHealthy()
		})
	}
}

func TestPagesThatLie(t *testing.T) {
	totals := arr{obj{"COUNT(AU)": "5"}}
	tests := map[string]struct {
		fault  covefake.Fault
		want   []int64
		totals arr
	}{
		"A missing row.":      {covefake.Fault{Kind: covefake.FaultMissingRow}, []int64{101, 102, 104, 105}, totals},
		"Three missing rows.": {covefake.Fault{Kind: covefake.FaultMissingRow, Rows: 3}, []int64{101, 105}, totals},
		"A repeated row.":     {covefake.Fault{Kind: covefake.FaultRepeatedRow}, []int64{101, 102, 103, 104, 101}, totals},
		"A reordered page.":   {covefake.Fault{Kind: covefake.FaultReordered}, []int64{105, 104, 103, 102, 101}, totals},
		"A short page.":       {covefake.Fault{Kind: covefake.FaultShortPage}, []int64{101, 102}, totals},
		"A page of one row.":  {covefake.Fault{Kind: covefake.FaultShortPage, Rows: 1}, []int64{101}, totals},
		"No devices.":         {covefake.Fault{Kind: covefake.FaultNoDevices}, []int64{}, arr{obj{"COUNT(AU)": "0"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := loggedIn(t)
			tt.fault.Times = 1
			r.fault(tt.fault)
			require.Nil(t, r.call("GetServerInfo", obj{}).Error, "only statistics have pages")
			a := r.statistics(obj{"Totals": arr{"COUNT(AU)"}})
			require.Equal(t, tt.want, a.ids(t))
			require.Equal(t, tt.totals, a.outer(t)["totalStatistics"])
			r.requireHealthy()
		})
	}
}

func TestAnExpiredVisaIsUselessFromThenOn(t *testing.T) {
	r := loggedIn(t)
	r.fault(covefake.Fault{Kind: covefake.FaultExpiredVisa, Times: 1})
	requireError(t, r.statistics(nil), -32603, 1701)
	requireError(t, r.statistics(nil), -32603, 1701)
	r.login()
	r.requireHealthy()

	body := obj{"jsonrpc": "2.0", "id": 1, "method": "GetServerInfo"}
	r.fault(covefake.Fault{Kind: covefake.FaultExpiredVisa, Times: 1})
	requireError(t, r.post("/jsonapi", r.visa, body, nil), -32603, 1701)
	requireError(t, r.post("/jsonapi", r.visa, body, nil), -32603, 1701)
}

func TestANodeThatIsDown(t *testing.T) {
	r := loggedIn(t)
	r.fault(covefake.Fault{Kind: covefake.FaultNodeDown, Device: 101})
	require.Error(t, r.node("QuerySessions", 101, nil).err)
	require.Error(t, r.node("QueryErrors", 101, nil).err)
	require.Nil(t, r.node("QuerySessions", 102, nil).Error, "another device's node is up")
	require.Nil(t, r.tenant("EnumerateSessions", 103, nil).Error)
	r.fake.ClearFaults()
	require.Nil(t, r.node("QuerySessions", 101, nil).Error)
}

func TestQueuedFaultsComeInOrderAndBeforeStandingOnes(t *testing.T) {
	r := loggedIn(t)
	r.fault(covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 503, Match: "GetServerInfo"})
	r.fault(covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 500, Times: 1, Skip: 1})
	r.fault(covefake.Fault{Kind: covefake.FaultHTTPStatus, Status: 502, Times: 2})
	var got []int
	for range 5 {
		got = append(got, r.call("GetServerInfo", nil).status)
	}
	require.Equal(t, []int{502, 500, 502, 503, 503}, got)
	require.Equal(t, []covefake.Fault{{ID: 1, Match: "GetServerInfo", Kind: covefake.FaultHTTPStatus, Status: 503}}, r.fake.Faults())
	require.Equal(t, 200, r.call("GetPartnerInfoById", obj{"partnerId": 7000}).status)
}

func TestAnAnswerIsLostAfterTheChangeWasMade(t *testing.T) {
	r := loggedIn(t)
	change := obj{"partnerInfo": obj{"Id": 7010, "ExternalCode": "NEW"}}
	r.fault(covefake.Fault{Kind: covefake.FaultDrop, Match: "ModifyPartner", Times: 1})
	r.fault(covefake.Fault{Kind: covefake.FaultDrop, Match: "ModifyPartner", Times: 1, After: true})
	require.Error(t, r.call("ModifyPartner", change).err)
	p, _ := r.fake.Partner(7010)
	require.Equal(t, "CWM:12:Orchard", p.ExternalCode)
	require.Error(t, r.call("ModifyPartner", change).err)
	p, _ = r.fake.Partner(7010)
	require.Equal(t, "NEW", p.ExternalCode)
}

func TestASlowCallWaitsForItsRelease(t *testing.T) {
	for name, release := range map[string]func(*covefake.Server){
		"Released.": (*covefake.Server).Release, "Cleared.": (*covefake.Server).ClearFaults,
	} {
		t.Run(name, func(t *testing.T) {
			r := loggedIn(t)
			r.fault(covefake.Fault{Kind: covefake.FaultSlow, Times: 1})
			answered := make(chan reply, 1)
			go func() { answered <- r.statistics(nil) }()
			require.Eventually(t, func() bool { return r.fake.Held() == 1 }, 10*time.Second, time.Millisecond)
			require.Nil(t, r.call("GetServerInfo", nil).Error, "others go on meanwhile")
			require.Empty(t, answered)
			release(r.fake)
			a := <-answered
			require.Len(t, a.ids(t), 5)
			require.Zero(t, r.fake.Held())
		})
	}
}

func TestASlowCallEndsWithItsClient(t *testing.T) {
	r := loggedIn(t)
	r.fault(covefake.Fault{Kind: covefake.FaultSlow, Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.web.URL+"/jsonapi",
		strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"Login","params":{}}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	failed := make(chan error, 1)
	go func() {
		res, err := r.web.Client().Do(req)
		if err == nil {
			err = res.Body.Close()
		}
		failed <- err
	}()
	require.Eventually(t, func() bool { return r.fake.Held() == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	require.Eventually(t, func() bool { return r.fake.Held() == 0 }, 10*time.Second, time.Millisecond)
}

func TestASlowCallSleepsOnTheClock(t *testing.T) {
	r := loggedIn(t)
	r.fault(covefake.Fault{Kind: covefake.FaultSlow, Times: 1, DelaySeconds: 1.5})
	require.Len(t, r.statistics(nil).ids(t), 5)
	require.Equal(t, []time.Duration{1500 * time.Millisecond}, r.clock.slept)
}

func TestFaultsAreChecked(t *testing.T) {
	fake := covefake.New(covefake.Options{})
	for want, f := range map[string]covefake.Fault{
		`kind "boom" is none of`:              {Kind: "boom"},
		"status 7 is not between 200 and 599": {Kind: covefake.FaultHTTPStatus, Status: 7},
		"may not be negative":                 {Kind: covefake.FaultDrop, Times: -1},
	} {
		_, err := fake.AddFault(f)
		require.ErrorContains(t, err, want)
	}
}
