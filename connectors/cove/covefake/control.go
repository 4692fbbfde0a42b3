package covefake

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// maxFleet bounds the body of a control request; 15,000 devices with all columns are about 40 MB.
const maxFleet = 256 << 20

// controlRoutes adds the control API, which the package comment documents.
func (s *Server) controlRoutes(mux *http.ServeMux) {
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"GET /control/health":          s.controlHealth,
		"PUT /control/fleet":           s.controlPutFleet,
		"GET /control/devices":         func(*http.Request) (any, error) { return s.Devices(), nil },
		"GET /control/devices/{id}":    s.controlGetDevice,
		"PUT /control/devices/{id}":    s.controlPutDevice,
		"PATCH /control/devices/{id}":  s.controlPatchDevice,
		"DELETE /control/devices/{id}": s.controlDeleteDevice,
		"POST /control/sessions":       s.controlPostSessions,
		"GET /control/partners":        s.controlGetPartners,
		"PUT /control/partners/{id}":   s.controlPutPartner,
		"PATCH /control/partners/{id}": s.controlPatchPartner,
		"GET /control/faults":          func(*http.Request) (any, error) { return s.Faults(), nil },
		"POST /control/faults":         s.controlPostFaults,
		"DELETE /control/faults":       then(s.ClearFaults),
		"POST /control/release":        then(s.Release),
		"GET /control/requests":        s.controlGetRequests,
		"DELETE /control/requests":     then(s.ResetCounts),
		"GET /control/switches":        func(*http.Request) (any, error) { return s.Switches(), nil },
		"PATCH /control/switches":      s.controlPatchSwitches,
		"POST /control/expire-visas":   then(s.ExpireVisas),
	} {
		mux.HandleFunc(pattern, s.control(h))
	}
}

// then makes a handler of something that needs no input and has no answer.
func then(do func()) func(*http.Request) (any, error) {
	return func(*http.Request) (any, error) {
		do()
		return nil, nil
	}
}

// control guards a handler and writes its answer: 200 with JSON, 204 without a value, or an error.
func (s *Server) control(h func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		want := "Bearer " + s.options.ControlToken
		if s.options.ControlToken != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) != 1 {
			writeControl(w, http.StatusUnauthorized, map[string]string{"error": "the control token is missing or wrong"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxFleet)
		result, err := h(r)
		switch {
		case errors.Is(err, errMissing):
			writeControl(w, http.StatusNotFound, map[string]string{"error": err.Error()})
		case err != nil:
			writeControl(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		case result == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			writeControl(w, http.StatusOK, result)
		}
	}
}

func writeControl(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	writeJSON(&b, v)
	b.WriteByte('\n')
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that went away needs no answer
}

func readBody(r *http.Request, into any) error {
	if err := decodeStrict(r.Body, into); err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	return nil
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%q is no id", r.PathValue("id"))
	}
	return id, nil
}

func (s *Server) controlHealth(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"status": "ok", "partners": len(s.store.partners), "devices": len(s.store.devices)}, nil
}

func (s *Server) controlPutFleet(r *http.Request) (any, error) {
	f, err := ReadFleet(r.Body)
	if err != nil {
		return nil, err
	}
	if err := s.SetFleet(f); err != nil {
		return nil, err
	}
	return s.controlHealth(r)
}

func (s *Server) oneDevice(id int64) (any, error) {
	d, ok := s.Device(id)
	if !ok {
		return nil, fmt.Errorf("device %d: %w", id, errMissing)
	}
	return d, nil
}

func (s *Server) controlGetDevice(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	return s.oneDevice(id)
}

func (s *Server) controlPutDevice(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	d := Device{AccountID: id}
	if err := readBody(r, &d); err != nil {
		return nil, err
	}
	if d.AccountID != id {
		return nil, fmt.Errorf("AccountId %d is not the %d of the path", d.AccountID, id)
	}
	if err := s.PutDevice(d); err != nil {
		return nil, err
	}
	return s.oneDevice(id)
}

func (s *Server) controlPatchDevice(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var patch struct {
		Settings  map[string]*string
		PartnerID *int64 `json:"PartnerId"`
	}
	if err := readBody(r, &patch); err != nil {
		return nil, err
	}
	for code := range patch.Settings {
		if canonical, ok := canonicalCode(code); !ok {
			return nil, fmt.Errorf("Settings: %q is no column code", code)
		} else if canonical == "I0" || canonical == "I83" {
			return nil, fmt.Errorf("Settings: %s follows AccountId and PartnerId", code)
		}
	}
	if _, err := s.oneDevice(id); err != nil {
		return nil, err
	}
	err = s.UpdateDevice(id, func(d *Device) {
		for code, value := range patch.Settings {
			code, _ = canonicalCode(code)
			if value == nil {
				delete(d.Settings, code)
			} else {
				d.Settings[code] = *value
			}
		}
		if patch.PartnerID != nil {
			d.PartnerID = *patch.PartnerID
		}
	})
	if err != nil {
		return nil, err
	}
	return s.oneDevice(id)
}

func (s *Server) controlDeleteDevice(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	if !s.RemoveDevice(id) {
		return nil, fmt.Errorf("device %d: %w", id, errMissing)
	}
	return nil, nil
}

func (s *Server) controlPostSessions(r *http.Request) (any, error) {
	var g SessionGroup
	if err := readBody(r, &g); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.store.sessions[g.AccountID])
	if err := s.store.addGroup(g, s.clock.Now()); err != nil {
		if before < len(s.store.sessions[g.AccountID]) { // all or nothing
			s.store.sessions[g.AccountID] = s.store.sessions[g.AccountID][:before]
		}
		return nil, err
	}
	ids := []int64{}
	for _, added := range s.store.sessions[g.AccountID][before:] {
		ids = append(ids, added.ID)
	}
	return map[string]any{"ids": ids}, nil
}

func (s *Server) controlGetPartners(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Partner, 0, len(s.store.partners))
	for _, id := range slices.Sorted(maps.Keys(s.store.partners)) {
		list = append(list, *s.store.partners[id])
	}
	return list, nil
}

func (s *Server) controlPutPartner(r *http.Request) (any, error) {
	return s.writePartner(r, func(id int64) (Partner, error) { return Partner{ID: id}, nil })
}

func (s *Server) controlPatchPartner(r *http.Request) (any, error) {
	return s.writePartner(r, func(id int64) (Partner, error) {
		p, ok := s.Partner(id)
		if !ok {
			return p, fmt.Errorf("partner %d: %w", id, errMissing)
		}
		return p, nil
	})
}

// writePartner decodes the body over what there was before.
func (s *Server) writePartner(r *http.Request, before func(id int64) (Partner, error)) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	p, err := before(id)
	if err != nil {
		return nil, err
	}
	if err := readBody(r, &p); err != nil {
		return nil, err
	}
	if p.ID != id {
		return nil, fmt.Errorf("Id %d is not the %d of the path", p.ID, id)
	}
	if err := s.PutPartner(p); err != nil {
		return nil, err
	}
	p, _ = s.Partner(id)
	return p, nil
}

func (s *Server) controlPostFaults(r *http.Request) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	var list []Fault
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '[' {
		err = decodeStrict(bytes.NewReader(body), &list)
	} else {
		list = make([]Fault, 1)
		err = decodeStrict(bytes.NewReader(body), &list[0])
	}
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	for _, f := range list {
		if err := f.check(); err != nil { // all or nothing
			return nil, err
		}
	}
	ids := []int{}
	for _, f := range list {
		id, err := s.AddFault(f)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return map[string]any{"ids": ids}, nil
}

func (s *Server) controlGetRequests(*http.Request) (any, error) {
	counts, total := s.Counts(), 0
	for _, n := range counts {
		total += n
	}
	requests := s.Requests()
	if requests == nil {
		requests = []Request{}
	}
	return map[string]any{"total": total, "counts": counts, "requests": requests}, nil
}

func (s *Server) controlPatchSwitches(r *http.Request) (any, error) {
	w := s.Switches()
	if err := readBody(r, &w); err != nil {
		return nil, err
	}
	if err := s.SetSwitches(w); err != nil {
		return nil, err
	}
	return s.Switches(), nil
}
