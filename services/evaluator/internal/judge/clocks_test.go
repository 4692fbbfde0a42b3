package judge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	"github.com/covewise/covewise/services/evaluator/internal/judge"
	"github.com/covewise/covewise/services/evaluator/internal/policy"
)

func TestASuccessTimeThatNobodyCanReadIsNotAMissingBackup(t *testing.T) {
	for _, useless := range []string{"", "0", "2147483647", "@+2d"} {
		for sentence, c := range map[string]struct {
			columns []string
			outcome judge.Outcome
			told    []string
		}{
			"the last run completed and says when": {[]string{"D01F18", "@-2h"}, judge.Healthy, []string{}},
			"the last run completed with errors":   {[]string{"D01F00", "8", "D01F17", "8", "D01F18", "@-2h"}, judge.InTrouble, []string{"2345678-1 r1 failed: errors D01 Completed with errors"}},
			"a run is on its way after a good one": {[]string{"D01F00", "1", "D01F18", "@-2h"}, judge.Healthy, []string{}},
			"no time of it can be read":            {[]string{"D01F18", "0"}, judge.Unknown, []string{}},
			"the last good run is too old":         {[]string{"D01F18", "@-3d"}, judge.InTrouble, []string{"2345678-1 r1 failed: stale D01 Last good backup is too old"}},
			"it failed, and never completed":       {[]string{"D01F00", "2", "D01F17", "2"}, judge.InTrouble, []string{"2345678-1 r1 failed: failed D01 Failed"}},
		} {
			d := newDevice(rules(1, 1))
			d.sees(server.with("D01F09", useless).with(c.columns...))
			d.passes(30 * hour)
			last := d.sees(server.with("D01F09", useless).with(c.columns...))
			require.Equal(t, c.outcome, last.Outcome, "%s, D01F09 = %q", sentence, useless)
			if sentence == "it failed, and never completed" {
				require.Equal(t, "failed D01 Failed; stale D01 No good backup on record", picture(d.events[len(d.events)-1].GetConditions()), useless)
				continue
			}
			require.Equal(t, c.told, d.told(), "%s, D01F09 = %q", sentence, useless)
		}
	}
	d := newDevice(rules(1, 1))
	d.sees(workstation.with("D01F09", "0", "D01F18", "0"))
	require.Equal(t, judge.Healthy, d.sweeps().Outcome, "the total is that of the only data source")
	d.passes(4 * day)
	require.Equal(t, "stale D01 Last good backup is too old", picture(d.sweeps().Event.GetConditions()))
}

func TestWhatNobodyCanDecideIsUnknown(t *testing.T) {
	off := map[incidentv1.ConditionKind]bool{}
	for kind := range incidentv1.ConditionKind_name {
		off[incidentv1.ConditionKind(kind)] = true
	}
	for sentence, c := range map[string]struct {
		rules  func(r *policy.Rules)
		device cols
		reason string
	}{
		"every condition is switched off": {func(r *policy.Rules) { r.Off = off }, server.with(broken...), "nothing is judged that tells whether Files and Folders is backed up"},
		"a status without a meaning, age not judged": {func(r *policy.Rules) {
			r.Off = map[incidentv1.ConditionKind]bool{incidentv1.ConditionKind_CONDITION_KIND_STALE: true}
		}, server.with("D01F00", "4", "D01F17", "4", "D01F09", "@-900d"), "the status of Files and Folders has no known meaning"},
		"a status that nobody knows": {nil, server.with("D01F00", "77", "D01F17", "77"), "the status of Files and Folders has no known meaning"},
		"no status at all":           {nil, server.with("D01F00", "", "D01F17", ""), "no finished backup of Files and Folders"},
		"a new device":               {nil, cols{"AN": "x", "AT": "1", "OT": "2", "CD": "@-1h", "I78": "D01"}, judge.UnknownFirst},
	} {
		d := newDevice(rules(1, 1))
		if c.rules != nil {
			d.with(c.rules)
		}
		decision := d.sees(c.device)
		require.Equal(t, judge.Unknown, decision.Outcome, sentence)
		require.Equal(t, c.reason, decision.Reason, sentence)
	}
}

func TestACauseThatVariesFromRunToRunIsNoNews(t *testing.T) {
	for _, texts := range [][]string{
		{`Cannot read file C:\Users\bob\a.docx: sharing violation`, `Cannot read file C:\Users\bob\report.xlsx: sharing violation`, `Cannot read file C:\Users\Ann Smith\x.pst: sharing violation`},
		{`Mailbox anna@acme.example not found`, `Mailbox bert@acme.example not found`},
		{"Request 8f3a failed", "Request bc1d failed", "Request e77f failed"},
		{"Folder 'Invoices' is gone", "Folder 'My documents' is gone"},
	} {
		d := newDevice(rules(1, 1))
		for _, text := range texts {
			d.passes(24 * hour)
			d.errors = []*statusv1.SourceErrors{{SourceCode: "D01", ErrorsTotal: 1, Errors: []*statusv1.SessionError{{Text: text, Count: 1}}}}
			d.sees(server.with("D01F00", "8", "D01F06", "1"))
		}
		require.Equal(t, []string{"2345678-1 r1 failed: errors D01 1 error"}, d.told(), texts[0])
	}
}
