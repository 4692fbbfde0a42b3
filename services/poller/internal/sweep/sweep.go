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
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

// Client is what a sweep needs of Cove.
type Client interface {
	Identity(ctx context.Context) (cove.Identity, error)
	Statistics(ctx context.Context, q cove.Query) (cove.Page, error)
	RequestsPerSecond() float64
	Partners
	History
}

const (
	pageSize   = 1000   // rows of an enumeration page
	detailSize = 500    // devices of a detail request
	mostListed = 50_000 // ids that the end of a sweep lists; about half of the smallest message limit
)

// Request says what to sweep and what is known from before.
type Request struct {
	Tenant  string
	Number  uint64
	Root    int64                   // partner whose subtree is swept; 0: the login's own
	Devices *statusv1.DeviceCursor  // as of the last complete sweep; nil: none
	Tree    *statusv1.PartnerCursor // as last read; nil: none
	Causes  *statusv1.CauseCursor   // as of the last complete sweep; nil: none
	Clock   clock.Clock
	// ErrorsBudget bounds the real time in which devices are begun to be asked about their session errors, MostErrors
	// how many are and ErrorsParallel how many at once. Devices that are not reached are marked and come first in the
	// next sweep.
	ErrorsBudget   time.Duration
	MostErrors     int
	ErrorsParallel int
}

// Result is what a sweep saw.
type Result struct {
	Snapshots []*statusv1.Snapshot // of changed devices only
	Completed *statusv1.SweepCompleted
	Devices   *statusv1.DeviceCursor  // to remember when the sweep's messages are stored
	Tree      *statusv1.PartnerCursor // to remember; nil when it was not read again
	Causes    *statusv1.CauseCursor   // to remember
}

// Run sweeps. An error means that the fleet was not seen completely, and nothing may be concluded from it; the
// account then tells what is known all the same.
func Run(ctx context.Context, client Client, req Request) (Result, error) {
	s := newSweeper(client, req)
	err := s.run(ctx)
	s.result.Completed = s.account(err)
	return s.result, err
}

// sweeper is one sweep under way.
type sweeper struct {
	client Client
	req    Request
	root   int64
	prints fleet.Prints
	light  []string

	before   map[int64]*statusv1.PublishedDevice
	kept     fleet.Tree // the partner tree from before
	tree     fleet.Tree // the one that this sweep goes by
	all      *fleet.Enumeration
	hashes   []uint64 // of the columns of each enumerated device
	answers  *fleet.Answers
	phases   phases
	repeated uint32 // enumerations begun anew
	fault    string // what the last of them had wrong
	nodes    *nodes
	pace     pace // of reading causes
	observed time.Time
	result   Result
}

func newSweeper(client Client, req Request) *sweeper {
	s := &sweeper{
		client: client, req: req, light: columns.Light(), before: make(map[int64]*statusv1.PublishedDevice, len(req.Devices.GetDevices())),
		all: &fleet.Enumeration{}, nodes: newNodes(), observed: req.Clock.Now().Truncate(time.Second),
	}
	s.phases.clock = req.Clock
	s.prints, s.answers = fleet.NewPrints(s.light), fleet.NewAnswers(s.light)
	s.kept = fleet.NewTree(req.Tree.GetPartners())
	for _, d := range req.Devices.GetDevices() {
		id, _ := strconv.ParseInt(d.GetId(), 10, 64) // written from a number by an earlier sweep
		s.before[id] = d
	}
	return s
}

// looked is a device that this sweep looks at more closely.
type looked struct {
	fleet.Device
	entry    *statusv1.PublishedDevice // to remember
	before   *statusv1.PublishedDevice // nil for a device seen for the first time
	changed  bool                      // false when only its session errors are wanted
	detailed bool                      // its full columns came
}

func (s *sweeper) run(ctx context.Context) error {
	identity, err := s.client.Identity(ctx)
	if err != nil {
		return fmt.Errorf("log in to Cove: %w", err)
	}
	if s.root = s.req.Root; s.root == 0 {
		s.root = identity.PartnerID
	}
	if err := s.phases.time("enumerate", func() error { return s.enumerate(ctx) }); err != nil {
		return err
	}
	if err := s.phases.time("partners", func() error { return s.settleTree(ctx) }); err != nil {
		return err
	}
	closer := s.compare()
	if err := s.phases.time("details", func() error { return s.detail(ctx, closer) }); err != nil {
		return err
	}
	var found map[int64]causes
	_ = s.phases.time("causes", func() error { // never fails a sweep
		found, s.result.Causes = s.readCauses(ctx, closer)
		return nil
	})
	for _, d := range closer {
		h := found[d.ID]
		d.entry.ErrorsMissing, d.entry.ErrorsAttempts = h.missing, h.attempts
		if !d.changed && !h.news {
			continue
		}
		if !d.detailed {
			d.entry.Unsettled = true // it is gone, or was left out: the next sweep tells
			if d.Columns == nil {
				continue
			}
		}
		snapshot := fleet.Snapshot(s.req.Tenant, s.req.Number, d.Device, s.owner(d.Device))
		snapshot.ObservedAt = timestamppb.New(s.observed)
		snapshot.SourceErrors = h.sources
		s.result.Snapshots = append(s.result.Snapshots, snapshot)
	}
	return nil
}

func (s *sweeper) owner(d fleet.Device) fleet.Owner { return ownerIn(s.tree, d) }

func ownerIn(tree fleet.Tree, d fleet.Device) fleet.Owner {
	return tree.Owner(strconv.FormatInt(d.PartnerID, 10), d.PartnerName)
}

// compare writes down what to remember of every device and returns those to look at more closely, in the order of
// the enumeration.
func (s *sweeper) compare() []*looked {
	cursor := &statusv1.DeviceCursor{SchemaVersion: 1, Sweep: s.req.Number, Devices: make([]*statusv1.PublishedDevice, 0, len(s.all.Devices))}
	var closer []*looked
	for i, d := range s.all.Devices {
		before := s.before[d.ID]
		print := fleet.Fingerprint(s.hashes[i], d, s.owner(d))
		entry := &statusv1.PublishedDevice{Id: strconv.FormatInt(d.ID, 10), Fingerprint: print}
		cursor.Devices = append(cursor.Devices, entry)
		changed := before == nil || before.GetFingerprint() != print || before.GetUnsettled()
		if changed || before.GetErrorsMissing() {
			closer = append(closer, &looked{Device: d, entry: entry, before: before, changed: changed})
		}
	}
	slices.SortFunc(cursor.Devices, func(a, b *statusv1.PublishedDevice) int { return strings.Compare(a.GetId(), b.GetId()) })
	s.result.Devices = cursor
	return closer
}

// detail reads the full columns of devices. One that is not among them keeps its light ones.
func (s *sweeper) detail(ctx context.Context, closer []*looked) error {
	for chunk := range slices.Chunk(closer, detailSize) {
		ids := make([]string, len(chunk))
		byID := make(map[int64]*looked, len(chunk))
		for i, d := range chunk {
			ids[i] = strconv.FormatInt(d.ID, 10)
			byID[d.ID] = d
		}
		page, err := s.client.Statistics(ctx, cove.Query{
			PartnerID: s.root, Filter: "AU in (" + strings.Join(ids, ",") + ")", Columns: append(columns.Full(), columns.Custom()...), OrderBy: "AU ASC", Count: detailSize,
		})
		if err != nil {
			return fmt.Errorf("read details of %d devices: %w", len(ids), err)
		}
		// That a login is refused the custom columns leaves no verdict unknown.
		refused := slices.DeleteFunc(page.Refused, func(code string) bool { return slices.Contains(columns.Custom(), code) })
		s.answers.Page(nil, refused, nil)
		for _, row := range page.Rows {
			if d := byID[row.AccountID]; d != nil {
				d.Columns, d.detailed = row.Columns, true
			}
		}
	}
	return nil
}
