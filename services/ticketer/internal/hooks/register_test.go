package hooks

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func TestEntriesAreCompared(t *testing.T) {
	want := wanted("ours", "https://h/t?recordId=")
	good := connectwise.Callback{ID: 1, Description: "ours", URL: want.URL, ObjectID: 1, Type: "ticket", Level: "owner", IsSelfSuppressedFlag: true}
	with := func(id int, change func(*connectwise.Callback)) connectwise.Callback {
		e := good
		e.ID = id
		change(&e)
		return e
	}
	foreign := with(9, func(e *connectwise.Callback) { e.Description, e.URL = "theirs", "https://elsewhere" })
	for name, c := range map[string]struct {
		there []connectwise.Callback
		want  connectwise.NewCallback
		todo  comparison
	}{
		"nothing is there":                 {nil, want, comparison{make: true}},
		"others' entries are left alone":   {[]connectwise.Callback{foreign}, want, comparison{make: true}},
		"ours is as it should be":          {[]connectwise.Callback{foreign, good}, want, comparison{}},
		"ours was switched off":            {[]connectwise.Callback{with(2, func(e *connectwise.Callback) { e.InactiveFlag = true })}, want, comparison{mend: 2}},
		"ours tells our own changes":       {[]connectwise.Callback{with(2, func(e *connectwise.Callback) { e.IsSelfSuppressedFlag = false })}, want, comparison{mend: 2}},
		"somebody described it otherwise":  {[]connectwise.Callback{with(2, func(e *connectwise.Callback) { e.Description = "mine" })}, want, comparison{mend: 2}},
		"ours leads to an old address":     {[]connectwise.Callback{with(2, func(e *connectwise.Callback) { e.URL = "https://old" })}, want, comparison{make: true, drop: []int{2}}},
		"ours is at a board":               {[]connectwise.Callback{with(2, func(e *connectwise.Callback) { e.Level = "board" })}, want, comparison{make: true, drop: []int{2}}},
		"there are two":                    {[]connectwise.Callback{good, with(2, func(*connectwise.Callback) {})}, want, comparison{drop: []int{2}}},
		"none is wanted any more":          {[]connectwise.Callback{foreign, good}, wanted("ours", ""), comparison{drop: []int{1}}},
		"none is wanted and none is there": {[]connectwise.Callback{foreign}, wanted("ours", ""), comparison{}},
	} {
		require.Equal(t, c.todo, compare(c.there, c.want), name)
	}
}

func TestTheEntryIsMadeRepairedAndRemoved(t *testing.T) {
	w := newWorld(t)
	w.registered()
	made := w.entries()[0]
	require.Equal(t, "Covewise "+w.hooks.opts.Bus.Installation()+" harbor", made.Description)
	require.Equal(t, w.url+Prefix+token+"?recordId=", made.URL)
	require.True(t, made.IsSelfSuppressedFlag)

	c, err := w.hooks.client(w.hooks.settings()["harbor"])
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.PatchCallback(t.Context(), made.ID, connectwise.Replace("inactiveFlag", true))
	require.NoError(t, err)
	w.eventually("it is switched on within the hour", func() bool {
		w.clock.Add(refresh)
		return !w.entries()[0].InactiveFlag
	})
	require.Equal(t, made, w.entries()[0])

	w.settings(func(s *tenantv1.Settings) { s.Connectwise.Callbacks = nil })
	w.eventually("it is removed at once", func() bool { return len(w.entries()) == 0 })
	w.cw.ResetCounts()
	status, _ := w.post(Prefix+token, nil, "")
	require.Equal(t, 404, status)
	w.settings(func(s *tenantv1.Settings) { s.PollInterval = nil })
	require.Empty(t, w.cw.Requests())
}

func TestShadowWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.start(func(s *tenantv1.Settings) { s.Mode = tenantv1.Mode_MODE_SHADOW })
	w.eventually("the door is open", func() bool {
		status, _ := w.post(Prefix+token, nil, "")
		return status == 400
	})
	w.settings(func(s *tenantv1.Settings) { s.Mode = tenantv1.Mode_MODE_LIVE })
	w.eventually("live registers", func() bool { return len(w.entries()) == 1 })
	require.Equal(t, 1, w.cw.Writes())
}

func TestAMissingRightIsAWarningAndTriedHourly(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.cw.AddFaults(cwfake.Fault{Match: "GET /system/callbacks", Times: 2, Kind: cwfake.FaultForbidden, Right: "System > API"}))
	w.start(func(*tenantv1.Settings) {})
	w.eventually("it is told", func() bool {
		return strings.Contains(w.log.String(), "give the role of the API member a right to callbacks")
	})
	w.eventually("it comes about when the right is there", func() bool {
		w.clock.Add(10 * time.Minute)
		return w.cw.Counts()["POST /system/callbacks"] == 1
	})
	require.Equal(t, 1, strings.Count(w.log.String(), "ConnectWise is not asked to call"), "told once")
	require.Len(t, w.entries(), 1)
}

func TestWhenEntriesAreDue(t *testing.T) {
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	with := &tenantv1.ConnectWise{Company: "c", Callbacks: &tenantv1.Callbacks{Url: "https://h"}}
	without := &tenantv1.ConnectWise{Company: "c"}
	live := func(cw *tenantv1.ConnectWise) *tenantv1.Settings {
		return &tenantv1.Settings{Mode: tenantv1.Mode_MODE_LIVE, Connectwise: cw}
	}
	for name, c := range map[string]struct {
		r       registration
		s       *tenantv1.Settings
		address string
		after   time.Duration
		want    bool
	}{
		"at the start":                             {registration{}, live(with), "a", 0, true},
		"not in shadow":                            {registration{}, &tenantv1.Settings{Mode: tenantv1.Mode_MODE_SHADOW, Connectwise: with}, "a", 0, false},
		"not without a usable token":               {registration{}, live(with), "", 0, false},
		"not before the hour":                      {registration{tried: with, due: began.Add(time.Hour)}, live(with), "a", 30 * time.Minute, false},
		"after the hour":                           {registration{tried: with, due: began.Add(time.Hour)}, live(with), "a", time.Hour, true},
		"at once when settings changed":            {registration{tried: without, due: began.Add(time.Hour)}, live(with), "a", time.Minute, true},
		"when the clock was set back":              {registration{tried: with, due: began.Add(9 * time.Hour)}, live(with), "a", 0, true},
		"at once when they were unset":             {registration{tried: with, due: began.Add(time.Hour)}, live(without), "", time.Minute, true},
		"not at the start without callbacks":       {registration{}, live(without), "", 0, false},
		"an hour later without callbacks":          {registration{}, live(without), "", time.Hour, true},
		"never again when nothing of ours is left": {registration{tried: without, clean: true}, live(without), "", 9 * time.Hour, false},
		"again when that could not be seen":        {registration{tried: without, due: began.Add(5 * time.Minute)}, live(without), "", 6 * time.Minute, true},
	} {
		require.Equal(t, c.want, c.r.isDue(c.s, c.address, began, began.Add(c.after)), name)
	}
}
