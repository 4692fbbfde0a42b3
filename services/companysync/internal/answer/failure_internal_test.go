package answer

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
)

func TestWhatKeepsConnectWiseFromBeingAskedIsToldWithTheRemedy(t *testing.T) {
	for want, cause := range map[string]error{
		"find company: HTTP 401 Unauthorized. Check the keys, the client id, the company and the API member's role": errclass.New(
			errclass.AuthTenant, "find company", &connectwise.APIError{Status: 401, Code: "Unauthorized"}),
		"find company: HTTP 404: The endpoint does not exist, which is how ConnectWise answers wrong keys and a wrong company. " +
			"Check the keys, the client id, the company and the API member's role": errclass.New(
			errclass.AuthTenant, "find company", &connectwise.APIError{Status: 404, Message: "The endpoint does not exist."}),
		`find company: HTTP 403 Forbidden. Give the role of the API member the right "Companies > Company Maintenance: Inquire" in ConnectWise`: errclass.New(
			errclass.AuthTenant, "find company", &connectwise.APIError{Status: 403, Code: "Forbidden", Right: "Companies > Company Maintenance: Inquire"}),
		"find company: no answer": errclass.New(errclass.Transient, "find company", errors.New("no answer")),
	} {
		require.Equal(t, want, told(cause))
	}
}
