package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/report"
)

var table = report.Table{
	Columns: []report.Column{{"device", "DEVICE"}, {"name", "NAME"}, {"seen", "SEEN"}, {"sources", "SOURCES"}, {"gone", ""}},
	Rows: [][]any{
		{int64(7), "=HYPERLINK(\"http://x\")", time.Date(2026, 11, 22, 6, 0, 0, 0, time.FixedZone("", 3600)), []string{"D01", "D02"}, false},
		{int64(8), "a\x1b[31m\u202eb, \"c\"", time.Time{}, []string(nil), true},
	},
	Empty: "no devices",
}

func TestATableIsWrittenForPeopleSpreadsheetsAndPrograms(t *testing.T) {
	for format, want := range map[report.Format]string{
		report.Text: "DEVICE  NAME                    SEEN              SOURCES\n" +
			"7       =HYPERLINK(\"http://x\")  2026-11-22 05:00  D01, D02\n" +
			"8       a [31m b, \"c\"\n",
		report.CSV: "device,name,seen,sources,gone\n" +
			"7,\"'=HYPERLINK(\"\"http://x\"\")\",2026-11-22T05:00:00Z,D01; D02,false\n" +
			"8,\"a [31m b, \"\"c\"\"\",,,true\n",
		report.JSON: `[
  {
    "device": 7,
    "name": "=HYPERLINK(\"http://x\")",
    "seen": "2026-11-22T05:00:00Z",
    "sources": [
      "D01",
      "D02"
    ],
    "gone": false
  },
  {
    "device": 8,
    "name": "a\u001b[31m` + "\u202e" + `b, \"c\"",
    "seen": null,
    "sources": null,
    "gone": true
  }
]
`,
	} {
		t.Run(string(format), func(t *testing.T) {
			var b strings.Builder
			require.NoError(t, table.Write(&b, format))
			require.Equal(t, want, b.String())
		})
	}
}

func TestATableWithoutRowsSaysSo(t *testing.T) {
	empty := report.Table{Columns: table.Columns, Empty: "no devices"}
	for format, want := range map[report.Format]string{
		report.Text: "no devices\n", report.CSV: "device,name,seen,sources,gone\n", report.JSON: "[]\n",
	} {
		var b strings.Builder
		require.NoError(t, empty.Write(&b, format))
		require.Equal(t, want, b.String())
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for _, hostile := range []string{"=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "  =1", "|x", "%x"} {
		var b strings.Builder
		one := report.Table{Columns: []report.Column{{"name", "NAME"}}, Rows: [][]any{{hostile}}}
		require.NoError(t, one.Write(&b, report.CSV))
		require.Contains(t, b.String(), "'"+hostile, hostile)
	}
	var b strings.Builder
	require.NoError(t, report.Table{Columns: []report.Column{{"n", "N"}}, Rows: [][]any{{-5}}}.Write(&b, report.CSV))
	require.Equal(t, "n\n-5\n", b.String(), "a number is not text")
}

func TestACSVCellKeepsItsLinesAndNoOtherControl(t *testing.T) {
	var b strings.Builder
	one := report.Table{Columns: []report.Column{{"name", ""}, {"parts", ""}}, Rows: [][]any{{"ctl\x07\x1b[31mred\u009b", []string{"a\tb\n", "c\u2066d"}}}}
	require.NoError(t, one.Write(&b, report.CSV))
	require.Equal(t, "name,parts\nctl  [31mred ,\"a\tb\n; c d\"\n", b.String())
}
