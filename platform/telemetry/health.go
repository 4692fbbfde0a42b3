package telemetry

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Component is the readiness of one part of a process.
type Component struct {
	Name   string    `json:"name"`
	Ready  bool      `json:"ready"`
	Reason string    `json:"reason,omitempty"` // why it is not ready
	Since  time.Time `json:"since"`            // when it became ready or unready; a new reason does not count
}

// Health collects the readiness of a process's components. It is safe for concurrent use.
type Health struct {
	now        func() time.Time
	mu         sync.RWMutex
	components map[string]Component
}

// NewHealth returns a Health without components, which is not ready.
func NewHealth(now func() time.Time) *Health {
	return &Health{now: now, components: map[string]Component{}}
}

// Expect names components that have yet to report: the process is not ready before each has. It changes
// nothing for those that have reported already.
func (h *Health) Expect(components ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range components {
		if _, known := h.components[name]; !known {
			h.components[name] = Component{Name: name, Reason: "starting", Since: h.now()}
		}
	}
}

// Set reports a component ready, or unready because of err. The text of err is shown to everybody who
// may read /readyz.
func (h *Health) Set(component string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, known := h.components[component]
	c := Component{Name: component, Ready: err == nil, Since: old.Since}
	if err != nil {
		c.Reason = err.Error()
	}
	if !known || old.Ready != c.Ready {
		c.Since = h.now()
	}
	h.components[component] = c
}

// Report returns whether the process is ready, that is, has components and all are, and its components
// by name.
func (h *Health) Report() (ready bool, components []Component) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	components = make([]Component, 0, len(h.components))
	ready = len(h.components) > 0
	for _, c := range h.components {
		components = append(components, c)
		ready = ready && c.Ready
	}
	slices.SortFunc(components, func(a, b Component) int { return strings.Compare(a.Name, b.Name) })
	return ready, components
}

// Handler serves /livez, which answers 200 as long as the process serves at all, and /readyz, which
// answers 200 when the process is ready and 503 when it is not, with the components as JSON:
//
//	{"ready":false,"components":[{"name":"poller","ready":false,"reason":"starting","since":"2026-01-31T08:00:00Z"}]}
func (h *Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, struct {
			Live bool `json:"live"`
		}{true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		ready, components := h.Report()
		status := http.StatusOK
		if !ready {
			status = http.StatusServiceUnavailable
		}
		writeJSON(w, status, struct {
			Ready      bool        `json:"ready"`
			Components []Component `json:"components"`
		}{ready, components})
	})
	return mux
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a prober that has gone needs no answer
}
