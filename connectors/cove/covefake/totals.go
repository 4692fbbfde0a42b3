package covefake

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// total is an entry of Totals.
type total struct {
	text, function, code string
	filter               filter
}

func (c *call) parseTotals(texts []string) ([]total, *rpcError) {
	var totals []total
	for _, text := range texts {
		name, rest, ok := strings.Cut(text, "(")
		inner, closed := strings.CutSuffix(strings.TrimSpace(rest), ")")
		t := total{text: text, function: strings.ToUpper(strings.TrimSpace(name))}
		var err error
		switch {
		case !ok || !closed:
			err = errors.New("want COUNT, SUM, MAX or MIN and parentheses")
		case t.function == "COUNT":
			t.filter, err = parseFilter(inner, filterColumn)
		case t.function == "SUM", t.function == "MAX", t.function == "MIN":
			if t.code, ok = filterColumn(strings.TrimSpace(inner)); !ok {
				err = errors.New("unknown column")
			}
		default:
			err = errors.New("want COUNT, SUM, MAX or MIN")
		}
		if err != nil {
			return nil, c.fail(ErrBadParams, "Totals: %q: %v.", text, err)
		}
		totals = append(totals, t)
	}
	return totals, nil
}

// sumUp computes the totals over all matching rows, whatever the page shows of them.
func (c *call) sumUp(rows []row, totals []total) []map[string]any {
	out := make([]map[string]any, 0, len(totals))
	for _, t := range totals {
		n := t.over(rows, &c.switches, c.now)
		if c.switches.NumericValues {
			out = append(out, map[string]any{t.text: n})
		} else {
			out = append(out, map[string]any{t.text: strconv.FormatInt(n, 10)})
		}
	}
	return out
}

func (t total) over(rows []row, w *Switches, now time.Time) int64 {
	result, first := int64(0), true
	for _, r := range rows {
		rec := rowRecord{r, w}
		if t.function == "COUNT" {
			if t.filter.matches(rec, now) {
				result++
			}
			continue
		}
		text, _ := rec.value(t.code)
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			continue
		}
		switch {
		case t.function == "SUM":
			result += n
		case first, t.function == "MAX" && n > result, t.function == "MIN" && n < result:
			result = n
		default:
		}
		first = false
	}
	return result
}
