package chaos_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
)

const statistics = "EnumerateAccountStatistics"

// troubleCove lets Cove fail, once or twice.
func (d *drawer) troubleCove() {
	method := pick(d, statistics, statistics, "Login", "EnumeratePartners", "")
	kind := pick(d, "short-page", "missing-device", "repeated-device", "reordered", "no-devices", "expired-visa", "13501", "500", "503", "html", "truncated",
		"empty", "drop", "slow")
	switch kind {
	case "short-page", "missing-device", "repeated-device", "reordered", "no-devices", "13501":
		method = statistics
	case "expired-visa":
		if method == "Login" {
			method = ""
		}
	}
	d.add(step{Do: doCove, Device: d.IntN(d.Devices), N: d.IntN(3), How: kind + "," + method})
}

// spoil lets a tenant's Cove fail; without one of its own nothing happens.
func (m *msp) spoil(s step) error {
	if m.cove == nil {
		return nil
	}
	kind, method, _ := strings.Cut(s.How, ",")
	f := covefake.Fault{Match: method, Skip: s.N, Times: 1}
	switch kind {
	case "short-page":
		f.Kind = covefake.FaultShortPage
	case "missing-device":
		f.Kind = covefake.FaultMissingRow
	case "repeated-device":
		f.Kind = covefake.FaultRepeatedRow
	case "reordered":
		f.Kind = covefake.FaultReordered
	case "no-devices":
		f.Kind = covefake.FaultNoDevices
	case "expired-visa":
		f.Kind = covefake.FaultExpiredVisa
	case "13501":
		f.Kind, f.Data, f.Message = covefake.FaultRPCError, 13501, "Operation failed because of security reasons"
	case "500", "503":
		f.Kind, f.Status, f.Times = covefake.FaultHTTPStatus, map[string]int{"500": 500, "503": 503}[kind], 2
	case "html":
		f.Kind = covefake.FaultHTML
	case "truncated":
		f.Kind = covefake.FaultTruncated
	case "empty":
		f.Kind = covefake.FaultEmpty
	case "drop":
		f.Kind = covefake.FaultDrop
	case "slow":
		f.Kind, f.DelaySeconds = covefake.FaultSlow, 20
		m.world.slow = true
	default:
		return fmt.Errorf("unknown fault %q of Cove", kind)
	}
	id, err := m.cove.AddFault(f)
	m.ordered = append(m.ordered, order{kind: s.kind(), cove: id, times: f.Times})
	return err
}

// order is a fault that was placed with one of the servers.
type order struct {
	kind  string
	fault cwfake.Fault // of ConnectWise's
	cove  int          // id of Cove's; 0: it is ConnectWise's
	times int          // of Cove's
}

// mendServers clears the faults of both servers and counts those that were met.
func (m *msp) mendServers() {
	pending, left := m.fake.PendingFaults(), map[int]int{}
	m.fake.ClearFaults()
	if m.cove != nil {
		for _, f := range m.cove.Faults() {
			left[f.ID] = f.Times
		}
		m.cove.ClearFaults()
	}
	for _, o := range m.ordered {
		if o.cove != 0 {
			if left[o.cove] < o.times {
				m.world.figures.meet(o.kind)
			}
			continue
		}
		i := slices.IndexFunc(pending, func(f cwfake.Fault) bool { f.Skip = o.fault.Skip; return f == o.fault })
		if i < 0 {
			m.world.figures.meet(o.kind)
		} else {
			pending = slices.Delete(pending, i, i+1)
		}
	}
}
