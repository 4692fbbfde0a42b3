package cove

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/covewise/covewise/connectors/cove/columns"
)

// nodeHistory reads the sessions of a system from its storage node, in the name of the device.
type nodeHistory struct {
	client  *Client
	account Account
	source  columns.Source
	url     string
}

type pageRange struct {
	Offset int `json:"Offset"`
	Size   int `json:"Size"`
}

type nodeParams struct {
	AccountID int64      `json:"accountId"`
	Account   string     `json:"account"`
	Token     string     `json:"token"`
	SessionID *int64     `json:"sessionId,omitempty"`
	Query     string     `json:"query"`
	OrderBy   string     `json:"orderBy"`
	GroupID   *int64     `json:"groupId,omitempty"`
	Range     *pageRange `json:"range,omitempty"`
}

func (h nodeHistory) params(query, orderBy string, size int) nodeParams {
	return nodeParams{
		AccountID: h.account.ID,
		Account:   h.account.Name,
		Token:     h.account.Token.Reveal(),
		Query:     query,
		OrderBy:   orderBy,
		Range:     &pageRange{Size: size},
	}
}

func (h nodeHistory) list(ctx context.Context, method string, params nodeParams, into any) error {
	rq := request{method: method, params: params, place: placeNode, url: h.url, secrets: []Secret{h.account.Token}}
	var outer []byte
	if _, err := h.client.exchange(ctx, rq, heldVisa{}, readAll(&outer)); err != nil {
		return err
	}
	return decode(method, inner(outer), into)
}

// sessions asks for all statuses, not the troubled ones only, because a later success is what counts.
func (h nodeHistory) sessions(ctx context.Context, since time.Time, limit int) ([]session, error) {
	plugins := make([]string, 0, len(h.source.PluginIDs))
	for _, id := range h.source.PluginIDs {
		plugins = append(plugins, "Plugin == "+strconv.Itoa(id))
	}
	query := "(" + strings.Join(plugins, " or ") + ")"
	if !since.IsZero() {
		query = fmt.Sprintf("%s and BackupStartTime >= %d", query, since.Unix())
	}
	var wires []struct {
		ID              number `json:"Id"`
		PluginID        text   `json:"PluginId"`
		Plugin          text   `json:"Plugin"`
		Type            text   `json:"Type"`
		Status          text   `json:"Status"`
		StartTime       number `json:"StartTime"`
		BackupStartTime number `json:"BackupStartTime"`
		EndTime         number `json:"EndTime"`
		BackupEndTime   number `json:"BackupEndTime"`
		ErrorsCount     number `json:"ErrorsCount"`
	}
	limit = cmp.Or(max(0, limit), nodeSessions)
	if err := h.list(ctx, "QuerySessions", h.params(query, "BackupStartTime DESC", limit), &wires); err != nil {
		return nil, err
	}
	sessions := make([]session, 0, len(wires))
	for _, w := range wires {
		if !h.ours(cmp.Or(string(w.PluginID), string(w.Plugin))) {
			continue
		}
		sessions = append(sessions, session{
			id:      int64(w.ID),
			status:  statusName(w.Status),
			started: cmp.Or(w.BackupStartTime, w.StartTime).time(),
			ended:   cmp.Or(w.BackupEndTime, w.EndTime).time(),
			errors:  int64(w.ErrorsCount),
			ignored: isRestore(string(w.Type)),
		})
	}
	return sessions, nil
}

// ours guards against a node that does not know the query's plug-in numbers: the record's own plug-in decides.
func (h nodeHistory) ours(plugin string) bool {
	if plugin == "" {
		return true
	}
	if id, ok := columns.Int(plugin); ok {
		return slices.Contains(h.source.PluginIDs, int(id))
	}
	return slices.ContainsFunc(h.source.PluginNames, func(name string) bool { return strings.EqualFold(name, plugin) })
}

// isRestore reads a session's type, a text or a bit set whose lowest bit means backup.
func isRestore(kind string) bool {
	if bits, ok := columns.Int(kind); ok {
		return bits&1 == 0
	}
	return strings.Contains(strings.ToLower(kind), "restore")
}

func (h nodeHistory) errors(ctx context.Context, of session, limit int) ([]SessionError, error) {
	params := h.params("SessionId == "+strconv.FormatInt(of.id, 10), "Time DESC", limit)
	params.SessionID, params.GroupID = &of.id, new(int64)
	var wires []struct {
		SessionID number `json:"SessionId"`
		Code      number `json:"Code"`
		Text      text   `json:"Text"`
		Filename  text   `json:"Filename"`
		Count     number `json:"Count"`
		Time      number `json:"Time"`
	}
	if err := h.list(ctx, "QueryErrors", params, &wires); err != nil {
		return nil, err
	}
	errs := make([]SessionError, 0, len(wires))
	for _, w := range wires {
		if w.SessionID != 0 && int64(w.SessionID) != of.id || len(errs) == limit {
			continue
		}
		e := SessionError{Text: string(w.Text), Item: string(w.Filename), Count: int64(w.Count), Time: w.Time.time()}
		if w.Code != 0 {
			e.Code = strconv.FormatInt(int64(w.Code), 10)
		}
		errs = append(errs, e)
	}
	return errs, nil
}

// m365History reads the sessions of a Microsoft 365 tenant from the reporting service.
type m365History struct {
	client  *Client
	account Account
	source  columns.Source
}

func (h m365History) list(ctx context.Context, method string, params map[string]any, into any) error {
	params["accountToken"] = h.account.Token.Reveal()
	rq := request{method: method, params: params, place: placeReporting, url: h.client.reporting, secrets: []Secret{h.account.Token}}
	var outer []byte
	if err := h.client.call(ctx, rq, readAll(&outer)); err != nil {
		return err
	}
	return decode(method, inner(outer), into)
}

// sessions pages until a short page, but no further than it must when the newest come first, which is
// what other clients rely on and nothing promises.
func (h m365History) sessions(ctx context.Context, since time.Time, limit int) ([]session, error) {
	limit = cmp.Or(max(0, limit), m365Sessions)
	var all []session
	for page := range m365Pages {
		got, err := h.page(ctx, since, pageRange{Offset: page * limit, Size: limit})
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
		newestFirst := slices.IsSortedFunc(got, func(a, b session) int { return b.moment().Compare(a.moment()) })
		if len(got) < limit || newestFirst {
			break
		}
	}
	return all, nil
}

func (h m365History) page(ctx context.Context, since time.Time, window pageRange) ([]session, error) {
	filter := map[string]any{
		"SessionTypes": []string{backupSessions},
		"DataSources":  []string{h.source.ReportingName},
		// A margin, so that a session is not lost to a clock that runs behind Cove's.
		"CreatedBefore": h.client.options.Clock.Now().Add(time.Hour).Unix(),
	}
	if !since.IsZero() {
		filter["CreatedAfter"] = since.Unix()
	}
	var wires []struct {
		ID             number `json:"Id"`
		Type           text   `json:"Type"`
		DataSourceType text   `json:"DataSourceType"`
		Status         text   `json:"Status"`
		StartTime      number `json:"StartTime"`
		EndTime        number `json:"EndTime"`
		ErrorsCount    number `json:"ErrorsCount"`
	}
	if err := h.list(ctx, "EnumerateSessions", map[string]any{"range": window, "filter": filter}, &wires); err != nil {
		return nil, err
	}
	sessions := make([]session, 0, len(wires))
	for _, w := range wires {
		other := w.DataSourceType != "" && !strings.EqualFold(string(w.DataSourceType), h.source.ReportingName)
		sessions = append(sessions, session{
			id:      int64(w.ID),
			status:  statusName(w.Status),
			started: w.StartTime.time(),
			ended:   w.EndTime.time(),
			errors:  int64(w.ErrorsCount),
			ignored: other || isRestore(string(w.Type)),
		})
	}
	return sessions, nil
}

func (h m365History) errors(ctx context.Context, of session, limit int) ([]SessionError, error) {
	params := map[string]any{
		"dataSourceType": h.source.ReportingName,
		"filter":         map[string]any{"SessionId": of.id, "SessionType": backupSessions},
		"range":          pageRange{Size: limit},
	}
	var wires []struct {
		SessionID   number `json:"SessionId"`
		Timestamp   number `json:"Timestamp"`
		Item        text   `json:"Item"`
		Count       number `json:"Count"`
		Description text   `json:"Description"`
	}
	if err := h.list(ctx, "EnumerateSessionErrors", params, &wires); err != nil {
		return nil, err
	}
	errs := make([]SessionError, 0, len(wires))
	for _, w := range wires {
		if w.SessionID != 0 && int64(w.SessionID) != of.id || len(errs) == limit {
			continue
		}
		errs = append(errs, SessionError{
			Text: string(w.Description), Item: string(w.Item), Count: int64(w.Count), Time: w.Timestamp.time(),
		})
	}
	return errs, nil
}
