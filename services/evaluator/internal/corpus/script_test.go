package corpus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/services/evaluator/internal/trace"
)

// scriptRules are the rules of the script: which devices it fetches, on what it opens a ticket and on what it closes
// one. It keeps nothing between two runs; what is open it learns by a search for the device's number.
//
// Where the script leaves a choice it is made in its favour: searches never fail, no two runs overlap, a status that is
// missing counts as not completed, and the closed status closes.
type scriptRules struct {
	every time.Duration // it is run by a schedule; its documentation offers 4 h, 12 h and a day
}

const scriptLookBack = 30 * 24 * time.Hour

// tickets plays a life.
func (s scriptRules) tickets(life trace.Trace) []ticket {
	type open struct {
		*ticket
		company string
	}
	var all []*ticket
	var found []open
	for at := time.Duration(0); at < life.Length; at += s.every {
		if !life.Listed(at) {
			continue // a device that is not in the answer leaves its ticket as it is
		}
		company := life.Snapshot(at, 1).GetCustomer().GetName()
		d := scriptDevice{columns: life.Columns(at), now: life.Start.Add(at)}
		if d.fetched() && d.ticketed() {
			known := false
			for _, o := range found {
				if o.company == company { // the search is for tickets of this company
					o.Notes++
					known = true
					break
				}
			}
			if !known {
				made := &ticket{Interval: trace.Interval{From: at, To: life.Length}, Open: true}
				all, found = append(all, made), append(found, open{made, company})
			}
		}
		// The closing pass comes last and takes every open ticket, those of this run included.
		if d.closes() {
			for _, o := range found {
				o.To, o.Open = at, false
			}
			found = nil
		}
	}
	made := []ticket{}
	for _, one := range all {
		made = append(made, *one)
	}
	return made
}

// scriptDevice is a device as a run of the script reads it.
type scriptDevice struct {
	columns map[string]string
	now     time.Time
}

// Data sources by what the script does with them. It looks for MS SQL under D03, which is out of use, and so does not
// see the status of D10; the age and the errors of D10 it reads.
var (
	scriptSystems = []string{"D01", "D02", "D04", "D06", "D08", "D14", "D15"}
	scriptAges    = []string{"D01", "D02", "D10", "D04", "D06", "D08", "D14", "D15"}
	scriptM365    = []string{"D19", "D20", "D05", "D23"}
	scriptCounted = []string{"D01", "D02", "D10", "D19", "D20", "D05", "D23"}
)

func (d scriptDevice) m365() bool { return d.columns["AT"] == "2" }
func (d scriptDevice) configured(source string) bool {
	return strings.Contains(d.columns["I78"], source)
}

func (d scriptDevice) field(source string, field int) string {
	return d.columns[columns.FieldCode(source, field)]
}

// age is how long ago a time column is. It is the raw number that counts: the script knows no 2147483647.
func (d scriptDevice) age(value string) (time.Duration, bool) {
	unix, ok := columns.Int(value)
	if !ok || unix == 0 {
		return 0, false
	}
	return d.now.Sub(time.Unix(unix, 0)), true
}

func (d scriptDevice) staleAfter() time.Duration {
	switch {
	case d.m365():
		return 12 * time.Hour
	case d.columns["OT"] == "2":
		return 24 * time.Hour
	case d.columns["OI"] == "5038":
		return 336 * time.Hour
	default:
		return 24 * time.Hour
	}
}

// fetched is the filter that is sent to Cove.
func (d scriptDevice) fetched() bool {
	contact, ok := d.age(d.columns["TS"])
	if !ok || contact > scriptLookBack {
		return false
	}
	sources := scriptSystems
	if d.m365() {
		sources = scriptM365
	}
	for _, source := range sources {
		errors, _ := columns.Int(d.field(source, 6))
		if d.configured(source) && (d.field(source, 0) != "5" || errors > 0) {
			return true
		}
	}
	age, known := d.age(d.columns["TL"])
	return !known || age > d.staleAfter()
}

// ticketed is whether the device's severity comes out as anything but success.
func (d scriptDevice) ticketed() bool {
	if d.oldest() > d.staleAfter() {
		return true
	}
	for _, source := range scriptCounted {
		if errors, _ := columns.Int(d.field(source, 6)); errors > 0 {
			return true
		}
	}
	switch d.columns["T0"] {
	case "2", "3", "4", "6", "8", "9":
		return true
	default: // 7, 10, 11 and 12 are a success to it
		return false
	}
}

// oldest is the age that it compares with the threshold: that of the data source with the oldest success.
func (d scriptDevice) oldest() time.Duration {
	sources := scriptAges
	if d.m365() {
		sources = scriptM365
	}
	var oldest time.Duration
	known := false
	for _, source := range sources {
		if d.m365() && !d.configured(source) {
			continue
		}
		age, ok := d.age(d.field(source, 9))
		if status := d.field(source, 0); d.m365() && !ok && status != "" && status != "0" {
			age, ok = d.sinceCreation(), true
		}
		if ok {
			oldest, known = max(oldest, age), true
		}
	}
	switch total, ok := d.age(d.columns["TL"]); {
	case known, d.m365():
		return oldest
	case ok:
		return total
	default:
		return d.sinceCreation()
	}
}

func (d scriptDevice) sinceCreation() time.Duration {
	if age, ok := d.age(d.columns["CD"]); ok {
		return age
	}
	return 999_999 * time.Hour
}

// closes is the other predicate: it looks at nothing but the device's totals.
func (d scriptDevice) closes() bool {
	age, known := d.age(d.columns["TL"])
	return d.columns["T0"] == "5" && (!known || age <= d.staleAfter())
}

func TestScriptRules(t *testing.T) {
	const head = "family: f\nclass: %CLASS%\ndays: 3\nat: 22h\ntakes: 2h\ntraces:\n  - "
	const day = 24 * time.Hour
	tests := []struct {
		name, class, life string
		want              []ticket
	}{
		{
			"a failure opens at the next run, is noted at each further one and closes when the total is well", "server",
			"{name: d, sources: {D01: f 2c}}",
			[]ticket{{Interval: trace.Interval{From: day, To: 2 * day}, Notes: 5}},
		},
		{
			"a run that completes with errors counted is a new ticket at each run, closed by the same run", "m365",
			"{name: d, before: \"c:2\", days: 1, sources: {D19: {runs: \"4c:2\", every: 6h, takes: 0h}}}",
			[]ticket{
				{},
				{Interval: trace.Interval{From: 4 * time.Hour, To: 4 * time.Hour}},
				{Interval: trace.Interval{From: 8 * time.Hour, To: 8 * time.Hour}},
				{Interval: trace.Interval{From: 12 * time.Hour, To: 12 * time.Hour}},
				{Interval: trace.Interval{From: 16 * time.Hour, To: 16 * time.Hour}},
				{Interval: trace.Interval{From: 20 * time.Hour, To: 20 * time.Hour}},
			},
		},
		{
			"over quota is a success until the last backup is a day old", "server",
			"{name: d, sources: {D01: {runs: 3q, takes: 0h}}}",
			[]ticket{{Interval: trace.Interval{From: 24 * time.Hour, To: 3 * day}, Open: true, Notes: 11}},
		},
		{
			"a dead data source behind a fresh total is not fetched", "server",
			"{name: d, sources: {D01: 3c, D10: 3.}}",
			[]ticket{},
		},
		{
			"a device that is removed leaves its ticket open", "server",
			"{name: d, before: f, gone: [4h-], sources: {D01: 3f}}",
			[]ticket{{Interval: trace.Interval{To: 3 * day}, Open: true}},
		},
		{
			"a device that moves to another customer gets a second ticket", "server",
			"{name: d, before: f, days: 1, set: [{at: 8h-, customer: Acme}], sources: {D01: f}}",
			[]ticket{
				{Interval: trace.Interval{To: day}, Open: true, Notes: 1},
				{Interval: trace.Interval{From: 8 * time.Hour, To: day}, Open: true, Notes: 3},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			family, err := trace.Read("test", []byte(strings.Replace(head, "%CLASS%", tt.class, 1)+tt.life))
			require.NoError(t, err)
			require.Equal(t, tt.want, scriptRules{every: 4 * time.Hour}.tickets(family.Traces[0]))
		})
	}
}
