package connectwise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// SystemInfo is what the server says of itself; reading it is the customary test of a connection.
type SystemInfo struct {
	Version        string `json:"version"`
	IsCloud        Flag   `json:"isCloud"`
	CloudRegion    string `json:"cloudRegion"`
	ServerTimeZone string `json:"serverTimeZone"`
}

// SystemInfo reads the server's version and place.
func (c *Client) SystemInfo(ctx context.Context) (SystemInfo, error) {
	r := request{op: "read system info", method: http.MethodGet, path: "/system/info"}
	a, err := c.call(ctx, r)
	if err != nil {
		return SystemInfo{}, err
	}
	var info SystemInfo
	if err := json.Unmarshal(a.body, &info); err != nil {
		return SystemInfo{}, unreadable(r, a, err)
	}
	if info.Version == "" {
		return SystemInfo{}, unreadable(r, a, errors.New("no version"))
	}
	return info, nil
}

// Board is a service board.
type Board struct {
	ID           int       `json:"id"`
	Name         string    `json:"name"`
	InactiveFlag bool      `json:"inactiveFlag"`
	ProjectFlag  bool      `json:"projectFlag"` // a board for project tickets
	Location     Reference `json:"location"`
	Department   Reference `json:"department"`
}

func (b Board) recordID() int { return b.ID }

// BoardStatus is a status that tickets of one board can have. Ids are global, names are unique per board.
type BoardStatus struct {
	ID                  int       `json:"id"`
	Name                string    `json:"name"`
	Board               Reference `json:"board"`
	SortOrder           int       `json:"sortOrder"`
	DisplayOnBoard      bool      `json:"displayOnBoard"`
	Inactive            bool      `json:"inactive"`
	ClosedStatus        bool      `json:"closedStatus"` // tickets with it count as closed
	TimeEntryNotAllowed bool      `json:"timeEntryNotAllowed"`
	DefaultFlag         bool      `json:"defaultFlag"`
}

func (s BoardStatus) recordID() int { return s.ID }

// Priority is a priority of tickets; priorities belong to no board.
type Priority struct {
	ID          int    `json:"id"`
	Name        string `json:"name"`
	Color       string `json:"color"`
	Level       string `json:"level"`
	SortOrder   int    `json:"sortOrder"`
	DefaultFlag bool   `json:"defaultFlag"`
}

func (p Priority) recordID() int { return p.ID }

// Boards lists the boards of that name, or every board for an empty one.
func (c *Client) Boards(ctx context.Context, name string) ([]Board, error) {
	const op = "list boards"
	if name == "" {
		return table[Board](ctx, c, op, "/service/boards", Condition{})
	}
	where := Eq("name", name)
	if where.Err() == nil {
		return table[Board](ctx, c, op, "/service/boards", where)
	}
	where = Condition{}
	if part := ContainsPart(name); part != "" {
		where = Contains("name", part)
	}
	boards, err := table[Board](ctx, c, op, "/service/boards", where)
	return slices.DeleteFunc(boards, func(b Board) bool { return !strings.EqualFold(b.Name, name) }), err
}

// BoardStatuses lists the statuses of one board, inactive ones too.
func (c *Client) BoardStatuses(ctx context.Context, boardID int) ([]BoardStatus, error) {
	return table[BoardStatus](ctx, c, fmt.Sprintf("list statuses of board %d", boardID), fmt.Sprintf("/service/boards/%d/statuses", boardID), Condition{})
}

// Priorities lists the priorities.
func (c *Client) Priorities(ctx context.Context) ([]Priority, error) {
	return table[Priority](ctx, c, "list priorities", "/service/priorities", Condition{})
}
