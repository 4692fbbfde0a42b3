package cwfake

import (
	"net/http"
	"strings"
	"time"
)

// Request is one call that reached the API side of the server.
type Request struct {
	Method string `json:"method"`
	// Route is the pattern of the route table ("/service/tickets/{id}"), empty if no route matched.
	Route string `json:"route"`
	// Path is the address as it came, with its query.
	Path string    `json:"path"`
	Time time.Time `json:"time"`
	// Status is the code that was answered; 0 while the request is under way and when the connection was dropped.
	Status int `json:"status"`
}

// writes tells whether the request asks for a change.
func (r *Request) writes() bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.HasSuffix(r.Route, "/search")
}

// Requests returns the calls since the last ResetCounts in the order in which they came.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.log))
	for i, r := range s.log {
		requests[i] = *r
	}
	return requests
}

// Counts returns the number of calls by method and route ("POST /service/tickets").
func (s *Server) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[string]int{}
	for _, r := range s.log {
		route := r.Route
		if route == "" {
			route = "(none)"
		}
		counts[r.Method+" "+route]++
	}
	return counts
}

// Writes returns the number of calls that ask for a change, whether or not it was made.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.log {
		if r.writes() {
			n++
		}
	}
	return n
}

// MaxPerMinute returns the greatest number of calls in any 60 seconds of the server's clock.
func (s *Server) MaxPerMinute() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most, start := 0, 0
	for end, r := range s.log {
		for r.Time.Sub(s.log[start].Time) >= time.Minute {
			start++
		}
		most = max(most, end-start+1)
	}
	return most
}

// ResetCounts forgets the calls.
func (s *Server) ResetCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}
