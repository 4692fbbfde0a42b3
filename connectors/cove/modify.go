package cove

import (
	"context"
	"fmt"
)

// SetReference writes a partner's external code, which the console calls customer reference, and leaves everything else
// of the partner as it is (ModifyPartner changes the members that are present only). Writing the same value twice is
// harmless, so that a lost answer may be followed by another try.
func (c *Client) SetReference(ctx context.Context, id int64, reference string) error {
	rq := request{
		method: "ModifyPartner", url: c.management,
		params: map[string]any{"partnerInfo": map[string]any{"Id": id, "ExternalCode": reference}},
	}
	var nothing []byte // the answer is null
	if err := c.call(ctx, rq, readAll(&nothing)); err != nil {
		return fmt.Errorf("writing the reference of partner %d: %w", id, err)
	}
	return nil
}
