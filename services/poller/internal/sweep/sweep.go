// Package sweep takes one complete look at a tenant's fleet through the Cove client: it enumerates, checks
// that nothing is missing, reads the details of what changed and the session errors of what is in trouble.
// It publishes nothing and keeps nothing; the caller owns the bus and the cursors.
package sweep

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

// Client is what a sweep needs of Cove.
type Client interface {
	Identity(ctx context.Context) (cove.Identity, error)
	Partner(ctx context.Context, id int64) (cove.Partner, error)
	Partners(ctx context.Context, root int64) ([]cove.Partner, error)
	Statistics(ctx context.Context, q cove.Query) (cove.Page, error)
	History
}

const (
	pageSize   = 1000   // rows of an enumeration page
	detailSize = 500    // devices of a detail request
	mostListed = 50_000 // ids that the end of a sweep lists; about half of the smallest message limit
	// treeAge is when the partner tree is read again although nothing contradicts it: a customer's own
	// reference can change without any device showing it.
	treeAge = 24 * time.Hour
)

// Request says what to sweep and what is known from before.
type Request struct {
	Tenant  string
	Number  uint64
	Root    int64                   // partner whose subtree is swept; 0: the login's own
	Devices *statusv1.DeviceCursor  // as of the last complete sweep; nil: none
	Tree    *statusv1.PartnerCursor // as last read; nil: none
	Clock   clock.Clock
	// ErrorsBudget bounds the real time spent on session errors. Devices it does not reach are marked and
	// looked at again in the next sweep.
	ErrorsBudget time.Duration
}

// Result is what a sweep saw.
type Result struct {
	Snapshots []*statusv1.Snapshot // of changed devices only
	Completed *statusv1.SweepCompleted
	Devices   *statusv1.DeviceCursor  // to remember when the sweep's messages are stored
	Tree      *statusv1.PartnerCursor // to remember; nil when it was not read again
}

// Run sweeps. An error means that the fleet was not seen completely; nothing may be concluded from it.
func Run(ctx context.Context, client Client, req Request) (Result, error) {
	observed := timestamppb.New(req.Clock.Now().Truncate(time.Second))
	identity, err := client.Identity(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("log in to Cove: %w", err)
	}
	root := req.Root
	if root == 0 {
		root = identity.PartnerID
	}
	all, err := enumerate(ctx, client, root, len(req.Devices.GetDevices()))
	if err != nil {
		return Result{}, err
	}
	s := &sweeper{client: client, req: req, root: root, before: map[string]*statusv1.PublishedDevice{}}
	for _, d := range req.Devices.GetDevices() {
		s.before[d.GetId()] = d
	}
	if err := s.settleTree(ctx, all.Devices); err != nil {
		return Result{}, err
	}
	result := Result{Tree: s.newTree, Devices: &statusv1.DeviceCursor{SchemaVersion: 1, Sweep: req.Number}}
	var changed []fleet.Device
	for _, d := range all.Devices {
		print := fleet.Fingerprint(d, s.owner(d))
		id := strconv.FormatInt(d.ID, 10)
		result.Devices.Devices = append(result.Devices.Devices, &statusv1.PublishedDevice{Id: id, Fingerprint: print})
		if before := s.before[id]; before == nil || before.GetFingerprint() != print || before.GetErrorsMissing() || before.GetUnsettled() {
			changed = append(changed, d)
		}
	}
	if changed, err = s.detail(ctx, changed); err != nil {
		return Result{}, err
	}
	histories := readErrors(ctx, client, req, changed)
	for _, d := range changed {
		snapshot := fleet.Snapshot(req.Tenant, req.Number, d, s.owner(d))
		snapshot.ObservedAt = observed
		snapshot.SourceErrors = histories[d.ID].sources
		result.Snapshots = append(result.Snapshots, snapshot)
	}
	for _, d := range result.Devices.Devices {
		number, _ := strconv.ParseInt(d.GetId(), 10, 64) // written from a number above
		d.ErrorsMissing = histories[number].missing
	}
	slices.SortFunc(result.Devices.Devices, func(a, b *statusv1.PublishedDevice) int { return strings.Compare(a.GetId(), b.GetId()) })
	result.Completed = s.account(all, observed, len(changed))
	return result, nil
}

// enumerate reads every device below root, of any type and however long silent, until a short page.
func enumerate(ctx context.Context, client Client, root int64, known int) (*fleet.Enumeration, error) {
	all := &fleet.Enumeration{}
	for start := 0; ; start += pageSize {
		page, err := client.Statistics(ctx, cove.Query{
			PartnerID: root, Columns: columns.Light(), OrderBy: "AU ASC", Start: start, Count: pageSize, Totals: fleet.TotalNames(),
		})
		if err != nil {
			return nil, fmt.Errorf("enumerate devices from %d: %w", start, err)
		}
		if err := all.Add(devices(page.Rows), page.Totals); err != nil {
			return nil, errclass.New(errclass.Transient, fmt.Sprintf("enumerate devices from %d", start), err)
		}
		if len(page.Rows) < pageSize {
			break
		}
	}
	if err := all.Check(known); err != nil {
		return nil, errclass.New(errclass.Transient, "enumerate devices", err)
	}
	return all, nil
}

func devices(rows []cove.Row) []fleet.Device {
	all := make([]fleet.Device, len(rows))
	for i, r := range rows {
		all[i] = fleet.Device{ID: r.AccountID, PartnerID: r.PartnerID, Columns: r.Columns}
	}
	return all
}

type sweeper struct {
	client  Client
	req     Request
	root    int64
	before  map[string]*statusv1.PublishedDevice
	tree    fleet.Tree
	newTree *statusv1.PartnerCursor
}

func (s *sweeper) owner(d fleet.Device) fleet.Owner {
	return s.tree.Owner(strconv.FormatInt(d.PartnerID, 10), d.Columns["AR"])
}

// settleTree takes the partner tree from before when nothing speaks against it and reads it otherwise. A
// device whose row contradicts the tree speaks against it only when the device itself changed: a server
// that always spells a name differently must not cost two requests in every sweep.
func (s *sweeper) settleTree(ctx context.Context, all []fleet.Device) error {
	kept := s.req.Tree
	fresh := kept != nil && kept.GetRootId() == strconv.FormatInt(s.root, 10) && s.req.Clock.Now().Sub(kept.GetReadAt().AsTime()) < treeAge
	if fresh {
		s.tree = fleet.NewTree(kept.GetPartners())
		contradicted := slices.ContainsFunc(all, func(d fleet.Device) bool {
			before := s.before[strconv.FormatInt(d.ID, 10)]
			return s.tree.OutOfDate(d) && (before == nil || before.GetFingerprint() != fleet.Fingerprint(d, s.owner(d)))
		})
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
	s.newTree = &statusv1.PartnerCursor{SchemaVersion: 1, ReadAt: timestamppb.New(s.req.Clock.Now()), RootId: strconv.FormatInt(s.root, 10)}
	for _, p := range append(below, root) {
		s.newTree.Partners = append(s.newTree.Partners, &statusv1.Partner{
			Id: strconv.FormatInt(p.ID, 10), ParentId: strconv.FormatInt(p.ParentID, 10),
			Name: p.Name, Level: p.Level, State: p.State, Reference: p.ExternalCode,
		})
	}
	s.tree = fleet.NewTree(s.newTree.GetPartners())
	return nil
}

// detail reads the full columns of devices. One that vanished since the enumeration keeps its light ones:
// the next sweep reports it gone.
func (s *sweeper) detail(ctx context.Context, changed []fleet.Device) ([]fleet.Device, error) {
	full := map[int64]map[string]string{}
	for chunk := range slices.Chunk(changed, detailSize) {
		ids := make([]string, len(chunk))
		for i, d := range chunk {
			ids[i] = strconv.FormatInt(d.ID, 10)
		}
		page, err := s.client.Statistics(ctx, cove.Query{
			PartnerID: s.root, Filter: "AU in (" + strings.Join(ids, ",") + ")", Columns: columns.Full(), OrderBy: "AU ASC", Count: detailSize,
		})
		if err != nil {
			return nil, fmt.Errorf("read details of %d devices: %w", len(ids), err)
		}
		for _, row := range page.Rows {
			full[row.AccountID] = row.Columns
		}
	}
	for i, d := range changed {
		if more, ok := full[d.ID]; ok {
			changed[i].Columns = more
		}
	}
	return changed, nil
}

func (s *sweeper) account(all *fleet.Enumeration, observed *timestamppb.Timestamp, published int) *statusv1.SweepCompleted {
	c := &statusv1.SweepCompleted{
		SchemaVersion: 1, Tenant: s.req.Tenant, Sweep: s.req.Number, ObservedAt: observed, Complete: true,
		Devices: uint32(len(all.Devices)), Published: uint32(published),
	}
	if len(all.Devices) <= mostListed {
		for _, d := range all.Devices {
			c.DeviceIds = append(c.DeviceIds, strconv.FormatInt(d.ID, 10))
		}
		slices.Sort(c.DeviceIds)
	}
	types := map[string]uint32{}
	for _, d := range all.Devices {
		types[fleet.Type(d)]++
		if id := strconv.FormatInt(d.ID, 10); s.before[id] == nil {
			c.NewDeviceIds = append(c.NewDeviceIds, id)
		}
	}
	for id := range s.before {
		if number, err := strconv.ParseInt(id, 10, 64); err != nil || !all.Has(number) {
			c.GoneDeviceIds = append(c.GoneDeviceIds, id)
		}
	}
	slices.Sort(c.NewDeviceIds)
	slices.Sort(c.GoneDeviceIds)
	for _, name := range []string{"backup_manager", "m365", "unknown"} {
		if types[name] > 0 {
			c.Types = append(c.Types, &statusv1.TypeCount{Type: name, Devices: types[name]})
		}
	}
	return c
}

// Unsettled returns what to remember before a sweep's snapshots are published: the cursor from before, with every
// device that is about to be published marked.
func Unsettled(before *statusv1.DeviceCursor, r Result) *statusv1.DeviceCursor {
	marked := &statusv1.DeviceCursor{SchemaVersion: 1, Sweep: r.Devices.GetSweep()}
	publishing := make(map[string]bool, len(r.Snapshots))
	for _, s := range r.Snapshots {
		publishing[s.GetDeviceId()] = true
		marked.Devices = append(marked.Devices, &statusv1.PublishedDevice{Id: s.GetDeviceId(), Unsettled: true})
	}
	for _, d := range before.GetDevices() {
		if !publishing[d.GetId()] {
			marked.Devices = append(marked.Devices, d)
		}
	}
	slices.SortFunc(marked.Devices, func(a, b *statusv1.PublishedDevice) int { return strings.Compare(a.GetId(), b.GetId()) })
	return marked
}
