package chaos_test

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
)

// gateway stands before a tenant's ConnectWise server. It counts the ticketer's requests and lets things happen just
// before one reaches the server and just before its answer goes back.
type gateway struct {
	server   http.Handler
	activity *atomic.Int64
	requests *atomic.Int64
	figures  *figures
	lagging  atomic.Bool // the search is: a new ticket cannot be found for a time
	// repeats plants a defect: a POST whose path ends so is sent again when its answer is lost. Empty: none is.
	repeats string

	inFlight atomic.Int64

	mu    sync.Mutex
	hooks []*hook
}

// hook acts at a request. act returns true when the answer, and before the request was executed the request itself, is
// to be lost.
type hook struct {
	left  int // requests of the ticketer until then
	after bool
	// method, where it is set, makes it act after every request of that sort.
	method string
	act    func(r *http.Request) bool
}

func (g *gateway) hook(h *hook) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hooks = append(g.hooks, h)
}

func (g *gateway) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hooks = nil
}

// due counts a request and returns the hooks that act at it.
func (g *gateway) due(r *http.Request) (before, after []*hook) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, h := range g.hooks {
		switch h.left--; {
		case h.method != "":
			if h.method == r.Method {
				after = append(after, h)
			}
		case h.left != 0:
		case h.after:
			after = append(after, h)
		default:
			before = append(before, h)
		}
	}
	return before, after
}

// ServeHTTP hands a request on.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.inFlight.Add(1)
	defer g.inFlight.Add(-1)
	g.activity.Add(1)
	defer g.activity.Add(1)
	g.requests.Add(1)
	var before, after []*hook
	if strings.Contains(r.URL.Path, "/service/tickets") {
		before, after = g.due(r)
	}
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/service/tickets") && g.lagging.CompareAndSwap(true, false) {
		g.figures.meet(step{Do: doLag}.kind())
	}
	if act(before, r) {
		lose(w)
		return
	}
	blind := g.repeats != "" && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, g.repeats)
	if len(after) == 0 && !blind {
		g.server.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		lose(w)
		return
	}
	answer := g.ask(r, body)
	if blind && answer.missing() {
		answer = g.ask(r, body)
	}
	if act(after, r) || answer.lost {
		lose(w)
		return
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the client may have gone
}

func (g *gateway) ask(r *http.Request, body []byte) *recorder {
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	answer := &recorder{ResponseRecorder: httptest.NewRecorder()}
	g.server.ServeHTTP(answer, again)
	return answer
}

func act(hooks []*hook, r *http.Request) (lost bool) {
	for _, h := range hooks {
		lost = h.act(r) || lost
	}
	return lost
}

// recorder keeps an answer, or that the server dropped the connection.
type recorder struct {
	*httptest.ResponseRecorder
	lost bool
}

// missing reports whether the answer does not tell what became of the request.
func (r *recorder) missing() bool { return r.lost || r.Code >= http.StatusInternalServerError }

// Hijack is the server's way to drop the connection.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.lost = true
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }() // ends when the server closes its end
	return near, bufio.NewReadWriter(bufio.NewReader(near), bufio.NewWriter(near)), nil
}

// lose drops the connection in the middle of the status line, so that the transport does not repeat the request by
// itself.
func lose(w http.ResponseWriter) {
	connection, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_, _ = buffered.WriteString("HTTP/1.1 ")
	_ = buffered.Flush()
	_ = connection.Close()
}
