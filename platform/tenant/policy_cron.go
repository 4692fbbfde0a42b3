package tenant

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v3"
)

// ParseCron reads the beginning of maintenance windows: five fields, or a word such as "@daily".
func ParseCron(text string) (*cron.SpecSchedule, error) {
	if strings.Contains(text, "=") {
		return nil, fmt.Errorf("%s names a time zone; write it under zone", quote(text))
	}
	const fields = cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor
	schedule, err := cron.NewParser(fields).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not a cron line (%w); write minute, hour, day of month, month and day of week, such as 0 2 * * sun", quote(text), err)
	}
	spec, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%s has no fixed beginning; write minute, hour, day of month, month and day of week, such as 0 2 * * sun", quote(text))
	}
	return spec, nil
}

func cronText(s string) string {
	spec, err := ParseCron(s)
	switch {
	case err != nil:
		return err.Error()
	// Any day will do to begin with: dates recur within the library's five years, leap days included.
	case spec.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero():
		return fmt.Sprintf("%s names a date that never comes; correct the day or the month", quote(s))
	default:
		return ""
	}
}

const (
	shortestWindow = time.Minute
	longestWindow  = 7 * 24 * time.Hour
)

func windowLength(dst *time.Duration) parser {
	return func(r *reader, at place, n *yaml.Node) {
		value, complaint := durationOf(n, shortestWindow)
		if complaint == "" && value > longestWindow {
			complaint = fmt.Sprintf("%s is longer than 7d; write less, or a snooze", n.Value)
		}
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		*dst = value
	}
}
