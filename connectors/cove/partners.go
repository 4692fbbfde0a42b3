package cove

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/covewise/covewise/platform/errclass"
)

// Partner is one node of the customer hierarchy.
type Partner struct {
	ID           int64
	ParentID     int64
	Name         string // exact, as the console shows it
	Level        string // Root, SubRoot, Distributor, SubDistributor, Reseller, ServiceOrganization, EndCustomer or Site
	State        string // InTrial, InProduction; others exist
	ServiceType  string // AllInclusive, SoftwareOnly
	ExternalCode string // the console's "customer reference"
	UID          string
	LegalName    string // of the company record
	LocationID   int64
	Created      time.Time // zero when unknown
}

type wirePartner struct {
	ID           number `json:"Id"`
	ParentID     number `json:"ParentId"`
	Name         text   `json:"Name"`
	Level        text   `json:"Level"`
	State        text   `json:"State"`
	ServiceType  text   `json:"ServiceType"`
	ExternalCode text   `json:"ExternalCode"`
	UID          text   `json:"Uid"`
	LocationID   number `json:"LocationId"`
	CreationTime number `json:"CreationTime"`
	Company      *struct {
		LegalCompanyName text `json:"LegalCompanyName"`
	} `json:"Company"`
}

func (w wirePartner) partner() Partner {
	p := Partner{
		ID:           int64(w.ID),
		ParentID:     int64(w.ParentID),
		Name:         string(w.Name),
		Level:        string(w.Level),
		State:        string(w.State),
		ServiceType:  string(w.ServiceType),
		ExternalCode: string(w.ExternalCode),
		UID:          string(w.UID),
		LocationID:   int64(w.LocationID),
		Created:      w.CreationTime.time(),
	}
	if w.Company != nil {
		p.LegalName = string(w.Company.LegalCompanyName)
	}
	return p
}

// Partner returns one partner by its id (GetPartnerInfoById).
func (c *Client) Partner(ctx context.Context, id int64) (Partner, error) {
	var wire wirePartner
	if err := c.object(ctx, "GetPartnerInfoById", map[string]any{"partnerId": id}, &wire); err != nil {
		return Partner{}, fmt.Errorf("reading partner %d: %w", id, err)
	}
	if int64(wire.ID) != id {
		return Partner{}, fmt.Errorf("reading partner %d: %w", id, otherThan("GetPartnerInfoById", id, int64(wire.ID)))
	}
	return wire.partner(), nil
}

// partnerFields are the numbers of all fields that EnumeratePartners knows. They are always sent, because
// it is not known which ones the server returns otherwise.
func partnerFields() []int {
	fields := make([]int, 23)
	for i := range fields {
		fields[i] = i
	}
	return fields
}

// Partners returns every partner below root, at any depth, without root itself (EnumeratePartners).
func (c *Client) Partners(ctx context.Context, root int64) ([]Partner, error) {
	const method = "EnumeratePartners"
	var outer []byte
	rq := request{method: method, url: c.management, params: map[string]any{
		"parentPartnerId": root, "fetchRecursively": true, "fields": partnerFields(),
	}}
	if err := c.call(ctx, rq, readAll(&outer)); err != nil {
		return nil, fmt.Errorf("reading the partners below %d: %w", root, err)
	}
	if isNull(outer) {
		return nil, fmt.Errorf("reading the partners below %d: %w", root, noResult(method))
	}
	var wires []wirePartner
	if err := decode(method, inner(outer), &wires); err != nil {
		return nil, fmt.Errorf("reading the partners below %d: %w", root, err)
	}
	partners := make([]Partner, 0, len(wires))
	for _, wire := range wires {
		if wire.ID == 0 {
			return nil, fmt.Errorf("reading the partners below %d: %w", root,
				errclass.New(errclass.Transient, "reading Cove's answer", fmt.Errorf("%s: a partner came without an id", method)))
		}
		partners = append(partners, wire.partner())
	}
	return partners, nil
}

// object calls a method of the management service that returns one object.
func (c *Client) object(ctx context.Context, method string, params, into any) error {
	var outer []byte
	if err := c.call(ctx, request{method: method, params: params, url: c.management}, readAll(&outer)); err != nil {
		return err
	}
	value := inner(outer)
	if value == nil {
		return noResult(method)
	}
	return decode(method, value, into)
}

func noResult(method string) error {
	return errclass.Newf(errclass.Transient, "reading Cove's answer", "%s: the result is empty", method)
}

// otherThan is the error of an answer about something else than was asked for.
func otherThan(method string, asked, came int64) error {
	return errclass.Newf(errclass.Transient, "reading Cove's answer", "%s: asked for %d, the answer is about %d", method, asked, came)
}

// decode reads a return value; nil leaves into as it is.
func decode(method string, value json.RawMessage, into any) error {
	if value == nil {
		return nil
	}
	if err := json.Unmarshal(value, into); err != nil {
		// The decoder's words are kept out: they can quote a value.
		return errclass.Newf(errclass.Transient, "reading Cove's answer", "%s: the result has an unexpected shape", method)
	}
	return nil
}
