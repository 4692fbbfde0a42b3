// Package record keeps tenants' documents on the bus: it applies them, and finds what was applied before. It is apart
// from package tenant so that whoever only reads documents does not link the bus.
package record

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
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
func Apply(ctx context.Context, b *bus.Bus, docs []tenant.Document, author string, now time.Time) (map[string]Change, error) {
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
	for _, doc := range docs {
		if rule := doc.Policy.WithheldTooLong(now); rule != "" {
			return nil, errclass.Newf(errclass.Rejected, "apply settings", "%s: the policy's %s ends more than %d days ahead; write an earlier date and renew it then",
				doc.ID, rule, int(tenant.LongestWithheld/(24*time.Hour)))
		}
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
		if err := announcePolicy(ctx, b, doc.ID, before.Value.GetPolicy(), settings.GetPolicy(), author, now); err != nil {
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
		if err := announcePolicy(ctx, b, id, before.Value.GetPolicy(), nil, author, now); err != nil {
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

// announcePolicy records a change of the policy with the whole of it, before it is made. Nothing is told when the
// policy is the same.
func announcePolicy(ctx context.Context, b *bus.Bus, id string, before, after *tenantv1.Policy, author string, now time.Time) error {
	if before.GetVersion() == after.GetVersion() {
		return nil
	}
	err := b.Publish(ctx, bus.Message{
		Subject: bus.Subject{Family: bus.Settings, Verb: bus.VerbPolicy, Tenant: id},
		ID:      strings.Join([]string{"policy", id, now.UTC().Format(time.RFC3339Nano)}, ":"),
		Body: &tenantv1.PolicyChanged{
			SchemaVersion: 1, Tenant: id, Author: author, ChangedAt: timestamppb.New(now),
			PreviousVersion: before.GetVersion(), Policy: after,
		},
	})
	if err != nil {
		return fmt.Errorf("record change of policy: %w", err)
	}
	return nil
}

// PolicyVersion finds a version that a tenant's policy once had, with who brought it and when. Without one it fails
// with class NotFound.
func PolicyVersion(ctx context.Context, b *bus.Bus, id, version string) (*tenantv1.PolicyChanged, error) {
	var found *tenantv1.PolicyChanged
	err := b.History(ctx, bus.Settings, bus.VerbPolicy, id, func(d bus.Delivery) error {
		change := &tenantv1.PolicyChanged{}
		if err := d.Decode(change); err != nil {
			return err
		}
		if change.GetPolicy().GetVersion() == version {
			found = change
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("find policy: %w", err)
	case found == nil:
		return nil, errclass.Newf(errclass.NotFound, "find policy", "%s never had a policy of version %q", id, version)
	}
	return found, nil
}
