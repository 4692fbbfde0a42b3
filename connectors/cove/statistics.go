package cove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/platform/errclass"
)

// Query says which devices and columns Statistics returns.
type Query struct {
	PartnerID int64    // root of the subtree
	Filter    string   // filter expression, "" for all devices
	Columns   []string // column codes in any spelling
	OrderBy   string   // "AU ASC"; "" leaves the order to the server
	Start     int      // 0-based number of the first row
	Count     int      // greatest number of rows, at least 1
	Totals    []string // aggregates over everything that matches, such as "COUNT(AT==1)" or "SUM(US)"
}

// Page is one answer of Statistics.
type Page struct {
	Rows   []Row
	Totals map[string]string // the text of each aggregate, under the text that asked for it; nil for none
}

// Row is one device as the statistics show it.
type Row struct {
	AccountID int64
	PartnerID int64             // the immediate owner, which may be a site
	Columns   map[string]string // raw value by canonical column code; a column without a value is missing
}

// Statistics returns one page of devices (EnumerateAccountStatistics). There is no count of all matches: the
// last page is the one with fewer rows than Count. The rows are read one by one from the connection, so
// that a page costs its decoded size and not its body as well. Columns that hold credentials are refused.
func (c *Client) Statistics(ctx context.Context, q Query) (Page, error) {
	params, err := q.params()
	if err != nil {
		return Page{}, errclass.New(errclass.Bug, "building the statistics query", err)
	}
	var page Page
	var shape error
	read := func(dec *json.Decoder) error {
		page, shape = Page{}, nil
		var err error
		page, shape, err = readStatistics(dec, q.Count)
		return err
	}
	rq := request{method: "EnumerateAccountStatistics", params: params, url: c.management}
	if err := c.call(ctx, rq, read); err != nil {
		return Page{}, fmt.Errorf("reading devices from row %d: %w", q.Start, err)
	}
	if shape != nil {
		return Page{}, fmt.Errorf("reading devices from row %d: %w", q.Start,
			errclass.Newf(errclass.Transient, "reading Cove's answer", "EnumerateAccountStatistics: %w", shape))
	}
	return page, nil
}

type statisticsQuery struct {
	PartnerID         int64    `json:"PartnerId"`
	Filter            string   `json:"Filter,omitempty"`
	SelectionMode     string   `json:"SelectionMode"`
	StartRecordNumber int      `json:"StartRecordNumber"`
	RecordsCount      int      `json:"RecordsCount"`
	OrderBy           string   `json:"OrderBy,omitempty"`
	Columns           []string `json:"Columns"`
	Totals            []string `json:"Totals,omitempty"`
}

func (q Query) params() (map[string]statisticsQuery, error) {
	switch {
	case q.PartnerID <= 0:
		return nil, errors.New("PartnerID must be given")
	case q.Count <= 0:
		// Left out, Cove takes it for about one row.
		return nil, errors.New("Count must be at least 1")
	case q.Start < 0:
		return nil, errors.New("Start must not be negative")
	}
	wire := make([]string, 0, len(q.Columns))
	for _, code := range q.Columns {
		if columns.IsSecret(code) {
			return nil, fmt.Errorf("column %s holds a credential and is never requested", code)
		}
		wire = append(wire, columns.Wire(code))
	}
	return map[string]statisticsQuery{"query": {
		PartnerID:         q.PartnerID,
		Filter:            q.Filter,
		SelectionMode:     "Merged", // one row for each device, whatever its number of installations
		StartRecordNumber: q.Start,
		RecordsCount:      q.Count,
		OrderBy:           q.OrderBy,
		Columns:           wire,
		Totals:            q.Totals,
	}}, nil
}

// readStatistics reads the outer result. The shape error says that the JSON was sound but not an answer to
// this method; it is kept apart because an error member that follows explains it better.
func readStatistics(dec *json.Decoder, expected int) (page Page, shape, err error) {
	token, err := dec.Token()
	if err != nil {
		return Page{}, nil, brokenOff(err)
	}
	r := rowReader{dec: dec, codes: map[string]string{}}
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
		name, err := memberName(dec)
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
			if err := r.pairs(func(name, value string) { totals[name] = value }); err != nil {
				return Page{}, nil, err
			}
			if len(totals) > 0 {
				page.Totals = totals
			}
		default:
			if err := skipValue(dec); err != nil {
				return Page{}, nil, err
			}
		}
	}
	if !found {
		r.shape = errors.New("the result holds no rows member")
	}
	return page, r.shape, expect(dec, '}')
}

// rowReader reads rows token by token. Column codes are normalised once a page, so that all rows share
// their strings.
type rowReader struct {
	dec   *json.Decoder
	codes map[string]string // code as answered → canonical, "" for one that must not be kept
	shape error
}

// open reads the next token and reports whether it is the delimiter. null is not, and neither is any
// other value, which is skipped and noted.
func (r *rowReader) open(delim json.Delim) (bool, error) {
	token, err := r.dec.Token()
	if err != nil {
		return false, brokenOff(err)
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
func (r *rowReader) finish() error {
	for depth := 1; depth > 0; {
		token, err := r.dec.Token()
		if err != nil {
			return brokenOff(err)
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
func (r *rowReader) rows(expected int) ([]Row, error) {
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
	return rows, expect(r.dec, ']')
}

func (r *rowReader) row() (Row, error) {
	row := Row{Columns: map[string]string{}}
	for r.dec.More() {
		name, err := memberName(r.dec)
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
			err = skipValue(r.dec)
		}
		if err != nil {
			return Row{}, err
		}
	}
	if row.AccountID == 0 {
		row.AccountID, _ = columns.Int(row.Columns["AU"])
	}
	return row, expect(r.dec, '}')
}

func (r *rowReader) number() (int64, error) {
	var n number
	err := r.dec.Decode(&n)
	return int64(n), err
}

// pairs reads a list of one-member objects, or a single object, and gives each member that has a value.
func (r *rowReader) pairs(give func(name, value string)) error {
	token, err := r.dec.Token()
	if err != nil {
		return brokenOff(err)
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
	return expect(r.dec, ']')
}

// members reads the members of an object that was just opened, and its end.
func (r *rowReader) members(give func(name, value string)) error {
	for r.dec.More() {
		name, err := memberName(r.dec)
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
	return expect(r.dec, '}')
}

// value reads one value as text: the elements of a list are joined by commas, null is no value, and neither
// is an object.
func (r *rowReader) value() (value string, set bool, err error) {
	token, err := r.dec.Token()
	if err != nil {
		return "", false, brokenOff(err)
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
		return strings.Join(elements, ","), len(elements) > 0, expect(r.dec, ']')
	default:
		return "", false, nil
	}
}

func (r *rowReader) canonical(code string) string {
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
