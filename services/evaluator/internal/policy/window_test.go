package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// open returns the beginnings and ends, in local time, of a window in a span of days, looking every 5 minutes.
func open(t *testing.T, cron, zone string, length time.Duration, from string, days int) []string {
	t.Helper()
	p := compile(t, func(p *tenantv1.Policy) {
		p.Windows = []*tenantv1.MaintenanceWindow{{
			Name: "patch night", Cron: cron, Zone: zone, Duration: durationpb.New(length), Reason: "servers restart", Select: srv01,
		}}
	})
	location, err := time.LoadLocation(zone)
	require.NoError(t, err)
	begin, err := time.ParseInLocation(time.DateOnly, from, location)
	require.NoError(t, err)
	const step = 5 * time.Minute
	var spans []string
	var since time.Time
	for at := begin; at.Before(begin.AddDate(0, 0, days)); at = at.Add(step) {
		mute := p.For(server, at).Mute
		switch {
		case mute != nil && since.IsZero():
			since = at
			require.Equal(t, "maintenance window patch night: servers restart", mute.Reason)
			require.Nil(t, p.For(server, at.Add(-time.Nanosecond)).Mute, "it begins to the minute")
			require.LessOrEqual(t, mute.Until.Sub(at), length, "never longer")
		case mute == nil && !since.IsZero():
			spans = append(spans, since.In(location).Format("02 15:04 MST")+" to "+at.In(location).Format("02 15:04 MST"))
			since = time.Time{}
		}
	}
	return spans
}

func TestWindowsAreNeitherLongerNorMissingWhenClocksChange(t *testing.T) {
	for name, test := range map[string]struct {
		cron, zone string
		length     time.Duration
		from       string
		days       int
		want       []string
	}{
		"an ordinary week": {
			"0 2 * * sun", "Europe/London", 4 * time.Hour, "2026-11-16", 8,
			[]string{"22 02:00 GMT to 22 06:00 GMT"},
		},
		"over midnight": {
			"30 22 * * sat", "Europe/London", 4 * time.Hour, "2026-11-20", 3,
			[]string{"21 22:30 GMT to 22 02:30 GMT"},
		},
		"spring: the beginning does not exist, so it is an hour later by the clock": {
			"30 1 * * *", "Europe/London", 2 * time.Hour, "2026-03-28", 3,
			[]string{"28 01:30 GMT to 28 03:30 GMT", "29 02:30 BST to 29 04:30 BST", "30 01:30 BST to 30 03:30 BST"},
		},
		"spring: a window over the gap is as long as ever": {
			"0 0 * * *", "Europe/London", 3 * time.Hour, "2026-03-28", 2,
			[]string{"28 00:00 GMT to 28 03:00 GMT", "29 00:00 GMT to 29 04:00 BST"},
		},
		"autumn: the beginning comes twice and counts once": {
			"30 1 * * *", "Europe/London", 40 * time.Minute, "2026-10-24", 3,
			[]string{"24 01:30 BST to 24 02:10 BST", "25 01:30 BST to 25 01:10 GMT", "26 01:30 GMT to 26 02:10 GMT"},
		},
		"autumn: a window over the double hour is as long as ever": {
			"0 0 * * *", "Europe/London", 3 * time.Hour, "2026-10-25", 1,
			[]string{"25 00:00 BST to 25 02:00 GMT"},
		},
		"spring in America": {
			"15 2 * * *", "America/New_York", time.Hour, "2026-03-07", 3,
			[]string{"07 02:15 EST to 07 03:15 EST", "08 03:15 EDT to 08 04:15 EDT", "09 02:15 EDT to 09 03:15 EDT"},
		},
		"autumn in America": {
			"15 1 * * *", "America/New_York", time.Hour, "2026-10-31", 3,
			[]string{"31 01:15 EDT to 31 02:15 EDT", "01 01:15 EDT to 01 01:15 EST", "02 01:15 EST to 02 02:15 EST"},
		},
		"a gap at midnight": {
			"0 0 * * *", "Africa/Cairo", time.Hour, "2026-04-23", 3,
			[]string{"23 00:00 EET to 23 01:00 EET", "24 01:00 EEST to 24 02:00 EEST", "25 00:00 EEST to 25 01:00 EEST"},
		},
		"half an hour's change": {
			"15 2 * * *", "Australia/Lord_Howe", time.Hour, "2026-10-04", 1,
			[]string{"04 02:45 +11 to 04 03:45 +11"},
		},
		"every hour, the repeated one as well": {
			"0 * * * *", "Europe/London", 30 * time.Minute, "2026-10-25", 1,
			[]string{
				"25 00:00 BST to 25 00:30 BST", "25 01:00 BST to 25 01:30 BST", "25 01:00 GMT to 25 01:30 GMT", "25 02:00 GMT to 25 02:30 GMT",
				"25 03:00 GMT to 25 03:30 GMT",
			},
		},
		"no clocks change in UTC": {
			"@daily", "UTC", time.Hour, "2026-03-29", 1,
			[]string{"29 00:00 UTC to 29 01:00 UTC"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := open(t, test.cron, test.zone, test.length, test.from, test.days)
			require.Equal(t, test.want, got[:min(len(got), len(test.want))])
			if name != "every hour, the repeated one as well" {
				require.Len(t, got, len(test.want))
			}
		})
	}
}

func TestAWindowThatBeginsAgainBeforeItEndsIsOneWindow(t *testing.T) {
	require.Equal(t, []string{"22 02:00 UTC to 22 07:00 UTC"}, open(t, "0 2-4 22 * *", "UTC", 3*time.Hour, "2026-11-21", 3))
}

func TestWindowsAreForWhomTheyAreMeant(t *testing.T) {
	p := compile(t, func(p *tenantv1.Policy) {
		p.Windows = []*tenantv1.MaintenanceWindow{{Cron: "* * * * *", Zone: "UTC", Duration: durationpb.New(time.Hour), Select: nobody}}
	})
	require.Nil(t, p.For(server, now).Mute)
}

// Whatever the zone and the hour, a year has one window for each of its days, each as long as the others.
func TestAYearHasAWindowForEachDay(t *testing.T) {
	const step = 30 * time.Minute
	const length = 3 * time.Hour
	for zone, crons := range map[string][]string{
		"Europe/London": {"0 0 * * *", "30 1 * * *"}, "Australia/Lord_Howe": {"0 2 * * *"}, "America/Santiago": {"30 23 * * *", "0 0 * * *"},
	} {
		location, err := time.LoadLocation(zone)
		require.NoError(t, err)
		for _, cron := range crons {
			p := compile(t, func(p *tenantv1.Policy) {
				p.Windows = []*tenantv1.MaintenanceWindow{{Cron: cron, Zone: zone, Duration: durationpb.New(length), Select: srv01}}
			})
			windows, open := 0, time.Duration(0)
			muted := true
			begin := time.Date(2026, 1, 1, 6, 0, 0, 0, location)
			for at := begin; at.Before(begin.AddDate(1, 0, 0)); at = at.Add(step) {
				before := muted
				if muted = p.For(server, at).Mute != nil; muted {
					open += step
					if !before {
						windows++
					}
				}
			}
			require.Equal(t, []any{365, 365 * length}, []any{windows, open}, "%s in %s", cron, zone)
		}
	}
}
