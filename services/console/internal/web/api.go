package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/covewise/covewise/services/console/internal/picture"
)

const (
	defaultLimit = 100
	longestLimit = 1000
	longestQuery = 200 // characters of q that are looked at
)

func api(s *Server, list func(picture.Filter) any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		filter, err := parseFilter(r.URL.Query())
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		if !s.source.Ready() {
			w.Header().Set("Retry-After", "1")
			writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "the bus is still being read"})
			return
		}
		writeJSON(w, http.StatusOK, list(filter))
	})
}

// parseFilter reads the parameters that lists share. Its errors are shown to people.
func parseFilter(q url.Values) (picture.Filter, error) {
	f := picture.Filter{Tenant: q.Get("tenant"), Text: q.Get("q"), State: q.Get("state"), Phase: q.Get("phase"), Limit: defaultLimit}
	if text := []rune(f.Text); len(text) > longestQuery {
		f.Text = string(text[:longestQuery])
	}
	if f.State != "" && !offered(picture.States(), f.State) {
		return f, fmt.Errorf("state %q is not known", f.State)
	}
	if f.Phase != "" && !offered(picture.Phases(), f.Phase) {
		return f, fmt.Errorf("phase %q is not known", f.Phase)
	}
	switch q.Get("waiting") {
	case "", "0":
	case "1":
		f.Waiting = true
	default:
		return f, fmt.Errorf("waiting must be 0 or 1")
	}
	var err error
	if text := q.Get("limit"); text != "" {
		if f.Limit, err = strconv.Atoi(text); err != nil || f.Limit < 1 || f.Limit > longestLimit {
			return f, fmt.Errorf("limit must be a number from 1 to %d", longestLimit)
		}
	}
	if text := q.Get("offset"); text != "" {
		if f.Offset, err = strconv.Atoi(text); err != nil || f.Offset < 0 {
			return f, fmt.Errorf("offset must be a number from 0")
		}
	}
	return f, nil
}

func offered(choices []picture.Choice, code string) bool {
	return slices.ContainsFunc(choices, func(c picture.Choice) bool { return c.Code == code })
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader has gone when this fails
}
