package trace_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
	"github.com/covewise/covewise/services/evaluator/internal/trace"
)

const day = 24 * time.Hour

func read(t *testing.T, text string) trace.Trace {
	t.Helper()
	family, err := trace.Read("test.yaml", []byte("family: f\nclass: server\ndays: 7\nat: 22h\ntakes: 2h\ntraces:\n  - "+text))
	require.NoError(t, err)
	require.Len(t, family.Traces, 1)
	return family.Traces[0]
}

func TestColumnsAreWhatASweepSees(t *testing.T) {
	unix := func(at time.Duration) string {
		start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		return time.Unix(start.Unix()+int64(at/time.Second), 0).UTC().Format(time.RFC3339)
	}
	tests := []struct {
		name, life string
		at         time.Duration
		want       map[string]string // "" for a column that is absent; times as RFC 3339
	}{
		{
			"the run before the start has ended", "{name: d, sources: {D01: 7c}}", time.Hour,
			map[string]string{"I78": "D01", "T0": "5", "T7": "0", "D01F00": "5", "D01F17": "5", "D01F09": unix(0), "TL": unix(0), "TS": unix(time.Hour)},
		},
		{
			"a run that has not ended shows what ended before", "{name: d, sources: {D01: f 6c}}", 23 * time.Hour,
			map[string]string{"T0": "1", "D01F00": "1", "D01F06": "0", "D01F17": "5", "D01F15": unix(22 * time.Hour), "D01F18": unix(0), "D01F09": unix(0)},
		},
		{
			"a failed run leaves the last success alone", "{name: d, sources: {D01: f:15 6c}}", day,
			map[string]string{"T0": "2", "T7": "15", "D01F00": "2", "D01F06": "15", "D01F17": "2", "D01F18": unix(day), "D01F09": unix(0), "D01F16": "5"},
		},
		{
			"errors of a completed run are a success", "{name: d, sources: {D01: 7e:3}}", day,
			map[string]string{"T0": "8", "T7": "3", "D01F16": "8", "D01F09": unix(day)},
		},
		{
			"a run that did not start ends nothing", "{name: d, sources: {D01: 7n}}", day,
			map[string]string{"T0": "7", "D01F00": "7", "D01F17": "5", "D01F18": unix(0)},
		},
		{
			"a wedged run goes on until the next that is another", "{name: d, sources: {D01: 3w 4c}}", 3*day + 21*time.Hour,
			map[string]string{"T0": "1", "D01F00": "1", "D01F15": unix(22 * time.Hour), "D01F09": unix(0)},
		},
		{
			"a device that is off is not in contact", "{name: d, sources: {D01: 2c 5-}}", 3 * day,
			map[string]string{"TS": unix(2*day + 21*time.Hour + 45*time.Minute), "D01F00": "5", "D01F09": unix(2 * day)},
		},
		{
			"without a run before the start there is nothing", "{name: d, before: ., created: 0d, sources: {D01: 7.}}", time.Hour,
			map[string]string{"T0": "0", "D01F00": "", "D01F09": "", "TL": "", "CD": unix(0)},
		},
		{
			"a data source is configured for a time", "{name: d, sources: {D01: 7c, D10: {runs: 7c, in: [2d-3d]}}}", day,
			map[string]string{"I78": "D01", "D10F00": ""},
		},
		{
			"a setting replaces what the runs give", "{name: d, sources: {D01: 7c}, set: [{at: 0d-, columns: {TL: \"\", T0: \"99\", D01F09: \"@-2h\", CD: \"@5d\"}}]}", 6 * time.Hour,
			map[string]string{"TL": "", "T0": "99", "D01F09": unix(4 * time.Hour), "CD": unix(5 * day)},
		},
		{
			"the gravest data source is the total", "{name: d, sources: {D01: 7c, D02: 7a, D10: 7e}}", day,
			map[string]string{"I78": "D01D02D10", "T0": "3", "T7": "1", "TL": unix(day)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := read(t, tt.life).Columns(tt.at)
			got := map[string]string{}
			for code := range tt.want {
				got[code] = seen[code]
				if at, ok := columns.Time(seen[code]); ok && at.Year() > 2000 {
					got[code] = at.UTC().Format(time.RFC3339)
				}
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestRunsAreReadInShort(t *testing.T) {
	runs := read(t, "{name: d, before: ., sources: {D01: {every: 1h, takes: 10m, runs: 2(c e:2 .) f/30m 161-}}}").Sources[0].Runs
	run := func(start, takes time.Duration, status int, errors int64) trace.Run {
		return trace.Run{Start: start, End: start + takes, Status: status, Errors: errors}
	}
	require.Equal(t, []trace.Run{
		run(0, 10*time.Minute, 5, 0), run(time.Hour, 10*time.Minute, 8, 2),
		run(3*time.Hour, 10*time.Minute, 5, 0), run(4*time.Hour, 10*time.Minute, 8, 2),
		run(6*time.Hour, 30*time.Minute, 2, 1),
	}, runs)
}

func TestPlayGivesTheIncidentsOfALife(t *testing.T) {
	rules := func(about policy.Subject, _ time.Time) policy.Rules {
		return policy.Rules{Class: about.Class, Stale: 48 * time.Hour, OpenAfter: 1, CloseAfter: 1}
	}
	tests := []struct {
		name, life string
		want       []trace.Incident
	}{
		{
			"a failure that heals", "{name: d, sources: {D01: 2c f 4c}}",
			[]trace.Incident{{Interval: trace.Interval{From: 3 * day, To: 4 * day}, Says: "failed D01"}},
		},
		{
			"a failure that grows stale and lasts", "{name: d, sources: {D01: 2c 5f, D02: 7c}}",
			[]trace.Incident{{Interval: trace.Interval{From: 3 * day, To: 7 * day}, Open: true, Changes: 1, Says: "failed D01"}},
		},
		{"a device that is removed and comes back", "{name: d, gone: [4d-5d], sources: {D01: 2c 5f}}", []trace.Incident{
			{Interval: trace.Interval{From: 3 * day, To: 4 * day}, Says: "failed D01"},
			{Interval: trace.Interval{From: 5 * day, To: 7 * day}, Open: true, Says: "failed D01, stale D01"},
		}},
		{
			"a cause that turns is a change", "{name: d, before: f, sources: {D01: {before: f, runs: 7f, causes: [Access is denied, Disk is full]}}}",
			[]trace.Incident{{Interval: trace.Interval{To: 7 * day}, Open: true, Changes: 6, Says: "failed D01"}},
		},
		{"nothing", "{name: d, sources: {D01: 7c}}", []trace.Incident{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			life := read(t, tt.life)
			require.Equal(t, tt.want, life.IncidentsOf(trace.Play(life, nil, rules)))
		})
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an empty file", "", "read traces t.yaml: the file is empty; write a family with its traces"},
		{"no traces", "family: f", "read traces t.yaml: the file needs a family and at least one of traces"},
		{"an unknown key", "family: f\ncolour: red\ntraces: [{name: d}]", "field colour not found"},
		{"no class", "family: f\ntraces: [{name: d}]", `trace 1 ("d"): class is missing or unknown; write server, workstation, documents or m365`},
		{"no length", "family: f\ntraces: [{name: d, class: server}]", "days is missing or not within 1 and 400"},
		{"a data source that is none", "family: f\ntraces: [{name: d, class: server, days: 1, sources: {Q7: c}}]", "sources.Q7: is no data source of Cove; write a code such as D01"},
		{"a letter that is no run", "family: f\ntraces: [{name: d, class: server, days: 1, sources: {D01: 3z}}]", `sources.D01: runs has "z", which is no run`},
		{"a count of nothing", "family: f\ntraces: [{name: d, class: server, days: 1, sources: {D01: c 3}}]", "runs ends with a count"},
		{"an open bracket", "family: f\ntraces: [{name: d, class: server, days: 1, sources: {D01: 3(c}}]", "runs lacks a closing bracket"},
		{"a closed bracket too many", "family: f\ntraces: [{name: d, class: server, days: 1, sources: {D01: c)}}]", "without its opening bracket"},
		{"more runs than there is time for", "family: f\ntraces: [{name: d, class: server, days: 1, sources: {D01: 999(999c)}}]", "more than 35,040 runs"},
		{"errors without a number", "family: f\ntraces: [{name: d, class: server, days: 1, sources: {D01: \"e:x\"}}]", "without a number of errors"},
		{"runs that end before the trace", "family: f\ntraces: [{name: d, class: server, days: 3, sources: {D01: 2c}}]", "runs ends before the trace: 2 runs, and the next would begin after 48h0m0s"},
		{"an interval backwards", "family: f\ntraces: [{name: d, class: server, days: 9, want: [3d-2d], sources: {D01: c}}]", `line 2: "3d-2d" is no interval`},
		{"a time that is none", "family: f\nsweep: soon\ntraces: [{name: d, class: server, days: 9, sources: {D01: c}}]", `line 2: "soon" is no time`},
		{"a value that is no time", "family: f\ntraces: [{name: d, class: server, days: 1, sources: {D01: c}, set: [{at: 0d-, columns: {TL: \"@soon\"}}]}]", `set[0]: columns.TL: "@soon" is no time`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := trace.Read("t.yaml", []byte(tt.text))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestAFamilySaysWhatItsTracesDoNot(t *testing.T) {
	family, err := trace.Read("test.yaml", []byte(`
family: f
about: A story.
class: m365
days: 1
sweep: 30m
every: 12h
at: 6h
takes: 1h
may: [6h-]
traces:
  - {name: as the family, sources: {D19: 2c}}
  - name: with its own
    class: server
    days: 2
    every: 24h
    sources: {D01: {runs: 2f, takes: 10m}}
    may: []
    want: [12h-1d]
    incidents:
      - {at: 1h-, says: failed D01}
`))
	require.NoError(t, err)
	require.Equal(t, "A story.", family.About)
	own, other := family.Traces[0], family.Traces[1]
	require.Equal(t, []trace.Run{
		{Start: -18 * time.Hour, End: -17 * time.Hour, Status: 5},
		{Start: -6 * time.Hour, End: -5 * time.Hour, Status: 5},
		{Start: 6 * time.Hour, End: 7 * time.Hour, Status: 5},
		{Start: 18 * time.Hour, End: 19 * time.Hour, Status: 5},
	}, own.Sources[0].Runs)
	require.Equal(t, []trace.Interval{{From: 6 * time.Hour, To: day}}, own.May)
	require.Nil(t, own.Incidents)
	require.Equal(t, []trace.Run{
		{Start: -2 * day, End: -2*day + 10*time.Minute, Status: 5},
		{Start: -day, End: -day + 10*time.Minute, Status: 5},
		{Start: 0, End: 10 * time.Minute, Status: 2, Errors: 1},
		{Start: day, End: day + 10*time.Minute, Status: 2, Errors: 1},
	}, other.Sources[0].Runs, "another every begins anew at the start")
	require.Empty(t, other.May)
	require.Equal(t, []trace.Interval{{From: 12 * time.Hour, To: day}}, other.Want)
	require.Equal(t, []trace.Expected{{Interval: trace.Interval{From: time.Hour, To: 2 * day}, Open: true, Says: "failed D01"}}, other.Incidents)
	require.NotEqual(t, own.Device, other.Device)
}
