package record_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/record"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func TestApplyMakesTheBusHoldExactlyTheDocuments(t *testing.T) {
	b := bustest.Open(t, bustest.Start(t))
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	doc := func(id, board string) tenant.Document {
		d := tenant.Defaults()
		d.ID, d.Tickets.Board = id, board
		d.Cove.Password = tenant.SecretRef{Field: "cove.password", File: "/etc/covewise/cove.secret"}
		return d
	}
	apply := func(docs ...tenant.Document) map[string]record.Change {
		now = now.Add(time.Minute)
		changes, err := record.Apply(t.Context(), b, docs, "test", now)
		require.NoError(t, err)
		return changes
	}
	require.Equal(t, map[string]record.Change{"a": record.Added, "b": record.Added}, apply(doc("a", "Desk"), doc("b", "Desk")))
	require.Empty(t, apply(doc("a", "Desk"), doc("b", "Desk")), "the same again changes nothing")
	require.Equal(t, map[string]record.Change{"a": record.Updated, "b": record.Removed}, apply(doc("a", "NOC")))
	require.Equal(t, map[string]record.Change{"b": record.Added}, apply(doc("a", "NOC"), doc("b", "Desk")), "a removed tenant can come back")

	store, err := bus.OpenStore[*tenantv1.Settings](t.Context(), b, bus.Tenants)
	require.NoError(t, err)
	got, _, err := store.Get(t.Context(), "a")
	require.NoError(t, err)
	require.True(t, proto.Equal(doc("a", "NOC").Settings(), got))
	require.Equal(t, "/etc/covewise/cove.secret", got.GetCove().GetPassword().GetFile())
}

func TestThePolicyVersionNamesThePolicysValues(t *testing.T) {
	a, b := tenant.Defaults(), tenant.Defaults()
	b.ID = "other"
	require.Equal(t, a.Settings().GetPolicy().GetVersion(), b.Settings().GetPolicy().GetVersion())
	b.Policy.Values["openAfter"] = "2"
	require.NotEqual(t, a.Settings().GetPolicy().GetVersion(), b.Settings().GetPolicy().GetVersion())
	require.NotEmpty(t, a.Settings().GetPolicy().GetVersion())
}

func TestApplyKeepsEveryVersionOfThePolicy(t *testing.T) {
	b := bustest.Open(t, bustest.Start(t))
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	changes := make(chan *tenantv1.PolicyChanged, 9)
	following := make(chan struct{})
	go func() {
		_ = b.Follow(t.Context(), bus.Settings, func() { close(following) }, func(d bus.Delivery) {
			if d.Subject.Verb == bus.VerbPolicy {
				c := &tenantv1.PolicyChanged{}
				if d.Decode(c) == nil {
					changes <- c
				}
			}
		})
	}()
	<-following
	doc := tenant.Defaults()
	doc.ID = "harbor"
	apply := func(docs ...tenant.Document) {
		now = now.Add(time.Minute)
		_, err := record.Apply(t.Context(), b, docs, "ann", now)
		require.NoError(t, err)
	}
	apply(doc)
	first := doc.Settings().GetPolicy()
	doc.Tickets.Board = "NOC"
	apply(doc) // not a change of the policy
	doc.Policy.Values = map[string]string{"openAfter": "3"}
	apply(doc)
	second := doc.Settings().GetPolicy()
	apply()

	var told []*tenantv1.PolicyChanged
	for range 3 {
		told = append(told, <-changes)
	}
	require.Equal(t, []string{first.GetVersion(), second.GetVersion(), ""},
		[]string{told[0].GetPolicy().GetVersion(), told[1].GetPolicy().GetVersion(), told[2].GetPolicy().GetVersion()})
	require.Equal(t, []string{"", first.GetVersion(), second.GetVersion()},
		[]string{told[0].GetPreviousVersion(), told[1].GetPreviousVersion(), told[2].GetPreviousVersion()})
	require.Equal(t, "ann", told[1].GetAuthor())
	require.Equal(t, "3", told[1].GetPolicy().GetTenant()["openAfter"])

	found, err := record.PolicyVersion(t.Context(), b, "harbor", first.GetVersion())
	require.NoError(t, err)
	require.True(t, proto.Equal(told[0], found), "a version that is over can be found")
	_, err = record.PolicyVersion(t.Context(), b, "harbor", "abc")
	require.Equal(t, errclass.NotFound, errclass.Of(err))
	_, err = record.PolicyVersion(t.Context(), b, "other", first.GetVersion())
	require.Equal(t, errclass.NotFound, errclass.Of(err))
}

func TestApplyRefusesSnoozesThatNobodyWillRemember(t *testing.T) {
	b := bustest.Open(t, bustest.Start(t))
	doc := tenant.Defaults()
	doc.ID = "pier"
	doc.Policy.Snoozes = []tenant.Snooze{{Rule: tenant.Rule{Name: "moving house"}, Until: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)}}
	_, err := record.Apply(t.Context(), b, []tenant.Document{doc}, "ann", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	require.EqualError(t, err, `apply settings: pier: the policy's snooze "moving house" ends more than 366 days ahead; write an earlier date and renew it then`)
	_, err = record.Apply(t.Context(), b, []tenant.Document{doc}, "ann", time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
}
