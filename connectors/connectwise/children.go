package connectwise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/covewise/covewise/platform/errclass"
)

// AttachChildren makes tickets children of another, all or none. A child has no children of its own and one parent.
// It is sent once; after UnknownOutcome, read ParentTicketID of the children before sending it again.
func (c *Client) AttachChildren(ctx context.Context, parent int, children ...int) error {
	op := fmt.Sprintf("attach children to ticket %d", parent)
	if len(children) == 0 {
		return refused(op, "no children are named")
	}
	r := request{
		op: op, method: http.MethodPost, path: ticketPath(parent) + "/attachChildren",
		body: map[string][]int{"childTicketIds": children}, effect: once,
	}
	a, err := c.call(ctx, r)
	if err != nil {
		return err
	}
	var body struct {
		Success *bool  `json:"success"`
		Message string `json:"message"`
	}
	switch err := json.Unmarshal(a.body, &body); {
	case err != nil:
		return unreadable(r, a, err)
	case body.Success == nil:
		return unreadable(r, a, errors.New("it does not say whether it succeeded"))
	case !*body.Success:
		return errclass.Newf(errclass.Rejected, op, "%s", shorten(a.secrets.Replace(body.Message)))
	}
	return nil
}
