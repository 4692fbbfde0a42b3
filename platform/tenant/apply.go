package tenant

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Change is what Apply did to one tenant.
type Change string

// The changes.
const (
	Added   Change = "added"
	Updated Change = "updated"
	Removed Change = "removed"
)

// Apply makes the bus hold exactly these documents: it writes those that are new or different, removes tenants
// that are absent, and records each change as an event with its author. It is idempotent. It returns the
// changes by tenant id.
func Apply(ctx context.Context, b *bus.Bus, docs []Document, author string, now time.Time) (map[string]Change, error) {
	store, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
	if err != nil {
		return nil, fmt.Errorf("apply settings: %w", err)
	}
	absent := map[string]bus.Entry[*tenantv1.Settings]{}
	if err := store.Each(ctx, ">", func(e bus.Entry[*tenantv1.Settings]) error {
		absent[e.Value.GetId()] = e
		return nil
	}); err != nil {
		return nil, fmt.Errorf("apply settings: %w", err)
	}
	changes := map[string]Change{}
	for _, doc := range docs {
		before := absent[doc.ID]
		delete(absent, doc.ID)
		settings := doc.Settings()
		if proto.Equal(before.Value, settings) {
			continue
		}
		changes[doc.ID] = Updated
		if before.Value == nil {
			changes[doc.ID] = Added
		}
		if err := announce(ctx, b, doc.ID, settings, author, now); err != nil {
			return nil, err
		}
		if _, err := store.Put(ctx, bus.Key(doc.ID), settings, before.Revision); err != nil {
			return nil, fmt.Errorf("apply settings: %w", err)
		}
	}
	for id, before := range absent {
		changes[id] = Removed
		if err := announce(ctx, b, id, nil, author, now); err != nil {
			return nil, err
		}
		if err := store.Delete(ctx, before.Key, before.Revision); err != nil {
			return nil, fmt.Errorf("apply settings: %w", err)
		}
	}
	return changes, nil
}

// announce records a change before it is made, so that none is ever without its event.
func announce(ctx context.Context, b *bus.Bus, id string, settings *tenantv1.Settings, author string, now time.Time) error {
	err := b.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Settings, Verb: bus.VerbTenant, Tenant: id},
		ID:      strings.Join([]string{"settings", id, now.UTC().Format(time.RFC3339Nano)}, ":"),
		Body:    &tenantv1.Changed{SchemaVersion: 1, Tenant: id, Author: author, ChangedAt: timestamppb.New(now), Settings: settings},
	})
	if err != nil {
		return fmt.Errorf("record change of settings: %w", err)
	}
	return nil
}
