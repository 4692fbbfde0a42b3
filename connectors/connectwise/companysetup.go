package connectwise

import "context"

// Location is a location of the MSP; a company's territory is one.
type Location struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

func (l Location) recordID() int { return l.ID }

// Country is a country that addresses can name.
type Country struct {
	ID         int    `json:"id"`
	Identifier string `json:"identifier"` // two letters on most servers
	Name       string `json:"name"`
}

func (c Country) recordID() int { return c.ID }

// Locations lists the MSP's locations.
func (c *Client) Locations(ctx context.Context) ([]Location, error) {
	return table[Location](ctx, c, "list locations", "/system/locations", Condition{})
}

// Countries lists the countries of addresses.
func (c *Client) Countries(ctx context.Context) ([]Country, error) {
	return table[Country](ctx, c, "list countries", "/company/countries", Condition{})
}
