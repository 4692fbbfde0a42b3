package cwfake

import (
	"maps"
	"net/http"
	"strconv"
)

// send writes a reply to the connection.
func send(w http.ResponseWriter, out reply) {
	if out.cut == droppedConnection {
		drop(w)
		return
	}
	maps.Copy(w.Header(), out.header)
	if len(out.body) > 0 || out.contentType != "" && out.status != http.StatusNoContent {
		w.Header().Set("Content-Type", out.contentType)
	}
	body := out.body
	if out.cut == truncatedBody {
		// The server closes the connection when a handler writes less than it declared.
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	}
	w.WriteHeader(out.status)
	if len(body) > 0 {
		// The client may have gone; there is nobody left to tell.
		_, _ = w.Write(body)
	}
}

// drop closes the connection in the middle of the status line. With nothing at all written, Go's HTTP transport would
// quietly repeat a GET on a kept-alive connection and the fault would not be seen.
func drop(w http.ResponseWriter) {
	connection, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_, _ = buffered.WriteString("HTTP/1.1 ")
	_ = buffered.Flush()
	_ = connection.Close()
}
