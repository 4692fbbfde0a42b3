package sweep

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/cove"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

// Partners is what resolving the owners of devices needs of Cove.
type Partners interface {
	Partner(ctx context.Context, id int64) (cove.Partner, error)
	Partners(ctx context.Context, root int64) ([]cove.Partner, error)
	PartnerHistory(ctx context.Context, id int64) (cove.PastPartner, error)
}

const (
	// treeAge is when the partner tree is read again although nothing contradicts it: a customer's own
	// reference can change without any device showing it.
	treeAge = 24 * time.Hour
	// mostHistories bounds how many partners that Cove no longer lists are looked up in one sweep.
	mostHistories = 20
)

// settleTree takes the partner tree from before when nothing speaks against it and reads it otherwise. A
// device whose row contradicts the tree speaks against it only when the device itself changed: a server
// that always spells a name differently must not cost two requests in every sweep.
func (s *sweeper) settleTree(ctx context.Context) error {
	kept := s.req.Tree
	fresh := kept != nil && kept.GetRootId() == strconv.FormatInt(s.root, 10) && s.req.Clock.Now().Sub(kept.GetReadAt().AsTime()) < treeAge
	if fresh {
		s.tree = s.kept
		contradicted := slices.ContainsFunc(s.all.Devices, func(d fleet.Device) bool { return d.Columns != nil && s.looksNew(d) && s.tree.OutOfDate(d) })
		if !contradicted {
			return nil
		}
	}
	root, err := s.client.Partner(ctx, s.root)
	if err != nil {
		return fmt.Errorf("read partner %d: %w", s.root, err)
	}
	below, err := s.client.Partners(ctx, s.root)
	if err != nil {
		return fmt.Errorf("read partners below %d: %w", s.root, err)
	}
	cursor := &statusv1.PartnerCursor{SchemaVersion: 1, ReadAt: timestamppb.New(s.req.Clock.Now()), RootId: strconv.FormatInt(s.root, 10)}
	for _, p := range append(below, root) {
		cursor.Partners = append(cursor.Partners, &statusv1.Partner{
			Id: strconv.FormatInt(p.ID, 10), ParentId: strconv.FormatInt(p.ParentID, 10),
			Name: p.Name, Level: p.Level, State: p.State, Reference: p.ExternalCode,
		})
	}
	s.tree = fleet.NewTree(cursor.GetPartners())
	if err := s.addPast(ctx, cursor); err != nil {
		return err
	}
	s.result.Tree = cursor
	return nil
}

// looksNew reports whether a device differs from what was published of it.
func (s *sweeper) looksNew(d fleet.Device) bool {
	before := s.before[d.ID]
	return before == nil || before.GetFingerprint() != fleet.Fingerprint(s.prints.Columns(d), d, ownerIn(s.kept, d))
}

// addPast adds the partners of devices that Cove no longer lists, as far as its history knows them. Where it does
// not, the name in the device's row stands for the partner. Only the end of the context is an error: a device whose
// customer is not known is a device all the same.
func (s *sweeper) addPast(ctx context.Context, cursor *statusv1.PartnerCursor) error {
	asked := 0
	for _, d := range s.all.Devices {
		direct := strconv.FormatInt(d.PartnerID, 10)
		for id := s.tree.Unknown(direct, cursor.GetRootId()); id != "" && asked < mostHistories; id = s.tree.Unknown(direct, cursor.GetRootId()) {
			asked++
			past := &statusv1.Partner{Id: id, Removed: true}
			if id == direct {
				past.Name = d.PartnerName
			}
			number, _ := strconv.ParseInt(id, 10, 64) // a partner id is a number
			known, err := s.client.PartnerHistory(ctx, number)
			switch {
			case ctx.Err() != nil:
				return fmt.Errorf("read the history of partner %s: %w", id, ctx.Err())
			case err == nil:
				past.Name, past.Level, past.ParentId = known.Name, known.Level, strconv.FormatInt(known.ParentID, 10)
			}
			cursor.Partners = append(cursor.Partners, past)
			s.tree[id] = past
		}
	}
	return nil
}
