package tenant_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/tenant"
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
	apply := func(docs ...tenant.Document) map[string]tenant.Change {
		now = now.Add(time.Minute)
		changes, err := tenant.Apply(t.Context(), b, docs, "test", now)
		require.NoError(t, err)
		return changes
	}
	require.Equal(t, map[string]tenant.Change{"a": tenant.Added, "b": tenant.Added}, apply(doc("a", "Desk"), doc("b", "Desk")))
	require.Empty(t, apply(doc("a", "Desk"), doc("b", "Desk")), "the same again changes nothing")
	require.Equal(t, map[string]tenant.Change{"a": tenant.Updated, "b": tenant.Removed}, apply(doc("a", "NOC")))
	require.Equal(t, map[string]tenant.Change{"b": tenant.Added}, apply(doc("a", "NOC"), doc("b", "Desk")), "a removed tenant can come back")

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
