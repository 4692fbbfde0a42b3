package connectwise

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// Company is a company as far as Covewise reads it. Members that were not asked for, or are null, are zero.
type Company struct {
	ID            int         `json:"id"`
	Identifier    string      `json:"identifier"` // unique on the server
	Name          string      `json:"name"`
	Status        Reference   `json:"status"`
	Types         []Reference `json:"types"`
	Territory     Reference   `json:"territory"`
	Site          Reference   `json:"site"`
	ParentCompany Reference   `json:"parentCompany"`
	DeletedFlag   bool        `json:"deletedFlag"` // deleted companies stay readable and are listed
	Info          Info        `json:"_info"`
}

func (c Company) recordID() int { return c.ID }

// NewCompany is what a company is created with. Identifier and Name are needed; the documentation also wants at
// least one member of the address, and other integrations send a status, a type and a site.
type NewCompany struct {
	Identifier   string      `json:"identifier"`
	Name         string      `json:"name"`
	Status       Reference   `json:"status,omitzero"`
	Types        []Reference `json:"types,omitempty"`
	Site         Reference   `json:"site,omitzero"`
	Territory    Reference   `json:"territory,omitzero"`
	Country      Reference   `json:"country,omitzero"`
	AddressLine1 string      `json:"addressLine1,omitempty"`
	City         string      `json:"city,omitempty"`
	State        string      `json:"state,omitempty"`
	Zip          string      `json:"zip,omitempty"`
}

func (n NewCompany) check() error {
	if n.Identifier == "" || n.Name == "" {
		return errors.New("a company needs an identifier and a name")
	}
	return nil
}

// CompanyStatus is a row of the setup table; whether a company is active is a matter of its status.
type CompanyStatus struct {
	ID                 int    `json:"id"`
	Name               string `json:"name"`
	DefaultFlag        bool   `json:"defaultFlag"`
	InactiveFlag       bool   `json:"inactiveFlag"`
	DisallowSavingFlag bool   `json:"disallowSavingFlag"` // presumably blocks new tickets
}

func (s CompanyStatus) recordID() int { return s.ID }

// CompanyType is a row of the setup table.
type CompanyType struct {
	ID          int    `json:"id"`
	Name        string `json:"name"`
	DefaultFlag bool   `json:"defaultFlag"`
	VendorFlag  bool   `json:"vendorFlag"`
}

func (t CompanyType) recordID() int { return t.ID }

// Companies lists the companies that match, by ascending id, with the named fields or all. Deleted ones are
// among them unless the condition says otherwise.
func (c *Client) Companies(ctx context.Context, where Condition, fields ...string) iter.Seq2[Company, error] {
	const op = "list companies"
	query, err := filtered(where, fields)
	if err != nil {
		return failing[Company](refused(op, "%w", err))
	}
	return list[Company](ctx, c, request{op: op, method: http.MethodGet, path: "/company/companies", query: query, forward: true})
}

// Company reads one company. One that was merged into another may be NotFound.
func (c *Client) Company(ctx context.Context, id int) (Company, error) {
	return one[Company](ctx, c, request{op: fmt.Sprintf("read company %d", id), method: http.MethodGet, path: companyPath(id)})
}

// CreateCompany creates a company. It is sent once; after UnknownOutcome, look for the identifier before sending it again.
func (c *Client) CreateCompany(ctx context.Context, n NewCompany) (Company, error) {
	const op = "create company"
	if err := n.check(); err != nil {
		return Company{}, refused(op, "%w", err)
	}
	return one[Company](ctx, c, request{op: op, method: http.MethodPost, path: "/company/companies", body: n, effect: once})
}

// Exists reports whether a creation was refused because a record with the same key is there already: for a company, one
// with its identifier. The code is the server's; what it says of the field differs between versions.
func Exists(err error) bool {
	refusal, ok := errors.AsType[*APIError](err)
	if !ok {
		return false
	}
	return refusal.Status == http.StatusConflict || slices.ContainsFunc(refusal.Errors, func(f FieldError) bool {
		return f.Code == "ObjectExists" || strings.Contains(strings.ToLower(f.Message), "already in use")
	})
}

// PatchCompany changes a company and returns it as it is now; see PatchTicket.
func (c *Client) PatchCompany(ctx context.Context, id int, ops ...PatchOp) (Company, error) {
	return patch[Company](ctx, c, fmt.Sprintf("change company %d", id), companyPath(id), ops)
}

// CompanyStatuses lists the statuses that companies can have.
func (c *Client) CompanyStatuses(ctx context.Context) ([]CompanyStatus, error) {
	return table[CompanyStatus](ctx, c, "list company statuses", "/company/companies/statuses", Condition{})
}

// CompanyTypes lists the types that companies can have.
func (c *Client) CompanyTypes(ctx context.Context) ([]CompanyType, error) {
	return table[CompanyType](ctx, c, "list company types", "/company/companies/types", Condition{})
}

func companyPath(id int) string { return fmt.Sprintf("/company/companies/%d", id) }
