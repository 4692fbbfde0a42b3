package connectwise

import (
	"net/http"
	"strings"
)

// rightFor names what the security role of an API member needs for a request, in the words of the role's page [client];
// empty when that is not known. Closing a ticket needs another right than what else a PATCH may change, which only who
// sends it can tell.
func rightFor(method, path string) string {
	const ticket, tables = "Service Desk > Service Tickets", "System > Table Setup: Inquire, for "
	parts := strings.Split(strings.Trim(path, "/"), "/")
	parts = append(parts, "", "", "", "")
	read := method == http.MethodGet || parts[2] == "search"
	level := map[bool]string{true: ": Inquire", false: ": Edit"}[read]
	if method == http.MethodPost && parts[2] == "" {
		level = ": Add"
	}
	switch parts[0] + "/" + parts[1] {
	case "service/tickets":
		if parts[3] == "attachChildren" {
			return ticket + level + ", and Service Ticket Dependencies: Add"
		}
		return ticket + level
	case "service/boards":
		return tables + "Service Board"
	case "service/priorities":
		return tables + "Service / Priority"
	case "service/sources":
		return tables + "Service / Source"
	case "system/members":
		return "System > Member Maintenance: Inquire"
	case "system/locations":
		return "System > My Company: Inquire"
	case "system/userDefinedFields":
		return tables + "Custom Fields"
	case "company/companies":
		switch parts[2] {
		case "statuses":
			return tables + "Company Status"
		case "types":
			return tables + "Company Type"
		}
		return "Companies > Company Maintenance" + level
	case "company/countries":
		return tables + "Country"
	case "company/contacts":
		return "Companies > Contacts" + level
	case "company/configurations":
		return "Companies > Configurations" + level
	case "finance/agreements":
		return "Finance > Agreements" + level
	case "time/entries":
		return "Time & Expense > Time Entry" + level
	default:
		return ""
	}
}
