package cwfake

import "net/http"

// collection declares the routes of a resource: GET list, GET /count, GET /{id}, and of the letters in verbs
// P (POST), U (PUT), A (PATCH), D (DELETE). owner is the resource of {parentId} in the pattern, empty for none.
func (t *router) collection(pattern, resource, owner, verbs string) {
	t.add(http.MethodGet, pattern, list(resource, owner))
	t.add(http.MethodGet, pattern+"/count", count(resource, owner))
	t.add(http.MethodGet, pattern+"/{id}", get(resource, owner))
	for _, verb := range verbs {
		switch verb {
		case 'P':
			t.add(http.MethodPost, pattern, create(resource, owner))
		case 'U':
			t.add(http.MethodPut, pattern+"/{id}", replace(resource, owner))
		case 'A':
			t.add(http.MethodPatch, pattern+"/{id}", change(resource, owner))
		case 'D':
			t.add(http.MethodDelete, pattern+"/{id}", remove(resource, owner))
		}
	}
}

// routes is the table of everything that the API side of the server answers.
func routes() *router {
	t := &router{}
	t.add(http.MethodGet, loginPattern, nil)
	t.add(http.MethodGet, "/system/info", systemInfo)
	t.collection("/system/members", memberResource, "", "")
	t.collection("/system/locations", locationResource, "", "")
	t.collection("/system/userDefinedFields", userFieldResource, "", "")
	t.collection("/system/callbacks", callbackResource, "", "PUAD")

	t.collection("/service/boards", boardResource, "", "")
	t.collection("/service/boards/{parentId}/statuses", statusResource, boardResource, "PUAD")
	t.collection("/service/boards/{parentId}/types", boardTypeResource, boardResource, "")
	t.collection("/service/boards/{parentId}/subtypes", subTypeResource, boardResource, "")
	t.collection("/service/boards/{parentId}/items", itemResource, boardResource, "")
	t.collection("/service/boards/{parentId}/teams", teamResource, boardResource, "")
	t.collection("/service/boards/{parentId}/typeSubTypeItemAssociations", associationResource, boardResource, "")
	t.collection("/service/priorities", priorityResource, "", "")
	t.collection("/service/sources", sourceResource, "", "")

	t.collection("/service/tickets", ticketResource, "", "PUAD")
	t.add(http.MethodPost, "/service/tickets/search", searchTickets)
	t.collection("/service/tickets/{parentId}/notes", noteResource, ticketResource, "PUAD")
	t.add(http.MethodGet, "/service/tickets/{parentId}/allNotes", listAllNotes)
	t.add(http.MethodPost, "/service/tickets/{parentId}/merge", mergeTickets)
	t.add(http.MethodPost, "/service/tickets/{parentId}/attachChildren", childAction((*store).attach))
	t.add(http.MethodPost, "/service/tickets/{parentId}/detachChildren", childAction((*store).detachAll))
	t.add(http.MethodGet, "/service/tickets/{parentId}/configurations", listTicketConfigurations)
	t.add(http.MethodPost, "/service/tickets/{parentId}/configurations", attachTicketConfiguration)
	t.add(http.MethodGet, "/service/tickets/{parentId}/configurations/{id}", getTicketConfiguration)
	t.add(http.MethodDelete, "/service/tickets/{parentId}/configurations/{id}", detachTicketConfiguration)

	t.collection("/company/companies", companyResource, "", "PAD")
	t.collection("/company/companies/statuses", companyStatusRes, "", "")
	t.collection("/company/companies/types", companyTypeResource, "", "")
	t.collection("/company/companies/{parentId}/sites", siteResource, companyResource, "PA")
	t.collection("/company/countries", countryResource, "", "")
	t.collection("/company/contacts", contactResource, "", "")
	t.collection("/company/configurations", configurationRes, "", "PUAD")
	t.collection("/company/configurations/statuses", configurationStatRes, "", "")
	t.collection("/company/configurations/types", configurationTypeRes, "", "")
	t.collection("/finance/agreements", agreementResource, "", "")
	t.collection("/time/entries", timeEntryResource, "", "P")
	return t
}
