package filter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake/internal/filter"
)

type row struct {
	id     float64
	name   any
	board  string
	closed bool
	at     time.Time
}

func resolve(path []string) (filter.Column[row], error) {
	switch strings.ToLower(strings.Join(path, "/")) {
	case "id":
		return filter.Column[row]{Kind: filter.Number, Value: func(r row) any { return r.id }}, nil
	case "name":
		return filter.Column[row]{Kind: filter.Text, Value: func(r row) any { return r.name }}, nil
	case "board/name":
		return filter.Column[row]{Kind: filter.Text, Value: func(r row) any { return r.board }}, nil
	case "closedflag":
		return filter.Column[row]{Kind: filter.Bool, Value: func(r row) any { return r.closed }}, nil
	case "lastupdated":
		return filter.Column[row]{Kind: filter.Time, Value: func(r row) any { return r.at }}, nil
	}
	return filter.Column[row]{}, fmt.Errorf("no field %v", path)
}

func rows() []row {
	day := func(d int) time.Time { return time.Date(2025, 11, d, 12, 0, 0, 0, time.UTC) }
	return []row{
		{1, "Alpha", "NOC", false, day(1)},
		{2, "beta [x]", "Service Desk", true, day(2)},
		{3, nil, "NOC", true, day(3)},
		{4, `Müller & "Söhne"`, "Service Desk", false, day(4)},
		{5, "100% sure_1", "noc", false, day(5)},
	}
}

func TestConditionsSelect(t *testing.T) {
	for _, c := range []struct {
		text string
		want []float64
	}{
		{``, []float64{1, 2, 3, 4, 5}},
		{`id=3`, []float64{3}},
		{`ID = 3.0`, []float64{3}},
		{`id > -1 and id<=2`, []float64{1, 2}},
		{`id>=4`, []float64{4, 5}},
		{`id<2`, []float64{1}},
		{`id!=3`, []float64{1, 2, 4, 5}},
		{`id in (3,9, 1)`, []float64{1, 3}},
		{`id not in (3,9,1)`, []float64{2, 4, 5}},
		{`board/name="noc"`, []float64{1, 3, 5}},
		{`BOARD/Name in ('NOC') AND closedFlag=False`, []float64{1, 5}},
		{`name = "ALPHA"`, []float64{1}},
		{`name > "b"`, []float64{2, 4}},
		{`name = null`, []float64{3}},
		{`name != null`, []float64{1, 2, 4, 5}},
		{`name != "Alpha"`, []float64{2, 4, 5}},
		{`name not contains "a"`, []float64{4, 5}},
		{`name contains "ALP"`, []float64{1}},
		{`name contains '"söhne"'`, []float64{4}},
		{`name = "müller & \"söhne\""`, []float64{4}},
		{`name like "alpha"`, []float64{1}},
		{`name like "alp*"`, []float64{1}},
		{`name like "%A"`, []float64{1}},
		{`name like "*et*"`, []float64{2}},
		{`name like "beta [[]x]"`, []float64{2}},
		{`name like "[a-b]*"`, []float64{1, 2}},
		{`name like "[^a-b]*"`, []float64{4, 5}},
		{`name not like "*a*"`, []float64{4, 5}},
		{`name like "*sure_1"`, []float64{5}},
		{`lastUpdated>[2025-11-03T12:00:00Z]`, []float64{4, 5}},
		{`lastUpdated = [2025-11-03T12:00:00Z]`, []float64{3}},
		{`lastUpdated < [2025-11-02]`, []float64{1}},
		{`id=1 or id=2 and closedFlag=false`, []float64{1}},
		{`(id=1 or id=2) and closedFlag=TRUE`, []float64{2}},
		{`closedFlag != true`, []float64{1, 4, 5}},
		{`id in (null, 1)`, []float64{1}},
		{`name in (null, "alpha")`, []float64{1, 3}},
	} {
		t.Run(c.text, func(t *testing.T) {
			match, err := filter.Compile(c.text, resolve)
			require.NoError(t, err)
			var got []float64
			for _, r := range rows() {
				if match(r) {
					got = append(got, r.id)
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestConditionsAreRefused(t *testing.T) {
	for _, c := range []struct{ text, message string }{
		{`id`, "Expected an operator but found the end"},
		{`id=`, "Expected a value but found the end"},
		{`id="3"`, `Expected a number written with digits only but found '"3"'`},
		{`name=3`, "Expected text in quotes but found '3'"},
		{`name=Alpha`, "Expected a value but found 'Alpha'"},
		{`closedFlag=1`, "Expected True or False but found '1'"},
		{`closedFlag<True`, "The operator < cannot compare True or False"},
		{`id > null`, "The operator > cannot compare null"},
		{`lastUpdated>"2025-11-03T12:00:00Z"`, "Expected a date-time in brackets"},
		{`lastUpdated>[yesterday]`, "Expected a date-time but found [yesterday]"},
		{`lastUpdated>[2025-11-03T12:00:00Z`, "Expected a closing bracket"},
		{`name="open`, "Expected a closing quote"},
		{`name="ends with backslash\"`, "Expected a closing quote"},
		{`name="a" "b"`, `Expected AND, OR or the end of the conditions but found '"b"'`},
		{`id in ()`, "Expected a value but found ')'"},
		{`id in (1 2)`, "Expected ',' or ')' but found '2'"},
		{`id in 1`, "Expected '(' but found '1'"},
		{`id not = 1`, "Expected in, like or contains but found '='"},
		{`id like "1"`, "The operator like needs a text field"},
		{`name contains 1`, "Expected text in quotes but found '1'"},
		{`(id=1`, "Expected ')' but found the end"},
		{`id=1)`, "Expected AND, OR or the end of the conditions but found ')'"},
		{`id=1 and`, "Expected a field name but found the end"},
		{`board//name="a"`, "Expected a field name but found 'board//name'"},
		{`id=1;`, "Unexpected character"},
		{`id=1abc`, "Expected a number but found"},
		{strings.Repeat("(", 200) + "id=1" + strings.Repeat(")", 200), "Too many parentheses"},
	} {
		t.Run(c.text, func(t *testing.T) {
			_, err := filter.Compile(c.text, resolve)
			var refused *filter.Error
			require.ErrorAs(t, err, &refused, "%v", err)
			require.Contains(t, refused.Message, c.message)
			require.Contains(t, err.Error(), "Remember: text in quotes")
		})
	}
	_, err := filter.Compile(`nosuch=1`, resolve)
	require.ErrorContains(t, err, "no field [nosuch]")
}

func TestOrderPutsNullFirstAndIgnoresCase(t *testing.T) {
	require.Negative(t, filter.Order(nil, "a"))
	require.Positive(t, filter.Order("a", nil))
	require.Zero(t, filter.Order(nil, nil))
	require.Zero(t, filter.Order("A", "a"))
	require.Negative(t, filter.Order(1.0, 2.0))
	require.Negative(t, filter.Order(false, true))
	require.Positive(t, filter.Order(true, false))
	require.Zero(t, filter.Order(true, true))
	require.Negative(t, filter.Order(time.Unix(1, 0), time.Unix(2, 0)))
}
