package connectwise

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

// pager serves tickets 1..n in both modes, with links to a host that nobody must follow.
func pager(n int, change func(q url.Values, link string) string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, _ int) {
		q := r.URL.Query()
		size, _ := strconv.Atoi(q.Get("pageSize"))
		from, key, next := 0, "page", 2
		if r.Header.Get("Pagination-Type") == "forward-only" {
			from, _ = strconv.Atoi(q.Get("pageId"))
			key, next = "pageId", from+size
		} else if page, _ := strconv.Atoi(q.Get("page")); page > 0 {
			from, next = (page-1)*size, page+1
		}
		to := min(from+size, n)
		link := ""
		if to < n {
			link = fmt.Sprintf(`<https://internal.invalid/x?conditions=a%%2C%%3Cb&pageSize=9&%s=%d>; rel="next", <https://internal.invalid/x?page=99>; rel="last"`, key, next)
		}
		if change != nil {
			link = change(q, link)
		}
		if link != "" {
			w.Header().Set("Link", link)
		}
		var rows []string
		for id := from + 1; id <= to; id++ {
			rows = append(rows, ticketJSON(id))
		}
		_, _ = io.WriteString(w, "["+strings.Join(rows, ",")+"]")
	}
}

func pagesOf(n int) func(*Options) { return func(o *Options) { o.PageSize = n } }

func queries(s *stub) []string {
	var all []string
	for _, r := range s.seen() {
		all = append(all, r.query)
	}
	return all
}

func TestForwardOnlyPages(t *testing.T) {
	cases := map[string]struct {
		rows, requests int
	}{
		"nothing":                     {0, 1},
		"a short page":                {2, 1},
		"a full page without a link":  {3, 1},
		"a full page and a short one": {4, 2},
		"many":                        {10, 4},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, pager(tc.rows, nil))
			c, _ := s.client(t, pagesOf(3))
			got, err := All(c.Tickets(t.Context(), Eq("closedFlag", false), "summary", "_info/lastUpdated"))
			require.NoError(t, err)
			require.Len(t, got, tc.rows)
			require.Len(t, s.seen(), tc.requests)
			require.Equal(t, "conditions=closedFlag%3DFalse&fields=id%2Csummary%2C_info%2FlastUpdated&orderBy=id%20asc&pageSize=3", queries(s)[0])
			require.Equal(t, "forward-only", s.seen()[0].header.Get("Pagination-Type"))
		})
	}
}

func TestForwardOnlyEndsHoweverTheServerEndsIt(t *testing.T) {
	cases := map[string]struct {
		rows     int
		change   func(q url.Values, link string) string
		requests int
	}{
		"a next link on a short page is not followed": {4, func(url.Values, string) string { return `<?pageId=4>; rel="next"` }, 2},
		"a next link to an empty page": {3, func(q url.Values, _ string) string {
			return `<?pageId=` + map[string]string{"": "3", "3": "6"}[q.Get("pageId")] + `>; rel=next`
		}, 2},
		"an empty Link header": {3, func(url.Values, string) string { return " " }, 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, pager(tc.rows, func(q url.Values, link string) string {
				if link != "" {
					return link
				}
				return tc.change(q, link)
			}))
			c, _ := s.client(t, pagesOf(3))
			got, err := All(c.Tickets(t.Context(), Condition{}))
			require.NoError(t, err)
			require.Len(t, got, tc.rows)
			require.Len(t, s.seen(), tc.requests)
		})
	}
}

func TestAServerWithoutForwardOnlyIsReadByPages(t *testing.T) {
	plain := pager(7, nil)
	s := newStub(t, func(w http.ResponseWriter, r *http.Request, n int) {
		r.Header.Del("Pagination-Type")
		plain(w, r, n)
	})
	c, _ := s.client(t, pagesOf(3))
	got, err := All(c.Companies(t.Context(), Condition{}, "id"))
	require.NoError(t, err)
	require.Len(t, got, 7)
	require.Equal(t, []string{
		"fields=id&orderBy=id%20asc&pageSize=3",
		"fields=id&orderBy=id%20asc&page=2&pageSize=3",
		"fields=id&orderBy=id%20asc&page=3&pageSize=3",
	}, queries(s))
}

func TestNavigablePages(t *testing.T) {
	s := newStub(t, pager(7, nil))
	c, _ := s.client(t, pagesOf(3))
	got, err := c.Priorities(t.Context())
	require.NoError(t, err)
	require.Len(t, got, 7)
	require.Equal(t, []string{"orderBy=id%20asc&page=1&pageSize=3", "orderBy=id%20asc&page=2&pageSize=3", "orderBy=id%20asc&page=3&pageSize=3"}, queries(s))
}

func TestRepeatedRowsOfShiftingPagesCountOnce(t *testing.T) {
	pages := []string{`[{"id":1},{"id":2},{"id":3}]`, `[{"id":3},{"id":4}]`, `[{"id":4},{"id":5}]`}
	s := newStub(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n < len(pages) {
			w.Header().Set("Link", fmt.Sprintf(`</x?PAGE=%d>; foo=bar; REL="last next"`, n+1))
		}
		_, _ = io.WriteString(w, pages[n-1])
	})
	c, _ := s.client(t, pagesOf(3))
	got, err := c.Priorities(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Priority{{ID: 1}, {ID: 2}, {ID: 3}, {ID: 4}, {ID: 5}}, got)
}

func TestListsThatDoNotEndWellAreErrors(t *testing.T) {
	page := func(link, body string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Link", link)
			_, _ = io.WriteString(w, body)
		}
	}
	cases := map[string]func(http.ResponseWriter, *http.Request, int){
		"the same page again and again": func(w http.ResponseWriter, r *http.Request, n int) {
			page(fmt.Sprintf(`<?page=%d>; rel="next"`, n+1), `[{"id":1},{"id":2},{"id":3}]`)(w, r, n)
		},
		"a link back":             page(`<?page=1>; rel="next"`, `[{"id":1},{"id":2},{"id":3}]`),
		"a link without a page":   page(`<?x=1>; rel="next"`, `[{"id":1},{"id":2},{"id":3}]`),
		"a link to page 'two'":    page(`<?page=two>; rel="next"`, `[{"id":1},{"id":2},{"id":3}]`),
		"a link that is no URL":   page("<%zz>; rel=next", `[{"id":1},{"id":2},{"id":3}]`),
		"an object, not a list":   page("", `{"id":1}`),
		"null in place of a list": page("", `null`),
		"a null row":              page("", `[null]`),
	}
	for name, answer := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, answer)
			c, _ := s.client(t, pagesOf(3))
			got, err := c.Priorities(t.Context())
			requireClass(t, errclass.Transient, err)
			require.Nil(t, got)
		})
	}
}

func TestAnErrorInTheMiddleEndsTheList(t *testing.T) {
	s := newStub(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if n > 1 {
			always(403, `{"code":"Forbidden","message":"no"}`)(w, r, n)
			return
		}
		pager(9, nil)(w, r, n)
	})
	c, _ := s.client(t, pagesOf(3))
	var ids []int
	var failed error
	for ticket, err := range c.Tickets(t.Context(), Condition{}) {
		if err != nil {
			failed = err
			continue
		}
		ids = append(ids, ticket.ID)
	}
	require.Equal(t, []int{1, 2, 3}, ids)
	requireClass(t, errclass.AuthTenant, failed)
}

func TestACallerCanStopReading(t *testing.T) {
	s := newStub(t, pager(9, nil))
	c, _ := s.client(t, pagesOf(3))
	for ticket, err := range c.Tickets(t.Context(), Condition{}) {
		require.NoError(t, err)
		if ticket.ID == 2 {
			break
		}
	}
	require.Len(t, s.seen(), 1)
}

func TestLongFiltersGoThroughTheSearch(t *testing.T) {
	refs := make([]string, 100)
	for i := range refs {
		refs[i] = fmt.Sprintf("covewise:%04d:harbor", i)
	}
	s := newStub(t, pager(4, nil))
	c, _ := s.client(t, pagesOf(3))
	where := In("externalXRef", refs...)
	got, err := All(c.Tickets(t.Context(), where, "id", "status"))
	require.NoError(t, err)
	require.Len(t, got, 4)
	require.Zero(t, c.Writes())
	for i, r := range s.seen() {
		require.Equal(t, "POST", r.method)
		require.Equal(t, "/v2025_1/apis/3.0/service/tickets/search", r.path)
		require.Equal(t, fmt.Sprintf("fields=id%%2Cstatus&page=%d&pageSize=3", i+1), r.query)
		require.JSONEq(t, fmt.Sprintf(`{"conditions":%q,"orderBy":"id asc"}`, where.String()), r.body)
	}

	for n := 1; n <= 100; n++ { // whatever is not a search keeps within the advised length
		_, err := All(c.Tickets(t.Context(), In("externalXRef", refs[:n]...)))
		require.NoError(t, err)
	}
	for _, r := range s.seen() {
		require.LessOrEqual(t, len(s.URL+r.path+"?"+r.query), 2000)
	}
}

func TestWhatCannotBeAskedIsNotSent(t *testing.T) {
	s := newStub(t, always(200, `[]`))
	c, _ := s.client(t)
	odd := Eq("name", `'"`)
	_, listed := All(c.Tickets(t.Context(), odd))
	_, companies := All(c.Companies(t.Context(), odd))
	_, counted := c.TicketCount(t.Context(), odd)
	for _, err := range []error{listed, companies, counted} {
		requireClass(t, errclass.Rejected, err)
		require.ErrorIs(t, err, ErrNotExpressible)
	}
	_, err := All(c.Tickets(t.Context(), Condition{}, "id&conditions=x"))
	requireClass(t, errclass.Rejected, err)
	require.Zero(t, c.Requests())
}
