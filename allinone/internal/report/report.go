// Package report writes tables for people and programs: aligned text, CSV and JSON. It owns how a cell looks in
// each, and it makes cells safe: text in a table comes from outside, and must command neither a terminal nor a
// spreadsheet.
package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Format is how a table is written.
type Format string

// The formats.
const (
	Text Format = "table" // aligned columns, for a person
	CSV  Format = "csv"   // RFC 4180 with a header, UTF-8
	JSON Format = "json"  // an array of objects, one for each row
)

// ParseFormat reads a format; its error names the choices.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Text, CSV, JSON:
		return f, nil
	default:
		return "", fmt.Errorf("%q is none of table, csv and json; choose one of them", s)
	}
}

// Column is one column of a table.
type Column struct {
	Key   string // header in CSV and name in JSON: lower case with underscores, never changed later
	Title string // header for people; empty leaves the column out of the text
}

// Table is rows under columns. A cell is a string, bool, any integer, float64, time.Time, []string or nil; the
// zero time and nil are empty cells. Every row has one cell for each column.
type Table struct {
	Columns []Column
	Rows    [][]any
	Empty   string // said in the text when there are no rows
}

// Write writes the table.
func (t Table) Write(w io.Writer, f Format) error {
	switch f {
	case CSV:
		return t.csv(w)
	case JSON:
		return t.json(w)
	default:
		return t.text(w)
	}
}

func (t Table) text(w io.Writer) error {
	if len(t.Rows) == 0 {
		_, err := fmt.Fprintln(w, t.Empty)
		return err
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var titles []string
	for _, c := range t.Columns {
		if c.Title != "" {
			titles = append(titles, c.Title)
		}
	}
	if err := line(columns, titles); err != nil {
		return err
	}
	for _, row := range t.Rows {
		var cells []string
		for i, c := range t.Columns {
			if c.Title != "" {
				cells = append(cells, short(Printable(words(row[i]))))
			}
		}
		if err := line(columns, cells); err != nil {
			return err
		}
	}
	return columns.Flush()
}

// widest is how many characters of a cell a person is shown.
const widest = 60

func short(s string) string {
	if runes := []rune(s); len(runes) > widest {
		return string(runes[:widest-1]) + "…"
	}
	return s
}

func line(w io.Writer, cells []string) error {
	_, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	return err
}

func (t Table) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	header := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		header[i] = c.Key
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = inert(cell)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (t Table) json(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	objects := make([]object, len(t.Rows))
	for i, row := range t.Rows {
		objects[i] = object{t.Columns, row}
	}
	return out.Encode(objects)
}

// object is a row that keeps the order of its columns.
type object struct {
	columns []Column
	row     []any
}

// MarshalJSON writes the cells in the order of the columns; empty ones are null.
func (o object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	for i, c := range o.columns {
		cell := o.row[i]
		if at, ok := cell.(time.Time); ok {
			cell = nil
			if !at.IsZero() {
				cell = at.UTC().Format(time.RFC3339)
			}
		}
		raw, err := json.Marshal(cell)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", c.Key, err)
		}
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		fmt.Fprintf(&b, "%q:%s", c.Key, raw)
	}
	return []byte(b.String() + "}"), nil
}

// words returns a cell as text.
func words(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format("2006-01-02 15:04")
	case []string:
		return strings.Join(v, ", ")
	default:
		return fmt.Sprint(v)
	}
}

// inert returns a cell for a spreadsheet. Text that a spreadsheet would take for a formula gets an apostrophe before
// it; times are RFC 3339, lists are joined by "; ".
func inert(cell any) string {
	switch v := cell.(type) {
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339)
	case []string:
		return guarded(harmless(strings.Join(v, "; ")))
	case string:
		return guarded(harmless(v))
	default:
		return words(cell)
	}
}

// guarded follows OWASP's list of beginnings that make a cell a formula, blanks before them included.
func guarded(s string) string {
	if trimmed := strings.TrimLeft(s, " "); trimmed != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(trimmed[0])) {
		return "'" + s
	}
	return s
}

// harmless is Printable, but leaves tabs and ends of lines: a CSV cell may have them.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return r
		}
		return printable(r)
	}, s)
}

// Printable replaces what would command a terminal, or would run text the other way round, by a blank.
func Printable(s string) string {
	return strings.Map(printable, s)
}

func printable(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
		return ' '
	}
	return r
}
