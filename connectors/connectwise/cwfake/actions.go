package cwfake

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// systemInfo is the customary connection test.
func systemInfo(c *call) (answer, error) {
	return answer{status: http.StatusOK, body: map[string]any{
		"version": "v" + c.server.version() + ".117000", "isCloud": true, "serverTimeZone": "Eastern Standard Time", "cloudRegion": "NA",
		"licenseBits": []any{map[string]any{"name": "ServiceDesk", "activeFlag": true}}, "maxWorkFlowRecordsAllowed": 10_000,
	}}, nil
}

// searchTickets is the list of tickets with the filters in the body; page, pageSize and fields stay in the query.
func searchTickets(c *call) (answer, error) {
	body, err := decodeObject(c.body, "FilterValues")
	if err != nil {
		return answer{}, err
	}
	var q query
	into := map[string]*string{
		"conditions": &q.conditions, "orderby": &q.orderBy, "childconditions": &q.childConditions, "customfieldconditions": &q.customFieldConditions,
	}
	for name, value := range body {
		target := into[strings.ToLower(name)]
		text, ok := value.(string)
		switch {
		case target == nil:
			return answer{}, unknownMember(name, "FilterValues")
		case !ok && value != nil:
			return answer{}, notConvertible(value, "System.String", name)
		}
		*target = text
	}
	t := c.store.tables[ticketResource]
	return c.listRows(t.resource, t.rows, q)
}

func listAllNotes(c *call) (answer, error) {
	ticket, err := c.named(ticketResource, "parentId")
	if err != nil {
		return answer{}, err
	}
	return c.listRows(c.store.tables[allNoteResource].resource, c.store.allNotes(ticket), queryOf(c.values))
}

// mergeTickets and the child actions answer a SuccessResponse.
func mergeTickets(c *call) (answer, error) {
	parent, err := c.named(ticketResource, "parentId")
	if err != nil {
		return answer{}, err
	}
	body, ids, err := c.idsOf("mergeTicketIds", "TicketMerge", "status")
	if err != nil {
		return answer{}, err
	}
	status, ok := body["status"].(map[string]any)
	if !ok && body["status"] != nil {
		return answer{}, notConvertible(body["status"], "ServiceStatusReference", "status")
	}
	if err := c.store.merge(parent, ids, status, c.stamp); err != nil {
		return answer{}, err
	}
	return success("The tickets were merged."), nil
}

func childAction(act func(s *store, parent *record, ids []int, by stamp) error) handler {
	return func(c *call) (answer, error) {
		parent, err := c.named(ticketResource, "parentId")
		if err != nil {
			return answer{}, err
		}
		_, ids, err := c.idsOf("childTicketIds", "TicketBundle")
		if err != nil {
			return answer{}, err
		}
		if err := act(c.store, parent, ids, c.stamp); err != nil {
			return answer{}, err
		}
		return success("The tickets were changed."), nil
	}
}

func success(message string) answer {
	return answer{status: http.StatusOK, body: map[string]any{"success": true, "message": message}}
}

// idsOf reads the body of an action: a list of ids and the other members that it may have.
func (c *call) idsOf(member, typeName string, others ...string) (map[string]any, []int, error) {
	body, err := decodeObject(c.body, typeName)
	if err != nil {
		return nil, nil, err
	}
	for name := range body {
		if name != member && !slices.Contains(others, name) {
			return nil, nil, unknownMember(name, typeName)
		}
	}
	items, ok := body[member].([]any)
	if !ok && body[member] != nil {
		return nil, nil, notConvertible(body[member], "System.Int32[]", member)
	}
	var ids []int
	for _, item := range items {
		id, ok := toFloat(item)
		if !ok || id != math.Trunc(id) {
			return nil, nil, notConvertible(item, "System.Int32", member)
		}
		ids = append(ids, int(id))
	}
	return body, ids, nil
}

func listTicketConfigurations(c *call) (answer, error) {
	ticket, err := c.named(ticketResource, "parentId")
	if err != nil {
		return answer{}, err
	}
	shown := []any{}
	for _, id := range ticket.configurations {
		shown = append(shown, c.view().reference(ref{configurationRes, id}))
	}
	return answer{status: http.StatusOK, body: shown}, nil
}

func attachTicketConfiguration(c *call) (answer, error) {
	ticket, err := c.named(ticketResource, "parentId")
	if err != nil {
		return answer{}, err
	}
	body, err := decodeObject(c.body, "ConfigurationReference")
	if err != nil {
		return answer{}, err
	}
	for name := range body {
		if name != "id" && name != "deviceIdentifier" && name != "_info" {
			return answer{}, unknownMember(name, "ConfigurationReference")
		}
	}
	number, ok := body["id"].(json.Number)
	if !ok {
		return answer{}, invalid(c.store.tables[configurationRes].resource, []fieldError{missing("id", "id")})
	}
	id, err := strconv.Atoi(number.String())
	if err != nil {
		return answer{}, notConvertible(number, "System.Int32", "id")
	}
	configuration, err := c.store.attachConfiguration(ticket, id, c.stamp)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusCreated, body: c.view().reference(ref{configurationRes, configuration.id})}, nil
}

// attached finds the configuration {id} of the ticket {parentId}.
func (c *call) attached() (ticket *record, at int, err error) {
	if ticket, err = c.named(ticketResource, "parentId"); err != nil {
		return nil, 0, err
	}
	at = slices.IndexFunc(ticket.configurations, func(id int) bool { return strconv.Itoa(id) == c.params["id"] })
	if at < 0 {
		return nil, 0, absent(c.store.tables[configurationRes].resource, c.params["id"])
	}
	return ticket, at, nil
}

func getTicketConfiguration(c *call) (answer, error) {
	ticket, at, err := c.attached()
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: c.view().reference(ref{configurationRes, ticket.configurations[at]})}, nil
}

func detachTicketConfiguration(c *call) (answer, error) {
	ticket, at, err := c.attached()
	if err != nil {
		return answer{}, err
	}
	ticket.configurations = slices.Delete(ticket.configurations, at, at+1)
	c.store.touch(ticket, c.stamp)
	return answer{status: http.StatusNoContent}, nil
}
