package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/clock/clocktest"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/services/poller/internal/doctor"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// stub is a Cove with what a fake server cannot show.
type stub struct {
	who    cove.Identity
	server cove.ServerInfo
	broken error // of ServerInfo
	nodes  []string
	asked  []string // "device at node, source"
	answer func(node string) error
}

func (s *stub) RequestsPerSecond() float64 { return 4 }

func (s *stub) Identity(context.Context) (cove.Identity, error) { return s.who, nil }

func (s *stub) ServerInfo(context.Context) (cove.ServerInfo, error) { return s.server, s.broken }

func (s *stub) Columns(context.Context, int64) ([]string, error) { return []string{"AN"}, nil }

func (s *stub) Partner(_ context.Context, id int64) (cove.Partner, error) {
	return cove.Partner{ID: id, Name: "Harbor", Level: "Federation"}, nil
}

func (s *stub) Partners(context.Context, int64) ([]cove.Partner, error) {
	return []cove.Partner{{ID: 710, ParentID: 700, Name: "Acme", Level: "EndCustomer"}}, nil
}

func (s *stub) PartnerHistory(context.Context, int64) (cove.PastPartner, error) {
	return cove.PastPartner{}, errors.New("not asked for")
}

// Statistics shows a healthy device of an own customer for each node, and one M365 tenant.
func (s *stub) Statistics(_ context.Context, q cove.Query) (cove.Page, error) {
	var page cove.Page
	for i := range s.nodes {
		page.Rows = append(page.Rows, cove.Row{AccountID: int64(i), PartnerID: 710, Columns: map[string]string{
			"AN": "srv", "AR": "Acme", "AT": "1", "OT": "2", "I78": "D02D01", "D01F00": "2", "D02F00": "5",
		}})
	}
	if q.Start > 0 {
		page.Rows = page.Rows[min(q.Start, len(page.Rows)):]
	}
	return page, nil
}

func (s *stub) Account(_ context.Context, id int64) (cove.Account, error) {
	return cove.Account{ID: id, Node: s.nodes[id]}, nil
}

func (s *stub) SessionErrors(_ context.Context, a cove.Account, source string, since time.Time, _ cove.Limits) (cove.TroubledSession, bool, error) {
	s.asked = append(s.asked, fmt.Sprintf("%d at %s, %s since %s", a.ID, a.Node, source, noon.Sub(since)))
	return cove.TroubledSession{}, false, s.answer(a.Node)
}

func examine(t *testing.T, s *stub) map[string][]doctor.Check {
	t.Helper()
	checks, err := doctor.Run(t.Context(), s, doctor.Options{Username: "psa", Password: "file x", Clock: clocktest.New(noon)})
	require.NoError(t, err)
	found := map[string][]doctor.Check{}
	for _, c := range checks {
		found[c.Name] = append(found[c.Name], c)
	}
	return found
}

func TestWhatIsUnusualIsWarnedOf(t *testing.T) {
	s := &stub{who: cove.Identity{UserID: 1, PartnerID: 700, RoleID: 6}}
	found := examine(t, s)
	require.Equal(t, []doctor.Check{{Name: "login", Level: doctor.Warning, Text: `user "psa" (1, Reporter) in partner 700`, Remedy: "give the user the role Operator, the least that is known to suffice"}}, found["login"])
	require.Equal(t, "Cove's answer has no date to compare this machine's clock with", found["clock"][0].Text)
	require.Equal(t, `what lies below "Harbor" (700) is watched; its level "Federation" is not known`, found["partner"][0].Text)
	require.Equal(t, "1 EndCustomer, 1 of another level", found["partners"][0].Text)
	require.Equal(t, "there is no device with a data source to try with", found["session errors"][0].Text)

	s.who.RoleID, s.broken = 99, errclass.New(errclass.Transient, "calling Cove", errors.New("no route"))
	found = examine(t, s)
	require.Equal(t, `user "psa" (1, role 99) in partner 700`, found["login"][0].Text)
	require.Equal(t, doctor.OK, found["login"][0].Level)
	require.Equal(t, []doctor.Check{{
		Name: "clock", Level: doctor.Warning, Text: "Cove's clock could not be read: calling Cove: no route",
		Remedy: "let this machine reach cove.url over HTTPS, and try again in some minutes",
	}}, found["clock"])

	found = examine(t, &stub{})
	require.Equal(t, "Cove does not say which partner the login belongs to", found["partner"][0].Text)
	require.Empty(t, found["devices"], "there is nothing to look at")
}

func TestEveryStorageNodeIsTriedOnce(t *testing.T) {
	s := &stub{
		who: cove.Identity{PartnerID: 700, RoleID: 4}, server: cove.ServerInfo{Time: noon},
		nodes: []string{"good.example:443", "bad.example", "", "GOOD.example:443", "down.example"},
	}
	s.answer = func(node string) error {
		switch node {
		case "bad.example":
			return &cove.SkippedNodeError{Host: node, Reason: cove.SkipCertificate}
		case "":
			return &cove.SkippedNodeError{Reason: cove.SkipNoNode}
		case "down.example":
			return errclass.New(errclass.Transient, "asking the storage node", errors.New("refused"))
		default:
			return nil
		}
	}
	found := examine(t, s)
	require.Equal(t, []string{
		"0 at good.example:443, D01 since 720h0m0s", "1 at bad.example, D01 since 720h0m0s", "2 at , D01 since 720h0m0s", "4 at down.example, D01 since 720h0m0s",
	}, s.asked, "about the data source in trouble")
	const until = "until then the tickets of its devices go without the cause"
	require.Equal(t, []doctor.Check{
		{Name: "storage node", Level: doctor.Warning, Text: `the certificate of "bad.example", that of device 1, does not verify`, Remedy: "have a valid certificate installed there, as verification is never switched off; " + until},
		{Name: "storage node", Level: doctor.Warning, Text: "Cove names no storage node for device 2", Remedy: "look at the device in the Cove console; " + until},
		{Name: "storage node", Level: doctor.Warning, Text: `"down.example" could not be asked for the sessions of device 4: asking the storage node: refused`, Remedy: "let this machine reach it over HTTPS (port 443); " + until},
	}, found["storage node"])
	require.Equal(t, `can be read from "good.example:443"`, found["session errors"][0].Text)
	require.Contains(t, found["columns"][0].Text, "came for no device, and Cove does not list them")
}

func TestTheExaminationEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := doctor.Run(ctx, &stub{}, doctor.Options{Clock: clocktest.New(noon)})
	require.ErrorIs(t, err, context.Canceled)
}
