package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/clock/clocktest"
)

var start = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// fresh is a world at the story's beginning, whose clock a test moves.
func fresh(t *testing.T, seed uint64) (*world, *clocktest.Clock) {
	t.Helper()
	c := clocktest.New(start)
	w := newWorld(c, func(event) {})
	require.NoError(t, w.begin(seed, start))
	return w, c
}

func fleetOf(t *testing.T, w *world) string {
	t.Helper()
	raw, err := json.Marshal(w.cove.Fleet())
	require.NoError(t, err)
	return string(raw)
}

func TestTheFleetIsAFleet(t *testing.T) {
	t.Parallel()
	all := units()
	require.Len(t, all, 60)
	require.Len(t, customers(), 12)
	names, ids := map[string]bool{}, map[int64]bool{}
	for _, u := range all {
		require.Len(t, u.list(), len(u.sources)/3, "%s has a data source that nobody knows", u.name)
		for _, s := range u.list() {
			require.NotEmpty(t, causes(s.code), s.code)
		}
		names[u.name], ids[u.id] = true, true
	}
	require.Len(t, names, 60)
	require.Len(t, ids, 60)
	for _, scene := range opening(start) {
		require.Contains(t, names, scene.device)
	}
	require.Contains(t, names, newcomer)
}

func TestTheStoryDependsOnItsSeedAloneAndNotOnTheMachine(t *testing.T) {
	t.Parallel()
	fast, fastClock := fresh(t, 7)
	slow, slowClock := fresh(t, 7)
	other, otherClock := fresh(t, 8)
	end := start.Add(48 * time.Hour)
	for now := start; !now.After(end); now = now.Add(97 * time.Second) {
		fastClock.Add(now.Sub(fastClock.Now()))
		require.NoError(t, fast.director.advance(now))
	}
	for _, run := range []struct {
		w *world
		c *clocktest.Clock
	}{{fast, fastClock}, {slow, slowClock}, {other, otherClock}} {
		run.c.Add(end.Sub(run.c.Now()))
		require.NoError(t, run.w.director.advance(end))
	}
	require.JSONEq(t, fleetOf(t, fast), fleetOf(t, slow))
	require.NotEqual(t, fleetOf(t, fast), fleetOf(t, other))
}

func TestASavedWorldGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, c := fresh(t, 3)
	_, err := w.cwm.Person(cwfake.DefaultMember).CreateTicket(cwfake.NewTicket{Summary: "COVE SVR a #1 - b", CompanyIdentifier: "Zazolc", ExternalXRef: "covewise:a"})
	require.NoError(t, err)
	middle, end := start.Add(7*time.Hour), start.Add(30*time.Hour)
	c.Add(middle.Sub(c.Now()))
	require.NoError(t, w.director.advance(middle))
	require.NoError(t, w.save(dir, 3, true))

	m, found, err := recall(dir)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, middle, m.Clock)
	later := clocktest.New(m.Clock)
	again := newWorld(later, func(event) {})
	require.NoError(t, again.restore(m))
	require.Equal(t, w.cwm.Tickets(), again.cwm.Tickets())
	for _, at := range []*clocktest.Clock{c, later} {
		at.Add(end.Sub(at.Now()))
	}
	require.NoError(t, w.director.advance(end))
	require.NoError(t, again.director.advance(end))
	require.JSONEq(t, fleetOf(t, w), fleetOf(t, again))
}

func TestAWriteIsKeptBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	c := clocktest.New(start)
	kept := 0
	for name, handler := range map[string]http.HandlerFunc{
		"an answer": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("done")) },
		"a status":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) },
		"a dropped connection": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_ = conn.Close()
		},
		"an answer, in pieces": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write([]byte("done"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(keeping(handler, c, func() error { kept++; return nil }))
			defer web.Close()
			kept = 0
			answer, err := web.Client().Post(web.URL, "", nil)
			if err == nil {
				require.NoError(t, answer.Body.Close())
			}
			web.Close()
			require.Equal(t, 1, kept)
		})
	}
}

func TestAnUnreadableStateIsExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, found, err := recall(dir)
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, os.Mkdir(filepath.Join(dir, jetstreamDir), 0o700))
	_, _, err = recall(dir)
	require.ErrorContains(t, err, "holds data, but not that of a demo; name another directory with --data, or start over with --fresh")
	require.NoError(t, os.WriteFile(filepath.Join(dir, stateFile), []byte(`{"version":9}`), 0o600))
	_, _, err = recall(dir)
	require.ErrorContains(t, err, "start over with --fresh")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.txt"), nil, 0o600))
	require.NoError(t, forget(dir))
	require.NoDirExists(t, filepath.Join(dir, jetstreamDir))
	require.FileExists(t, filepath.Join(dir, "mine.txt"), "what is not the demo's stays")
}

func TestTheScreenFitsTheTerminal(t *testing.T) {
	t.Parallel()
	p := picture{now: start, devices: 60}
	for i := range 40 {
		p.lines = append(p.lines, line{
			device: "受付 " + strconv.Itoa(i), customer: "Müller & Söhne \"Nord\" GmbH und noch viel mehr", since: start,
			state: "Failed: Files and Folders\x1b[2J\r\n", ticket: "#48211 open", waits: i%2 == 0,
		})
		p.events = append(p.events, event{at: start, what: "created", device: "x", ticket: 48211, text: strings.Repeat("東京歯科クリニック", 20)})
	}
	for _, size := range [][2]int{{80, 24}, {160, 50}, {40, 12}, {200, 100}} {
		for _, colour := range []bool{false, true} {
			lines := style{colour}.frame(p, header{address: "http://127.0.0.1:8080/", speed: 720}, size[0], size[1])
			require.Len(t, lines, size[1])
			for _, l := range lines {
				require.LessOrEqual(t, ansi.StringWidth(l), size[0])
				plain := regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(l, "")
				require.NotContains(t, plain, "\x1b", "only colours may steer the terminal")
				require.NotContains(t, plain, "\r")
				if !colour {
					require.Equal(t, plain, l)
				}
			}
			text := strings.Join(lines, "\n")
			require.Contains(t, text, "STATE")
			require.Contains(t, text, "WHAT HAPPENED")
			require.Contains(t, text, "Ctrl-C")
		}
	}
	require.Contains(t, strings.Join(style{}.frame(p, header{speed: 720}, 80, 24), "\n"), "more, see the page")
	require.Contains(t, strings.Join(style{}.frame(picture{}, header{speed: 720}, 80, 24), "\n"), "every device is well")
}

func TestPlainLines(t *testing.T) {
	t.Parallel()
	e := event{at: start, what: "created", device: "srv", customer: "Кедр Логистика", ticket: 7, text: "COVE SVR srv #1 - Failed"}
	require.Equal(t, "Mon 06:00  created    srv  Кедр Логистика  #7  COVE SVR srv #1 - Failed", e.plain())
	require.Equal(t, "Mon 06:00  fault      Cove is down", event{at: start, what: "fault", text: "Cove\nis down"}.plain())
}

// telling is an output that stops the demo when everything awaited has been written.
type telling struct {
	mu      sync.Mutex
	out     bytes.Buffer
	awaited []string
	stop    func()
}

func (o *telling) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.out.Write(p)
	told := len(o.awaited) > 0
	for _, what := range o.awaited {
		told = told && bytes.Contains(o.out.Bytes(), []byte(what))
	}
	if told {
		o.stop()
	}
	return n, err
}

func (o *telling) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.String()
}

func TestTheDemoRunsEndsWithItsSummaryAndGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// run ends when everything awaited has been told, or after the time given.
	run := func(fresh bool, long time.Duration, awaited ...string) string {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		out := &telling{awaited: awaited, stop: stop}
		require.NoError(t, Run(ctx, Options{Data: dir, For: long, Speed: 1440, Seed: 5, Fresh: fresh, Out: out}), "%s", out)
		return out.String()
	}
	first := run(false, time.Minute, "created    zaz-pliki", "created    mue-fs-01")
	require.Regexp(t, `(?m)^Covewise demo: 60 devices at 12 customers, a day in 60 s; page \(no page\); Ctrl-C ends it$`, first)
	require.Regexp(t, `(?m)^Mon \d\d:\d\d  created    zaz-pliki  Zażółć Sp\. z o\.o\.  #\d+  \[CW-\d+-1\] Cove SVR zaz-pliki - Never backed up$`, first)
	require.Regexp(t, `(?m)^Mon \d\d:\d\d  created    mue-fs-01  Müller & Söhne "Nord" GmbH  #\d+  \[CW-\d+-1\] Cove SVR mue-fs-01 `, first)
	require.Regexp(t, `(?m)^  devices     60 at 12 customers, 3 in trial and not judged$`, first)
	require.Regexp(t, `(?m)^  tickets     [1-9]\d* created, \d+ annotated, \d+ closed; incidents waiting: \d+$`, first)
	require.Regexp(t, `(?m)^  requests    Cove [1-9]\d*, ConnectWise [1-9]\d*$`, first)
	require.Regexp(t, `(?m)^  duplicates  0$`, first)

	m, found, err := recall(dir)
	require.NoError(t, err)
	require.True(t, found)
	require.True(t, m.Clean)
	second := run(false, 2*time.Second)
	require.NotContains(t, second, "created    mue-fs-01", "the ticket is there already")
	require.Regexp(t, `(?m)^  duplicates  0$`, second)
	later, _, err := recall(dir)
	require.NoError(t, err)
	require.True(t, later.Clock.After(m.Clock), "time goes on")

	third := run(true, time.Minute, "created    zaz-pliki")
	require.Contains(t, third, "created    zaz-pliki", "a fresh demo begins anew")
}
