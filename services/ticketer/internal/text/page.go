package text

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// page is a text being written. now is the event's time: ages are true as of what was observed.
type page struct {
	b    strings.Builder
	zone *time.Location
	now  time.Time
}

// glue joins what must stay on one line, such as a number and its unit. It becomes a blank in the end; foreign
// text cannot hold it.
const glue = "\x1f"

// line writes one line, wrapped; what continues it stands deeper.
func (p *page) line(s string) {
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))]
	width := 0
	for i, word := range strings.Fields(s) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			p.b.WriteString(indent)
			width = len(indent)
		case width+1+length > lineWidth:
			p.b.WriteString("\n" + indent + "    ")
			width = len(indent) + 4
		default:
			p.b.WriteByte(' ')
			width++
		}
		p.b.WriteString(word)
		width += length
	}
	p.b.WriteByte('\n')
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

func (p *page) console(e *incidentv1.Event) {
	p.labelled("Device in the Cove console", e.GetDevice().GetConsoleUrl())
}

// finish returns the text with the marker as its last line, cut before it if need be.
func (p *page) finish(e *incidentv1.Event) string {
	body, end := strings.ReplaceAll(strings.TrimSpace(p.b.String()), glue, " "), Marker(e.GetIncidentId(), e.GetRevision())
	const cut = "\n… (cut here because the text is too long)"
	if room := longestText - utf8.RuneCountInString(end) - 2; utf8.RuneCountInString(body) > room {
		body = string([]rune(body)[:room-utf8.RuneCountInString(cut)]) + cut
	}
	return body + "\n\n" + end
}

// stamp writes a time in the tenant's zone: 2026-11-20 22:10 (UTC-05:00).
func (p *page) stamp(t time.Time) string {
	return t.In(p.zone).Format("2006-01-02" + glue + "15:04" + glue + "(UTC-07:00)")
}

// when writes a time with its distance from the event.
func (p *page) when(t time.Time) string { return p.stamp(t) + ", " + distance(p.now.Sub(t)) }

func distance(d time.Duration) string {
	switch {
	case d <= -time.Minute:
		return "in" + glue + span(-d)
	case d < time.Minute:
		return "now"
	default:
		return span(d) + glue + "ago"
	}
}

// span writes a duration with its two largest units: 1 d 5 h, 3 h 10 min, 12 min.
func span(d time.Duration) string {
	d = d.Round(time.Minute)
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0 && hours > 0:
		return glued("%d d %d h", days, hours)
	case days > 0:
		return glued("%d d", days)
	case hours > 0 && minutes > 0:
		return glued("%d h %d min", hours, minutes)
	case hours > 0:
		return glued("%d h", hours)
	case minutes > 0:
		return glued("%d min", minutes)
	default:
		return "less than a minute"
	}
}

func glued(format string, args ...any) string {
	return strings.ReplaceAll(fmt.Sprintf(format, args...), " ", glue)
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
		return glued("%d B", bytes)
	}
	return glued("%.1f %s", value, unit)
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1" + glue + one
	}
	return fmt.Sprintf("%d%s%s", n, glue, many)
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
