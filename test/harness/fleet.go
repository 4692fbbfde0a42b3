package harness

import (
	"strconv"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
)

// Root is the partner of the login in fleets that Fleet makes, Customer the one customer below it.
const (
	Root         int64 = 910000
	Customer     int64 = 910010
	CustomerName       = "Northgate Dental"
	CompanyID          = 310
)

// Fleet is a small fleet: one customer, "Northgate Dental", and as many healthy servers of two data sources, files and
// system state, as there are ids.
func Fleet(ids ...int64) covefake.Fleet {
	f := covefake.Fleet{Root: Root, Partners: []covefake.Partner{
		{ID: Root, Name: "Lantern Bay IT", Level: "Reseller", State: "InProduction"},
		{ID: Customer, ParentID: Root, Name: CustomerName, Level: "EndCustomer", State: "InProduction"},
	}}
	for _, id := range ids {
		f.Devices = append(f.Devices, Server(id, Customer))
	}
	return f
}

// Companies is the ConnectWise side of Fleet.
func Companies() []cwfake.Company {
	return []cwfake.Company{{ID: CompanyID, Identifier: "NorthgateDental", Name: CustomerName, Status: "Active"}}
}

// Server is a healthy server.
func Server(id, partner int64) covefake.Device {
	name := strconv.FormatInt(id, 10)
	d := covefake.Device{AccountID: id, PartnerID: partner}
	for code, value := range map[string]string{
		"AN": "srv-" + name, "MN": "SRV-" + name, "AT": "1", "OT": "2", "OS": "Windows Server 2022 Standard (20348), 64-bit", "I78": "D01D02",
		"CD": "@-200d", "TS": "@-1m", "T0": "5", "T7": "0", "TL": "@-2h",
		"D01F00": "5", "D01F06": "0", "D01F09": "@-2h", "D01F15": "@-2h", "D01F16": "5", "D01F17": "5", "D01F18": "@-2h",
		"D02F00": "5", "D02F06": "0", "D02F09": "@-2h", "D02F15": "@-2h", "D02F16": "5", "D02F17": "5", "D02F18": "@-2h",
	} {
		d.Set(code, value)
	}
	return d
}

// Trouble is what a backup session failed with.
type Trouble struct {
	Source, Plugin string // the same data source as column code and as the storage node names it
	Text, File     string
	Count          int64
}

// The troubles of the stories.
var (
	Denied   = Trouble{Source: "D01", Plugin: "FileSystem", Text: "Access denied", File: `E:\Shares\Payroll\2026.xlsx`, Count: 7}
	NoShadow = Trouble{Source: "D02", Plugin: "VssSystemState", Text: "The shadow copy provider had an error", Count: 1}
)

// Fail lets a backup of a device fail a moment ago.
func (tn *Tenant) Fail(device int64, what Trouble) {
	tn.h.t.Helper()
	require.NoError(tn.h.t, tn.Cove.AddSession(device, covefake.Session{
		Plugin: what.Plugin, Status: "Failed", At: "@-10m",
		Errors: []covefake.SessionError{{Text: what.Text, Filename: what.File, Count: what.Count}},
	}))
	tn.edit(device, map[string]string{
		"T0": "2", "T7": strconv.FormatInt(what.Count, 10),
		what.Source + "F00": "2", what.Source + "F17": "2", what.Source + "F06": strconv.FormatInt(what.Count, 10),
		what.Source + "F15": "@-10m", what.Source + "F18": "@-5m",
	})
}

// Recover lets every data source of a device of Fleet complete a moment ago.
func (tn *Tenant) Recover(device int64) {
	tn.h.t.Helper()
	values := map[string]string{"T0": "5", "T7": "0", "TL": "@-1m"}
	for _, t := range []Trouble{Denied, NoShadow} {
		require.NoError(tn.h.t, tn.Cove.AddSession(device, covefake.Session{Plugin: t.Plugin, Status: "Completed", At: "@-2m"}))
		for field, value := range map[string]string{"F00": "5", "F17": "5", "F06": "0", "F09": "@-1m", "F15": "@-2m", "F18": "@-1m"} {
			values[t.Source+field] = value
		}
	}
	tn.edit(device, values)
}

func (tn *Tenant) edit(device int64, values map[string]string) {
	tn.h.t.Helper()
	require.NoError(tn.h.t, tn.Cove.UpdateDevice(device, func(d *covefake.Device) {
		for code, value := range values {
			d.Set(code, value)
		}
	}))
}
