package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/columns"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

const (
	pageSize   = 1000 // rows of an enumeration page, as in a sweep
	sampleSize = 100  // devices of the one page with all columns
)

// device is what is kept of an enumerated device.
type device struct {
	id, partner int64
	partnerName string
	kind        string   // noun of a kind, see kindOf
	sources     []string // codes of its data sources, those in trouble first
	troubled    bool
}

// seen is what was seen of the fleet.
type seen struct {
	devices []device
	answers *fleet.Answers
	came    map[string]bool // columns that had a value on some row
}

// The kinds of devices.
const (
	kindServer      = "server"
	kindWorkstation = "workstation"
	kindComputer    = "computer of unreported kind"
	kindM365        = "Microsoft 365 tenant"
	kindUnknown     = "device of unknown type"
)

func kindOf(raw map[string]string) string {
	switch {
	case raw["AT"] == "2":
		return kindM365
	case raw["AT"] != "1":
		return kindUnknown
	case raw["OT"] == "2":
		return kindServer
	case raw["OT"] == "1":
		return kindWorkstation
	default:
		return kindComputer
	}
}

// partners reads the partner tree; nil when that failed.
func (e *examination) partners(ctx context.Context, top cove.Partner) fleet.Tree {
	below, err := e.client.Partners(ctx, top.ID)
	if err != nil {
		e.add(failure(aboutPartners, "the customers could not be read", err))
		return nil
	}
	counts := map[string]int{}
	var list []*statusv1.Partner
	for _, p := range append(below, top) {
		counts[p.Level]++
		list = append(list, &statusv1.Partner{
			Id: strconv.FormatInt(p.ID, 10), ParentId: strconv.FormatInt(p.ParentID, 10), Name: p.Name, Level: p.Level, State: p.State,
		})
	}
	var parts []string
	for _, l := range levels {
		if counts[l] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[l], l))
			delete(counts, l)
		}
	}
	unknown := 0
	for _, n := range counts {
		unknown += n
	}
	if unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d of another level", unknown))
	}
	e.add(ok(aboutPartners, "%s", strings.Join(parts, ", ")))
	return fleet.NewTree(list)
}

// devices enumerates the fleet as a sweep does, and reports whether it came whole.
func (e *examination) devices(ctx context.Context, top cove.Partner) (*seen, bool) {
	light := columns.Light()
	s := &seen{answers: fleet.NewAnswers(light), came: map[string]bool{}}
	all := &fleet.Enumeration{}
	for done := false; !done; {
		page, err := e.client.Statistics(ctx, cove.Query{
			PartnerID: top.ID, Columns: light, OrderBy: "AU ASC", Start: all.Start(), Count: pageSize, Totals: fleet.TotalNames(),
		})
		if err != nil {
			e.add(failure(aboutDevices, "the devices could not be read", err))
			return s, false
		}
		rows := make([]fleet.Device, len(page.Rows))
		for i, r := range page.Rows {
			rows[i] = fleet.NewDevice(r.AccountID, r.PartnerID, r.Columns)
		}
		s.answers.Page(rows, page.Refused, page.Unanswered)
		fresh, last, misfit := all.Add(rows, page.Totals, pageSize)
		if misfit == nil && last {
			misfit = all.Check(0)
		}
		if misfit != nil {
			e.add(Check{
				Name: aboutDevices, Level: Warning, Text: "the pages of devices do not fit together: " + misfit.Error(),
				Remedy: "try again, as a device may have come or gone meanwhile; sweeps try three times and conclude nothing from such pages",
			})
			return s, false
		}
		for i := range fresh {
			s.take(fresh[i])
			fresh[i].Columns = nil // a fleet's columns take far more memory than what is kept of them
		}
		done = last
	}
	e.add(kinds(top, s.devices))
	return s, true
}

func (s *seen) take(d fleet.Device) {
	s.note(d.Columns)
	sources := fleet.Troubled(d)
	troubled := len(sources) > 0
	for _, source := range columns.ParseSources(d.Columns["I78"]) {
		if !slices.Contains(sources, source.Code) {
			sources = append(sources, source.Code)
		}
	}
	s.devices = append(s.devices, device{
		id: d.ID, partner: d.PartnerID, partnerName: d.PartnerName, kind: kindOf(d.Columns), sources: sources, troubled: troubled,
	})
}

func (s *seen) note(row map[string]string) {
	for code := range row {
		s.came[code] = true
	}
}

// kinds counts the devices of each kind.
func kinds(top cove.Partner, devices []device) Check {
	if len(devices) == 0 {
		return Check{
			Name: aboutDevices, Level: Warning, Text: "there is no device below " + named(top),
			Remedy: "check that the login, or cove.root, belongs to the partner whose devices are to be watched",
		}
	}
	counts := map[string]int{}
	troubled := 0
	for _, d := range devices {
		counts[d.kind]++
		if d.troubled {
			troubled++
		}
	}
	parts := []string{}
	for _, kind := range []string{kindServer, kindWorkstation, kindM365, kindComputer, kindUnknown} {
		switch n := counts[kind]; {
		case n > 1 && strings.Contains(kind, " of "):
			parts = append(parts, strconv.Itoa(n)+" "+strings.Replace(kind, " of ", "s of ", 1))
		case n > 0:
			parts = append(parts, count(n, kind))
		}
	}
	c := ok(aboutDevices, "%s: %s; the last session of %d is not in order", count(len(devices), "device"), strings.Join(parts, ", "), troubled)
	if counts[kindUnknown] > 0 {
		c.Level, c.Remedy = Warning, "devices of unknown type are listed and never judged; look at them in the Cove console"
	}
	return c
}

// columns asks once for all columns, and tells which are refused or do not come.
func (e *examination) columns(ctx context.Context, top cove.Partner, s *seen) {
	page, err := e.client.Statistics(ctx, cove.Query{PartnerID: top.ID, Columns: columns.Full(), OrderBy: "AU ASC", Count: sampleSize})
	if err != nil {
		e.add(failure(aboutColumns, "the descriptive columns could not be read", err))
		return
	}
	s.answers.Page(nil, page.Refused, nil)
	for _, row := range page.Rows {
		s.note(row.Columns)
	}
	refused, unanswered := s.answers.Refused(), s.answers.Unanswered()
	if err := s.answers.Check(); err != nil {
		c := failure(aboutColumns, "an indispensable column is missing", err)
		if len(refused) == 0 {
			c.Remedy = "ask N-able support why the column is empty for every device"
		} else {
			c.Remedy = "give the login the role Operator or higher; if it has it, ask N-able support to grant the column"
		}
		e.add(c)
		return
	}
	if len(refused) > 0 {
		e.add(Check{
			Name: aboutColumns, Level: Warning, Text: "Cove refuses this login " + some(refused) + "; what they tell is not known of any device, and verdicts that depend on it are unknown",
			Remedy: "give the login the role Operator or higher; if it has it, ask N-able support to grant the columns",
		})
	}
	if len(unanswered) > 0 {
		e.add(Check{
			Name: aboutColumns, Level: Warning, Text: some(unanswered) + " should be there and came for no device; verdicts that depend on it are unknown",
			Remedy: "ask N-able support why these columns are empty for every device",
		})
	}
	if len(refused)+len(unanswered) == 0 {
		e.add(ok(aboutColumns, "%d columns: none refused, all that must be there came%s", len(columns.Full()), e.unlisted(ctx, top, s)))
	}
}

// unlisted tells of columns without a value that Cove's own list lacks too. Most of them are of data sources that
// nobody here has, so this is no more than a remark.
func (e *examination) unlisted(ctx context.Context, top cove.Partner, s *seen) string {
	listed, err := e.client.Columns(ctx, top.ID)
	if err != nil {
		return "; Cove's own list of columns could not be read"
	}
	var missing []string
	for _, code := range columns.Full() {
		if !s.came[code] && !slices.Contains(listed, code) {
			missing = append(missing, code)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "; " + some(missing) + " came for no device, and Cove does not list them"
}
