// Package columns owns what is known about the columns of Cove's account statistics: their codes and
// all spellings of them, names, units and types, the data sources, the session status codes, and the
// two sets of columns that a sweep asks for. It also reads single raw values.
//
// It is pure and imports only the standard library, because snapshots carry raw values and are decoded
// late, wherever they are judged. It does not talk to Cove and it does not judge.
//
// # Canonical spellings
//
// Cove knows most columns under several codes: a legacy two-character code (AN, F0, TL), a documented
// one (I1, D01F00, D09F09) and unpadded variants that production scripts use (D5F0). Inside Covewise
// each column has one spelling:
//
//   - a device column: its legacy code where there is one (AN, TS, OI), else its I code (I81, I84), with
//     one exception: I78, the active data sources, whose legacy form AP has values in another format;
//   - a column of a data source: padded DnnFnn (D01F00), never the legacy letter form (F0);
//   - a total over all data sources: its T code (T0, T3, T7, TL), else D09Fnn;
//   - a custom column: AA and its number.
//
// Mind the crossing of the legacy suffixes: 6 is F07 (protected size) and 7 is F06 (errors).
package columns

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Type says how the text of a value is to be read.
type Type string

// The types of values. Every value travels as text; an unset one is missing.
const (
	TypeText     Type = "text"
	TypeInt      Type = "int"
	TypeBytes    Type = "bytes"    // an integer
	TypeDuration Type = "duration" // an integer, seconds
	TypeTime     Type = "time"     // an integer, unix seconds UTC; see Time for the values that mean never
	TypeStatus   Type = "status"   // a session status code; see StatusOf
	TypeSources  Type = "sources"  // data sources; see ParseSources
	TypeHistory  Type = "history"  // the 28-day colour bar: one status digit per day
)

// Column describes one column of the account statistics.
type Column struct {
	Code   string   // the canonical spelling
	Legacy []string // every other spelling that names the same column
	Name   string   // what it holds, in words
	Unit   string   // "bytes", "seconds", "unix seconds", "hours", or "" for none
	Type   Type
	Secret bool // holds a credential: never requested, decoded, logged or shown
}

// Canonical returns the one spelling that Covewise uses for a column code, whatever its letter case,
// padding or age. Codes that name nothing known are returned as they are.
func Canonical(code string) string {
	upper := strings.ToUpper(strings.TrimSpace(code))
	if known, ok := spellings()[upper]; ok {
		return known
	}
	if source, field, ok := splitDF(upper); ok {
		return fieldCode(source, field)
	}
	if number, ok := digitsAfter(upper, "I"); ok {
		if known, ok := spellings()["I"+strconv.Itoa(number)]; ok {
			return known
		}
	}
	if _, ok := digitsAfter(upper, "AA"); ok {
		return upper
	}
	return code
}

// Wire returns the spelling to ask Cove for. It is the canonical one except for D02 and D03: an API user
// was once refused for naming those in the D form, while production clients ask for them freely by
// their letters S and Q. Answers are normalised with Canonical either way.
func Wire(code string) string {
	canonical := Canonical(code)
	source, number, ok := splitDF(canonical)
	if !ok || (source != 2 && source != 3) {
		return canonical
	}
	suffix := fieldByNumber(number).Suffix
	if suffix == "" {
		return canonical
	}
	return sourceByNumber(source).Letter + suffix
}

// Lookup describes the column that a code in any spelling names. It knows device columns, the totals and
// every documented field of every data source; it reports false for anything else, custom columns included.
func Lookup(code string) (Column, bool) {
	canonical := Canonical(code)
	for _, column := range deviceColumns {
		if column.Code == canonical {
			return column, true
		}
	}
	source, number, ok := splitDF(canonical)
	if !ok {
		if source, number, ok = splitTotal(canonical); !ok {
			return Column{}, false
		}
	}
	src, field := sourceByNumber(source), fieldByNumber(number)
	if source != totalSource && src.Name == "" || field.Name == "" {
		return Column{}, false
	}
	return sourceColumn(source, src, field), true
}

// IsSecret reports whether a code in any spelling names a column that holds a credential.
func IsSecret(code string) bool {
	column, ok := Lookup(code)
	return ok && column.Secret
}

// Device returns every device-level column, in the order of Cove's own numbering.
func Device() []Column {
	return append([]Column(nil), deviceColumns...)
}

// FieldCode returns the canonical code of one field of one data source: FieldCode("D01", 0) is "D01F00".
func FieldCode(source string, field int) string {
	number, ok := digitsAfter(strings.ToUpper(source), "D")
	if !ok {
		return fmt.Sprintf("%sF%02d", source, field)
	}
	return fieldCode(number, field)
}

func sourceColumn(source int, src Source, field Field) Column {
	column := Column{
		Code: fieldCode(source, field.Number),
		Name: src.Name + ": " + field.Name,
		Unit: field.Unit,
		Type: field.Type,
	}
	letter := src.Letter
	if source == totalSource {
		column.Name = "Total: " + field.Name
		letter = totalLetter
	}
	spelled := []string{fmt.Sprintf("D%02dF%02d", source, field.Number), fmt.Sprintf("D%dF%d", source, field.Number)}
	if letter != "" && field.Suffix != "" {
		spelled = append([]string{letter + field.Suffix}, spelled...)
	}
	for _, s := range spelled {
		if s != column.Code && Canonical(s) == column.Code {
			column.Legacy = append(column.Legacy, s)
		}
	}
	return column
}

const (
	totalSource = 9
	totalLetter = "T"
)

// fieldCode spells a field canonically. The totals keep their T code unless a device column has it: TM
// and T@ are device columns whose relation to D09F20 and D09F21 is not documented.
func fieldCode(source, field int) string {
	plain := fmt.Sprintf("D%02dF%02d", source, field)
	if source != totalSource {
		return plain
	}
	total := totalLetter + fieldByNumber(field).Suffix
	if total == totalLetter || isDeviceCode(total) {
		return plain
	}
	return total
}

func isDeviceCode(code string) bool {
	for _, column := range deviceColumns {
		if column.Code == code {
			return true
		}
	}
	return false
}

// spellings maps every known spelling except the D forms, which are computed, to its canonical one.
var spellings = sync.OnceValue(func() map[string]string {
	known := make(map[string]string, 640)
	for _, source := range append([]Source{{Code: "D09", Letter: totalLetter}}, sources...) {
		number, _ := digitsAfter(source.Code, "D")
		for _, field := range fields {
			if source.Letter != "" && field.Suffix != "" {
				known[source.Letter+field.Suffix] = fieldCode(number, field.Number)
			}
		}
	}
	// Device columns come second and win: PN, LN and TS are never fields of the sources P, L and T.
	for _, column := range deviceColumns {
		known[column.Code] = column.Code
		for _, legacy := range column.Legacy {
			known[legacy] = column.Code
		}
	}
	return known
})

// splitDF reads D<1-2 digits>F<1-2 digits>.
func splitDF(code string) (source, field int, ok bool) {
	rest, isD := strings.CutPrefix(code, "D")
	if !isD {
		return 0, 0, false
	}
	left, right, found := strings.Cut(rest, "F")
	if !found {
		return 0, 0, false
	}
	source, okSource := digitsAfter("D"+left, "D")
	field, okField := digitsAfter("F"+right, "F")
	if !okSource || !okField || len(left) > 2 || len(right) > 2 {
		return 0, 0, false
	}
	return source, field, true
}

func splitTotal(code string) (source, field int, ok bool) {
	suffix, isTotal := strings.CutPrefix(code, totalLetter)
	if !isTotal || suffix == "" {
		return 0, 0, false
	}
	for _, f := range fields {
		if f.Suffix == suffix {
			return totalSource, f.Number, true
		}
	}
	return 0, 0, false
}

// digitsAfter reads prefix followed by decimal digits and nothing else.
func digitsAfter(code, prefix string) (int, bool) {
	rest, found := strings.CutPrefix(code, prefix)
	if !found || rest == "" || strings.Trim(rest, "0123456789") != "" {
		return 0, false
	}
	number, err := strconv.Atoi(rest)
	return number, err == nil
}
