package cwfake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// callbackKeyPath ends the address at which a receiver of callbacks gets the key of their signatures.
const callbackKeyPath = "/system/callbackkey/index.rails"

// hooks is what callbacks need beside their entries.
type hooks struct {
	site     string // "http://127.0.0.1:1234", as the last caller reached the server
	keys     []string
	messages int
	failing  map[int][]string // by entry: the days in a row on which it failed
}

// CallbackFaults spoil deliveries.
type CallbackFaults struct {
	WrongSignature bool
	Duplicate      bool   // each message is sent twice, alike in every byte
	Reverse        bool   // the newest change first
	KeyURL         string // told in place of the true address
}

// Delivery is one callback as it was sent, with what came back.
type Delivery struct {
	Entry     int
	Action    string
	Ticket    int
	URL       string
	Body      []byte
	Signature string
	Statuses  []int // of each try; 0 when there was no answer
}

// deliveryTimeout bounds one try, on the machine's clock [documentation].
const deliveryTimeout = 5 * time.Second

// Deliver sends the callbacks of all changes of tickets since the last call, each with two more tries after 2 and 4
// seconds of the server's clock where the receiver answers 404, 409, 419 or 429, and returns them in the order sent. An
// entry that fails on three days in a row is made inactive.
func (s *Server) Deliver(ctx context.Context, faults CallbackFaults) ([]Delivery, error) {
	s.mu.Lock()
	due, err := s.compose(faults)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if faults.Reverse {
		slices.Reverse(due)
	}
	client := &http.Client{Timeout: deliveryTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	var sent []Delivery
	for _, d := range due {
		times := 1
		if faults.Duplicate {
			times = 2
		}
		for range times {
			again := d
			if err := s.send(ctx, client, &again); err != nil {
				return sent, err
			}
			sent = append(sent, again)
		}
	}
	return sent, nil
}

// RotateCallbackKey makes a new key for the callbacks to come; the older ones are still given out.
func (s *Server) RotateCallbackKey() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.rotate()
}

func (h *hooks) rotate() {
	h.keys = append(h.keys, fmt.Sprintf("signing-key-%d-of-the-fake", len(h.keys)+1))
}

// compose takes the changes off and writes a callback for each entry that hears of one.
func (s *Server) compose(faults CallbackFaults) ([]Delivery, error) {
	if len(s.hooks.keys) == 0 {
		s.hooks.rotate()
	}
	changes := s.data.changes
	s.data.changes = nil
	var due []Delivery
	for _, c := range changes {
		for _, entry := range s.data.tables[callbackResource].rows {
			level := strings.ToLower(entry.text("level"))
			self := entry.flag("isSelfSuppressedFlag") && c.by == s.options.Member
			if entry.flag("inactiveFlag") || self || !strings.EqualFold(entry.text("type"), "ticket") || c.within[level] == 0 || c.within[level] != entry.number("objectId") {
				continue
			}
			d, err := s.callback(entry, c, faults)
			if err != nil {
				return nil, err
			}
			due = append(due, d)
		}
	}
	return due, nil
}

func (s *Server) callback(entry *record, c ticketChange, faults CallbackFaults) (Delivery, error) {
	number := len(s.hooks.keys)
	keyURL := fmt.Sprintf("%s/%s%s?companyName=%s&id=%d", s.hooks.site, s.data.switches.CodeBase, callbackKeyPath, url.QueryEscape(s.options.Company), number)
	if faults.KeyURL != "" {
		keyURL = faults.KeyURL
	}
	var entity any // a text that holds JSON; null after a deletion
	if ticket := s.data.tables[ticketResource].byID[c.ticket]; ticket != nil {
		shown := view{store: s.data, root: s.hooks.site + "/" + s.data.switches.CodeBase + apiSuffix}.record(s.data.tables[ticketResource].resource, ticket)
		text, err := json.Marshal(shown)
		if err != nil {
			return Delivery{}, fmt.Errorf("writing the entity: %w", err)
		}
		entity = string(text)
	}
	s.hooks.messages++
	body, err := json.Marshal(map[string]any{
		"MessageId": fmt.Sprintf("00000000-0000-4000-8000-%012d", s.hooks.messages), "FromUrl": strings.TrimPrefix(strings.TrimPrefix(s.hooks.site, "http://"), "https://"),
		"CompanyId": s.options.Company, "MemberId": c.by, "Action": c.action, "Type": "ticket", "ID": c.ticket, "ProductInstanceId": nil, "PartnerId": nil,
		"CallbackObjectRecId": entry.id, "Entity": entity, "Metadata": map[string]string{"key_url": keyURL},
	})
	if err != nil {
		return Delivery{}, fmt.Errorf("writing the callback: %w", err)
	}
	key := s.hooks.keys[number-1]
	if faults.WrongSignature {
		key = "another key"
	}
	address := fmt.Sprintf("%s%d&action=%s", entry.text("url"), c.ticket, c.action)
	return Delivery{Entry: entry.id, Action: c.action, Ticket: c.ticket, URL: address, Body: body, Signature: signed(key, body)}, nil
}

// signed is the signature as the vendor's guide gives it: HMAC-SHA256 under the SHA-256 of the key's text, in Base64.
func signed(signingKey string, body []byte) string {
	key := sha256.Sum256([]byte(signingKey))
	mac := hmac.New(sha256.New, key[:])
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// send makes the tries of one callback and keeps count of the days on which its entry failed.
func (s *Server) send(ctx context.Context, client *http.Client, d *Delivery) error {
	ok := false
	for _, wait := range []time.Duration{0, 2 * time.Second, 4 * time.Second} {
		if wait > 0 {
			if err := s.options.Clock.Sleep(ctx, wait); err != nil {
				return err
			}
		}
		status, err := post(ctx, client, d)
		if err != nil {
			return err
		}
		d.Statuses = append(d.Statuses, status)
		ok = status >= 200 && status < 300
		if !slices.Contains([]int{http.StatusNotFound, http.StatusConflict, 419, http.StatusTooManyRequests}, status) {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(d.Entry, ok)
	return nil
}

func (s *Server) count(entry int, ok bool) {
	if ok {
		delete(s.hooks.failing, entry)
		return
	}
	if s.hooks.failing == nil {
		s.hooks.failing = map[int][]string{}
	}
	today := s.options.Clock.Now().UTC()
	days := s.hooks.failing[entry]
	if len(days) > 0 && days[len(days)-1] == today.Format(time.DateOnly) {
		return
	}
	if len(days) > 0 && days[len(days)-1] != today.AddDate(0, 0, -1).Format(time.DateOnly) {
		days = nil
	}
	days = append(days, today.Format(time.DateOnly))
	s.hooks.failing[entry] = days
	if r := s.data.tables[callbackResource].byID[entry]; r != nil && len(days) >= 3 {
		r.values["inactiveFlag"] = true
	}
}

// post makes one try; status 0 means that there was no answer.
func post(ctx context.Context, client *http.Client, d *Delivery) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return 0, fmt.Errorf("callback entry %d: %w", d.Entry, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Content-Signature", d.Signature)
	answer, err := client.Do(request)
	if err != nil {
		return 0, ctx.Err()
	}
	return answer.StatusCode, answer.Body.Close()
}

// serveCallbackKey gives a key out, as text/html like the real service.
func (s *Server) serveCallbackKey(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, &Request{Method: r.Method, Path: r.URL.RequestURI(), Time: s.options.Clock.Now(), Status: http.StatusOK})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	for i, key := range s.hooks.keys {
		if r.URL.Query().Get("id") == fmt.Sprint(i+1) && strings.EqualFold(r.URL.Query().Get("companyName"), s.options.Company) {
			_ = json.NewEncoder(w).Encode(map[string]string{"signing_key": key}) // the caller may have gone
			return
		}
	}
	s.log[len(s.log)-1].Status = http.StatusNotFound
	http.Error(w, "<html>not found</html>", http.StatusNotFound)
}
