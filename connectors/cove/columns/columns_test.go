package columns_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove/columns"
)

func TestCanonicalGivesEachColumnOneSpelling(t *testing.T) {
	tests := []struct {
		why  string
		want string
		from []string
	}{
		{"a device column is its legacy code", "AN", []string{"AN", "an", "I1", "i1", "I01", " AN "}},
		{"so is the profile id", "OI", []string{"OI", "I54"}},
		{"active data sources are I78, also under AP", "I78", []string{"I78", "i78", "AP"}},
		{"a device column without a legacy code is its I code", "I81", []string{"I81", "i81"}},
		{"a field is padded, whatever its age", "D01F00", []string{"F0", "f0", "D1F0", "D01F0", "D1F00", "D01F00", "d01f00"}},
		{"legacy 7 is errors, F06", "D01F06", []string{"F7", "D1F6"}},
		{"legacy 6 is the protected size, F07", "D01F07", []string{"F6", "D1F7"}},
		{"letter L is MySQL as a source and last success as a field", "D15F09", []string{"LL", "D15F9"}},
		{"but LN is the storage location", "LN", []string{"LN", "I11"}},
		{"and PN, PF are no fields of on-premises SharePoint", "PN", []string{"PN", "I10"}},
		{"letter S is the system state D02", "D02F18", []string{"SO", "D2F18"}},
		{"shared mailboxes", "D19F21", []string{"G@", "D19F21"}},
		{"Microsoft 365 data sources without a letter", "D05F22", []string{"D5F22", "D05F22"}},
		{"the total is its T code", "T0", []string{"T0", "D09F00", "D9F0", "t0"}},
		{"errors of the total", "T7", []string{"T7", "D09F06"}},
		{"last success of the total", "TL", []string{"TL", "D9F9"}},
		{"TS is the last contact and no field of the total", "TS", []string{"TS", "I6"}},
		{"TM is billable users, and D09F20 is left apart", "D09F20", []string{"D9F20"}},
		{"a field of the total without a letter", "D09F27", []string{"D9F27"}},
		{"custom columns", "AA843", []string{"AA843", "aa843"}},
		{"an unknown field keeps its shape", "D42F99", []string{"D42F99"}},
		{"unknown codes pass as they are", "Nonsense", []string{"Nonsense"}},
		{"and so does nothing", "", []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			for _, from := range tt.from {
				require.Equal(t, tt.want, columns.Canonical(from), from)
			}
		})
	}
}

func TestEveryColumnIsConsistent(t *testing.T) {
	check := func(code string) {
		column, ok := columns.Lookup(code)
		require.True(t, ok, code)
		require.Equal(t, columns.Canonical(code), column.Code)
		require.NotEmpty(t, column.Name, code)
		require.NotEmpty(t, column.Type, code)
		require.Equal(t, column.Code, columns.Canonical(column.Code), "canonical spelling is stable")
		require.Equal(t, column.Code, columns.Canonical(columns.Wire(column.Code)), "an answer under the wire spelling comes home")
		for _, legacy := range column.Legacy {
			require.Equal(t, column.Code, columns.Canonical(legacy), legacy)
			require.Equal(t, column.Code, columns.Canonical(strings.ToLower(legacy)), legacy)
		}
	}
	for _, column := range columns.Device() {
		check(column.Code)
	}
	for _, field := range columns.Fields() {
		check(columns.FieldCode("D09", field.Number))
		for _, source := range columns.Sources() {
			check(columns.FieldCode(source.Code, field.Number))
		}
	}
	_, ok := columns.Lookup("AA843")
	require.False(t, ok, "custom columns are not in the table")
}

func TestLookupDescribesAField(t *testing.T) {
	column, ok := columns.Lookup("F7")
	require.True(t, ok)
	require.Equal(t, columns.Column{
		Code: "D01F06", Legacy: []string{"F7", "D1F6"}, Name: "Files and Folders: errors", Type: columns.TypeInt,
	}, column)
	total, ok := columns.Lookup("D9F0")
	require.True(t, ok)
	require.Equal(t, columns.Column{
		Code: "T0", Legacy: []string{"D09F00", "D9F0"}, Name: "Total: status of the last session", Type: columns.TypeStatus,
	}, total)
	require.True(t, columns.IsSecret("QW"))
	require.True(t, columns.IsSecret("i3"))
	require.False(t, columns.IsSecret("AN"))
}

func TestWireUsesTheSpellingThatServersAreKnownToAccept(t *testing.T) {
	require.Equal(t, "D01F00", columns.Wire("F0"))
	require.Equal(t, "S7", columns.Wire("D02F06"), "D02 and D03 were once refused in the D form")
	require.Equal(t, "QL", columns.Wire("D03F09"))
	require.Equal(t, "T0", columns.Wire("D09F00"))
	require.Equal(t, "AN", columns.Wire("I1"))
	require.Equal(t, "D05F22", columns.Wire("D5F22"))
}

func TestSetsHoldCanonicalCodesOnce(t *testing.T) {
	for name, set := range map[string][]string{"light": columns.Light(), "full": columns.Full()} {
		seen := map[string]bool{}
		for _, code := range set {
			require.Equal(t, code, columns.Canonical(code), name)
			require.False(t, columns.IsSecret(code), name)
			require.False(t, seen[code], "%s: %s twice", name, code)
			_, known := columns.Lookup(code)
			require.True(t, known, "%s: %s", name, code)
			seen[code] = true
		}
	}
	light := columns.Light()
	require.Subset(t, columns.Full(), light)
	require.Subset(t, light, []string{
		"AN", "MN", "AR", "PF", "AT", "OT", "OS", "OI", "PN", "CD", "I78", "TS", "T0", "T7", "TL",
		"D01F00", "D01F06", "D01F09", "D01F15", "D01F17", "D01F18", "D23F00", "D19F18", "D10F06",
	})
	require.Subset(t, columns.Full(), []string{
		"AL", "OP", "PD", "LN", "I81", "I84", "I85", "MF", "MO", "IP", "EI", "TZ", "VN", "US", "T3",
		"D01F03", "D01F04", "D01F05", "D01F12", "D01F16", "D19F20", "D19F21",
	})
	require.NotContains(t, columns.Full(), "D18F00", "in no published list: a refused column fails the whole request")
}

func TestTheCustomColumnsAreKnownByTheirUse(t *testing.T) {
	require.Equal(t, []string{"AA843", "AA3147", "AA3148", "AA3149", "AA3150", "AA3347"}, columns.Custom())
	for _, code := range columns.Custom() {
		require.Equal(t, code, columns.Canonical(code))
	}
	require.Equal(t, "AA3149", columns.AutoAdd("D05"), "SharePoint")
	require.Empty(t, columns.AutoAdd("D01"), "files are no users")
	require.NotSubset(t, columns.Full(), columns.Custom(), "their absence is nothing that a doctor worries about")
}

func TestParseSources(t *testing.T) {
	tests := []struct{ why, value, want string }{
		{"padded, without separators", "D01D02D10", "D01 D02 D10"},
		{"unpadded, with commas", "D1,D2, d10", "D01 D02 D10"},
		{"D1 is not read out of D10 or D19", "D10D19", "D10 D19"},
		{"each once, in order", "D20D01D20", "D20 D01"},
		{"legacy letters of AP", "FSZ", "D01 D02 D10"},
		{"legacy letters with the total", "TFGJ", "D01 D19 D20"},
		{"the total is no data source", "D01D09", "D01"},
		{"an unknown code is kept", "D01D42", "D01 D42"},
		{"an unknown letter is kept", "FE", "D01 E"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			var got []string
			for _, source := range columns.ParseSources(tt.value) {
				require.NotEmpty(t, source.Name)
				got = append(got, source.Code)
			}
			require.Equal(t, tt.want, strings.Join(got, " "))
		})
	}
}

func TestSourceOf(t *testing.T) {
	for _, code := range []string{"D05", "d5", "D5"} {
		source, ok := columns.SourceOf(code)
		require.True(t, ok)
		require.Equal(t, "SharePoint", source.ReportingName)
		require.True(t, source.M365)
	}
	unknown, ok := columns.SourceOf("D42")
	require.False(t, ok)
	require.Equal(t, columns.Source{Code: "D42", Name: "data source D42"}, unknown)
}

func TestStatuses(t *testing.T) {
	names := []string{
		"NoData", "InProcess", "Failed", "Aborted", "Unknown", "Completed", "Interrupted", "NotStarted",
		"CompletedWithErrors", "InProgressWithFaults", "OverQuota", "NoSelection", "Restarted", "Blocked",
	}
	for code, want := range names {
		status, ok := columns.StatusOf(code)
		require.True(t, ok)
		require.Equal(t, code, status.Code)
		require.Equal(t, want, status.Name)
		require.NotEmpty(t, status.Phrase)
		byName, ok := columns.ParseStatus(strings.ToLower(want))
		require.True(t, ok)
		require.Equal(t, status, byName)
	}
	require.Len(t, columns.Statuses(), len(names))

	unknown, ok := columns.StatusOf(42)
	require.False(t, ok)
	require.Equal(t, "Status42", unknown.Name)
	running, ok := columns.ParseStatus("InProgress")
	require.True(t, ok)
	require.Equal(t, columns.StatusInProcess, running.Code)
	coded, ok := columns.ParseStatus("8")
	require.True(t, ok)
	require.Equal(t, columns.StatusCompletedWithErrors, coded.Code)
	for _, value := range []string{"", "14", "-1", "Fine"} {
		_, ok := columns.ParseStatus(value)
		require.False(t, ok, value)
	}
}

func TestValues(t *testing.T) {
	for value, want := range map[string]int64{"0": 0, "-1": -1, " 42 ": 42, "188702358870": 188702358870, "1.5e+11": 150000000000, "7.0": 7} {
		got, ok := columns.Int(value)
		require.True(t, ok, value)
		require.Equal(t, want, got, value)
	}
	for _, value := range []string{"", "abc", "1.5", "NaN", "Inf", "1e300"} {
		_, ok := columns.Int(value)
		require.False(t, ok, value)
	}
	moment, ok := columns.Time("1780912345")
	require.True(t, ok)
	require.Equal(t, time.Unix(1780912345, 0).UTC(), moment)
	for _, value := range []string{"", "0", "2147483647", "-5", "never", "99999999999999"} {
		_, ok := columns.Time(value)
		require.False(t, ok, value)
	}
}
