package expression_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant/expression"
)

func TestCompileSaysWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"an unknown fact":               {"sucessHours > 48", "unknown name sucessHours (column 1)"},
		"not true or false":             {"successHours", "expected bool, but got float64"},
		"a text compared with a number": {`successHours > "48"`, "invalid operation: > (mismatched types float64 and string) (column 14)"},
		"a syntax error":                {"successHours >", "unexpected token EOF (column 14)"},
		"an unknown field of a source":  {"any(sources, .age > 3)", "type expression.Source has no field age (column 15)"},
		"the clock":                     {"now().Year() > 2000", "unknown name now (column 1)"},
		"a function that makes memory":  {`len(repeat("a", 1000000)) > 3`, "unknown name repeat (column 5)"},
		"a range":                       {"errors > 0 && all(1..1000, # > 0)", "makes a range of numbers, which expressions do not need"},
		"no fact":                       {"1 < 2", "uses no fact, so that it says the same of every device at every time"},
		"loops too deep":                {"any(sources, any(sources, any(sources, .errors > 1)))", "nests loops deeper than 2"},
		"loops in a variable":           {"let s = sources; any(s, any(s, any(s, .errors > 1)))", "nests loops deeper than 2"},
		"too long":                      {"errors > 0 " + strings.Repeat(" ", 1000), "is longer than 1000 letters"},
		"too many nodes":                {strings.Repeat("errors > 0 || ", 70) + "trial", "compilation failed: expression exceeds maximum allowed nodes (column 712)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := expression.Compile(test.text)
			require.EqualError(t, err, test.want)
		})
	}
}

func TestHolds(t *testing.T) {
	n := func(f float64) *float64 { return &f }
	facts := map[string]any{
		"class": "server", "name": "SRV-01", "site": "", "trial": false, "tags": []string{"lab"}, "successHours": 50.0, "errors": 3.0,
		"sources": []expression.Source{{Code: "D01", Status: "Completed", Errors: n(3), SuccessHours: n(50)}, {Code: "D02"}},
	}
	const holds, not, unknown = "holds", "does not hold", "cannot be judged"
	for text, want := range map[string]string{
		`successHours > 48`:                                  holds,
		`successHours > 51`:                                  not,
		`class == "server" && "lab" in tags`:                 holds,
		`name matches "^SRV-"`:                               holds,
		`lower(name) startsWith "srv"`:                       holds,
		`any(sources, .code == "D01" && .successHours > 40)`: holds,
		`any(sources, .code == "D02" && .successHours > 40)`: unknown,
		`contactHours > 3`:                                   unknown,
		`contactHours > 3 || errors > 2`:                     unknown,
		`errors > 2 || contactHours > 3`:                     holds,
		`trial`:                                              not,
		`site == ""`:                                         holds,
		`count(sources, .status == "Completed") == 1`:        holds,
		`sum(map(sources, .errors ?? 0)) > 2`:                holds,
	} {
		t.Run(text, func(t *testing.T) {
			e, err := expression.Compile(text)
			require.NoError(t, err)
			require.Equal(t, text, e.String())
			got, err := e.Holds(facts)
			switch {
			case err != nil:
				require.Equal(t, want, unknown, err)
			case got:
				require.Equal(t, want, holds)
			default:
				require.Equal(t, want, not)
			}
		})
	}
}

func TestTheGreatestEvaluationIsBounded(t *testing.T) {
	// The deepest loops over the most data sources, with the most work inside that the bound on nodes allows.
	text := `any(sources, any(sources, ` + strings.Repeat(`upper(.name) + lower(.code) == "x" || `, 15) + `.errors < 0))`
	e, err := expression.Compile(text)
	require.NoError(t, err)
	errors := 1.0
	many := make([]expression.Source, 30)
	for i := range many {
		many[i] = expression.Source{Name: strings.Repeat("n", 100), Errors: &errors}
	}
	got, err := e.Holds(map[string]any{"sources": many})
	require.NoError(t, err)
	require.False(t, got)

	greedy, err := expression.Compile(`len(map(sources, map(sources, .code + .name))) > 0`)
	require.NoError(t, err)
	_, err = greedy.Holds(map[string]any{"sources": make([]expression.Source, 200)})
	require.EqualError(t, err, "evaluate expression: memory budget exceeded (column 18)")
}

func TestTryTellsWhatNeverBeginsOrEnds(t *testing.T) {
	for text, want := range map[string]expression.Tried{
		`successHours > 48`:                               {},
		`class == "server" && successHours > 48`:          {},
		`customer in ["Bluefin", "Harbor"] && errors > 3`: {},
		`any(sources, .code == "D10" && .errors > 100)`:   {},
		`name matches "^SRV-[0-9]+$"`:                     {},
		`errors >= 0 || errors < 0`:                       {Always: true},
		`class != "servr" || class == "servr"`:            {Always: true},
		`len(sources) >= 0`:                               {Always: true},
		`errors > 5 && errors < 3`:                        {Never: true},
		`class == "server" && class == "m365"`:            {Never: true},
	} {
		t.Run(text, func(t *testing.T) {
			e, err := expression.Compile(text)
			require.NoError(t, err)
			require.Equal(t, want, e.Try())
		})
	}
}
