package cwfake

import (
	"net/http"
	"net/url"
	"strings"
)

// answer is what a handler gives back; a nil body sends none.
type answer struct {
	status int
	body   any
	link   string
}

// call is one request on its way through a handler. Handlers run under the lock of the server.
type call struct {
	server  *Server
	store   *store
	request *http.Request
	params  map[string]string
	values  url.Values
	body    []byte
	stamp   stamp
	// root and address are the absolute addresses of the API and of the request, without a query.
	root, address string
}

type handler func(c *call) (answer, error)

// route is one method of one pattern, such as "GET /service/tickets/{id}".
type route struct {
	method, pattern string
	segments        []string
	handle          handler
}

// router finds routes. Literal segments win over parameters, as /companies/statuses does over /companies/{id}.
type router struct{ routes []*route }

func (t *router) add(method, pattern string, handle handler) {
	t.routes = append(t.routes, &route{method: method, pattern: pattern, segments: segments(pattern), handle: handle})
}

func segments(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

// find returns the route for a request, its parameters, and the methods that the path has when this one is missing.
func (t *router) find(method, path string) (*route, map[string]string, []string) {
	parts := segments(path)
	var best *route
	var allowed []string
	bestLiterals := -1
	for _, r := range t.routes {
		literals := r.match(parts)
		if literals < 0 || literals < bestLiterals {
			continue
		}
		if literals > bestLiterals {
			best, allowed, bestLiterals = nil, nil, literals
		}
		if r.method == method {
			best = r
		}
		allowed = append(allowed, r.method)
	}
	if best == nil {
		return nil, nil, allowed
	}
	params := map[string]string{}
	for i, segment := range best.segments {
		if isParameter(segment) {
			params[strings.Trim(segment, "{}")] = parts[i]
		}
	}
	return best, params, allowed
}

// match returns the number of literal segments, or -1.
func (r *route) match(parts []string) int {
	if len(parts) != len(r.segments) {
		return -1
	}
	literals := 0
	for i, segment := range r.segments {
		switch {
		case isParameter(segment) && parts[i] != "":
		case segment == parts[i]:
			literals++
		default:
			return -1
		}
	}
	return literals
}
