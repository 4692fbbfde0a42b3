package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/covewise/covewise/services/console/internal/picture"
)

// page is what every template gets.
type page struct {
	Title   string
	Section string // which entry of the navigation is the present one
	Now     time.Time
	Body    any
}

// listBody is the body of a page with a list.
type listBody struct {
	Filter  picture.Filter
	Path    string
	Rows    any
	Shown   int
	Total   int
	Tenants []string
	States  []picture.Choice
	Phases  []picture.Choice
}

// answer is what a page's function makes: a template with its data, or a refusal.
type answer struct {
	template string
	page     page
	status   int // 0: 200
	refusal  string
}

// refreshSeconds is how often the overview reads itself anew. Lists do not: it would throw people back to the top.
const refreshSeconds = "10"

func (s *Server) page(build func(r *http.Request, rows picture.Rows, f picture.Filter) answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		filter, err := parseFilter(r.URL.Query())
		if err != nil {
			s.refuse(w, r, http.StatusBadRequest, "That filter cannot be used: "+err.Error()+".")
			return
		}
		if !s.source.Ready() {
			w.Header().Set("Refresh", "2")
			s.refuse(w, r, http.StatusServiceUnavailable, "Covewise is starting: the bus is still being read.")
			return
		}
		a := build(r, s.source.Rows(), filter)
		if a.refusal != "" {
			s.refuse(w, r, a.status, a.refusal)
			return
		}
		if a.template == "overview" {
			w.Header().Set("Refresh", refreshSeconds)
		}
		a.page.Now = s.clock.Now()
		s.render(w, r, http.StatusOK, a.template, a.page)
	})
}

func (s *Server) overview(_ *http.Request, rows picture.Rows, f picture.Filter) answer {
	everything := rows.Tenants(picture.Filter{Limit: len(rows.TenantRows) + len(rows.Sweeps) + len(rows.DeviceRows) + len(rows.TicketRows)})
	list := rows.Tenants(f)
	body := struct {
		List   listBody
		Totals picture.Tenant
	}{newList(rows, f, "/", list), picture.Totals(everything.Items)}
	return answer{template: "overview", page: page{Title: "Overview", Section: "overview", Body: body}}
}

func (s *Server) devices(_ *http.Request, rows picture.Rows, f picture.Filter) answer {
	return answer{template: "devices", page: page{Title: "Devices", Section: "devices", Body: newList(rows, f, "/devices", rows.Devices(f))}}
}

func (s *Server) incidents(_ *http.Request, rows picture.Rows, f picture.Filter) answer {
	return answer{template: "incidents", page: page{Title: "Open incidents", Section: "incidents", Body: newList(rows, f, "/incidents", rows.Incidents(f))}}
}

func (s *Server) tickets(_ *http.Request, rows picture.Rows, f picture.Filter) answer {
	return answer{template: "tickets", page: page{Title: "Tickets", Section: "tickets", Body: newList(rows, f, "/tickets", rows.Tickets(f))}}
}

func (s *Server) device(r *http.Request, rows picture.Rows, _ picture.Filter) answer {
	tenant, id := r.PathValue("tenant"), r.PathValue("device")
	none := answer{status: http.StatusNotFound, refusal: "No such device is known."}
	row, known := rows.Device(tenant, id)
	if !known {
		return none
	}
	state, err := s.source.State(r.Context(), tenant, id)
	if err != nil {
		s.log.ErrorContext(r.Context(), "device not read", "tenant", tenant, "device", id, "err", err)
		return answer{status: http.StatusServiceUnavailable, refusal: "The device could not be read from the bus at the moment."}
	}
	if state == nil {
		return none
	}
	detail := picture.DetailOf(state, row, rows.TicketsOf(tenant, id), rows.LinkOf(tenant, row.CustomerID))
	return answer{template: "device", page: page{Title: row.Name, Section: "devices", Body: detail}}
}

func newList[T any](rows picture.Rows, f picture.Filter, path string, p picture.Page[T]) listBody {
	return listBody{
		Filter: f, Path: path, Rows: p.Items, Shown: len(p.Items), Total: p.Total, Tenants: rows.TenantIDs(),
		States: picture.States(), Phases: picture.Phases(),
	}
}

// From is the number of the first row shown.
func (l listBody) From() int { return l.Filter.Offset + 1 }

// To is the number of the last row shown.
func (l listBody) To() int { return l.Filter.Offset + l.Shown }

// Narrowed reports whether a filter is set.
func (l listBody) Narrowed() bool {
	f := l.Filter
	return f.Tenant != "" || f.Text != "" || f.State != "" || f.Phase != "" || f.Waiting
}

// Previous is the address of the page before; empty on the first.
func (l listBody) Previous() string {
	if l.Filter.Offset == 0 {
		return ""
	}
	return l.at(max(0, l.Filter.Offset-l.Filter.Limit))
}

// Next is the address of the page after; empty on the last.
func (l listBody) Next() string {
	if l.Shown == 0 || l.To() >= l.Total {
		return ""
	}
	return l.at(l.To())
}

func (l listBody) at(offset int) string {
	q := url.Values{}
	set := func(name, value, unset string) {
		if value != unset {
			q.Set(name, value)
		}
	}
	set("tenant", l.Filter.Tenant, "")
	set("q", l.Filter.Text, "")
	set("state", l.Filter.State, "")
	set("phase", l.Filter.Phase, "")
	if l.Filter.Waiting {
		q.Set("waiting", "1")
	}
	set("limit", strconv.Itoa(l.Filter.Limit), strconv.Itoa(defaultLimit))
	set("offset", strconv.Itoa(offset), "0")
	if len(q) == 0 {
		return l.Path
	}
	return l.Path + "?" + q.Encode()
}

// moment is a time as a page shows it.
type moment struct{ ISO, Full, Ago string }

// When turns a time into what a page shows: how long ago, and the moment itself in UTC. An absent one is nil.
func (p page) When(t *time.Time) *moment {
	if t == nil || t.IsZero() {
		return nil
	}
	m := &moment{ISO: t.UTC().Format(time.RFC3339), Full: t.UTC().Format("2006-01-02 15:04:05 UTC")}
	switch passed := p.Now.Sub(*t); {
	case passed < -time.Second:
		m.Ago = "in " + picture.Span(-passed)
	case passed < time.Second:
		m.Ago = "now"
	default:
		m.Ago = picture.Span(passed) + " ago"
	}
	return m
}

func parseTemplates() (map[string]*template.Template, error) {
	functions := template.FuncMap{"deviceURL": func(tenant, device string) string {
		return "/devices/" + url.PathEscape(tenant) + "/" + url.PathEscape(device)
	}}
	all := map[string]*template.Template{}
	for _, name := range []string{"overview", "devices", "device", "incidents", "tickets", "refused"} {
		t, err := template.New("layout.html").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse template %s: %w", name, err)
		}
		all[name] = t.Option("missingkey=error")
	}
	return all, nil
}
