package text

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// page is a text being written. now is the event's time: ages are true as of what was observed.
type page struct {
	b       strings.Builder
	zone    *time.Location
	now     time.Time
	public  bool                   // customers read it: nothing internal
	contact *timestamppb.Timestamp // the device's last, once its troubles are told
}

// line writes one line. Lines are not wrapped: ConnectWise wraps them to the width of the reader's window.
func (p *page) line(s string) {
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))]
	p.b.WriteString(indent + strings.Join(strings.Fields(s), " ") + "\n")
}

func (p *page) blank() { p.b.WriteByte('\n') }

func (p *page) heading(s string) {
	p.blank()
	p.line(s)
}

func (p *page) labelled(name, value string) {
	if value = oneLine(value); value != "" {
		p.line(name + ": " + value)
	}
}

// console writes the link to the device, where customers do not read.
func (p *page) console(e *incidentv1.Event) {
	if url := e.GetDevice().GetConsoleUrl(); url != "" && !p.public {
		p.blank()
		p.labelled("Device in the Cove console", url)
	}
}

func (p *page) text() string { return strings.TrimSpace(p.b.String()) }

// finish returns a text with the marker as its last line, cut before it if need be.
func finish(body string, e *incidentv1.Event) string {
	body, end := strings.TrimSpace(body), Marker(e.GetIncidentId(), e.GetRevision())
	const cut = "\n… (cut here because the text is too long)"
	if room := longestText - utf8.RuneCountInString(end) - 2; utf8.RuneCountInString(body) > room {
		body = string([]rune(body)[:room-utf8.RuneCountInString(cut)]) + cut
	}
	return body + "\n\n" + end
}

// stamp writes a time in the tenant's zone: 2026-11-20 22:10 (UTC-05:00).
func (p *page) stamp(t time.Time) string {
	return t.In(p.zone).Format("2006-01-02 15:04 (UTC-07:00)")
}

// when writes a time with its distance from the event.
func (p *page) when(t time.Time) string { return p.stamp(t) + ", " + distance(p.now.Sub(t)) }

func distance(d time.Duration) string {
	switch {
	case d <= -time.Minute:
		return "in " + span(-d)
	case d < time.Minute:
		return "now"
	default:
		return span(d) + " ago"
	}
}

// span writes a duration with its two largest units: 1 d 5 h, 3 h 10 min, 12 min.
func span(d time.Duration) string {
	d = d.Round(time.Minute)
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case days > 0:
		return fmt.Sprintf("%d d", days)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return "less than a minute"
	}
}

// roughly writes a duration with one unit, rounded down: days from two days on.
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d d", int(d/(24*time.Hour)))
	case d >= time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	default:
		return fmt.Sprintf("%d min", max(int(d/time.Minute), 0))
	}
}

// size writes bytes with one decimal and 1024 steps.
func size(bytes int64) string {
	value, unit := float64(bytes), "B"
	for _, next := range []string{"KB", "MB", "GB", "TB", "PB"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// oneLine makes foreign text harmless: one line, no control characters, none that change the direction or the
// order of what stands around it.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case r == '\u200d': // joins emoji and letters of some scripts
			return r
		case unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			return -1
		default:
			return r
		}
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// shorten cuts a text of somebody else's to what a ticket bears.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= longestError {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:longestError-1])) + "…"
}
