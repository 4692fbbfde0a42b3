package desk_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock/clocktest"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
)

// world is a server with the company 250 and a desk there.
type world struct {
	t     *testing.T
	cw    *cwfake.Server
	clock *clocktest.Clock
	url   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clocktest.New(time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC))}
	w.cw = cwfake.New(cwfake.Options{Clock: w.clock})
	_, err := w.cw.AddCompany(cwfake.Company{
		ID: 250, Identifier: "acme", Name: "Acme", Sites: []cwfake.Site{{Name: "Main", Primary: true}, {Name: "Harbour Street"}},
		Contacts: []cwfake.Contact{{FirstName: "Ann", LastName: "Lee"}, {FirstName: "Bo", LastName: "Ek"}, {FirstName: "Bo", LastName: "Ek"}},
		Agreements: []cwfake.Agreement{
			{ID: 71, Name: "Backup Gold", Type: "Backup"},
			{ID: 72, Name: "Backup Silver", Type: "Backup"},
			{ID: 73, Name: "Backup Old", Type: "Old", Cancelled: true},
		},
	})
	require.NoError(t, err)
	web := httptest.NewServer(w.cw)
	t.Cleanup(web.Close)
	w.url = web.URL
	return w
}

// desk opens a desk with the settings of minimal documents, changed by change.
func (w *world) desk(change func(*tenantv1.Tickets)) *desk.Desk {
	w.t.Helper()
	return w.through(nil, change)
}

// through opens a desk whose requests go through a transport.
func (w *world) through(transport http.RoundTripper, change func(*tenantv1.Tickets)) *desk.Desk {
	w.t.Helper()
	tickets := &tenantv1.Tickets{
		Board: "Service Desk", NewStatus: "New", ClosedStatus: "Closed", TimeZone: "UTC",
		PriorityServer: "Priority 1 - Critical", PriorityWorkstation: "Priority 3 - Normal", PriorityM365: "Priority 2 - Quick Response",
	}
	change(tickets)
	d, err := desk.Open(&tenantv1.Settings{
		Id: "harbor", Tickets: tickets,
		Connectwise: &tenantv1.ConnectWise{
			Url: w.url, Company: cwfake.DefaultCompany, ClientId: cwfake.DefaultClientID,
			PublicKey: &tenantv1.SecretRef{Env: "PUBLIC"}, PrivateKey: &tenantv1.SecretRef{Env: "PRIVATE"},
		},
	}, desk.Options{
		Clock: w.clock, Logger: slog.New(slog.NewTextHandler(w.t.Output(), nil)), Transport: transport,
		LookupEnv: func(name string) (string, bool) {
			return map[string]string{"PUBLIC": cwfake.DefaultPublicKey, "PRIVATE": cwfake.DefaultPrivateKey}[name], true
		},
	})
	require.NoError(w.t, err)
	w.t.Cleanup(d.Close)
	return d
}

func failed() *incidentv1.Event {
	return &incidentv1.Event{
		Tenant: "harbor", DeviceId: "2345678", IncidentId: "2345678-1", Revision: 1, Customer: &statusv1.Customer{Id: "70", Name: "Acme"},
		Device: &incidentv1.Device{Name: "srv-01_a", ComputerName: "SRV-01", Class: incidentv1.DeviceClass_DEVICE_CLASS_SERVER},
		Conditions: []*incidentv1.Condition{{
			Kind: incidentv1.ConditionKind_CONDITION_KIND_FAILED, Findings: []*incidentv1.Finding{{SourceCode: "D01"}},
		}},
	}
}

func draft() desk.Draft {
	return desk.Draft{Summary: "s", Description: "d", Analysis: "a", Reference: "r", Company: 250, Event: failed()}
}

// ticket returns a ticket as the server gives it.
func (w *world) ticket(id int64) map[string]any {
	w.t.Helper()
	return w.get(fmt.Sprintf("/service/tickets/%d", id)).(map[string]any)
}

func (w *world) get(path string) any {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+"/v4_6_release/apis/3.0"+path, nil)
	require.NoError(w.t, err)
	request.SetBasicAuth(cwfake.DefaultCompany+"+"+cwfake.DefaultPublicKey, cwfake.DefaultPrivateKey)
	request.Header.Set("clientId", cwfake.DefaultClientID)
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, response.Body.Close()) }()
	require.Equal(w.t, http.StatusOK, response.StatusCode)
	var body any
	require.NoError(w.t, json.NewDecoder(response.Body).Decode(&body))
	return body
}

// named are the names of a ticket's references.
func named(ticket map[string]any, members ...string) map[string]string {
	names := map[string]string{}
	for _, m := range members {
		switch v := ticket[m].(type) {
		case map[string]any:
			names[m] = fmt.Sprint(v["name"])
		case string:
			names[m] = v
		}
	}
	return names
}

// texts are the notes of a ticket by the heading that they stand under.
func (w *world) texts(path string) map[string]string {
	notes := map[string]string{}
	for _, n := range w.get(path).([]any) {
		note := n.(map[string]any)
		for flag, name := range map[string]string{"detailDescriptionFlag": "public", "internalAnalysisFlag": "internal"} {
			if note[flag] == true {
				notes[name] = fmt.Sprint(note["text"])
			}
		}
	}
	return notes
}
