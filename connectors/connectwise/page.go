package connectwise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/covewise/covewise/platform/errclass"
)

// All collects what a listing yields, or returns its first error and nothing.
func All[T any](rows iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

// record is whatever has an id of its own.
type record interface{ recordID() int }

// one makes a call that answers with a single record.
func one[T record](ctx context.Context, c *Client, r request) (T, error) {
	var row, none T
	a, err := c.call(ctx, r)
	if err != nil {
		return none, err
	}
	if err := json.Unmarshal(a.body, &row); err != nil {
		return none, unreadable(r, a, err)
	}
	if row.recordID() <= 0 {
		return none, unreadable(r, a, errors.New("a record without id"))
	}
	return row, nil
}

// list yields every record of a collection once, page by page. An error ends it, and what came before is then
// an incomplete list.
//
// Forward-only pages end without a next link, with a short page or with an empty one. A server that does not know
// them answers with navigable ones, which is noticed by the link; those end without a next link or with an empty page.
func list[T record](ctx context.Context, c *Client, r request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := map[int]struct{}{}
		at := position{forward: r.forward, page: 1}
		for {
			r.query, r.forward = at.query(r.query, c.pageSize), at.forward
			if r.body != nil { // a search has its order there
				r.query.Del("orderBy")
			}
			rows, next, err := page[T](ctx, c, r)
			if err != nil {
				yield(none, err)
				return
			}
			fresh := 0
			for _, row := range rows {
				// Navigable pages over changing data can repeat rows.
				if _, dup := seen[row.recordID()]; dup {
					continue
				}
				seen[row.recordID()] = struct{}{}
				fresh++
				if !yield(row, nil) {
					return
				}
			}
			if len(rows) == 0 || next == nil || at.forward && len(rows) < c.pageSize {
				return
			}
			if at, err = at.follow(*next); err == nil && fresh == 0 {
				err = errors.New("the server repeats a page")
			}
			if err != nil {
				yield(none, errclass.New(errclass.Transient, r.op, err))
				return
			}
		}
	}
}

func page[T record](ctx context.Context, c *Client, r request) ([]T, *position, error) {
	a, err := c.call(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	var rows []T
	if err := json.Unmarshal(a.body, &rows); err != nil {
		return nil, nil, unreadable(r, a, err)
	}
	if rows == nil {
		return nil, nil, unreadable(r, a, errors.New("null in place of a list"))
	}
	if slices.ContainsFunc(rows, func(row T) bool { return row.recordID() <= 0 }) {
		return nil, nil, unreadable(r, a, errors.New("a record without id"))
	}
	next, err := nextLink(a.header)
	if err != nil {
		return nil, nil, unreadable(r, a, err)
	}
	return rows, next, nil
}

// position is where a page begins: after the record pageID, or by its number.
type position struct {
	forward      bool
	page, pageID int
}

func (p position) query(query url.Values, size int) url.Values {
	q := url.Values{}
	maps.Copy(q, query)
	q.Set("pageSize", strconv.Itoa(size))
	q.Set("orderBy", "id asc")
	q.Del("page")
	q.Del("pageId")
	switch {
	case !p.forward:
		q.Set("page", strconv.Itoa(p.page))
	case p.pageID > 0:
		q.Set("pageId", strconv.Itoa(p.pageID))
	}
	return q
}

func (p position) follow(next position) (position, error) {
	switch {
	case p.forward && next.pageID > p.pageID:
		return position{forward: true, page: 1, pageID: next.pageID}, nil
	case next.pageID == 0 && next.page > p.page && p.pageID == 0:
		return position{page: next.page}, nil
	default:
		return p, errors.New("the next link does not lead forward")
	}
}

// nextLink takes the position, and nothing else, from the Link header: hosts in it may be internal names.
func nextLink(h http.Header) (*position, error) {
	for _, links := range h.Values("Link") {
		for {
			_, after, found := strings.Cut(links, "<")
			target, params, closed := strings.Cut(after, ">")
			if !found || !closed {
				break
			}
			links = params
			params, _, _ = strings.Cut(params, "<")
			if isNext(params) {
				return positionIn(target)
			}
		}
	}
	return nil, nil
}

func isNext(params string) bool {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.Trim(param, " \t,"), "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") {
			rels := strings.Fields(strings.ToLower(strings.Trim(value, `" `)))
			return slices.Contains(rels, "next")
		}
	}
	return false
}

func positionIn(target string) (*position, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, errors.New("the next link is not a URL")
	}
	var p position
	for name, values := range u.Query() {
		into := map[string]*int{"page": &p.page, "pageid": &p.pageID}[strings.ToLower(name)]
		if into == nil || len(values) == 0 {
			continue
		}
		if *into, err = strconv.Atoi(values[0]); err != nil || *into < 0 {
			return nil, fmt.Errorf("the next link names no usable %s", strings.ToLower(name))
		}
	}
	if p.page == 0 && p.pageID == 0 {
		return nil, errors.New("the next link names no page")
	}
	return &p, nil
}

// filtered is the query of a listing.
func filtered(where Condition, fields []string) (url.Values, error) {
	if err := where.Err(); err != nil {
		return nil, err
	}
	q := url.Values{}
	if !where.all() {
		q.Set("conditions", where.String())
	}
	if len(fields) == 0 {
		return q, nil
	}
	for _, field := range fields {
		if !isPath(strings.TrimPrefix(field, "_")) {
			return nil, fmt.Errorf("field %q: not a field path", field)
		}
	}
	if !slices.Contains(fields, "id") {
		fields = append([]string{"id"}, fields...)
	}
	q.Set("fields", strings.Join(fields, ","))
	return q, nil
}

// refused is an error found before anything was sent.
func refused(op, format string, args ...any) error {
	return errclass.Newf(errclass.Rejected, op, format, args...)
}

func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
