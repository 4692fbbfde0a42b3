package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/selector"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// snooze withholds news until a moment.
type snooze struct {
	selector selector.Selector
	until    time.Time
	reason   string
}

// inForce reports whether what ends at a time counts now: it has not ended, and it ends soon enough.
func inForce(until, now time.Time) bool {
	return now.Before(until) && until.Sub(now) <= tenant.LongestWithheld
}

// moment is what is in force at a time.
type moment struct {
	at       time.Time
	muting   []muting
	expected []expectedError
}

type muting struct {
	selector selector.Selector
	mute     Mute
}

func (p *Policy) at(at time.Time) *moment {
	if m := p.moment.Load(); m != nil && m.at.Equal(at) {
		return m
	}
	m := &moment{at: at}
	for _, w := range p.windows {
		if until, open := w.openUntil(at); open {
			m.muting = append(m.muting, muting{w.selector, Mute{Reason: w.reason, Until: until}})
		}
	}
	for _, s := range p.snoozes {
		if inForce(s.until, at) {
			m.muting = append(m.muting, muting{s.selector, Mute{Reason: s.reason, Until: s.until}})
		}
	}
	for _, e := range p.expected {
		if inForce(e.until, at) {
			m.expected = append(m.expected, e)
		}
	}
	p.moment.Store(m)
	return m
}

// mute returns what withholds the news of a device for the longest, or nil.
func (m *moment) mute(l *selector.Look) *Mute {
	var longest *Mute
	for i := range m.muting {
		this := &m.muting[i]
		if (longest == nil || this.mute.Until.After(longest.Until)) && this.selector.Fits(l) {
			longest = &this.mute
		}
	}
	return longest
}

// expectedError recognises session errors that are so by design.
type expectedError struct {
	selector         selector.Selector
	sources          []string
	text, item, code selector.Patterns
	until            time.Time
}

func newExpectedError(e *tenantv1.ExpectedError) expectedError {
	one := func(text string) selector.Patterns {
		if text == "" {
			return nil
		}
		return selector.NewPatterns(text)
	}
	return expectedError{
		selector: selector.Compile(e.GetSelect()), sources: e.GetSources(),
		text: one(e.GetText()), item: one(e.GetItem()), code: one(e.GetCode()), until: e.GetUntil().AsTime(),
	}
}

// Expects reports whether every pattern fits.
func (x expectedError) Expects(source string, e *statusv1.SessionError) bool {
	return (len(x.sources) == 0 || slices.Contains(x.sources, source)) &&
		x.text.Fit(e.GetText()) && x.item.Fit(e.GetItem()) && x.code.Fit(e.GetCode())
}

// window is a recurring maintenance window.
type window struct {
	selector selector.Selector
	schedule *cron.SpecSchedule
	hourly   bool // begins in every hour, so that a repeated hour is an hour like others
	length   time.Duration
	zone     *time.Location
	reason   string
}

func newWindow(w *tenantv1.MaintenanceWindow) (window, error) {
	schedule, err := tenant.ParseCron(w.GetCron())
	if err != nil {
		return window{}, err
	}
	zone, err := time.LoadLocation(w.GetZone())
	if err != nil {
		return window{}, fmt.Errorf("zone %q is not known", w.GetZone())
	}
	const star = 1 << 63 // how the library marks a field that is "*"
	return window{
		selector: selector.Compile(w.GetSelect()), schedule: schedule, hourly: schedule.Hour&star != 0, length: w.GetDuration().AsDuration(), zone: zone,
		reason: fmt.Sprintf("maintenance window %s: %s", w.GetName(), w.GetReason()),
	}, nil
}

// openUntil reports whether the window is open, and when it ends. It is open from each beginning for its length of
// real time. A beginning that the clocks skip in spring counts as much later as they skip; one that they repeat in
// autumn counts once, the first time. The library itself would drop the one and take the other twice.
func (w window) openUntil(at time.Time) (until time.Time, open bool) {
	for begin := range w.beginnings(at) {
		if !begin.After(at) && at.Before(begin.Add(w.length)) {
			until, open = begin.Add(w.length), true
		}
	}
	return until, open
}

// clockChange is more than clocks are ever set forward or back.
const clockChange = 3 * time.Hour

// beginnings yields, in order, those beginnings that can have a window open at a time.
func (w window) beginnings(at time.Time) func(yield func(time.Time) bool) {
	if w.hourly {
		return func(yield func(time.Time) bool) {
			schedule := *w.schedule
			schedule.Location = w.zone
			for t := schedule.Next(at.Add(-w.length).In(w.zone)); !t.IsZero() && !t.After(at); t = schedule.Next(t) {
				if !yield(t) {
					return
				}
			}
		}
	}
	return func(yield func(time.Time) bool) {
		schedule := *w.schedule
		schedule.Location = time.UTC // which here stands for the wall clock of the zone: it has no gaps
		wall := onTheWall(at.In(w.zone))
		for t := schedule.Next(wall.Add(-w.length - clockChange)); !t.IsZero() && !t.After(wall.Add(clockChange)); t = schedule.Next(t) {
			if !yield(instant(t, w.zone)) {
				return
			}
		}
	}
}

// onTheWall returns what the clock shows at a time, as if it were UTC.
func onTheWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// instant returns when the clock of a zone shows what wall says: the first time when it does so twice; and for what it
// never shows, the time it would have without the change.
func instant(wall time.Time, zone *time.Location) time.Time {
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	early, late := wall.Add(-time.Duration(before)*time.Second), wall.Add(-time.Duration(after)*time.Second)
	if onTheWall(early.In(zone)).Equal(wall) || !onTheWall(late.In(zone)).Equal(wall) {
		return early
	}
	return late
}
