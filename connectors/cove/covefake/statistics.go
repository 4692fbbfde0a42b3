package covefake

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

// enumerateAccountStatistics answers one page of devices.
func enumerateAccountStatistics(c *call) (answer, *rpcError) {
	q := c.params.object("query")
	top, given := q.id("PartnerId")
	excluded, _ := q.integers("ExcludedPartners")
	mode := q.text("SelectionMode")
	filterText, orderText := q.text("Filter"), q.text("OrderBy")
	start, _ := q.integer("StartRecordNumber")
	count, counted := q.integer("RecordsCount")
	columnNames, totalTexts := q.texts("Columns"), q.texts("Totals")
	q.take("Labels") // its type is unclear in the documentation, and nobody uses it
	if start < 0 || count < 0 {
		q.wrong("StartRecordNumber", "like RecordsCount, not negative")
	}
	if !slices.Contains([]string{"", "Undefined", "Merged", "PerInstallation"}, mode) {
		q.wrong("SelectionMode", "Undefined, Merged or PerInstallation")
	}
	if err := c.params.rest(); err != nil {
		return answer{}, err
	}
	if !given {
		return answer{}, c.refuse("query.PartnerId is missing.")
	}
	if _, err := c.visible(top); err != nil {
		return answer{}, err
	}
	columns, err := c.columns(columnNames)
	if err != nil {
		return answer{}, err
	}
	totals, err := c.parseTotals(totalTexts)
	if err != nil {
		return answer{}, err
	}
	rows, err := c.selectRows(top, excluded, filterText, orderText)
	if err != nil {
		return answer{}, err
	}
	if c.lie != nil && c.lie.Kind == FaultNoDevices {
		rows = nil
	}
	if !counted {
		count = int64(max(c.switches.RecordsDefault, 1))
	}
	if limit := int64(c.switches.RecordsMax); limit > 0 {
		count = min(count, limit)
	}
	page := rows[min(start, int64(len(rows))):]
	page = lieAbout(page[:min(count, int64(len(page)))], c.lie)
	ans := answer{result: rowsEncoder{page, columns, c.switches}}
	if len(totals) > 0 && !c.switches.NoTotals {
		ans.out, ans.value = "totalStatistics", c.sumUp(rows, totals)
	}
	return ans, nil
}

// columns resolves the requested columns, in the order in which they are answered.
func (c *call) columns(names []string) ([]requested, *rpcError) {
	names = slices.Clone(names)
	slices.Sort(names) // in samples of answers the keys are sorted by code [N-able documentation]
	var columns []requested
	for _, name := range slices.Compact(names) {
		code, ok := canonicalCode(name)
		if !ok || c.switches.refuses(code) {
			return nil, c.refuse("column %s.", name)
		}
		if c.switches.ignores(code) {
			continue
		}
		columns = append(columns, requested{
			spelling: name, code: code, key: appendJSON(nil, name), number: isNumber(code),
			list: code == "I19" || code == "I20",
		})
	}
	return columns, nil
}

// filterColumn resolves a column of a filter or an order, where case does not matter [observed].
func filterColumn(name string) (string, bool) { return canonicalCode(strings.ToUpper(name)) }

// maxViews bounds the number of selections kept between requests.
const maxViews = 32

// selectRows returns the matching devices in order, and keeps them until the fleet changes: pages of one sweep
// cost one selection.
func (c *call) selectRows(top int64, excluded []int64, filterText, orderText string) ([]row, *rpcError) {
	f, err := parseFilter(filterText, filterColumn)
	if err != nil {
		return nil, c.fail(ErrBadParams, "Filter: %v.", err)
	}
	keys, problem := c.parseOrder(orderText)
	if problem != nil {
		return nil, problem
	}
	name := fmt.Sprintf("%d %v %q %q %v", top, excluded, filterText, orderText, c.switches)
	if f.moves {
		name += strconv.FormatInt(c.now.Unix(), 10)
	}
	if c.switches.UnstableTies {
		c.server.ties++
		name += " ties " + strconv.FormatUint(c.server.ties, 10)
	}
	if rows, ok := c.views[name]; ok {
		return rows, nil
	}
	rows := c.below(c.subtree(top, excluded...))
	rows = slices.DeleteFunc(rows, func(r row) bool { return !f.matches(rowRecord{r, &c.switches}, c.now) })
	c.sortRows(rows, keys)
	if len(c.views) >= maxViews {
		clear(c.views)
	}
	c.views[name] = rows
	return rows, nil
}

type orderKey struct {
	code       string
	descending bool
}

func (c *call) parseOrder(text string) ([]orderKey, *rpcError) {
	var keys []orderKey
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		if len(words) == 1 {
			words = append(words, "ASC")
		}
		if len(words) != 2 || !strings.EqualFold(words[1], "ASC") && !strings.EqualFold(words[1], "DESC") {
			return nil, c.fail(ErrBadParams, "OrderBy: %q is not a column and ASC or DESC.", part)
		}
		code, ok := filterColumn(words[0])
		if !ok {
			return nil, c.fail(ErrBadParams, "OrderBy: unknown column %s.", words[0])
		}
		keys = append(keys, orderKey{code, strings.EqualFold(words[1], "DESC")})
	}
	return keys, nil
}

// sortRows sorts rows that are in order of AccountId, which decides ties.
func (c *call) sortRows(rows []row, keys []orderKey) {
	if c.switches.UnstableTies {
		slices.SortFunc(rows, func(a, b row) int {
			return cmp.Compare(tie(a.device.AccountID, c.server.ties), tie(b.device.AccountID, c.server.ties))
		})
	}
	type sortable struct {
		row
		keys []value
	}
	list := make([]sortable, len(rows))
	for i, r := range rows {
		list[i].row = r
		for _, k := range keys {
			list[i].keys = append(list[i].keys, columnValue{k.code}.eval(rowRecord{r, &c.switches}, c.now))
		}
	}
	slices.SortStableFunc(list, func(a, b sortable) int {
		for i, k := range keys {
			if n := order(a.keys[i], b.keys[i]); n != 0 {
				if k.descending {
					return -n
				}
				return n
			}
		}
		return 0
	})
	for i := range list {
		rows[i] = list[i].row
	}
}

func tie(account int64, salt uint64) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %d", salt, account)
	return h.Sum64()
}

// lieAbout spoils a page as its fault asks. The rows themselves are shared and stay as they are.
func lieAbout(page []row, f *Fault) []row {
	if f == nil || len(page) == 0 {
		return page
	}
	n := min(max(f.Rows, 1), len(page))
	switch f.Kind {
	case FaultMissingRow:
		from := (len(page) - n) / 2
		return slices.Concat(page[:from], page[from+n:])
	case FaultRepeatedRow:
		page = slices.Clone(page)
		for i := len(page) - n; i < len(page); i++ {
			page[i] = page[0]
		}
	case FaultReordered:
		page = slices.Clone(page)
		slices.Reverse(page)
	case FaultShortPage:
		if f.Rows == 0 {
			n = len(page) / 2
		}
		return page[:n]
	default:
	}
	return page
}

func enumerateColumns(c *call) (answer, *rpcError) {
	if _, err := c.partnerParam("partnerId"); err != nil {
		return answer{}, err
	}
	return answer{result: list(c, listColumns()), flat: c.switches.FlatResults}, nil
}
