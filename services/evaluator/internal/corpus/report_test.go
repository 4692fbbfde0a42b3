package corpus_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/covewise/covewise/services/evaluator/internal/trace"
)

var (
	update = flag.Bool("update", false, "write docs/corpus.md")
	try    = flag.String("try", "", "policy `values` to measure beside the defaults, such as \"stale.server=36h flap.changes=3\"")
)

var reportFile = filepath.FromSlash("../../../../docs/corpus.md")

// contestant is a set of rules that is measured.
type contestant struct {
	name    string
	tickets func(trace.Trace) []ticket
}

// The contestants by index.
const (
	script = iota
	scriptDaily
	unsteady
	defaults
)

func contestants(t *testing.T) []contestant {
	t.Helper()
	all := []contestant{
		script:      {"script, each 4 h", scriptRules{every: 4 * time.Hour}.tickets},
		scriptDaily: {"script, each day", scriptRules{every: 24 * time.Hour}.tickets},
		unsteady:    {"hysteresis off", judged(t, unsteadied)},
		defaults:    {"Covewise defaults", judged(t, nil)},
	}
	if *try != "" {
		all = append(all, contestant{*try, judged(t, tried(t, *try))})
	}
	return all
}

// result is what each contestant made of each life: by family, trace and contestant.
type result struct {
	families []trace.Family
	names    []string
	made     [][][][]ticket
}

func run(t *testing.T) result {
	t.Helper()
	r := result{families: families(t)}
	all := contestants(t)
	for _, c := range all {
		r.names = append(r.names, c.name)
	}
	var group errgroup.Group
	group.SetLimit(4)
	r.made = make([][][][]ticket, len(r.families))
	for i, family := range r.families {
		r.made[i] = make([][][]ticket, len(family.Traces))
		for j, life := range family.Traces {
			r.made[i][j] = make([][]ticket, len(all))
			group.Go(func() error {
				for k, c := range all {
					r.made[i][j][k] = c.tickets(life)
				}
				return nil
			})
		}
	}
	require.NoError(t, group.Wait())
	return r
}

// family returns what a contestant made of a family.
func (r result) family(i, contestant int) figures {
	var f figures
	for j, life := range r.families[i].Traces {
		f = f.plus(measure(life, r.made[i][j][contestant]))
	}
	return f
}

func (r result) total(contestant int) figures {
	var f figures
	for i := range r.families {
		f = f.plus(r.family(i, contestant))
	}
	return f
}

// lives names the traces of which a contestant's figures say something, with the tickets it made of them.
func (r result) lives(contestant int, of func(figures) bool) []string {
	var all []string
	for i, family := range r.families {
		for j, life := range family.Traces {
			if made := r.made[i][j][contestant]; of(measure(life, made)) {
				all = append(all, fmt.Sprintf("%s, %s: %s", family.Name, life.Name, inWords(made)))
			}
		}
	}
	return all
}

func inWords(made []ticket) string {
	if len(made) == 0 {
		return "no ticket"
	}
	var all []string
	for _, one := range made {
		to := days(one.To)
		if one.Open {
			to = "end"
		}
		all = append(all, days(one.From)+" to "+to)
	}
	if len(all) > 4 {
		all = append(all[:3], fmt.Sprintf("and %d more", len(all)-3))
	}
	return strings.Join(all, ", ")
}

func days(at time.Duration) string {
	const day = 24 * time.Hour
	return fmt.Sprintf("%dd%02dh%02d", at/day, at%day/time.Hour, at%time.Hour/time.Minute)
}

// TestCorpusReport holds what is promised of the defaults, and docs/corpus.md to what was measured.
func TestCorpusReport(t *testing.T) {
	r := run(t)
	report := r.markdown()
	t.Log("\n" + report)
	if *try != "" {
		for k := defaults; k < len(r.names); k++ {
			t.Log(r.names[k]+" makes needless or further tickets of:\n", strings.Join(r.lives(k, func(f figures) bool { return f.useless+f.again > 0 }), "\n "))
		}
		return
	}
	require.Empty(t, r.lives(defaults, func(f figures) bool { return f.found < f.wanted }), "troubles that the defaults miss")
	require.Empty(t, r.lives(defaults, func(f figures) bool { return f.left > 0 }), "tickets that the defaults leave open")
	require.Empty(t, r.lives(defaults, func(f figures) bool { return f.useless > 0 }), "needless tickets of the defaults")
	ours, theirs := r.total(defaults), r.total(script)
	require.GreaterOrEqual(t, theirs.tickets, 5*ours.tickets, "tickets of the script's rules beside five times ours")

	if *update {
		require.NoError(t, os.WriteFile(reportFile, []byte(report), 0o600))
	}
	written, err := os.ReadFile(reportFile)
	require.NoError(t, err)
	require.Equal(t, string(written), report, "docs/corpus.md is out of date; run go test -run TestCorpusReport -update in this folder")
}

// markdown writes docs/corpus.md.
func (r result) markdown() string {
	var b strings.Builder
	count := 0
	for _, family := range r.families {
		count += len(family.Traces)
	}
	fmt.Fprintf(&b, intro, count, len(r.families))

	b.WriteString("## In all\n\n")
	table(&b, append([]string{""}, r.names...), r.totals())

	r.withoutCycles(&b)
	b.WriteString("\n## By family\n\nTickets, and behind them in brackets those that nobody wants: further ones of the same trouble and needless ones. Troubles that were missed stand behind a minus. The families in which the rules differ most come first.\n\n")
	table(&b, append([]string{"family", "traces", "troubles"}, r.names...), r.byFamily())

	b.WriteString("\n## Where the defaults make tickets that nobody wants\n\n")
	unwanted := r.lives(defaults, func(f figures) bool { return f.useless+f.again > 0 })
	for _, life := range unwanted {
		fmt.Fprintf(&b, "- %s\n", life)
	}
	if len(unwanted) == 0 {
		b.WriteString("Nowhere.\n")
	}
	b.WriteString("\n## The families\n\n")
	for _, family := range r.families {
		fmt.Fprintf(&b, "- **%s**: %s\n", family.Name, family.About)
	}
	return b.String()
}

const intro = `# What the default policy makes of a labelled corpus

<!-- Generated by go test -run TestCorpusReport -update in services/evaluator/internal/corpus. -->

%d lives of devices in %d families, told run by run, each with a label: the troubles that a technician must hear of
while they last, the times at which a ticket is tolerated besides, and everything else, where a ticket is needless. The
lives and labels are in services/evaluator/internal/corpus/testdata; anybody can read and dispute them, and a policy can be
tried on them with ` + "`covewise policy test`" + `.

Rules that are compared:

- **script**: the rules of the PowerShell script that many providers run today, with its own thresholds, each 4 hours and
  each day. It opens on what it finds in the totals and counters of a device and closes when the device's total is
  completed and fresh, which are two different predicates. Where it leaves a choice, the choice is made in its favour.
- **hysteresis off**: our conditions and thresholds without anything that steadies them; each sweep opens and closes.
- **Covewise defaults**: what a tenant has that sets no policy.

Words of the tables:

- *precision*: tickets that are the one that a trouble wants, of all that are not tolerated.
- *recall*: troubles for which a ticket was open while they lasted.
- *delay*: time from the first sign of a trouble to its ticket, of those that were found.
- *notes*: updates of a ticket between its beginning and its end.
- *left open*: tickets that had their reason and are open at the end of a life though nothing is wrong any more.

The figures compare rules on the same lives. They are not a forecast for a fleet: in a fleet most devices are well, here
most are not. A ticket is counted for each incident of a device; that many devices with one cause share one ticket, and
that a ticket may be reopened, is not played here.

`

func (r result) totals() [][]string {
	row := func(name string, value func(figures) string) []string {
		cells := []string{name}
		for k := range r.names {
			cells = append(cells, value(r.total(k)))
		}
		return cells
	}
	return [][]string{
		row("precision", func(f figures) string { return fmt.Sprintf("%.2f", f.precision()) }),
		row("recall", func(f figures) string {
			return fmt.Sprintf("%.2f (%d of %d)", f.recall(), f.found, f.wanted)
		}),
		row("tickets", func(f figures) string { return fmt.Sprint(f.tickets) }),
		row("of them the one that is wanted", func(f figures) string { return fmt.Sprint(f.right) }),
		row("tolerated", func(f figures) string { return fmt.Sprint(f.may) }),
		row("further ones of the same trouble", func(f figures) string { return fmt.Sprint(f.again) }),
		row("needless", func(f figures) string { return fmt.Sprint(f.useless) }),
		row("left open", func(f figures) string { return fmt.Sprint(f.left) }),
		row("tickets per 100 devices and week", func(f figures) string { return fmt.Sprintf("%.1f", f.perWeek()) }),
		row("notes per ticket", func(f figures) string { return fmt.Sprintf("%.1f", f.notesPerTicket()) }),
		row("delay in hours, median", func(f figures) string { return fmt.Sprintf("%.1f", f.delay(0.5).Hours()) }),
		row("delay in hours, nine of ten", func(f figures) string { return fmt.Sprintf("%.1f", f.delay(0.9).Hours()) }),
	}
}

// withoutCycles says how much of the difference comes from the families in which the script makes most tickets, those in
// which it opens and closes one at each run.
func (r result) withoutCycles(b *strings.Builder) {
	order := make([]int, len(r.families))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		return cmp.Compare(r.family(y, script).tickets, r.family(x, script).tickets)
	})
	theirs, ours := r.total(script).tickets, r.total(defaults).tickets
	fmt.Fprintf(b, "\nThe script each 4 hours makes %.1f times the tickets of the defaults.", float64(theirs)/float64(ours))
	for _, i := range order[:2] {
		theirs, ours = theirs-r.family(i, script).tickets, ours-r.family(i, defaults).tickets
	}
	fmt.Fprintf(b, " Without the two families in which it makes most, *%s* and *%s*, it makes %.1f times (%d to %d).",
		r.families[order[0]].Name, r.families[order[1]].Name, float64(theirs)/float64(ours), theirs, ours)
	daily, all := r.total(scriptDaily).tickets, r.total(defaults).tickets
	fmt.Fprintf(b, " Run once a day, it makes %.1f times (%d to %d). Of the tickets of the defaults %d are tolerated: they count neither for nor against precision.\n",
		float64(daily)/float64(all), daily, all, r.total(defaults).may)
}

func (r result) byFamily() [][]string {
	order := make([]int, len(r.families))
	for i := range order {
		order[i] = i
	}
	gap := func(i int) int {
		ours, theirs := r.family(i, defaults), r.family(i, script)
		return theirs.tickets - ours.tickets + 3*(ours.found-theirs.found)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(gap(b), gap(a)) })
	var rows [][]string
	for _, i := range order {
		cells := []string{r.families[i].Name, fmt.Sprint(len(r.families[i].Traces)), fmt.Sprint(r.family(i, defaults).wanted)}
		for k := range r.names {
			f := r.family(i, k)
			cell := fmt.Sprintf("%d (%d)", f.tickets, f.again+f.useless)
			if missed := f.wanted - f.found; missed > 0 {
				cell += fmt.Sprintf(" -%d", missed)
			}
			cells = append(cells, cell)
		}
		rows = append(rows, cells)
	}
	return rows
}

func table(b *strings.Builder, head []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}
