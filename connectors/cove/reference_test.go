package cove

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/covewise/covewise/connectors/cove/columns"
)

// This file is the page decoder over encoding/json that rows.go replaced. It is kept as the reference that the fuzz
// target compares with: several times slower, with two orders of magnitude more allocations, and plain.

// plainPage reads a whole answer.
func plainPage(body []byte) (page Page, shape, err error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	_, err = readPlainEnvelope(dec, func(dec *json.Decoder) error {
		page, shape, err = readPlainly(dec, 1000)
		return err
	})
	return page, shape, err
}

func readPlainEnvelope(dec *json.Decoder, read func(*json.Decoder) error) (envelope, error) {
	var wire envelope
	if err := plainExpect(dec, '{'); err != nil {
		return wire, err
	}
	for dec.More() {
		name, err := plainMemberName(dec)
		if err != nil {
			return wire, err
		}
		switch strings.ToLower(name) {
		case "visa":
			var visa text
			if err := dec.Decode(&visa); err != nil {
				return wire, fmt.Errorf("visa: %w", err)
			}
			wire.visa = string(visa)
		case "error":
			var fault json.RawMessage
			if err := dec.Decode(&fault); err != nil {
				return wire, fmt.Errorf("error: %w", err)
			}
		case "result":
			wire.hasResult = true
			if err := read(dec); err != nil {
				return wire, fmt.Errorf("result: %w", err)
			}
		default:
			if err := plainSkipValue(dec); err != nil {
				// The name is not repeated: it may be anything.
				return wire, fmt.Errorf("a further member: %w", err)
			}
		}
	}
	if err := plainExpect(dec, '}'); err != nil {
		return wire, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more follows after its end")
		}
		return wire, err
	}
	return wire, nil
}

// readPlainly reads the outer result. The shape error says that the JSON was sound but not an answer to
// this method; it is kept apart because an error member that follows explains it better.
func readPlainly(dec *json.Decoder, expected int) (page Page, shape, err error) {
	token, err := dec.Token()
	if err != nil {
		return Page{}, nil, plainBrokenOff(err)
	}
	r := plainReader{dec: dec, codes: map[string]string{}}
	switch token {
	case json.Delim('['): // flat, as the reporting services answer
		page.Rows, err = r.rows(expected)
		return page, r.shape, err
	case json.Delim('{'):
	default:
		return Page{}, errors.New("the result is no object"), nil
	}
	found := false
	for dec.More() {
		name, err := plainMemberName(dec)
		if err != nil {
			return Page{}, nil, err
		}
		switch strings.ToLower(name) {
		case "result":
			found = true
			isList, err := r.open('[')
			if err == nil && isList {
				page.Rows, err = r.rows(expected)
			}
			if err != nil {
				return Page{}, nil, err
			}
		case "totalstatistics":
			totals := map[string]string{}
			if err := r.pairs(func(name, value string) {
				if name != "" {
					totals[name] = value
				}
			}); err != nil {
				return Page{}, nil, err
			}
			if len(totals) > 0 {
				page.Totals = totals
			}
		default:
			if err := plainSkipValue(dec); err != nil {
				return Page{}, nil, err
			}
		}
	}
	if !found {
		r.shape = errors.New("the result holds no rows member")
	}
	return page, r.shape, plainExpect(dec, '}')
}

// plainReader reads rows token by token. Column codes are normalised once a page, so that all rows share
// their strings.
type plainReader struct {
	dec   *json.Decoder
	codes map[string]string // code as answered → canonical, "" for one that must not be kept
	shape error
}

// open reads the next token and reports whether it is the delimiter. null is not, and neither is any
// other value, which is skipped and noted.
func (r *plainReader) open(delim json.Delim) (bool, error) {
	token, err := r.dec.Token()
	if err != nil {
		return false, plainBrokenOff(err)
	}
	if token == nil || token == delim {
		return token == delim, nil
	}
	r.shape = fmt.Errorf("%q is missing", delim)
	if _, nested := token.(json.Delim); nested {
		return false, r.finish()
	}
	return false, nil
}

// finish skips what is left of the list or object that was just opened.
func (r *plainReader) finish() error {
	for depth := 1; depth > 0; {
		token, err := r.dec.Token()
		if err != nil {
			return plainBrokenOff(err)
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return nil
}

// rows reads the rows of a list that was just opened, and its end.
func (r *plainReader) rows(expected int) ([]Row, error) {
	rows := make([]Row, 0, min(expected, 1000))
	for r.dec.More() {
		isRow, err := r.open('{')
		if err != nil {
			return nil, err
		}
		if !isRow {
			r.shape = fmt.Errorf("row %d is no object", len(rows)+1)
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
	return rows, plainExpect(r.dec, ']')
}

func (r *plainReader) row() (Row, error) {
	row := Row{Columns: map[string]string{}}
	for r.dec.More() {
		name, err := plainMemberName(r.dec)
		if err != nil {
			return Row{}, err
		}
		switch strings.ToLower(name) {
		case "accountid":
			row.AccountID, err = r.number()
		case "partnerid":
			row.PartnerID, err = r.number()
		case "settings":
			err = r.pairs(func(code, value string) {
				if canonical := r.canonical(code); canonical != "" {
					row.Columns[canonical] = value
				}
			})
		default:
			err = plainSkipValue(r.dec)
		}
		if err != nil {
			return Row{}, err
		}
	}
	if row.AccountID == 0 {
		row.AccountID, _ = columns.Int(row.Columns["AU"])
	}
	return row, plainExpect(r.dec, '}')
}

func (r *plainReader) number() (int64, error) {
	var n number
	err := r.dec.Decode(&n)
	return int64(n), err
}

// pairs reads a list of one-member objects, or a single object, and gives each member that has a value.
func (r *plainReader) pairs(give func(name, value string)) error {
	token, err := r.dec.Token()
	if err != nil {
		return plainBrokenOff(err)
	}
	switch token {
	case nil:
		return nil
	case json.Delim('{'):
		return r.members(give)
	case json.Delim('['):
	default:
		r.shape = errors.New("the settings are no list")
		return nil
	}
	for r.dec.More() {
		isObject, err := r.open('{')
		if err != nil {
			return err
		}
		if isObject {
			if err := r.members(give); err != nil {
				return err
			}
		}
	}
	return plainExpect(r.dec, ']')
}

// members reads the members of an object that was just opened, and its end.
func (r *plainReader) members(give func(name, value string)) error {
	for r.dec.More() {
		name, err := plainMemberName(r.dec)
		if err != nil {
			return err
		}
		value, set, err := r.value()
		if err != nil {
			return err
		}
		if set {
			give(name, value)
		}
	}
	return plainExpect(r.dec, '}')
}

// value reads one value as text: the elements of a list are joined by commas, null is no value, and neither
// is an object.
func (r *plainReader) value() (value string, set bool, err error) {
	token, err := r.dec.Token()
	if err != nil {
		return "", false, plainBrokenOff(err)
	}
	switch token := token.(type) {
	case string:
		return token, true, nil
	case json.Number:
		return token.String(), true, nil
	case bool:
		return strconv.FormatBool(token), true, nil
	case json.Delim:
		if token == '{' {
			return "", false, r.finish()
		}
		var elements []string
		for r.dec.More() {
			element, set, err := r.value()
			if err != nil {
				return "", false, err
			}
			if set {
				elements = append(elements, element)
			}
		}
		return strings.Join(elements, ","), len(elements) > 0, plainExpect(r.dec, ']')
	default:
		return "", false, nil
	}
}

func (r *plainReader) canonical(code string) string {
	canonical, known := r.codes[code]
	if !known {
		canonical = columns.Canonical(code)
		if columns.IsSecret(code) {
			canonical = ""
		}
		r.codes[code] = canonical
	}
	return canonical
}

func plainExpect(dec *json.Decoder, delim json.Delim) error {
	token, err := dec.Token()
	if err != nil {
		return plainBrokenOff(err)
	}
	if token != delim {
		return fmt.Errorf("%q is missing", delim)
	}
	return nil
}

func plainMemberName(dec *json.Decoder) (string, error) {
	token, err := dec.Token()
	if err != nil {
		return "", plainBrokenOff(err)
	}
	name, ok := token.(string)
	if !ok {
		return "", errors.New("a member has no name")
	}
	return name, nil
}

func plainSkipValue(dec *json.Decoder) error {
	var skipped json.RawMessage
	return dec.Decode(&skipped)
}

func plainBrokenOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
