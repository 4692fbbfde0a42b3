package compare

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/covewise/covewise/platform/errclass"
)

// Columns are the columns of a comparison, with the names that the file of the script before Covewise has, as far as it
// has them.
func Columns() []string {
	return []string{
		"CovePartnerId", "CoveCustomer", "CoveReference", "CoveLevel", "DeviceCount", "Sites", "MatchStatus", "MatchMethod",
		"CWMCompany", "CWMCompanyID", "CWMIdentifier", "SuggestedIdentifier", "Note",
	}
}

// Cells returns a row's values in the order of Columns: texts, a whole number of devices, a list of sites, and nil or a
// whole number for the company's id.
func (r Row) Cells() []any {
	var id any
	if r.CompanyID != 0 {
		id = r.CompanyID
	}
	return []any{
		r.Partner, r.Customer, r.Reference, r.Level, r.Devices, append([]string{}, r.Sites...), string(r.Status), r.Method,
		r.Company, id, r.Identifier, r.Suggestion, r.Note,
	}
}

// unguarded takes the apostrophe off that keeps a spreadsheet from taking a text for a formula.
func unguarded(text string) string {
	bare, quoted := strings.CutPrefix(text, "'")
	if first := strings.TrimLeft(bare, " "); quoted && first != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(first[0])) {
		return bare
	}
	return text
}

// Read reads rows from CSV with the columns of Columns, also as the script before Covewise wrote it (columns in any
// order, a byte order mark, a line "#TYPE", semicolons). Columns that are not known are left out. Its errors have class
// Rejected and name line, column and remedy.
func Read(from io.Reader) ([]Row, error) {
	buffered := bufio.NewReader(from)
	first, err := buffered.Peek(3)
	if err == nil && bytes.Equal(first, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3) // what was peeked is there
	}
	text, err := io.ReadAll(buffered)
	if err != nil {
		return nil, fmt.Errorf("read comparison: %w", err)
	}
	skipped := 0
	if bytes.HasPrefix(text, []byte("#TYPE")) {
		_, text, _ = bytes.Cut(text, []byte("\n"))
		skipped = 1
	}
	head, _, _ := bytes.Cut(text, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(text))
	if bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		r.Comma = ';'
	}
	r.FieldsPerRecord = -1
	names, err := r.Read()
	if err != nil {
		return nil, errclass.Newf(errclass.Rejected, "read comparison", "line %d holds no column names; begin with %s", 1+skipped, strings.Join(Columns(), ","))
	}
	at := map[string]int{}
	for i, name := range names {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	_, hasPartner := at["covepartnerid"]
	_, hasName := at["covecustomer"]
	if _, hasCompany := at["cwmcompanyid"]; !hasCompany || !hasPartner && !hasName {
		return nil, errclass.Newf(errclass.Rejected, "read comparison", "columns CWMCompanyID and CovePartnerId (or CoveCustomer) are needed; found %s", strings.Join(names, ", "))
	}
	var rows []Row
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, errclass.Newf(errclass.Rejected, "read comparison", "line %d is no CSV: %w", parse.StartLine+skipped, parse.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("read comparison: %w", err)
		}
		line, _ := r.FieldPos(0)
		row, err := read(at, record)
		if err != nil {
			return nil, errclass.Newf(errclass.Rejected, "read comparison", "line %d: %w", line+skipped, err)
		}
		rows = append(rows, row)
	}
}

func read(at map[string]int, record []string) (Row, error) {
	value := func(column string) string {
		i, there := at[column]
		if !there || i >= len(record) {
			return ""
		}
		return unguarded(record[i])
	}
	number := func(column string) (int64, error) {
		text := strings.TrimSpace(value(column))
		if text == "" {
			return 0, nil
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%s %q is no whole number; write digits, or nothing", column, text)
		}
		return n, nil
	}
	row := Row{
		Partner: strings.TrimSpace(value("covepartnerid")), Customer: value("covecustomer"), Reference: value("covereference"), Level: value("covelevel"),
		Status: Status(value("matchstatus")), Method: value("matchmethod"), Company: value("cwmcompany"), Identifier: value("cwmidentifier"),
		Suggestion: value("suggestedidentifier"), Note: value("note"),
	}
	for site := range strings.SplitSeq(value("sites"), ";") {
		if site = strings.TrimSpace(site); site != "" {
			row.Sites = append(row.Sites, site)
		}
	}
	devices, err := number("devicecount")
	if err != nil {
		return Row{}, err
	}
	row.Devices = int(devices)
	row.CompanyID, err = number("cwmcompanyid")
	return row, err
}
