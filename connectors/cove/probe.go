package cove

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/covewise/covewise/connectors/cove/columns"
)

// ServerInfo is what the management service says of itself.
type ServerInfo struct {
	Version string    // "" when it does not say
	Time    time.Time // its clock when it answered, in whole seconds; zero when the answer has no date
}

// ServerInfo asks the management service for its version and reads its clock off the answer (GetServerInfo). It needs
// a login like any other call; Login tells a wrong password before.
func (c *Client) ServerInfo(ctx context.Context) (ServerInfo, error) {
	var outer []byte
	var info ServerInfo
	rq := request{method: "GetServerInfo", params: struct{}{}, url: c.management, date: &info.Time}
	if err := c.call(ctx, rq, readAll(&outer)); err != nil {
		return ServerInfo{}, fmt.Errorf("reading the server's version: %w", err)
	}
	var wire struct {
		Version       text `json:"Version"`
		ServerVersion text `json:"ServerVersion"`
	}
	// The shape of the answer is not documented: the clock is worth having without the version.
	value := inner(outer)
	if err := json.Unmarshal(value, &wire); err != nil {
		wire.Version = text(rawText(value))
	}
	info.Version = cut(printable(string(wire.Version+wire.ServerVersion)), 80)
	return info, nil
}

// Columns returns the canonical codes of the columns that Cove lists for a partner, in order (EnumerateColumns). What
// it does not list it may answer all the same: whether a column is granted is told by Page.Refused.
func (c *Client) Columns(ctx context.Context, partner int64) ([]string, error) {
	const method = "EnumerateColumns"
	var outer []byte
	rq := request{method: method, params: map[string]any{"partnerId": partner}, url: c.management}
	if err := c.call(ctx, rq, readAll(&outer)); err != nil {
		return nil, fmt.Errorf("reading the columns of partner %d: %w", partner, err)
	}
	if isNull(outer) {
		return nil, fmt.Errorf("reading the columns of partner %d: %w", partner, noResult(method))
	}
	// The names of the members are observed, not documented.
	var wires []struct {
		Code text `json:"Code"`
	}
	if err := decode(method, inner(outer), &wires); err != nil {
		return nil, fmt.Errorf("reading the columns of partner %d: %w", partner, err)
	}
	codes := make([]string, 0, len(wires))
	for _, w := range wires {
		if w.Code != "" {
			codes = append(codes, columns.Canonical(string(w.Code)))
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes), nil
}
