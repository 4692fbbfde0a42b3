package openapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock"
)

// calls is every request that the client can send, by the name of its method.
func calls(ctx context.Context, server *cwfake.Server, c *connectwise.Client) map[string]func() error {
	var company connectwise.Company
	var one, two connectwise.Ticket
	var entry connectwise.Callback
	none := connectwise.Condition{}
	since := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	return map[string]func() error{
		"CompanyInfo":       func() error { _, err := c.CompanyInfo(ctx); return err },
		"SystemInfo":        func() error { _, err := c.SystemInfo(ctx); return err },
		"Boards":            func() error { _, err := c.Boards(ctx, "Service Desk"); return err },
		"BoardStatuses":     func() error { _, err := c.BoardStatuses(ctx, 1); return err },
		"Priorities":        func() error { _, err := c.Priorities(ctx); return err },
		"Sources":           func() error { _, err := c.Sources(ctx); return err },
		"BoardAssociations": func() error { _, err := c.BoardAssociations(ctx, 1); return err },
		"UserDefinedFields": func() error { _, err := c.UserDefinedFields(ctx); return err },
		"Locations":         func() error { _, err := c.Locations(ctx); return err },
		"Countries":         func() error { _, err := c.Countries(ctx); return err },
		"CompanyStatuses":   func() error { _, err := c.CompanyStatuses(ctx); return err },
		"CompanyTypes":      func() error { _, err := c.CompanyTypes(ctx); return err },
		"Members":           func() error { _, err := c.Members(ctx, connectwise.Eq("identifier", "mreyes")); return err },
		"Contacts":          func() error { _, err := c.Contacts(ctx, connectwise.Eq("company/id", 250)); return err },
		"BoardParts": func() error {
			for _, kind := range []connectwise.BoardPartKind{connectwise.BoardTypes, connectwise.BoardSubTypes, connectwise.BoardItems, connectwise.BoardTeams} {
				if _, err := c.BoardParts(ctx, 1, kind); err != nil {
					return err
				}
			}
			return nil
		},
		"1 CreateCompany": func() (err error) {
			company, err = c.CreateCompany(ctx, connectwise.NewCompany{
				Identifier: "acme2", Name: "Acme Two", Status: connectwise.Reference{Name: "Active"}, Types: []connectwise.Reference{{Name: "Client"}},
				Site: connectwise.Reference{Name: "Main"}, AddressLine1: "1 Quay", City: "Aarhus", Zip: "8000",
			})
			return err
		},
		"2 Company": func() error { _, err := c.Company(ctx, company.ID); return err },
		"2 Companies": func() error {
			_, err := connectwise.All(c.Companies(ctx, connectwise.Eq("deletedFlag", false), "identifier", "name"))
			return err
		},
		"2 PatchCompany": func() error {
			_, err := c.PatchCompany(ctx, company.ID, connectwise.Replace("name", "Acme Three"))
			return err
		},
		"2 Sites": func() error { _, err := c.Sites(ctx, company.ID); return err },
		"2 Agreements": func() error {
			_, err := connectwise.All(c.Agreements(ctx, connectwise.Eq("company/id", 250)))
			return err
		},
		"2 CreateTicket": func() (err error) {
			for i, made := range []*connectwise.Ticket{&one, &two} {
				if *made, err = c.CreateTicket(ctx, ticket(company.ID, i)); err != nil {
					return err
				}
			}
			return nil
		},
		"3 CreateTicketNote": func() error {
			_, err := c.CreateTicketNote(ctx, one.ID, connectwise.NewNote{Text: "worse\nand worse", InternalAnalysisFlag: true})
			return err
		},
		"3 CreateTimeEntry": func() error {
			_, err := c.CreateTimeEntry(ctx, connectwise.NewTimeEntry{Ticket: one.ID, Start: since, End: since.Add(time.Minute), Notes: "over", Resolution: true})
			return err
		},
		"3 AttachConfiguration": func() error {
			id, err := server.AddConfiguration(cwfake.Configuration{Name: "SRV01", Company: company.ID, DeviceIdentifier: "42"})
			if err != nil {
				return err
			}
			return c.AttachConfiguration(ctx, one.ID, id)
		},
		"4 Configurations": func() error {
			_, err := connectwise.All(c.Configurations(ctx, connectwise.Eq("company/id", company.ID)))
			return err
		},
		"4 TicketConfigurations": func() error { _, err := c.TicketConfigurations(ctx, one.ID); return err },
		"4 AttachChildren":       func() error { return c.AttachChildren(ctx, one.ID, two.ID) },
		"5 Ticket":               func() error { _, err := c.Ticket(ctx, one.ID); return err },
		"5 Tickets": func() error {
			refs := make([]string, 150)
			for i := range refs {
				refs[i] = fmt.Sprintf("covewise:%020d", i)
			}
			for _, where := range []connectwise.Condition{none, connectwise.Ge("lastUpdated", since), connectwise.In("externalXRef", refs...)} {
				if _, err := connectwise.All(c.Tickets(ctx, where, "id", "summary", "status/name", "_info")); err != nil {
					return err
				}
			}
			return nil
		},
		"5 TicketCount": func() error { _, err := c.TicketCount(ctx, connectwise.Eq("closedFlag", false)); return err },
		"5 TicketNotes": func() error { _, err := c.TicketNotes(ctx, one.ID); return err },
		"5 AllNotes":    func() error { _, err := c.AllNotes(ctx, one.ID); return err },
		"6 PatchTicket": func() error {
			for _, op := range []connectwise.PatchOp{
				connectwise.Replace("externalXRef", "covewise:x"), connectwise.Replace("owner", connectwise.Reference{Identifier: "mreyes"}), connectwise.Remove("owner"),
				connectwise.Replace("company", connectwise.Reference{ID: company.ID}), connectwise.Replace("status", connectwise.Reference{Name: "Closed"}),
			} {
				if _, err := c.PatchTicket(ctx, one.ID, op); err != nil {
					return err
				}
			}
			return nil
		},
		"1 CreateCallback": func() (err error) {
			entry, err = c.CreateCallback(ctx, connectwise.NewCallback{
				Description: "Covewise", URL: "https://covewise.example.com/hooks/connectwise/t?recordId=", ObjectID: 1, Type: "ticket", Level: "owner",
				IsSelfSuppressedFlag: true,
			})
			return err
		},
		"2 PatchCallback": func() error {
			_, err := c.PatchCallback(ctx, entry.ID, connectwise.Replace("inactiveFlag", false))
			return err
		},
		"2 Callbacks":      func() error { _, err := c.Callbacks(ctx); return err },
		"3 DeleteCallback": func() error { return c.DeleteCallback(ctx, entry.ID) },
	}
}

func ticket(company, n int) connectwise.NewTicket {
	return connectwise.NewTicket{
		Summary: fmt.Sprintf("Backup of SRV%02d failed", n), Company: connectwise.Reference{ID: company}, Board: connectwise.Reference{Name: "Service Desk"},
		Status: connectwise.Reference{Name: "New"}, Priority: connectwise.Reference{Name: "Priority 1 - Critical"}, Source: connectwise.Reference{Name: "API"},
		Owner: connectwise.Reference{Identifier: "mreyes"}, Severity: "High", Impact: "Medium", ExternalXRef: fmt.Sprintf("covewise:%d", n),
		InitialDescription: "Last good backup\nError: disk full", InitialInternalAnalysis: "internal",
		CustomFields: []connectwise.CustomField{{ID: 3, Value: json.RawMessage(`"abc"`)}},
	}
}

// quiet are the methods that send nothing.
func quiet() []string {
	return []string{"Announce", "Backlog", "Close", "Interval", "Requests", "Writes"}
}

func TestRequestsAndAnswersAreAsDescribed(t *testing.T) {
	doc := description(t)
	if doc == nil {
		return
	}
	for _, version := range []string{"", "2025.1"} {
		server := cwfake.New(cwfake.Options{})
		j := newJudge(doc, server)
		c := client(t, j, version)
		all := calls(t.Context(), server, c)
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int { return compareSteps(a, b) })
		for _, name := range names {
			require.NoError(t, all[name](), name)
		}
		missing := quiet()
		for _, name := range names {
			missing = append(missing, name[len(step(name)):])
		}
		for method := range reflect.TypeFor[*connectwise.Client]().Methods() {
			require.Contains(t, missing, method.Name, "a method of the client that is not judged")
		}
		t.Logf("%d kinds of answers: %v", len(j.list(j.judged)), j.list(j.judged))
		require.Equal(t, undescribed(), j.list(j.undescribed))
		require.Empty(t, j.list(j.faults))
	}
}

// description returns the description, or nil where there is none.
func description(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := described()
	require.NoError(t, err)
	if doc == nil {
		t.Logf("nothing is checked: %s names no file, and there is none of %v", fileVariable, usualFiles)
	}
	return doc
}

// Error answers of the fake are as described as well.
func TestRefusalsAreAsDescribed(t *testing.T) {
	doc := description(t)
	if doc == nil {
		return
	}
	server := cwfake.New(cwfake.Options{})
	j := newJudge(doc, server)
	c := client(t, j, "")
	_, err := c.SystemInfo(t.Context())
	require.NoError(t, err)
	create := func() error { _, err := c.CreateTicket(t.Context(), ticket(999_999, 1)); return err }
	read := func() error { _, err := c.Ticket(t.Context(), 7); return err }
	for name, f := range map[string]cwfake.Fault{
		"400": {}, "401": {Kind: cwfake.FaultUnauthorized}, "403": {Kind: cwfake.FaultForbidden, Right: "any"}, "404 for keys": {Kind: cwfake.FaultNotFoundAuth},
		"429": {Kind: cwfake.FaultRateLimited, RetryAfter: "60"}, "500": {Kind: cwfake.FaultErrorBefore}, "503": {Kind: cwfake.FaultErrorBefore, Status: 503},
	} {
		for _, act := range []func() error{create, read} {
			if f.Kind != "" {
				f.Times = 1
				require.NoError(t, server.AddFaults(f))
			}
			if err := act(); f.Kind == "" {
				require.Error(t, err, name)
			}
		}
	}
	t.Logf("%v", j.list(j.judged))
	require.Empty(t, j.list(j.faults))
}

func client(t *testing.T, j *Judge, version string) *connectwise.Client {
	t.Helper()
	web := httptest.NewServer(j)
	t.Cleanup(web.Close)
	c, err := connectwise.New(connectwise.Options{
		Site: web.URL, Company: cwfake.DefaultCompany, ClientID: cwfake.DefaultClientID, ModelVersion: version, PageSize: 2,
		Keys:  func() (string, string, error) { return cwfake.DefaultPublicKey, cwfake.DefaultPrivateKey, nil },
		Clock: clock.Accelerated(time.Now(), 1000), RequestsPerMinute: 600_000, Burst: 10_000,
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// step is the digit before a name, which says when it is called; without one it is called first.
func step(name string) string {
	if name[0] >= '0' && name[0] <= '9' {
		return name[:2]
	}
	return ""
}

func compareSteps(a, b string) int {
	return cmp.Or(strings.Compare(step(a), step(b)), strings.Compare(a, b))
}
