package connectwise

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

func TestEachRequestHasItsRight(t *testing.T) {
	for request, want := range map[[2]string]string{
		{"GET", "/service/tickets"}:                   "Service Desk > Service Tickets: Inquire",
		{"POST", "/service/tickets/search"}:           "Service Desk > Service Tickets: Inquire",
		{"GET", "/service/tickets/7"}:                 "Service Desk > Service Tickets: Inquire",
		{"GET", "/service/tickets/7/notes"}:           "Service Desk > Service Tickets: Inquire",
		{"POST", "/service/tickets"}:                  "Service Desk > Service Tickets: Add",
		{"POST", "/service/tickets/7/notes"}:          "Service Desk > Service Tickets: Edit",
		{"PATCH", "/service/tickets/7"}:               "Service Desk > Service Tickets: Edit",
		{"POST", "/service/tickets/7/attachChildren"}: "Service Desk > Service Tickets: Edit, and Service Ticket Dependencies: Add",
		{"GET", "/service/boards"}:                    "System > Table Setup: Inquire, for Service Board",
		{"GET", "/service/boards/1/statuses"}:         "System > Table Setup: Inquire, for Service Board",
		{"GET", "/service/priorities"}:                "System > Table Setup: Inquire, for Service / Priority",
		{"GET", "/service/sources"}:                   "System > Table Setup: Inquire, for Service / Source",
		{"GET", "/system/members"}:                    "System > Member Maintenance: Inquire",
		{"GET", "/system/locations"}:                  "System > My Company: Inquire",
		{"GET", "/system/userDefinedFields"}:          "System > Table Setup: Inquire, for Custom Fields",
		{"GET", "/company/companies"}:                 "Companies > Company Maintenance: Inquire",
		{"POST", "/company/companies"}:                "Companies > Company Maintenance: Add",
		{"GET", "/company/companies/7/sites"}:         "Companies > Company Maintenance: Inquire",
		{"GET", "/company/companies/statuses"}:        "System > Table Setup: Inquire, for Company Status",
		{"GET", "/company/companies/types"}:           "System > Table Setup: Inquire, for Company Type",
		{"GET", "/company/countries"}:                 "System > Table Setup: Inquire, for Country",
		{"GET", "/company/contacts"}:                  "Companies > Contacts: Inquire",
		{"GET", "/company/configurations"}:            "Companies > Configurations: Inquire",
		{"GET", "/finance/agreements"}:                "Finance > Agreements: Inquire",
		{"POST", "/time/entries"}:                     "Time & Expense > Time Entry: Add",
		{"GET", "/system/callbacks"}:                  "",
	} {
		require.Equal(t, want, rightFor(request[0], request[1]), request)
	}
}

func TestARefusalForWantOfARightNamesIt(t *testing.T) {
	s := newStub(t, always(http.StatusForbidden, `{"code":"Forbidden","message":"no"}`))
	_, err := mustClient(t, s).Members(t.Context(), Condition{})
	requireClass(t, errclass.AuthTenant, err)
	var answer *APIError
	require.ErrorAs(t, err, &answer)
	require.Equal(t, "System > Member Maintenance: Inquire", answer.Right)
}

func TestAComplaintReadsAsOneSentence(t *testing.T) {
	for want, e := range map[string]APIError{
		"HTTP 401 Unauthorized; UserNotAuthenticated.": {Status: 401, Code: "Unauthorized", Errors: []FieldError{{Message: "UserNotAuthenticated."}}},
		"HTTP 400: bad; board/id: not found":           {Status: 400, Message: "bad", Errors: []FieldError{{Field: "board/id", Message: "not found"}}},
	} {
		require.EqualError(t, &e, want)
	}
}
