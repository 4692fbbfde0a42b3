package connectwise

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestConditionsAreWrittenInTheGrammar(t *testing.T) {
	at := time.Date(2025, 8, 20, 20, 4, 26, 999, time.FixedZone("", 2*60*60))
	cases := map[string]struct {
		got  Condition
		want string
	}{
		"the zero condition is empty":               {Condition{}, ``},
		"text stands in double quotes":              {Eq("board/name", "Backup"), `board/name="Backup"`},
		"text with a double quote in single ones":   {Eq("name", `The "Kiwi"`), `name='The "Kiwi"'`},
		"an apostrophe needs nothing":               {Ne("name", "O'Brien"), `name!="O'Brien"`},
		"numbers are digits":                        {Lt("id", 7), `id<7`},
		"wide numbers are digits":                   {Le("id", int64(1<<40)), `id<=1099511627776`},
		"truth values are named":                    {And(Eq("closedFlag", false), Eq("deletedFlag", true)), `closedFlag=False and deletedFlag=True`},
		"times are in UTC, cut to seconds":          {Gt("lastUpdated", at), `lastUpdated>[2025-08-20T18:04:26Z]`},
		"ranking takes times":                       {Ge("dateEntered", at), `dateEntered>=[2025-08-20T18:04:26Z]`},
		"absence":                                   {IsNull("owner/id"), `owner/id=null`},
		"presence":                                  {Not(IsNull("owner/id")), `owner/id!=null`},
		"a list":                                    {In("id", 3, 9, 12), `id in (3,9,12)`},
		"a list of texts":                           {Not(In("board/name", "Backup", `"NOC"`)), `board/name not in ("Backup",'"NOC"')`},
		"a part of a text":                          {Contains("summary", "disk"), `summary contains "disk"`},
		"the negation of a part":                    {Not(Contains("summary", "disk")), `summary not contains "disk"`},
		"double negation is none":                   {Not(Not(Contains("summary", "disk"))), `summary contains "disk"`},
		"groups stand in brackets":                  {And(Eq("id", 1), Or(Eq("id", 2), Eq("id", 3))), `id=1 and (id=2 or id=3)`},
		"negation goes down to the operators":       {Not(Or(Lt("id", 1), And(Ge("id", 5), Ne("id", 7)))), `id>=1 and (id<5 or id=7)`},
		"everything adds nothing to and":            {And(Condition{}, Eq("id", 1), And()), `id=1`},
		"everything makes or everything":            {Or(Condition{}, Eq("id", 1)), ``},
		"an or of one is that one":                  {Or(Eq("id", 1)), `id=1`},
		"negation of strict ranking includes equal": {And(Not(Gt("id", 1)), Not(Le("id", 2))), `id<=1 and id>2`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.got.Err())
			require.Equal(t, c.want, c.got.String())
		})
	}
}

func TestWhatEveryServerDoesNotReadAlikeIsRefused(t *testing.T) {
	cases := map[string]Condition{
		"both kinds of quotes":                Eq("name", `O'Brien "Kiwi"`),
		"a backslash, which may be an escape": Eq("name", `x\`),
		"a line break":                        Eq("name", "a\nb"),
		"a line separator":                    Eq("name", "a\u2028b"),
		"broken UTF-8":                        Eq("name", "a\xffb"),
		"a negative number":                   Eq("id", -1),
		"a forgotten time":                    Gt("lastUpdated", time.Time{}),
		"a year of five digits":               Gt("lastUpdated", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
		"a list of nothing":                   In[int]("id"),
		"one bad value of a list":             In("name", "good", `'"`),
		"a part that is empty":                Contains("name", ""),
		"an or of nothing":                    Or(),
		"not everything":                      Not(And()),
		"no field":                            Eq("", 1),
		"a field with a blank":                Eq("id=1 or id", 1),
		"a field with an empty name":          Eq("board//id", 1),
		"a field that begins with a digit":    Eq("1d", 1),
		"a keyword as a field":                Eq("Null", 1),
		"_info, which is not filterable":      Eq("_info/lastUpdated", 1),
		"a field beyond measure":              Eq(strings.Repeat("a", 300), 1),
		"a bad part of and":                   And(Eq("id", 1), Eq("name", `'"`)),
		"a bad part of or":                    Or(Condition{}, Eq("name", `'"`)),
		"a bad part of not":                   Not(Eq("name", `'"`)),
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, c.Err(), ErrNotExpressible)
			_, err := filtered(c, nil)
			require.ErrorIs(t, err, ErrNotExpressible)
			_, err = parse(c.String(), false)
			require.ErrorIs(t, err, errGrammar, "what is shown instead must not be usable")
		})
	}
}

func TestContainsPartIsTheLongestSafePiece(t *testing.T) {
	cases := map[string]string{
		`plain`:                `plain`,
		`O'Brien "Kiwi" Ltd`:   `Brien`,
		`a\bcd\ef`:             `bcd`,
		`100% of [it] _all_`:   `100`,
		"Müller\n& Söhne  ":    `& Söhne`,
		`'"\`:                  ``,
		``:                     ``,
		"東京\"株式会社'x":           `株式会社`,
		"broken\xffencoding":   `encoding`,
		"blanks '   ' only":    `blanks`,
		"[2025] \"x' y z\" ok": `2025`,
	}
	for text, want := range cases {
		require.Equal(t, want, ContainsPart(text), "%q", text)
	}
}

// FuzzTextStaysOneValue holds that no text can be read as anything but one value, by servers that take a
// backslash for an escape and by those that do not.
func FuzzTextStaysOneValue(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		mixed := strings.Contains(text, `"`) && strings.Contains(text, `'`)
		odd := !utf8.ValidString(text) || strings.Contains(text, `\`) ||
			strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' })
		forms := []struct {
			first tree
			built Condition
		}{
			{tree{op: "=", field: "name", values: []string{text}}, Eq("name", text)},
			{tree{op: "in", field: "name", values: []string{"first", text}}, In("name", "first", text)},
		}
		for _, form := range forms {
			c := And(form.built, Eq("id", 5))
			if mixed || odd {
				require.ErrorIs(t, c.Err(), ErrNotExpressible)
				continue
			}
			require.NoError(t, c.Err())
			want := tree{op: "and", kids: []tree{form.first, {op: "=", field: "id", values: []string{"5"}}}}
			for _, escapes := range []bool{false, true} {
				got, err := parse(c.String(), escapes)
				require.NoError(t, err, c.String())
				require.Equal(t, want, got)
			}
		}
		part := ContainsPart(text)
		require.True(t, part == "" || Contains("name", part).Err() == nil, "%q", part)
		require.Contains(t, strings.ToValidUTF8(text, "\x00"), part)
	})
}

// Whatever is built out of the constructors means, when parsed, what the constructors say.
func TestParsedConditionsMeanWhatWasBuilt(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{`a" or id>0 or name="`, `a' or id>0`, `\`, `x)`, ` and `, "", "b"}))
	rapid.Check(t, func(t *rapid.T) {
		c, means := drawCondition(t, texts, 3)
		if c.Err() != nil {
			require.ErrorIs(t, c.Err(), ErrNotExpressible)
			return
		}
		r := row{id: rapid.IntRange(0, 4).Draw(t, "id"), name: texts.Draw(t, "name")}
		if c.all() {
			require.True(t, means(r))
			return
		}
		for _, escapes := range []bool{false, true} {
			parsed, err := parse(c.String(), escapes)
			require.NoError(t, err, c.String())
			got, err := parsed.matches(r)
			require.NoError(t, err)
			require.Equal(t, means(r), got, "%s for %+v", c, r)
		}
	})
}

func drawCondition(t *rapid.T, texts *rapid.Generator[string], depth int) (Condition, func(row) bool) {
	n, s := rapid.IntRange(0, 4).Draw(t, "n"), texts.Draw(t, "s")
	kinds := 7
	if depth > 0 {
		kinds = 10
	}
	parts := func() (parts []Condition, means []func(row) bool) {
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			c, m := drawCondition(t, texts, depth-1)
			parts, means = append(parts, c), append(means, m)
		}
		return parts, means
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return Eq("id", n), func(r row) bool { return r.id == n }
	case 1:
		return Ne("name", s), func(r row) bool { return r.name != s }
	case 2:
		return Lt("id", n), func(r row) bool { return r.id < n }
	case 3:
		return Ge("id", n), func(r row) bool { return r.id >= n }
	case 4:
		return In("name", s, "b"), func(r row) bool { return r.name == s || r.name == "b" }
	case 5:
		return Contains("name", s), func(r row) bool { return strings.Contains(r.name, s) }
	case 6:
		return Condition{}, func(row) bool { return true }
	case 7:
		conditions, means := parts()
		return And(conditions...), func(r row) bool {
			return !slices.ContainsFunc(means, func(m func(row) bool) bool { return !m(r) })
		}
	case 8:
		conditions, means := parts()
		return Or(conditions...), func(r row) bool {
			return slices.ContainsFunc(means, func(m func(row) bool) bool { return m(r) })
		}
	default:
		c, m := drawCondition(t, texts, depth-1)
		return Not(c), func(r row) bool { return !m(r) }
	}
}
