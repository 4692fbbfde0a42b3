package desk_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/errclass"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/ticketer/internal/desk"
)

func rule(set map[string]string, custom map[string]string) func(*tenantv1.Tickets) {
	return func(s *tenantv1.Tickets) {
		s.Routing = []*tenantv1.TicketRoute{{Name: "all", Set: set, CustomFields: custom}}
	}
}

func TestATypeASubtypeAndAnItemMustGoTogether(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		sentence string
		set      map[string]string
		want     string
	}{
		{"all three", map[string]string{"type": "Backup", "subType": "Failure", "item": "Server"}, ""},
		{"a type and a subtype", map[string]string{"type": "Hardware", "subType": "Failure"}, ""},
		{"a type alone", map[string]string{"type": "Hardware"}, ""},
		{
			"an item without a type",
			map[string]string{"item": "Server"},
			`tickets.routing[0].set.item (rule "all"): item "Server" goes with a type, and no rule sets one; set "type" beside it`,
		},
		{
			"a subtype without a type",
			map[string]string{"subType": "Failure"},
			`tickets.routing[0].set.subType (rule "all"): subtype "Failure" goes with a type, and no rule sets one; set "type" beside it`,
		},
		{
			"an item of another type",
			map[string]string{"type": "Hardware", "subType": "Failure", "item": "Server"},
			`tickets.routing[0].set.item (rule "all"): item "Server" does not go with type "Hardware" and subtype "Failure" on board "Service Desk"; ` +
				`choose what does, or associate them in the board's setup in ConnectWise`,
		},
		{
			"an item of another type, without a subtype",
			map[string]string{"type": "Hardware", "item": "Server"},
			`tickets.routing[0].set.item (rule "all"): item "Server" does not go with type "Hardware" on board "Service Desk"; ` +
				`choose what does, or associate them in the board's setup in ConnectWise`,
		},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := w.desk(rule(c.set, nil))
			err := d.Check(t.Context(), failed(), 250)
			if c.want != "" {
				require.EqualError(t, err, c.want)
				require.Equal(t, errclass.Rejected, errclass.Of(err))
				return
			}
			require.NoError(t, err)
			made, err := d.Create(t.Context(), draft())
			require.NoError(t, err)
			require.Empty(t, made.Remarks)
		})
	}
}

func TestACustomFieldMustBeDefinedAndTakeTheValue(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ sentence, id, value, want string }{
		{"text", "7", `"x"`, ""},
		{"a number", "8", `4`, ""},
		{"a choice", "9", `"Night"`, ""},
		{"a field that is not there", "999", `"x"`, `ConnectWise has no custom field 999; there are 3 ("Device Id"), 7 ("Origin"), 8 ("Tier"), 9 ("Shift")`},
		{"text for a number", "8", `"4"`, `custom field 8, "Tier", holds a number, and "4" is none`},
		{"a number for text", "7", `4`, `custom field 7, "Origin", holds text; write 4 in quotation marks`},
		{"a choice that there is not", "9", `"Noon"`, `custom field 9, "Shift", has no choice "Noon"; there are "Day", "Night"`},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			d := w.desk(rule(nil, map[string]string{c.id: c.value}))
			err := d.Check(t.Context(), failed(), 250)
			if c.want != "" {
				require.EqualError(t, err, `tickets.routing[0].set.customFields.`+c.id+` (rule "all"): `+c.want)
				return
			}
			require.NoError(t, err)
			made, err := d.Create(t.Context(), draft())
			require.NoError(t, err)
			require.Empty(t, made.Remarks)
		})
	}
}

func TestACustomFieldThatDidNotArriveIsToldWithItsKey(t *testing.T) {
	w := newWorld(t)
	d := w.desk(rule(nil, map[string]string{"7": `"x"`}))
	one := draft()
	_, err := d.Create(t.Context(), one)
	require.NoError(t, err)
	found, err := d.Find(t.Context(), one.Reference)
	require.NoError(t, err)
	other := w.desk(rule(nil, map[string]string{"3": `"y"`, "7": `"z"`}))
	filed, err := other.Complete(t.Context(), found[0], one)
	require.NoError(t, err)
	require.Equal(t, []string{`ConnectWise made the ticket otherwise than asked: ` +
		`custom field 3 is empty, asked for was "y" by tickets.routing[0].set.customFields.3 (rule "all"); ` +
		`custom field 7 is "x", asked for was "z" by tickets.routing[0].set.customFields.7 (rule "all").`}, filed.Remarks)
}

func TestDefinitionsThatMayNotBeReadHoldNoTicketUp(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.cw.AddFaults(cwfake.Fault{Match: "GET /system/userDefinedFields", Kind: cwfake.FaultForbidden, Right: "Table Setup"}))
	made, err := w.desk(rule(nil, map[string]string{"7": `"x"`})).Create(t.Context(), draft())
	require.NoError(t, err)
	require.Len(t, made.Remarks, 1)
	require.Contains(t, made.Remarks[0], "The definitions of custom fields could not be read, because the role of the API member lacks the right to: ")
}

func TestATableThatMayNotBeReadIsNamedByTheSettingThatNeedsIt(t *testing.T) {
	w := newWorld(t)
	for route, c := range map[string]struct {
		set map[string]string
		key string
	}{
		"GET /service/boards":                                        {nil, "tickets.board"},
		"GET /service/boards/{parentId}/statuses":                    {nil, "tickets.newStatus"},
		"GET /service/priorities":                                    {nil, "tickets.priorities"},
		"GET /system/members":                                        {map[string]string{"owner": "tokafor"}, `tickets.routing[0].set.owner (rule "all")`},
		"GET /service/sources":                                       {map[string]string{"source": "API"}, `tickets.routing[0].set.source (rule "all")`},
		"GET /service/boards/{parentId}/teams":                       {map[string]string{"team": "Service Team"}, `tickets.routing[0].set.team (rule "all")`},
		"GET /service/boards/{parentId}/typeSubTypeItemAssociations": {map[string]string{"type": "Backup", "subType": "Failure"}, `tickets.routing[0].set.subType (rule "all")`},
	} {
		t.Run(route, func(t *testing.T) {
			require.NoError(t, w.cw.AddFaults(cwfake.Fault{Match: route, Kind: cwfake.FaultForbidden, Right: "Inquire"}))
			defer w.cw.ClearFaults()
			err := w.desk(rule(c.set, nil)).Check(t.Context(), failed(), 250)
			require.Equal(t, errclass.AuthTenant, errclass.Of(err))
			var found desk.SettingErrors
			require.ErrorAs(t, err, &found)
			require.Equal(t, c.key, found[0].Key)
		})
	}
}

func TestARenamedBoardOrPriorityKeepsNoTicketOpen(t *testing.T) {
	for says, rename := range map[string]func(w *world) error{
		"board":    func(w *world) error { return w.cw.Person("").RenameBoard("Service Desk", "Helpdesk") },
		"priority": func(w *world) error { return w.cw.Person("").RenamePriority("Priority 1 - Critical", "P1") },
	} {
		t.Run(says, func(t *testing.T) {
			w := newWorld(t)
			made, err := w.desk(rule(nil, nil)).Create(t.Context(), draft())
			require.NoError(t, err)
			require.NoError(t, rename(w))
			restarted := w.desk(rule(nil, nil))
			require.Equal(t, errclass.Rejected, errclass.Of(restarted.Check(t.Context(), failed(), 250)))
			ticket, board := made.Ticket.GetTicketId(), made.Ticket.GetBoardId()
			closed, err := restarted.CloseTicket(t.Context(), ticket, board)
			require.NoError(t, err)
			require.Equal(t, "Closed", closed.GetStatus())
			opened, err := restarted.Reopen(t.Context(), ticket, board)
			require.NoError(t, err)
			require.Equal(t, "New", opened.GetStatus())
		})
	}
}

func TestAStatusThatWasRetiredIsNamedInsteadOfTheRefusal(t *testing.T) {
	w := newWorld(t)
	d := w.desk(rule(nil, nil))
	made, err := d.Create(t.Context(), draft())
	require.NoError(t, err)
	ticket, board := made.Ticket.GetTicketId(), made.Ticket.GetBoardId()
	const there = `; there are "New", "In Progress", "Waiting", "Resolved"`
	require.NoError(t, w.cw.Person("").SetStatusInactive("Service Desk", "Closed", true))
	_, err = d.CloseTicket(t.Context(), ticket, board)
	require.EqualError(t, err, `tickets.closedStatus: ConnectWise has no active status of board "Service Desk" "Closed"`+there)
	since := w.clock.Now()
	require.False(t, d.Mended("tickets.closedStatus", since))

	require.NoError(t, w.cw.Person("").SetStatusInactive("Service Desk", "Closed", false))
	w.clock.Add(2 * time.Minute)
	_, err = d.CloseTicket(t.Context(), ticket, board)
	require.NoError(t, err)
	require.True(t, d.Mended("tickets.closedStatus", since))

	require.NoError(t, w.cw.Person("").SetStatusInactive("Service Desk", "New", true))
	_, err = d.Create(t.Context(), draft())
	require.EqualError(t, err, `tickets.newStatus: ConnectWise has no active status of board "Service Desk" "New"; there are "In Progress", "Waiting", "Resolved", "Closed"`)
}

func TestWhatIsWrongWithARuleIsOverOnceItsValueWasFoundGood(t *testing.T) {
	w := newWorld(t)
	const key = `tickets.routing[0].set.owner (rule "all")`
	d := w.desk(rule(map[string]string{"owner": "nobody"}, nil))
	require.ErrorContains(t, d.Check(t.Context(), failed(), 250), key)
	since := w.clock.Now()
	require.False(t, d.Mended(key, since))
	require.NoError(t, d.Look(t.Context()), "that a setting is wrong does not mean that ConnectWise cannot be asked")
	for says, c := range map[string]struct {
		set  map[string]string
		want bool
	}{
		"the same value":           {map[string]string{"owner": "nobody"}, false},
		"another that is wrong":    {map[string]string{"owner": "nobody2"}, false},
		"one that is good":         {map[string]string{"owner": "tokafor"}, true},
		"the rule has none":        {map[string]string{"source": "API"}, true},
		"one that was not checked": {map[string]string{"owner": "mreyes", "team": "nobody's"}, false},
	} {
		t.Run(says, func(t *testing.T) {
			d := w.desk(rule(c.set, nil))
			_ = d.Check(t.Context(), failed(), 250)
			require.Equal(t, c.want, d.Mended(key, since))
		})
	}
	older := w.desk(rule(map[string]string{"owner": "tokafor"}, nil))
	require.NoError(t, older.Check(t.Context(), failed(), 250))
	w.clock.Add(time.Minute)
	require.False(t, older.Mended(key, w.clock.Now()), "it was looked up before the trouble began")
}

func TestALookTellsThatTheKeysDoNotWork(t *testing.T) {
	w := newWorld(t)
	d := w.desk(rule(nil, nil))
	require.NoError(t, d.Look(t.Context()))
	require.NoError(t, w.cw.AddFaults(cwfake.Fault{Kind: cwfake.FaultErrorBefore, Status: http.StatusUnauthorized}))
	require.NoError(t, d.Look(t.Context()), "answered a moment ago")
	w.clock.Add(time.Minute)
	require.Equal(t, errclass.AuthTenant, errclass.Of(d.Look(t.Context())))
}
