package hooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/connectwise"
)

const (
	largestBody = 1 << 20                 // bytes; a whole ticket as text within text has some tens of thousands
	answerTime  = 4500 * time.Millisecond // on the machine's clock; ConnectWise waits 5 s [documentation]
)

// outcome is what became of a callback.
type outcome string

const (
	accepted     outcome = "accepted"
	repeated     outcome = "repeated"
	unknownToken outcome = "unknown_token"
	wrongMethod  outcome = "wrong_method"
	flood        outcome = "flood"
	oversize     outcome = "oversize"
	malformed    outcome = "malformed"
	foreignKey   outcome = "foreign_key"
	unsigned     outcome = "wrong_signature"
	keyMissing   outcome = "key_not_fetched"
	failed       outcome = "failed"
)

func outcomes() []outcome {
	return []outcome{accepted, repeated, unknownToken, wrongMethod, flood, oversize, malformed, foreignKey, unsigned, keyMissing, failed}
}

// status is what is answered. A repeated message is a success, because ConnectWise would send a refused one again, and
// switch an entry off whose callbacks fail for days. For our own troubles it is 429, after which ConnectWise tries twice
// more; it does not after a 5xx [documentation].
func (o outcome) status() int {
	switch o {
	case accepted, repeated:
		return http.StatusNoContent
	case unknownToken:
		return http.StatusNotFound
	case wrongMethod:
		return http.StatusMethodNotAllowed
	case oversize:
		return http.StatusRequestEntityTooLarge
	case malformed:
		return http.StatusBadRequest
	case foreignKey, unsigned:
		return http.StatusForbidden
	default:
		return http.StatusTooManyRequests
	}
}

// ServeHTTP takes a callback. Whoever has no token learns nothing from the answer.
func (h *Hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.URL.Path, Prefix)
	d := h.find(token)
	if !ok || d == nil {
		h.outcomes.WithLabelValues(string(unknownToken)).Inc()
		http.NotFound(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	became, err := h.receive(ctx, d, w, r)
	h.outcomes.WithLabelValues(string(became)).Inc()
	if err != nil && d.complaints.AllowN(h.clock.Now(), 1) {
		h.log.WarnContext(ctx, "callback of ConnectWise refused", "tenant", d.tenant, "outcome", string(became), "err", err)
	}
	switch status := became.status(); status {
	case http.StatusNoContent:
		w.WriteHeader(status)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "2")
		http.Error(w, http.StatusText(status), status)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, http.StatusText(status), status)
	default:
		http.Error(w, http.StatusText(status), status)
	}
}

// receive judges a callback and passes it on. The error says why it was not accepted, in words that hold no secret.
func (h *Hooks) receive(ctx context.Context, d *door, w http.ResponseWriter, r *http.Request) (outcome, error) {
	if r.Method != http.MethodPost {
		return wrongMethod, errors.New(r.Method)
	}
	if !d.pace.AllowN(h.clock.Now(), 1) {
		return flood, fmt.Errorf("more than %d a second", callbacksPerSecond)
	}
	deadline, _ := ctx.Deadline()
	_ = http.NewResponseController(w).SetReadDeadline(deadline) // where the server can: a slow body must not hold the connection
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return oversize, err
		}
		return malformed, errors.New("the body was not read to its end")
	}
	m, err := connectwise.ParseCallback(body)
	if err == nil && !strings.EqualFold(m.Type, "ticket") {
		err = errors.New("Type: not ticket")
	}
	if err != nil {
		return malformed, err
	}
	if err := d.mayAsk(m.Metadata.KeyURL); err != nil {
		return foreignKey, err
	}
	genuine, err := d.keys.verify(ctx, m.Metadata.KeyURL, body, r.Header.Get("X-Content-Signature"))
	switch {
	case err != nil:
		return keyMissing, err
	case !genuine:
		return unsigned, errors.New("x-content-signature: missing, or not of this body")
	case !strings.EqualFold(m.CompanyID, d.settings.GetCompany()):
		return malformed, errors.New("CompanyId: another company")
	case !d.seen.add(m.MessageID):
		return repeated, nil
	}
	if err := h.opts.Changed(ctx, d.tenant, m.ID); err != nil {
		d.seen.forget(m.MessageID)
		return failed, err
	}
	return accepted, nil
}
