package chaos_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

// misbehave lets a tenant's ConnectWise server fail, once or twice.
func (w *world) misbehave(m *msp, s step) error {
	kind, match, _ := strings.Cut(s.How, ",")
	f := cwfake.Fault{Match: strings.ReplaceAll(match, "_", " "), Skip: s.N, Times: 1}
	switch kind {
	case "lost-drop":
		f.Kind, f.Drop = cwfake.FaultLostAnswer, true
	case "lost-500":
		f.Kind = cwfake.FaultLostAnswer
	case "500", "503":
		f.Kind, f.Status = cwfake.FaultErrorBefore, map[string]int{"500": 500, "503": 503}[kind]
		f.Times = 2
	case "502-html":
		f.Kind, f.Status, f.HTML = cwfake.FaultErrorBefore, 502, true
	case "html-200":
		f.Kind = cwfake.FaultHTML200
	case "429":
		f.Kind = cwfake.FaultRateLimited
	case "429-after":
		f.Kind, f.RetryAfter = cwfake.FaultRateLimited, "20"
	case "slow", "slow-before":
		// Shorter than the time after which a request is given up, which together with the lag of the search is less
		// than the patience.
		f.Kind, f.Delay, f.BeforeWrite = cwfake.FaultSlow, 30*time.Second, kind == "slow-before"
		w.slow = true
	case "truncated":
		f.Kind = cwfake.FaultTruncated
	case "empty":
		f.Kind = cwfake.FaultEmpty
	case "drop":
		f.Kind = cwfake.FaultDrop
	case "401":
		f.Kind = cwfake.FaultUnauthorized
	case "403":
		f.Kind, f.Right = cwfake.FaultForbidden, cwfake.RightCloseTickets
	case "404-keys":
		f.Kind = cwfake.FaultNotFoundAuth
	case "code-base":
		f.Kind, f.CodeBase = cwfake.FaultCodeBaseChange, "v2025_2/"
	default:
		return fmt.Errorf("unknown fault %q", kind)
	}
	m.ordered = append(m.ordered, order{kind: s.kind(), fault: f})
	return m.fake.AddFaults(f)
}
