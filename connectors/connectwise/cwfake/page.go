package cwfake

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultPageSize = 25
	maxPageSize     = 1000
)

// window is the part of a list that one request asks for.
type window struct {
	forwardOnly        bool
	page, size, pageID int
}

// windowOf reads the paging parameters. Forward-only paging is asked for by a header.
func windowOf(r *http.Request, values url.Values, sizeRefused bool) (window, error) {
	w := window{forwardOnly: strings.EqualFold(r.Header.Get("Pagination-Type"), "forward-only"), page: 1, size: defaultPageSize}
	for _, p := range []struct {
		name    string
		minimum int
		into    *int
	}{{"page", 1, &w.page}, {"pageSize", 1, &w.size}, {"pageId", 0, &w.pageID}} {
		text := parameter(values, p.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < p.minimum {
			return w, badQuery("The parameter %s must be a whole number of at least %d", p.name, p.minimum)
		}
		*p.into = n
	}
	if w.size > maxPageSize {
		if sizeRefused {
			return w, badQuery("The parameter pageSize must not be over %d", maxPageSize)
		}
		w.size = maxPageSize
	}
	return w, nil
}

// cut returns the rows of the window and its Link header, empty for none. address is the absolute address of the
// request without its query.
func (w window) cut(rows []*record, address string, values url.Values) ([]*record, string) {
	if w.forwardOnly {
		return w.cutForward(rows, address, values)
	}
	last := max((len(rows)+w.size-1)/w.size, 1)
	start := min((w.page-1)*w.size, len(rows))
	if w.page > last {
		start = len(rows)
	}
	end := min(start+w.size, len(rows))
	var links []string
	link := func(rel string, page int) {
		links = append(links, linkTo(address, values, "page", page, w.size, rel))
	}
	if w.page < last {
		link("next", w.page+1)
		link("last", last)
	}
	if w.page > 1 {
		link("prev", w.page-1)
		link("first", 1)
	}
	return rows[start:end], strings.Join(links, ", ")
}

// cutForward expects the rows by ascending id.
func (w window) cutForward(rows []*record, address string, values url.Values) ([]*record, string) {
	start := len(rows)
	for i, r := range rows {
		if r.id > w.pageID {
			start = i
			break
		}
	}
	rows = rows[start:]
	if len(rows) <= w.size {
		return rows, ""
	}
	rows = rows[:w.size]
	return rows, linkTo(address, values, "pageId", rows[len(rows)-1].id, w.size, "next")
}

// linkTo repeats the parameters of the request with another position.
func linkTo(address string, values url.Values, position string, at, size int, rel string) string {
	repeated := url.Values{}
	for name, list := range values {
		if !strings.EqualFold(name, "page") && !strings.EqualFold(name, "pageId") && !strings.EqualFold(name, "pageSize") {
			repeated[name] = list
		}
	}
	repeated.Set(position, strconv.Itoa(at))
	repeated.Set("pageSize", strconv.Itoa(size))
	return fmt.Sprintf("<%s?%s>; rel=%q", address, repeated.Encode(), rel)
}
