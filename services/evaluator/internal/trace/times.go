package trace

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

var errNoTime = errors.New("is no time; write for example 12d, 12d6h or 30m")

// parseDuration reads "12d", "12d6h", "30m", "-400d".
func parseDuration(text string) (time.Duration, error) {
	number, negative := strings.CutPrefix(text, "-")
	var days time.Duration
	if d, rest, found := strings.Cut(number, "d"); found {
		n, err := strconv.ParseUint(d, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("%q %w", text, errNoTime)
		}
		days, number = time.Duration(n)*24*time.Hour, rest
	}
	var rest time.Duration
	if number != "" {
		var err error
		if rest, err = time.ParseDuration(number); err != nil || rest < 0 {
			return 0, fmt.Errorf("%q %w", text, errNoTime)
		}
	}
	if negative {
		return -days - rest, nil
	}
	return days + rest, nil
}

type duration time.Duration

func (d *duration) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := parseDuration(n.Value)
	if err != nil || n.Value == "" {
		return fmt.Errorf("line %d: %q %w", n.Line, n.Value, errNoTime)
	}
	*d = duration(parsed)
	return nil
}

// span is an interval as written: "12d-13d", or "12d-" for one that lasts to the end.
type span struct {
	Interval
	open bool
}

func (s *span) UnmarshalYAML(n *yaml.Node) error {
	from, to, found := strings.Cut(n.Value, "-")
	var err, errTo error
	s.From, err = parseDuration(from)
	if s.open = to == ""; !s.open {
		s.To, errTo = parseDuration(to)
	}
	if !found || from == "" || err != nil || errTo != nil || !s.open && s.To <= s.From {
		return fmt.Errorf("line %d: %q is no interval; write for example 12d-13d6h, or 12d- to the end", n.Line, n.Value)
	}
	return nil
}

func (s span) until(end time.Duration) Interval {
	if s.open {
		s.To = end
	}
	return s.Interval
}

type spans []span

func (s spans) until(end time.Duration) []Interval {
	var all []Interval
	for _, one := range s {
		all = append(all, one.until(end))
	}
	return all
}
