package connectwise

import (
	"encoding/json"
	"strings"
	"time"
)

// Reference names another record. The server gives id and name (identifier too for companies and members);
// on input an id, or a unique name or identifier, is enough. The zero Reference is none.
type Reference struct {
	ID         int    `json:"id,omitempty"`
	Name       string `json:"name,omitempty"`
	Identifier string `json:"identifier,omitempty"`
}

// Info is what the server notes about a record in `_info`.
type Info struct {
	LastUpdated Date   `json:"lastUpdated,omitzero"`
	UpdatedBy   string `json:"updatedBy,omitempty"`
	DateEntered Date   `json:"dateEntered,omitzero"`
	EnteredBy   string `json:"enteredBy,omitempty"`
}

// Date is a moment in UTC. Its zero value stands for an absent one and for one that cannot be read.
type Date struct{ time.Time }

// UnmarshalJSON takes the documented form (2025-11-20T06:00:01Z), fractions and offsets, times without a zone
// (read as UTC) and bare dates; anything else becomes the zero Date.
func (d *Date) UnmarshalJSON(raw []byte) error {
	d.Time = time.Time{}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			d.Time = t.UTC()
			return nil
		}
	}
	return nil
}

// MarshalJSON writes the documented form, or null for the zero Date.
func (d Date) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(d.UTC().Format("2006-01-02T15:04:05Z"))
}

// Flag is a truth value that some versions of the server send as text ("True").
type Flag bool

// UnmarshalJSON takes true, false and their names as text in any case; everything else is false.
func (f *Flag) UnmarshalJSON(raw []byte) error {
	*f = Flag(strings.EqualFold(strings.Trim(string(raw), `" `), "true"))
	return nil
}
