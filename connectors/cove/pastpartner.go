package cove

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/covewise/covewise/platform/errclass"
)

// PastPartner is what is last known of a partner.
type PastPartner struct {
	ID       int64
	ParentID int64     // 0 when unknown
	Name     string    // the last one that is a name: what comes after an anonymisation is passed over
	Level    string    // as in Partner
	Since    time.Time // of the newest entry of the history; zero when unknown
}

// PartnerHistory returns what is last known of a partner, one that was removed or anonymised included, about which
// every other method answers an error (GetPartnerInfoHistory). A partner without a history is errclass.NotFound.
func (c *Client) PartnerHistory(ctx context.Context, id int64) (PastPartner, error) {
	const method = "GetPartnerInfoHistory"
	doing := fmt.Sprintf("reading the history of partner %d", id)
	var outer []byte
	// The fields are the name, the level, the service type and an undocumented one that callers in the field add.
	rq := request{method: method, url: c.management, params: map[string]any{"partnerId": id, "fields": []int{0, 1, 4, 7}}}
	if err := c.call(ctx, rq, readAll(&outer)); err != nil {
		return PastPartner{}, fmt.Errorf("%s: %w", doing, err)
	}
	if isNull(outer) {
		return PastPartner{}, fmt.Errorf("%s: %w", doing, noResult(method))
	}
	var pairs []historyPair
	if err := decode(method, inner(outer), &pairs); err != nil {
		return PastPartner{}, fmt.Errorf("%s: %w", doing, err)
	}
	past := PastPartner{ID: id}
	for _, pair := range pairs { // oldest first (N-able documentation)
		if int64(pair.info.ID) != id {
			return PastPartner{}, fmt.Errorf("%s: %w", doing, otherThan(method, id, int64(pair.info.ID)))
		}
		past.Since = pair.since.time()
		if name := string(pair.info.Name); past.Name == "" || isName(name) {
			past.Name = name
		}
		if pair.info.Level != "" {
			past.Level = string(pair.info.Level)
		}
		if pair.info.ParentID != 0 {
			past.ParentID = int64(pair.info.ParentID)
		}
	}
	if len(pairs) == 0 {
		return PastPartner{}, fmt.Errorf("%s: %w", doing, errclass.Newf(errclass.NotFound, "reading Cove's answer", "%s: the history is empty", method))
	}
	return past, nil
}

// isName tells a name from what is left of one, "<anonymized>" (observed).
func isName(name string) bool {
	name = strings.TrimSpace(name)
	return name != "" && !strings.EqualFold(name, "<anonymized>") && !strings.EqualFold(name, "<anonymised>")
}

// historyPair is a partner and the time from which on it was so: [{partner}, {"Timestamp": n}].
type historyPair struct {
	info  wirePartner
	since number
}

// UnmarshalJSON reads the pair, or a partner alone.
func (p *historyPair) UnmarshalJSON(raw []byte) error {
	var members []json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || len(members) == 0 {
		return json.Unmarshal(raw, &p.info)
	}
	if err := json.Unmarshal(members[0], &p.info); err != nil {
		return err
	}
	var when struct {
		Timestamp number `json:"Timestamp"`
	}
	if len(members) > 1 && json.Unmarshal(members[1], &when) == nil {
		p.since = when.Timestamp
	}
	return nil
}
