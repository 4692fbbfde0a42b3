package apply

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
)

var update = flag.Bool("update", false, "write the documents that tests generate")

// answering is a ConnectWise server whose look-ups work and whose other answers all have one status.
type answering struct {
	status atomic.Int64
	named  atomic.Bool // a 404 that names a record, as the API's own are
}

func (a *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	path := r.URL.Path
	switch {
	case strings.Contains(path, "companyinfo"):
		fmt.Fprint(w, `{"CompanyName":"harbor","Codebase":"v2025_1/","VersionCode":"v2025.1","CompanyID":"harbor","IsCloud":true}`)
	case strings.HasSuffix(path, "/boards"):
		fmt.Fprint(w, `[{"id":1,"name":"Service Desk"}]`)
	case strings.HasSuffix(path, "/statuses"):
		fmt.Fprint(w, `[{"id":1,"name":"New"},{"id":2,"name":"Closed","closedStatus":true}]`)
	case strings.HasSuffix(path, "/priorities"):
		fmt.Fprint(w, `[{"id":1,"name":"P"}]`)
	default:
		status := int(a.status.Load())
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(status)
		code := "Refused"
		if a.named.Load() {
			code = "NotFound"
		}
		if status != http.StatusNoContent && status != http.StatusNotModified {
			fmt.Fprintf(w, `{"code":%q,"message":"no","errors":null}`, code)
		}
	}
}

// follows says in words what a failure in an action leads to, as the run does it.
func follows(action string, err error) string {
	class := errclass.Of(err)
	switch {
	case class == errclass.UnknownOutcome && action == "attach ticket":
		return "the ticket is read: attached, or tried again"
	case class == errclass.UnknownOutcome:
		return "looked for before it is sent again"
	case class == errclass.NotFound && slices.Contains([]string{"post note", "close ticket", "reopen ticket", "find note", "move ticket", "read ticket"}, action):
		return "the ticket was deleted: onDeleted"
	case class == errclass.Rejected && action == "move ticket":
		return "recorded; the ticket stays at the company"
	case class == errclass.NotFound && action == "mark ticket":
		return "the next candidate, or a new ticket"
	case (class == errclass.Rejected || class == errclass.NotFound) && action == "attach ticket":
		return "the ticket is read: attached, or left alone for good"
	case class == errclass.Rejected && slices.Contains([]string{"post note", "close ticket", "reopen ticket"}, action):
		return "the ticket is read: moved, closed or merged; else parked rejected"
	}
	f := failureOf(action, err)
	text := "parked " + reasonName(f.Reason)
	if f.Right != "" {
		text += ", the missing right is named"
	}
	if f.RetryAfter > 0 {
		text += ", as long as the server says"
	}
	if companyRefused(err) && action == "post ticket" {
		text += "; the company is doubted"
	}
	return text
}

// Every HTTP status in every action has a class, and every class something that follows. The table is part of the
// documentation, so that a change of it is seen.
func TestEveryStatusInEveryActionHasAnAnswer(t *testing.T) {
	server := &answering{}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	settings := &tenantv1.Settings{
		Connectwise: &tenantv1.ConnectWise{
			Url: web.URL, Company: "harbor", ClientId: "0f0e0d0c-1111-2222-3333-444455556666",
			PublicKey: &tenantv1.SecretRef{Env: "PUBLIC"}, PrivateKey: &tenantv1.SecretRef{Env: "PRIVATE"},
		},
		Tickets: &tenantv1.Tickets{
			Board: "Service Desk", NewStatus: "New", ClosedStatus: "Closed", TimeZone: "UTC",
			Routing: []*tenantv1.TicketRoute{{Name: "owners", Select: &tenantv1.Selector{Classes: []string{"m365"}}, Set: map[string]string{"owner": "mreyes"}}},
		},
	}
	d, err := desk.Open(settings, desk.Options{
		LookupEnv: func(name string) (string, bool) { return "key" + name, true },
		Clock:     clock.System(), Pace: clock.Accelerated(time.Now(), 100_000), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	_, err = d.Board(t.Context())
	require.NoError(t, err)
	actions := []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"post ticket", func(ctx context.Context) error {
			_, err := d.Create(ctx, desk.Draft{Summary: "s", Company: 1, Reference: "r"})
			return err
		}},
		{"find ticket", func(ctx context.Context) error { _, err := d.Find(ctx, "r"); return err }},
		{"post note", func(ctx context.Context) error { return d.Note(ctx, 1, "text") }},
		{"find note", func(ctx context.Context) error { _, err := d.HasNote(ctx, 1, "m"); return err }},
		{"close ticket", func(ctx context.Context) error { _, err := d.CloseTicket(ctx, 1, 1); return err }},
		{"reopen ticket", func(ctx context.Context) error { _, err := d.Reopen(ctx, 1, 1); return err }},
		{"mark ticket", func(ctx context.Context) error { _, err := d.Claim(ctx, desk.Found{}, "r", nil); return err }},
		{"attach ticket", func(ctx context.Context) error { return d.Attach(ctx, 1, 2) }},
		{"list tickets", func(ctx context.Context) error { _, err := d.OnBoards(ctx, d.Boards()); return err }},
		{"read ticket", func(ctx context.Context) error {
			o, err := d.Read(ctx, 1)
			if o.GetDeleted() {
				return errclass.Newf(errclass.NotFound, "read ticket", "it is gone")
			}
			return err
		}},
		{"move ticket", func(ctx context.Context) error { _, err := d.Move(ctx, 1, 2); return err }},
		{"check settings", func(ctx context.Context) error {
			return d.Check(ctx, &incidentv1.Event{Device: &incidentv1.Device{Class: incidentv1.DeviceClass_DEVICE_CLASS_M365}}, 1)
		}},
	}
	statuses := []int{
		200, 201, 202, 204, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418,
		421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 521, 522, 523, 524, 525, 526, 530, 599,
	}
	var b strings.Builder
	b.WriteString("# What follows each HTTP status\n\nGenerated by `go test ./services/ticketer/internal/apply -run EveryStatus -update`. Success means the status with the body that " +
		"the action\nexpects; here the body is another, so that only what proves nothing counts as unknown. 404 is told apart by what it\nsays is missing: a record, or the endpoint, as wrong keys and a wrong company are answered.\n\n")
	b.WriteString("| status | action | class | what follows |\n|---|---|---|---|\n")
	for _, status := range statuses {
		for _, named := range []bool{false, true} {
			label := fmt.Sprint(status)
			switch {
			case status != http.StatusNotFound && named:
				continue
			case named:
				label += " (record)"
			case status == http.StatusNotFound:
				label += " (endpoint)"
			}
			server.status.Store(int64(status))
			server.named.Store(named)
			byAnswer, order := map[string][]string{}, []string{}
			for _, a := range actions {
				err := a.do(t.Context())
				require.Error(t, err, "%d %s", status, a.name)
				class := errclass.Of(err)
				require.NotEqual(t, errclass.Bug, class, "%d %s: %v", status, a.name, err)
				require.NotContains(t, err.Error(), "keyP")
				answer := class.String() + " | " + follows(a.name, err)
				if byAnswer[answer] == nil {
					order = append(order, answer)
				}
				byAnswer[answer] = append(byAnswer[answer], a.name)
			}
			for _, answer := range order {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", label, strings.Join(byAnswer[answer], ", "), answer)
			}
		}
	}
	b.WriteString(rightsTable(t))
	path := filepath.Join("..", "..", "..", "..", "docs", "ticket-trouble.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String(), "run with -update if this is meant")
}
