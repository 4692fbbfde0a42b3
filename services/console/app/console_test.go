package app_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

func unix(ago time.Duration) string { return strconv.FormatInt(now.Add(-ago).Unix(), 10) }

func TestAPI(t *testing.T) {
	nc := bustest.Start(t)
	fill(t, bustest.Open(t, nc))
	c := start(t, nc, "127.0.0.1:8080").run()
	for name, target := range map[string]string{
		"tenants":          "/api/v1/tenants",
		"devices":          "/api/v1/devices",
		"devices-filtered": "/api/v1/devices?tenant=harbor&state=in_trouble&q=SRV",
		"incidents":        "/api/v1/incidents",
		"tickets":          "/api/v1/tickets",
		"tickets-waiting":  "/api/v1/tickets?waiting=1&limit=5",
	} {
		t.Run(name, func(t *testing.T) {
			status, body := c.get(target)
			require.Equal(t, http.StatusOK, status)
			var pretty bytes.Buffer
			require.NoError(t, json.Indent(&pretty, []byte(body), "", "  "))
			golden := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(golden, pretty.Bytes(), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), pretty.String())
		})
	}
}

func TestAPIRefusals(t *testing.T) {
	nc := bustest.Start(t)
	c := start(t, nc, "127.0.0.1:8080").run()
	tests := []struct {
		method, target string
		status         int
		reason         string
	}{
		{http.MethodGet, "/api/v1/devices?limit=0", 400, "limit must be a number from 1 to 1000"},
		{http.MethodGet, "/api/v1/devices?limit=1001", 400, "limit must be a number from 1 to 1000"},
		{http.MethodGet, "/api/v1/devices?offset=-1", 400, "offset must be a number from 0"},
		{http.MethodGet, "/api/v1/devices?state=broken", 400, `state "broken" is not known`},
		{http.MethodGet, "/api/v1/tickets?phase=4", 400, `phase "4" is not known`},
		{http.MethodGet, "/api/v1/tickets?waiting=yes", 400, "waiting must be 0 or 1"},
		{http.MethodGet, "/api/v1/nothing", 404, "There is nothing at this address."},
		{http.MethodGet, "/api/v2/tenants", 404, "There is nothing at this address."},
		{http.MethodPost, "/api/v1/tenants", 405, "The console only reads; use GET."},
		{http.MethodDelete, "/api/v1/devices", 405, "The console only reads; use GET."},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			resp := c.do(test.method, test.target, "localhost")
			var body map[string]string
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
			require.Equal(t, test.status, resp.Code)
			require.Equal(t, map[string]string{"error": test.reason}, body)
			require.Equal(t, "application/json; charset=utf-8", resp.Header().Get("Content-Type"))
			if test.status == http.StatusMethodNotAllowed {
				require.Equal(t, "GET, HEAD", resp.Header().Get("Allow"))
			}
		})
	}
}

func TestPagesShowHostileNamesAsText(t *testing.T) {
	nc := bustest.Start(t)
	fill(t, bustest.Open(t, nc))
	c := start(t, nc, "127.0.0.1:8080").run()
	for _, target := range []string{"/devices", "/incidents", "/tickets", "/devices/harbor/1002", "/devices?q=" + url.QueryEscape(hostile)} {
		t.Run(target, func(t *testing.T) {
			status, body := c.get(target)
			require.Equal(t, http.StatusOK, status)
			require.NotContains(t, body, "<script")
			require.Contains(t, body, "&lt;script&gt;alert(1)&lt;/script&gt;{{.Secret}}\u202egnp.exe")
			// A text that turns the direction stays inside its own element.
			for _, part := range strings.Split(body, "\u202e")[1:] {
				end := strings.Index(part, "<")
				inAttribute := strings.HasPrefix(part[strings.IndexAny(part, `"<`):], `"`)
				require.True(t, inAttribute || strings.HasPrefix(part[end:], "</bdi>") || strings.HasPrefix(part[end:], "</title>"), part[:min(60, len(part))])
			}
		})
	}
}

func TestPagesSayWhatIsGoingOn(t *testing.T) {
	nc := bustest.Start(t)
	fill(t, bustest.Open(t, nc))
	c := start(t, nc, "127.0.0.1:8080").run()
	tests := []struct {
		target string
		wants  []string
	}{
		{"/", []string{
			"Live", "Shadow", "Complete", "2 min ago", "in 13 min", "Incomplete", "page 2 of the devices was cut short", "1 × No company",
			"put CWM:&lt;company id&gt; into the customer&#39;s reference in Cove",
		}},
		{"/devices", []string{
			"SRV-01", "Harbour Dental &amp; Söhne", "Pier 4", "In trouble", "Failed: System State", "Never backed up", "Excluded", "trial", "Healthy", "Documents",
			"Removed", "Pending", "not judged by a complete sweep yet", "1–7 of 7",
		}},
		{"/devices?state=healthy", []string{"WS-03", "1–1 of 1"}},
		{"/incidents", []string{"Failed: System State", "1 d 2 h ago", "#70123", "Open", "Waits: No company", "1–2 of 2"}},
		{"/tickets", []string{"#70123", "Taken over by a person", "Closed", "recovered", "1003-4", `<td data-label="Device"><bdi class="name">storage node 7</bdi></td>`, "1–4 of 4"}},
		{"/devices/harbor/1001", []string{
			"The volume shadow copy &lt;failed&gt;", `C:\pagefile`, "3 times", "limit 1 d", "2026-11-18 20:10:00 UTC", "Failed → In process",
			"Completed", "1.4 GB", "12 min", "Open in Cove", "https://backup.management/#/backup/overview/view/1662", "#70123",
			"Harbour Dental", "by the customer&#39;s reference", "Windows Server 2022", "CWM:9:Dental", "D02F17",
		}},
	}
	for _, test := range tests {
		t.Run(test.target, func(t *testing.T) {
			status, body := c.get(test.target)
			require.Equal(t, http.StatusOK, status)
			for _, want := range test.wants {
				require.Contains(t, body, want)
			}
			require.NotContains(t, body, "INSTALLKEY", "columns that hold credentials are never shown")
			require.NotContains(t, body, "NOTEKEY", "the notes about a device may hold secrets")
			require.NotContains(t, body, "ZgotmplZ")
			require.NotContains(t, body, "<no value>")
		})
	}
}

func TestEmptyStates(t *testing.T) {
	nc := bustest.Start(t)
	c := start(t, nc, "127.0.0.1:8080").run()
	for target, want := range map[string]string{
		"/":                     "No tenant yet.",
		"/devices":              "No device has been seen yet.",
		"/devices?q=x":          "No device matches.",
		"/incidents":            "No open incident.",
		"/incidents?tenant=x":   "No open incident matches.",
		"/tickets":              "No ticket yet.",
		"/tickets?phase=closed": "No ticket matches.",
	} {
		status, body := c.get(target)
		require.Equal(t, http.StatusOK, status, target)
		require.Contains(t, body, want, target)
	}
	for _, list := range []string{"tenants", "devices", "incidents", "tickets"} {
		require.Equal(t, map[string]any{"items": []any{}, "total": 0.0, "limit": 100.0, "offset": 0.0}, c.getJSON("/api/v1/"+list))
	}
}

func TestPaging(t *testing.T) {
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	for i := range 205 {
		id := strconv.Itoa(3000 + i)
		put(t, b, bus.DeviceState, state("harbor", id, dental, "AN", fmt.Sprintf("ws-%03d", i), "AT", "1", "OT", "1"), "harbor", id)
	}
	c := start(t, nc, "127.0.0.1:8080").run()

	seen := map[string]bool{}
	for _, page := range []struct{ offset, rows int }{{0, 100}, {100, 100}, {200, 5}, {300, 0}} {
		got := c.getJSON(fmt.Sprintf("/api/v1/devices?offset=%d", page.offset))
		items, ok := got["items"].([]any)
		require.True(t, ok)
		require.Len(t, items, page.rows)
		require.InDelta(t, 205, got["total"], 0)
		for _, item := range items {
			row, ok := item.(map[string]any)
			require.True(t, ok)
			seen[fmt.Sprint(row["id"])] = true
		}
	}
	require.Len(t, seen, 205, "each device is on exactly one page")

	_, first := c.get("/devices?tenant=harbor")
	require.Contains(t, first, "1–100 of 205")
	require.Contains(t, first, `href="/devices?offset=100&amp;tenant=harbor" rel="next"`)
	require.NotContains(t, first, `rel="prev"`)
	_, last := c.get("/devices?tenant=harbor&offset=200")
	require.Contains(t, last, "201–205 of 205")
	require.Contains(t, last, `href="/devices?offset=100&amp;tenant=harbor" rel="prev"`)
	require.NotContains(t, last, `rel="next"`)
	_, beyond := c.get("/devices?offset=900")
	require.Contains(t, beyond, "This page is beyond the end of the list.")
}

func TestHeadersAndRefusals(t *testing.T) {
	nc := bustest.Start(t)
	fill(t, bustest.Open(t, nc))
	c := start(t, nc, "127.0.0.1:8080").run()
	for target, status := range map[string]int{
		"/": 200, "/devices": 200, "/assets/console.css": 200, "/assets/icon.svg": 200, "/nothing": 404, "/assets/nothing": 404,
		"/devices/harbor/9999": 404, "/devices/nobody/1001": 404, "/devices?limit=x": 400,
	} {
		t.Run(target, func(t *testing.T) {
			resp := c.do(http.MethodGet, target, "localhost:8080")
			require.Equal(t, status, resp.Code)
			require.Equal(t, "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", resp.Header().Get("Content-Security-Policy"))
			require.Equal(t, "nosniff", resp.Header().Get("X-Content-Type-Options"))
			require.Equal(t, "DENY", resp.Header().Get("X-Frame-Options"))
			require.Equal(t, "no-referrer", resp.Header().Get("Referrer-Policy"))
			refresh := map[string]string{"/": "10"}[target]
			require.Equal(t, refresh, resp.Header().Get("Refresh"))
		})
	}
	resp := c.do(http.MethodPost, "/devices", "localhost:8080")
	require.Equal(t, http.StatusMethodNotAllowed, resp.Code)
	require.Equal(t, "GET, HEAD", resp.Header().Get("Allow"))
	require.Equal(t, "text/html; charset=utf-8", resp.Header().Get("Content-Type"))
}

func TestOnlyOwnNamesAreServed(t *testing.T) {
	nc := bustest.Start(t)
	tests := []struct {
		listen, host string
		served       bool
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", true},
		{"127.0.0.1:8080", "localhost:8080", true},
		{"127.0.0.1:8080", "LOCALHOST", true},
		{"127.0.0.1:8080", "[::1]:8080", true},
		{"127.0.0.1:8080", "evil.example:8080", false},
		{"127.0.0.1:8080", "localhost.evil.example", false},
		{"127.0.0.1:8080", "127.0.0.1.evil.example", false},
		{"127.0.0.1:8080", "192.0.2.7:8080", false},
		{"127.0.0.1:8080", "", false},
		{"console.msp.example:80", "console.msp.example", true},
		{"console.msp.example:80", "other.msp.example", false},
		{"192.0.2.7:8080", "192.0.2.7:8080", true},
		{"192.0.2.7:8080", "192.0.2.8:8080", false},
		{":8080", "192.0.2.7:8080", true},
		{"0.0.0.0:8080", "192.0.2.7:8080", true},
		{"[::]:8080", "[2001:db8::1]:8080", true},
		{":8080", "evil.example:8080", false},
		{":8080", "", false},
	}
	for _, test := range tests {
		t.Run(test.listen+" asked for "+test.host, func(t *testing.T) {
			c := start(t, nc, test.listen)
			for _, target := range []string{"/assets/icon.svg", "/"} {
				refused := c.do(http.MethodGet, target, test.host).Code == http.StatusMisdirectedRequest
				require.Equal(t, test.served, !refused)
			}
		})
	}
}

func TestBeforeTheBusIsReadNothingIsClaimed(t *testing.T) {
	nc := bustest.Start(t)
	fill(t, bustest.Open(t, nc))
	c := start(t, nc, "127.0.0.1:8080")
	status, body := c.get("/api/v1/tenants")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.JSONEq(t, `{"error":"the bus is still being read"}`, body)
	status, body = c.get("/")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "Covewise is starting")
}

func TestChangesAppear(t *testing.T) {
	nc := bustest.Start(t)
	b := bustest.Open(t, nc)
	fill(t, b)
	c := start(t, nc, "127.0.0.1:8080").run()
	put(t, b, bus.Tenants, &tenantv1.Settings{SchemaVersion: 1, Id: "pier", Mode: tenantv1.Mode_MODE_LIVE}, "pier")
	healed := state("harbor", "1002", dental, "AN", "healed", "AT", "1", "OT", "1")
	put(t, b, bus.DeviceState, healed, "harbor", "1002")
	require.Eventually(t, func() bool {
		_, overview := c.get("/")
		_, devices := c.get("/devices?state=healthy")
		return !strings.Contains(overview, "Shadow") && strings.Contains(devices, "healed")
	}, 10*time.Second, 5*time.Millisecond)
}
