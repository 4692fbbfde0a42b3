package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

func TestARightThatIsMissingToFindCompaniesIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cw := w.tenant("harbor", nil)
	require.NoError(t, cw.AddFaults(cwfake.Fault{Match: "GET /company/companies", Kind: cwfake.FaultForbidden, Right: "Company Maintenance"}))
	w.run()
	w.want("harbor", customer("1", "Orion", ""), 1)
	link := w.link("harbor", "1")
	require.Equal(t, "Companies > Company Maintenance: Inquire", link.GetMissingRight())
	require.Contains(t, link.GetReason(), `Give the role of the API member the right "Companies > Company Maintenance: Inquire" in ConnectWise`)
}
