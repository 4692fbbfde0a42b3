package covefake

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// columnsOf is a record with the values of one device; codes are canonical.
type columnsOf map[string]string

func (r columnsOf) value(key string) (string, bool) {
	v, ok := r[key]
	return v, ok
}

func (r columnsOf) values(f func(string) bool) bool { return fieldRecord(r).values(f) }

func TestFilters(t *testing.T) {
	now := time.Unix(1_780_000_000, 0)
	device := columnsOf{
		"I0": "101", "I1": "srv_1", "I59": "1", "I32": "2", "I78": "D01D14", "I16": "Windows Server", "I77": "[0123456789]abc - 0123-x",
		"D09F00": "2", "D09F09": "1779900000", "D01F00": "8", "D01F06": "3", "D01F07": "900", "I8": "001abc - Recycle Bin",
		"AA77": "0", "I18": "", "I36": "-2",
	}
	tests := map[string]bool{
		"":                                    true,
		"AT==1":                               true,
		"at == 1":                             true,
		"AT == 2":                             false,
		"AT == 2 OR AT == 1":                  true,
		"AT == 2 || at == 1":                  true,
		"AT == 1 AND OT == 1":                 false,
		"AT == 1 && OT == 2":                  true,
		"AT == 1 OR AT == 1 AND OT == 1":      true, // AND binds tighter
		"(AT == 1 OR AT == 1) AND OT == 1":    false,
		"!(AT == 2)":                          true,
		"!AT == 2":                            true, // ! takes the whole comparison
		"!!(AT == 2)":                         false,
		"T0 != 5":                             true,
		"F7 >= 3 AND F7 <= 3":                 true,
		"F7 > 3 OR F7 < 3":                    false,
		"F7 == D1F6 AND F7 == D01F06":         true, // legacy 7 is F06
		"F6 == 900 AND D01F07 == 900":         true, // legacy 6 is F07
		"I36 == -2":                           true,
		"AU in (3785154, 101)":                true,
		"AN in (1, 2)":                        false,
		"AL in (1, 0)":                        true,
		"AU in (1, 'x', 101)":                 true,
		"AU IN (3785154)":                     false,
		"AN in ('a', \"srv_1\")":              true,
		"AN == 'srv_1'":                       true,
		"AN == 'SRV_1'":                       false,
		"AT == '1'":                           true,
		"AT == '01'":                          false, // quoted strings compare as texts
		"I78 =~ '*D14*'":                      true,
		"I78 =~ '*D5*'":                       false,
		"I78 =~ 'D01'":                        false, // the whole value
		"I78 =~ 'D??D14'":                     true,
		"AR =~ '001??? - recycle bin'":        true,
		"PF =~ '[??????????]* - ????-*'":      true, // brackets mean themselves
		"ANY =~ '*windows*'":                  true,
		"ANY =~ '*linux*'":                    false,
		"ANY == 900":                          true,
		"AA77":                                true,  // not empty
		"MN":                                  false, // empty
		"AL":                                  false, // no value
		"AL == ''":                            true,
		"D02F00 != 5":                         true, // no value compares like 0
		"D02F00 == 0":                         true,
		"D02F09 < 24.hour().ago()":            true,
		"D02F09 > 24.hour().ago()":            false,
		"TL < 24.hours().ago()":               true,
		"TL < 30.day().ago()":                 false,
		"TL > 2.Week().AGO()":                 true,
		"TL > 1.month().ago()":                true,
		"TL > 1667.minutes().ago()":           true,
		"TL > 1666.minute().ago()":            false,
		"TL > 100001.seconds().ago()":         true,
		"TL > 1779899999":                     true,
		"0 != 1":                              true,
		"(AT & 1) == 1":                       true,
		"(OT & 1) == 1":                       false,
		"AT & 1 == 1":                         true,
		" ( AT==1 AND (I78=~'*D01*') )\n":     true,
		"(AT==1 AND T0 == 2) AND ((F0 != 5))": true,
		strings.Repeat("(", 50) + "AT" + strings.Repeat(")", 50): true,
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			f, err := parseFilter(text, filterColumn)
			require.NoError(t, err)
			require.Equal(t, want, f.matches(device, now))
			require.Equal(t, strings.Contains(strings.ToLower(text), "ago"), f.moves)
		})
	}
}

func TestFiltersThatCannotBeRead(t *testing.T) {
	tests := map[string]string{
		"AT ==":                      "position 6: want a column or a value, found the end",
		"AT = 1":                     `position 4: '=' means nothing here`,
		"AT == 1 AN == 2":            `position 9: want the end or an operator, found "AN"`,
		"(AT == 1":                   `position 9: want ")", found the end`,
		"AT == 1)":                   `position 8: want the end or an operator, found ")"`,
		"XX == 1":                    "position 1: unknown column XX",
		"AN == 'x":                   "position 7: the string does not end",
		"AU in 5":                    `position 7: want "(", found "5"`,
		"AU in (5":                   `position 9: want ")", found the end`,
		"AU in ()":                   `position 8: want a column or a value, found ")"`,
		"TL < 3.year()":              `position 8: want a unit of time, found "year"`,
		"TL < 3.day()":               `position 13: want ".", found the end`,
		"TL < 3.day().now":           `position 14: want "ago", found "now"`,
		"AND":                        `position 1: want a column or a value, found "AND"`,
		"AT == ANY":                  "ANY must stand left of ==",
		"AT == 99999999999999999999": "position 7: the number 99999999999999999999 is too large",
		strings.Repeat("(", 200):     "position 101: too many nested parentheses",
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			_, err := parseFilter(text, filterColumn)
			require.EqualError(t, err, want)
		})
	}
}

func TestEverySpellingOfAColumnMeansTheSame(t *testing.T) {
	tests := map[string]string{
		"I78": "I78", "AU": "I0", "I0": "I0", "T0": "D09F00", "D9F0": "D09F00", "D09F00": "D09F00", "D9F00": "D09F00", "D09F0": "D09F00",
		"F6": "D01F07", "F7": "D01F06", "TL": "D09F09", "TB": "D09F08", "T3": "D09F03", "TQ": "D09F16", "TJ": "D09F17", "TO": "D09F18", "TG": "D09F15",
		"G@": "D19F21", "GM": "D19F20", "JM": "D20F20", "GA": "D19F12", "Z0": "D10F00", "D5F22": "D05F22", "D9F27": "D09F27", "K0": "D18F00",
		"PN": "I10", "PF": "I77", "PD": "I9", "PT": "I60", "PU": "I58", "P0": "D11F00", "LN": "I11", "LL": "D15F09", "TS": "I6", "TZ": "I24",
		"TM": "TM", "NA": "D06F12", "NO": "D06F18", "SO": "D02F18", "HN": "I41", "EN": "I42", "ER": "ER", "RTG": "RTG", "AA843": "AA843", "AP": "AP",
	}
	for spelling, want := range tests {
		got, ok := canonicalCode(spelling)
		require.True(t, ok, spelling)
		require.Equal(t, want, got, spelling)
	}
	for _, unknown := range []string{"", "D13F00", "D1F99", "D001F0", "D1F", "XX", "au", "T9", "AA", "AA0", "AA01", "AAx", "I79", "ANY"} {
		_, ok := canonicalCode(unknown)
		require.False(t, ok, unknown)
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"AT==1 AND !(I78 =~ '*D01*')", "TL < 24.hour().ago()", "AU in (1,2)", "ANY =~ \"*x?*\"", "(Type & 1) == 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		parsed, err := parseFilter(text, filterColumn)
		if err == nil {
			parsed.matches(columnsOf{"I78": "D01", "I0": "5"}, time.Unix(0, 0))
		}
	})
}
