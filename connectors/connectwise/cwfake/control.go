package cwfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const controlPrefix = "/control/"

func isControl(path string) bool { return strings.HasPrefix(path, controlPrefix) }

// durationText is a duration as people write it ("1m30s").
type durationText time.Duration

// MarshalText writes the duration as time.Duration does.
func (d durationText) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *durationText) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = durationText(parsed)
	return nil
}

// switchesDocument and faultDocument are the JSON forms, whose outer members hide the durations of the inner ones.
type switchesDocument struct {
	Switches
	SearchLag durationText `json:"searchLag"`
	ChangeLag durationText `json:"changeLag"`
}

type faultDocument struct {
	Fault
	Delay durationText `json:"delay"`
}

// stateDocument is the answer of GET /control/state.
type stateDocument struct {
	Tickets      []Ticket       `json:"tickets"`
	Duplicates   []Duplicate    `json:"duplicates"`
	Counts       map[string]int `json:"counts"`
	Writes       int            `json:"writes"`
	MaxPerMinute int            `json:"maxPerMinute"`
}

// controls is the table of the control API.
func (s *Server) controls() map[string]func(*http.Request) (any, error) {
	return map[string]func(*http.Request) (any, error){
		"GET health": func(*http.Request) (any, error) { return map[string]string{"status": "ok"}, nil },
		"GET state": func(*http.Request) (any, error) {
			return stateDocument{s.Tickets(), s.Duplicates(), s.Counts(), s.Writes(), s.MaxPerMinute()}, nil
		},
		"PUT seed": func(r *http.Request) (any, error) {
			return accept(r, func(seed *Seed) (any, error) { return nil, s.Load(*seed) })
		},
		"POST companies": s.controlCompanies,
		"GET faults": func(*http.Request) (any, error) {
			documents := []faultDocument{}
			for _, f := range s.PendingFaults() {
				documents = append(documents, faultDocument{f, durationText(f.Delay)})
			}
			return documents, nil
		},
		"POST faults":    s.controlFaults,
		"POST callbacks": s.controlCallbacks,
		"DELETE faults": func(*http.Request) (any, error) {
			s.ClearFaults()
			return nil, nil
		},
		"GET switches":   func(*http.Request) (any, error) { return s.switchesDocument(), nil },
		"PATCH switches": s.controlSwitches,
		"GET requests":   func(*http.Request) (any, error) { return s.Requests(), nil },
		"DELETE requests": func(*http.Request) (any, error) {
			s.ResetCounts()
			return nil, nil
		},
	}
}

func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8*maxBody)
	name := strings.TrimPrefix(r.URL.Path, controlPrefix)
	handle := s.controls()[r.Method+" "+name]
	if action, ok := strings.CutPrefix(name, "people/"); ok && r.Method == http.MethodPost {
		handle = s.people()[action]
	}
	if handle == nil {
		writeControl(w, http.StatusNotFound, map[string]string{"error": fmt.Sprintf("the control API has no %s %s", r.Method, r.URL.Path)})
		return
	}
	result, err := handle(r)
	switch {
	case err != nil:
		writeControl(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	case result == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		writeControl(w, http.StatusOK, result)
	}
}

func writeControl(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may have gone; there is nobody left to tell.
	_, _ = w.Write(append(body, '\n'))
}

// accept decodes the body into a T, in which every member must be known, and applies it.
func accept[T any](r *http.Request, apply func(*T) (any, error)) (any, error) {
	var value T
	if err := decodeStrictly(r.Body, &value); err != nil {
		return nil, err
	}
	return apply(&value)
}

func decodeStrictly(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("reading the body: there is text after the JSON value")
	}
	return nil
}

func (s *Server) controlCompanies(r *http.Request) (any, error) {
	return accept(r, func(companies *[]Company) (any, error) {
		ids := []int{}
		for _, company := range *companies {
			id, err := s.AddCompany(company)
			if err != nil {
				return nil, fmt.Errorf("adding company %q: %w", company.Identifier, err)
			}
			ids = append(ids, id)
		}
		return map[string]any{"ids": ids}, nil
	})
}

func (s *Server) controlFaults(r *http.Request) (any, error) {
	return accept(r, func(documents *[]faultDocument) (any, error) {
		var faults []Fault
		for _, d := range *documents {
			d.Fault.Delay = time.Duration(d.Delay)
			faults = append(faults, d.Fault)
		}
		return nil, s.AddFaults(faults...)
	})
}

// deliveryDocument is one callback that POST /control/callbacks sent.
type deliveryDocument struct {
	Entry    int    `json:"entry"`
	Action   string `json:"action"`
	Ticket   int    `json:"ticket"`
	URL      string `json:"url"`
	Statuses []int  `json:"statuses"`
}

func (s *Server) controlCallbacks(r *http.Request) (any, error) {
	return accept(r, func(faults *CallbackFaults) (any, error) {
		sent, err := s.Deliver(r.Context(), *faults)
		if err != nil {
			return nil, err
		}
		documents := []deliveryDocument{}
		for _, d := range sent {
			documents = append(documents, deliveryDocument{d.Entry, d.Action, d.Ticket, d.URL, d.Statuses})
		}
		return documents, nil
	})
}

func (s *Server) switchesDocument() switchesDocument {
	present := s.Switches()
	return documentOf(present)
}

func documentOf(s Switches) switchesDocument {
	return switchesDocument{s, durationText(s.SearchLag), durationText(s.ChangeLag)}
}

func (s *Server) controlSwitches(r *http.Request) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	var failed error
	err = s.Configure(func(present *Switches) {
		next := documentOf(*present)
		if failed = decodeStrictly(strings.NewReader(string(body)), &next); failed == nil {
			*present = next.Switches
			present.SearchLag, present.ChangeLag = time.Duration(next.SearchLag), time.Duration(next.ChangeLag)
		}
	})
	if failed = errors.Join(failed, err); failed != nil {
		return nil, failed
	}
	return s.switchesDocument(), nil
}
