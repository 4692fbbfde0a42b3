package columns_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/columns"
)

// FuzzValues feeds any text to the readers of single values: counts, sizes and durations (integers), times, states and
// data sources. What one of them accepts must be writable again and mean the same.
func FuzzValues(f *testing.F) {
	for _, value := range []string{
		"", "0", "-1", " 42 ", "188702358870", "9223372036854775807", "1.5e+11", "7.0", "1e300", "NaN", "0x10", "1_000", "1,5",
		"1780912345", "2147483647", "253402300799", "253402300800", "never", "8", "CompletedWithErrors", "InProgress",
		"D01D02D10", "D1,D2, d10", "FSZ", "TFGJ", "D09", "D420", "ДФ", "F\x00S", "\xff",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		number, isNumber := columns.Int(value)
		if isNumber {
			again, ok := columns.Int(strconv.FormatInt(number, 10))
			require.True(t, ok)
			require.Equal(t, number, again)
		}
		if moment, ok := columns.Time(value); ok {
			require.True(t, isNumber)
			require.Equal(t, number, moment.Unix())
			parsed, err := time.Parse(time.RFC3339, moment.Format(time.RFC3339))
			require.NoError(t, err)
			require.Equal(t, moment, parsed.UTC())
		}
		if status, ok := columns.ParseStatus(value); ok {
			same, known := columns.StatusOf(status.Code)
			require.True(t, known)
			require.Equal(t, same, status)
			named, known := columns.ParseStatus(status.Name)
			require.True(t, known)
			require.Equal(t, status, named)
		}
		seen := map[string]bool{"D09": true}
		for _, source := range columns.ParseSources(value) {
			require.NotEmpty(t, source.Code)
			require.NotEmpty(t, source.Name)
			require.False(t, seen[source.Code], "each once, and the total is none")
			seen[source.Code] = true
		}
	})
}

// FuzzCodes feeds any text to the reader of column codes. Every spelling must have one canonical form, which stays what
// it is and comes home from the wire.
func FuzzCodes(f *testing.F) {
	for _, code := range []string{"AN", "i01", "F7", "D5F0", "D05F00", "d9f9", "T@", "AA843", "aa0", "I999", "D42F99", "D123F1", "QW", " an ", "", "ſn", "\xff"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		canonical := columns.Canonical(code)
		require.Equal(t, canonical, columns.Canonical(canonical))
		require.Equal(t, canonical, columns.Canonical(columns.Wire(code)))
		require.Equal(t, columns.IsSecret(code), columns.IsSecret(canonical), "no spelling of a credential slips through")
		if column, ok := columns.Lookup(code); ok {
			require.Equal(t, canonical, column.Code)
			for _, legacy := range column.Legacy {
				require.Equal(t, canonical, columns.Canonical(legacy))
			}
		}
		if isDue := columns.Required(canonical); isDue != nil {
			require.False(t, isDue(nil) && !strings.Contains(" AU AN AR AT CD ", " "+canonical+" "), "a row that shows nothing owes its identity only")
		}
	})
}
