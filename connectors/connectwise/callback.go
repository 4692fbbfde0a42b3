package connectwise

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Callback is an entry by which the server tells a URL what happens to records.
type Callback struct {
	ID                   int    `json:"id"`
	Description          string `json:"description"`
	URL                  string `json:"url"`      // the server appends the record's id and "&action=…"
	ObjectID             int    `json:"objectId"` // the record whose descendants are watched; 1 at the level owner
	Type                 string `json:"type"`     // "ticket" for example
	Level                string `json:"level"`    // "owner" is the whole server
	InactiveFlag         bool   `json:"inactiveFlag"`
	IsSelfSuppressedFlag bool   `json:"isSelfSuppressedFlag"` // own changes are not told
}

func (e Callback) recordID() int { return e.ID }

// NewCallback is what an entry is made with; URL, Type and Level are needed.
type NewCallback struct {
	Description          string `json:"description,omitempty"` // at most 100 characters
	URL                  string `json:"url"`
	ObjectID             int    `json:"objectId"`
	Type                 string `json:"type"`
	Level                string `json:"level"`
	IsSelfSuppressedFlag bool   `json:"isSelfSuppressedFlag"`
}

// Callbacks lists all entries of the server that the API member may see.
func (c *Client) Callbacks(ctx context.Context) ([]Callback, error) {
	return table[Callback](ctx, c, "list callbacks", "/system/callbacks", Condition{})
}

// CreateCallback makes an entry. It is sent once; one with the same URL, type, level and object is refused, see Exists.
func (c *Client) CreateCallback(ctx context.Context, n NewCallback) (Callback, error) {
	const op = "create callback"
	if n.URL == "" || n.Type == "" || n.Level == "" {
		return Callback{}, refused(op, "%w", errors.New("a callback needs a url, a type and a level"))
	}
	return one[Callback](ctx, c, request{op: op, method: http.MethodPost, path: "/system/callbacks", body: n, effect: once})
}

// PatchCallback changes an entry; see PatchTicket.
func (c *Client) PatchCallback(ctx context.Context, id int, ops ...PatchOp) (Callback, error) {
	return patch[Callback](ctx, c, fmt.Sprintf("change callback %d", id), callbackPath(id), ops)
}

// DeleteCallback removes an entry. It may be repeated; one that is not there is NotFound.
func (c *Client) DeleteCallback(ctx context.Context, id int) error {
	_, err := c.call(ctx, request{op: fmt.Sprintf("delete callback %d", id), method: http.MethodDelete, path: callbackPath(id), effect: repeatable})
	return err
}

func callbackPath(id int) string { return fmt.Sprintf("/system/callbacks/%d", id) }
