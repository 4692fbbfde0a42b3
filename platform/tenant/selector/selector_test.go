package selector_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant/selector"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

func TestASelectorChoosesDevices(t *testing.T) {
	srv := selector.Subject{
		DeviceID: "2345678", DeviceNames: []string{"srv-01_a1b2", "SRV-01", ""}, Class: "server", CustomerID: "481233",
		CustomerName: "Bluefin Dental Group", Site: "Harbour Street", Profile: "Server Full Backup", Tags: []string{"vip", "pci"},
	}
	for _, c := range []struct {
		sentence string
		selector *tenantv1.Selector
		want     bool
	}{
		{"an empty one chooses all", &tenantv1.Selector{}, true},
		{"a customer by id", &tenantv1.Selector{Customers: []string{"481233"}}, true},
		{"a customer by pattern, whatever the case", &tenantv1.Selector{Customers: []string{"x", "bluefin*"}}, true},
		{"another customer", &tenantv1.Selector{Customers: []string{"Blue"}}, false},
		{"a device by any of its names", &tenantv1.Selector{Devices: []string{"srv-??"}}, true},
		{"an empty name fits no pattern", &tenantv1.Selector{Sites: []string{"*"}, Devices: []string{"zzz*"}}, false},
		{"every list must fit", &tenantv1.Selector{Classes: []string{"server"}, Tags: []string{"PCI"}, Profiles: []string{"*full*"}, Sites: []string{"harbour *"}}, true},
		{"a class that it has not", &tenantv1.Selector{Classes: []string{"m365", "workstation"}}, false},
		{"a tag that it has not", &tenantv1.Selector{Tags: []string{"lab"}}, false},
	} {
		t.Run(c.sentence, func(t *testing.T) { require.Equal(t, c.want, selector.Fits(c.selector, srv)) })
	}
}

func TestPatternsMatchWholeTexts(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"?", "é", true},
		{"a?c", "aéc", true},
		{"*b*d", "abcbd", true},
		{"*b*e", "abcbd", false},
		{"a*", "A", true},
		{"**a**", "bab", true},
		{"Ж*", "жук", true},
	} {
		require.Equal(t, c.want, selector.Matches(c.pattern, c.text), "%q %q", c.pattern, c.text)
	}
}
