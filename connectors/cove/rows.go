package cove

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/covewise/covewise/connectors/cove/columns"
)

// rawPage is a page before it is compared with what was asked for.
type rawPage struct {
	Page
	set map[string]bool // by canonical code: the columns that have a value on some row
}

// readStatistics reads the outer result. The shape error says that the JSON was sound but not an answer to
// this method; it is kept apart because an error member that follows explains it better.
func readStatistics(dec *jsontext.Decoder, expected int) (page rawPage, shape, err error) {
	r := rowReader{dec: dec, names: map[string]string{}, codes: map[string]*answered{}}
	switch dec.PeekKind() {
	case jsontext.KindBeginArray: // flat, as the reporting services answer
		if page.Rows, err = r.rows(expected); err != nil {
			return rawPage{}, nil, err
		}
		page.set = r.set()
		return page, r.shape, nil
	case jsontext.KindBeginObject:
	default:
		return rawPage{}, errors.New("the result is no object"), dec.SkipValue()
	}
	found := false
	err = r.members(func(name string) error {
		switch name {
		case "result":
			found = true
			if !r.opens(jsontext.KindBeginArray) {
				return dec.SkipValue()
			}
			rows, err := r.rows(expected)
			page.Rows = rows
			return err
		case "totalstatistics":
			if err := r.settings(total); err != nil {
				return err
			}
			if totals := r.take(); len(totals) > 0 {
				page.Totals = totals
			}
			return nil
		default:
			return dec.SkipValue()
		}
	})
	if err != nil {
		return rawPage{}, nil, err
	}
	if !found {
		r.shape = errors.New("the result holds no rows member")
	}
	page.set = r.set()
	return page, r.shape, nil
}

// rowReader reads rows value by value out of the decoder's buffer. Names come by the hundred thousand and are few,
// so each is read once a page; the values of a row share one string.
type rowReader struct {
	dec   *jsontext.Decoder
	names map[string]string    // name of a member as it stands in the answer → its text in lower case
	codes map[string]*answered // name of a column as it stands there → what became of it
	shape error

	// What was read of the present row: its values one after the other, and whose they are.
	values []byte
	spans  []span
}

// answered is a column of an answer.
type answered struct {
	code  string // canonical; "" for one that must not be kept
	isSet bool   // on some row
}

// span is the part of rowReader.values that a column's value takes.
type span struct {
	of         *answered
	start, end int
}

// opens reports whether the next value is a list or an object as expected. null is not, and neither is any other
// value, which is noted; in both cases it is still to be skipped.
func (r *rowReader) opens(kind jsontext.Kind) bool {
	next := r.dec.PeekKind()
	if next != kind && next != jsontext.KindNull && next != jsontext.KindInvalid {
		r.shape = fmt.Errorf("%q is missing", string(kind))
	}
	return next == kind
}

// members reads an object. Its values are read by the function that is given their names in lower case.
func (r *rowReader) members(read func(name string) error) error {
	if err := expect(r.dec, jsontext.KindBeginObject); err != nil {
		return err
	}
	for r.dec.PeekKind() != jsontext.KindEndObject {
		raw, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		if err := read(r.name(raw)); err != nil {
			return err
		}
	}
	return expect(r.dec, jsontext.KindEndObject)
}

// rows reads the list of rows.
func (r *rowReader) rows(expected int) ([]Row, error) {
	if err := expect(r.dec, jsontext.KindBeginArray); err != nil {
		return nil, err
	}
	rows := make([]Row, 0, min(expected, 1000))
	for r.dec.PeekKind() != jsontext.KindEndArray {
		if !r.opens(jsontext.KindBeginObject) {
			r.shape = fmt.Errorf("row %d is no object", len(rows)+1)
			if err := r.dec.SkipValue(); err != nil {
				return nil, err
			}
			continue
		}
		row, err := r.row()
		if err != nil {
			return nil, err
		}
		if row.AccountID == 0 {
			r.shape = fmt.Errorf("row %d has no account id", len(rows)+1)
		}
		rows = append(rows, row)
	}
	return rows, expect(r.dec, jsontext.KindEndArray)
}

func (r *rowReader) row() (Row, error) {
	var row Row
	err := r.members(func(name string) error {
		switch name {
		case "accountid":
			return r.number(&row.AccountID)
		case "partnerid":
			return r.number(&row.PartnerID)
		case "settings":
			return r.settings(r.column)
		default:
			return r.dec.SkipValue()
		}
	})
	row.Columns = r.take()
	if row.AccountID == 0 {
		row.AccountID, _ = columns.Int(row.Columns["AU"])
	}
	return row, err
}

func (r *rowReader) number(into *int64) error {
	raw, err := r.dec.ReadValue()
	if err != nil {
		return err
	}
	var n number
	err = n.UnmarshalJSON(raw)
	*into = int64(n)
	return err
}

// settings reads a list of one-member objects, or a single object, and keeps the values of the columns that
// it is given for their names.
func (r *rowReader) settings(column func(raw []byte) *answered) error {
	switch r.dec.PeekKind() {
	case jsontext.KindBeginObject:
		return r.pairs(column)
	case jsontext.KindBeginArray:
	case jsontext.KindNull, jsontext.KindInvalid:
		return r.dec.SkipValue()
	default:
		r.shape = errors.New("the settings are no list")
		return r.dec.SkipValue()
	}
	if err := expect(r.dec, jsontext.KindBeginArray); err != nil {
		return err
	}
	for r.dec.PeekKind() != jsontext.KindEndArray {
		read := r.dec.SkipValue
		if r.opens(jsontext.KindBeginObject) {
			read = func() error { return r.pairs(column) }
		}
		if err := read(); err != nil {
			return err
		}
	}
	return expect(r.dec, jsontext.KindEndArray)
}

// pairs reads one object of names and values.
func (r *rowReader) pairs(column func(raw []byte) *answered) error {
	if err := expect(r.dec, jsontext.KindBeginObject); err != nil {
		return err
	}
	for r.dec.PeekKind() != jsontext.KindEndObject {
		raw, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		of, start := column(raw), len(r.values)
		isSet, err := r.value()
		if err != nil {
			return err
		}
		if !isSet || of.code == "" {
			r.values = r.values[:start]
			continue
		}
		of.isSet = true
		r.spans = append(r.spans, span{of: of, start: start, end: len(r.values)})
	}
	return expect(r.dec, jsontext.KindEndObject)
}

// value appends one value as text: the elements of a list are joined by commas, null is no value, and neither is
// an object.
func (r *rowReader) value() (isSet bool, err error) {
	switch r.dec.PeekKind() {
	case jsontext.KindNull, jsontext.KindBeginObject:
		return false, r.dec.SkipValue()
	case jsontext.KindBeginArray:
		return r.list()
	default:
	}
	raw, err := r.dec.ReadValue()
	if err != nil {
		return false, err
	}
	if raw[0] == '"' {
		r.values, _ = jsontext.AppendUnquote(r.values, raw) // the error says that broken UTF-8 was replaced
	} else {
		r.values = append(r.values, raw...)
	}
	return true, nil
}

func (r *rowReader) list() (isSet bool, err error) {
	if err := expect(r.dec, jsontext.KindBeginArray); err != nil {
		return false, err
	}
	for r.dec.PeekKind() != jsontext.KindEndArray {
		before := len(r.values)
		if isSet {
			r.values = append(r.values, ',')
		}
		added, err := r.value()
		switch {
		case err != nil:
			return false, err
		case added:
			isSet = true
		default:
			r.values = r.values[:before]
		}
	}
	return isSet, expect(r.dec, jsontext.KindEndArray)
}

// take returns what was kept since it was called last.
func (r *rowReader) take() map[string]string {
	shared := string(r.values)
	taken := make(map[string]string, len(r.spans))
	for _, s := range r.spans {
		taken[s.of.code] = shared[s.start:s.end]
	}
	r.values, r.spans = r.values[:0], r.spans[:0]
	return taken
}

func (r *rowReader) name(raw []byte) string {
	name, known := r.names[string(raw)]
	if !known {
		name = strings.ToLower(unquoted(raw))
		r.names[string(raw)] = name
	}
	return name
}

func (r *rowReader) column(raw []byte) *answered {
	column, known := r.codes[string(raw)]
	if !known {
		column = &answered{}
		if code := unquoted(raw); !columns.IsSecret(code) {
			column.code = columns.Canonical(code)
		}
		r.codes[string(raw)] = column
	}
	return column
}

func total(raw []byte) *answered { return &answered{code: unquoted(raw)} }

// set returns the canonical codes of the columns that have a value on some row.
func (r *rowReader) set() map[string]bool {
	set := make(map[string]bool, len(r.codes))
	for _, column := range r.codes {
		if column.isSet {
			set[column.code] = true
		}
	}
	return set
}
