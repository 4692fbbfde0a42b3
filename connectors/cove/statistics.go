package cove

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/platform/errclass"
)

// Query says which devices and columns Statistics returns.
type Query struct {
	PartnerID int64    // root of the subtree
	Filter    string   // filter expression over ids and numbers, "" for all devices; text in it is refused
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
	// Refused are the canonical codes of the columns that were asked for and that this login is not granted. They
	// are missing from every row.
	Refused []string
	// Unanswered are the canonical codes of the columns that must have a value on some of the rows, see
	// columns.Required, and have one on none.
	Unanswered []string
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
//
// A column that Cove refuses is found by bisection, once in 24 hours and client, and left out; the page names it. A
// query that is refused whatever its columns is an error that is ErrForbidden.
func (c *Client) Statistics(ctx context.Context, q Query) (Page, error) {
	if _, err := q.params(); err != nil {
		return Page{}, errclass.New(errclass.Bug, "building the statistics query", err)
	}
	page, err := c.withoutRefused(ctx, q)
	if err != nil {
		return Page{}, fmt.Errorf("reading devices from row %d: %w", q.Start, err)
	}
	return page, nil
}

// page asks for exactly what the query names.
func (c *Client) page(ctx context.Context, q Query) (rawPage, error) {
	params, err := q.params()
	if err != nil {
		return rawPage{}, errclass.New(errclass.Bug, "building the statistics query", err)
	}
	var page rawPage
	var shape error
	read := func(dec *jsontext.Decoder) error {
		page, shape = rawPage{}, nil
		var err error
		page, shape, err = readStatistics(dec, q.Count)
		return err
	}
	rq := request{method: "EnumerateAccountStatistics", params: params, url: c.management}
	if err := c.call(ctx, rq, read); err != nil {
		return rawPage{}, err
	}
	if shape != nil {
		return rawPage{}, errclass.Newf(errclass.Transient, "reading Cove's answer", "EnumerateAccountStatistics: %w", shape)
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
	case strings.ContainsAny(q.Filter, `'"`):
		// How a quote is escaped in a filter is not documented, so that a name could change what it selects.
		return nil, errors.New("Filter must select by ids and numbers, not by text")
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
