// Package web serves the console: pages for people and the same data as JSON. It only reads. It owns the
// routes, the templates and the rules of what a browser may do with a page.
//
// # JSON
//
// GET /api/v1/tenants, /api/v1/devices, /api/v1/incidents and /api/v1/tickets each answer
//
//	{"items": [...], "total": 57, "limit": 100, "offset": 0}
//
// where total counts the rows that match, limit (1 to 1000, default 100) and offset choose the part that items
// holds. Filters are tenant (an id) and q (part of a name, an id, a condition or a summary); devices take state,
// tickets take phase and waiting=1. The fields of the rows are those of picture.Tenant, picture.Device,
// picture.Incident and picture.Ticket. Times are RFC 3339 in UTC, and null where there is none. A refused request
// answers {"error": "why"} with status 400, 404, 405 or 421; 503 means that the bus is still being read.
package web

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/covewise/covewise/platform/clock"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	"github.com/covewise/covewise/services/console/internal/picture"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Source is where the data comes from.
type Source interface {
	// Ready reports whether Rows holds everything.
	Ready() bool
	// Rows returns everything as it is now.
	Rows() picture.Rows
	// State returns a device's whole state, or nil when there is none.
	State(ctx context.Context, tenant, device string) (*incidentv1.DeviceState, error)
}

// Server is the console's http.Handler.
type Server struct {
	source    Source
	clock     clock.Clock
	log       *slog.Logger
	host      string // host that is listened on; empty or a wildcard when that is any
	templates map[string]*template.Template
	mux       *http.ServeMux
}

// New returns the handler. listen is the address it is served on, "host:port".
func New(source Source, c clock.Clock, log *slog.Logger, listen string) (*Server, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		host = listen
	}
	s := &Server{source: source, clock: c, log: log, host: strings.ToLower(host), mux: http.NewServeMux()}
	if s.templates, err = parseTemplates(); err != nil {
		return nil, err
	}
	s.mux.Handle("/{$}", s.page(s.overview))
	s.mux.Handle("/devices", s.page(s.devices))
	s.mux.Handle("/devices/{tenant}/{device}", s.page(s.device))
	s.mux.Handle("/incidents", s.page(s.incidents))
	s.mux.Handle("/tickets", s.page(s.tickets))
	s.mux.Handle("/api/v1/tenants", api(s, func(f picture.Filter) any { return s.source.Rows().Tenants(f) }))
	s.mux.Handle("/api/v1/devices", api(s, func(f picture.Filter) any { return s.source.Rows().Devices(f) }))
	s.mux.Handle("/api/v1/incidents", api(s, func(f picture.Filter) any { return s.source.Rows().Incidents(f) }))
	s.mux.Handle("/api/v1/tickets", api(s, func(f picture.Filter) any { return s.source.Rows().Tickets(f) }))
	s.mux.Handle("/assets/{name}", http.HandlerFunc(s.asset))
	s.mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, http.StatusNotFound, "There is nothing at this address.")
	}))
	return s, nil
}

// ServeHTTP answers GET and HEAD requests that are addressed to this host.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !s.addressed(r.Host) {
		s.refuse(w, r, http.StatusMisdirectedRequest, "This console is not served under that name.")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		s.refuse(w, r, http.StatusMethodNotAllowed, "The console only reads; use GET.")
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Guard serves something else under the names only that the console is served under.
func (s *Server) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.addressed(r.Host) {
			http.Error(w, "Nothing is served under that name.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// addressed refuses the names of others: a page from elsewhere could have its own name resolve to this
// address and then read everything (DNS rebinding). An address in digits cannot be rebound, so where the
// console listens on every address, any of them is accepted.
func (s *Server) addressed(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || s.host != "" && host == s.host {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.Unmap().IsLoopback() || s.everywhere())
}

func (s *Server) everywhere() bool {
	ip, err := netip.ParseAddr(s.host)
	return s.host == "" || err == nil && ip.IsUnspecified()
}

// refuse answers in the form that was asked for: JSON below /api/, a page elsewhere.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		writeJSON(w, status, map[string]string{"error": why})
		return
	}
	s.render(w, r, status, "refused", page{Title: http.StatusText(status), Now: s.clock.Now(), Body: why})
}

// render executes a template completely before the first byte is sent, so that no page ends in the middle.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	var out bytes.Buffer
	if err := s.templates[name].Execute(&out, p); err != nil {
		s.log.ErrorContext(r.Context(), "page not rendered", "page", name, "err", err)
		http.Error(w, "The page could not be made; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the reader has gone when this fails
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	kinds := map[string]string{"console.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
	kind, known := kinds[r.PathValue("name")]
	body, err := assetFiles.ReadFile("assets/" + r.PathValue("name"))
	if !known || err != nil {
		s.refuse(w, r, http.StatusNotFound, "There is nothing at this address.")
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write(body) //nolint:gosec // an embedded file, chosen from a closed list
}
