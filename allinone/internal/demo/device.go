package demo

import (
	"strconv"
	"time"

	"github.com/covewise/covewise/connectors/cove/covefake"
)

// Session status codes of Cove [N-able documentation] that the demo uses.
const (
	statusRunning     = 1
	statusFailed      = 2
	statusAborted     = 3
	statusCompleted   = 5
	statusInterrupted = 6
	statusErrors      = 8
	statusOverQuota   = 10
)

// statusName is a status as sessions spell it.
func statusName(code int) string {
	return map[int]string{
		statusFailed: "Failed", statusAborted: "Aborted", statusCompleted: "Completed", statusInterrupted: "Interrupted",
		statusErrors: "CompletedWithErrors", statusOverQuota: "OverQuota",
	}[code]
}

// source is a data source with its names in session histories.
type source struct {
	code   string
	plugin string // on a storage node
	m365   string // in the reporting of Microsoft 365
}

func allSources() []source {
	return []source{
		{code: "D01", plugin: "FileSystem"},
		{code: "D02", plugin: "VssSystemState"},
		{code: "D04", plugin: "VssExchange"},
		{code: "D10", plugin: "VssMsSql"},
		{code: "D14", plugin: "VssHyperV"},
		{code: "D05", m365: "SharePoint"},
		{code: "D19", m365: "Exchange"},
		{code: "D20", m365: "OneDrive"},
		{code: "D23", m365: "Teams"},
	}
}

// list returns the device's data sources, in the order of column I78.
func (u unit) list() []source {
	var mine []source
	for codes := u.sources; len(codes) >= 3; codes = codes[3:] {
		for _, s := range allSources() {
			if s.code == codes[:3] {
				mine = append(mine, s)
			}
		}
	}
	return mine
}

// outcome is how a session of a data source ends.
type outcome struct {
	status int
	errors int64  // counted errors
	text   string // what went wrong
	item   string // the file, machine or mailbox concerned
}

// good reports whether the session left a backup.
func (o outcome) good() bool { return o.status == statusCompleted || o.status == statusErrors }

// start shows sessions of all data sources as running.
func (u unit) start(d *covefake.Device, at time.Time) {
	for _, s := range u.list() {
		d.Set(s.code+"F00", strconv.Itoa(statusRunning))
		d.Set(s.code+"F06", "0")
		d.Set(s.code+"F15", covefake.Unix(at))
	}
	d.Set("T0", strconv.Itoa(statusRunning))
	d.Set("TS", covefake.Unix(at))
}

// finish shows the end of a session of one data source.
func (u unit) finish(d *covefake.Device, s source, o outcome, began, ended time.Time) {
	status := strconv.Itoa(o.status)
	d.Set(s.code+"F00", status)
	d.Set(s.code+"F17", status)
	d.Set(s.code+"F06", strconv.FormatInt(o.errors, 10))
	d.Set(s.code+"F12", strconv.FormatInt(int64(ended.Sub(began).Seconds()), 10))
	d.Set(s.code+"F15", covefake.Unix(began))
	d.Set(s.code+"F18", covefake.Unix(ended))
	d.Set(s.code+"F03", strconv.FormatInt(52_310_000_000+u.id*1013, 10))
	if o.good() {
		d.Set(s.code+"F09", covefake.Unix(ended))
		d.Set(s.code+"F16", status)
	}
}

// total brings the device's totals in line with its data sources.
func (u unit) total(d *covefake.Device, at time.Time) {
	worst, errors, all := statusCompleted, int64(0), true
	for _, s := range u.list() {
		status, _ := strconv.Atoi(d.Settings[s.code+"F00"])
		n, _ := strconv.ParseInt(d.Settings[s.code+"F06"], 10, 64)
		errors += n
		if status != statusCompleted && worst != statusFailed {
			worst = status
		}
		all = all && outcome{status: status}.good()
	}
	d.Set("T0", strconv.Itoa(worst))
	d.Set("T7", strconv.FormatInt(errors, 10))
	d.Set("TS", covefake.Unix(at))
	if all {
		d.Set("TL", covefake.Unix(at))
	}
}

// session is the record of a session in the device's history.
func (s source) session(o outcome, began time.Time) covefake.Session {
	record := covefake.Session{Plugin: s.plugin, M365: s.m365, Status: statusName(o.status), At: covefake.Unix(began)}
	if o.text == "" {
		return record
	}
	e := covefake.SessionError{Count: max(o.errors, 1)}
	if s.m365 != "" {
		e.Item, e.Description = o.item, o.text
	} else {
		e.Code, e.Text, e.Filename = 5, o.text, o.item
	}
	record.Errors = []covefake.SessionError{e}
	return record
}

// causes are what can go wrong with a data source.
func causes(code string) []outcome {
	switch code {
	case "D01":
		return []outcome{
			{statusFailed, 15, "Access is denied.", `D:\Daten\Verträge 2026\Übersicht & Plan.xlsx`},
			{statusFailed, 1, "Insufficient disk space for backup", ""},
			{statusErrors, 42, "The process cannot access the file because it is being used by another process.", `C:\Users\Public\shared\ledger.accdb`},
			{statusInterrupted, 0, "", ""},
			{statusOverQuota, 0, "", ""},
		}
	case "D02":
		return []outcome{
			{statusFailed, 1, "VSS writer 'System Writer' is in a failed state (0x800423f4).", ""},
			{statusAborted, 0, "", ""},
		}
	case "D04":
		return []outcome{{statusFailed, 2, "Exchange writer timed out between freeze and thaw.", "Mailbox Database 01"}}
	case "D10":
		return []outcome{
			{statusFailed, 3, `Login failed for user 'NT AUTHORITY\SYSTEM'.`, "master"},
			{statusErrors, 2, "The transaction log of the database is full.", "erp_live"},
		}
	case "D14":
		return []outcome{{statusFailed, 3, "Cannot create a checkpoint: the virtual machine is being merged.", "dc-01"}}
	case "D19":
		return []outcome{
			{statusErrors, 37, "The mailbox is either inactive, soft-deleted, or is hosted on-premise.", "accounts@example.com"},
			{statusFailed, 1, "Access to Exchange Online was revoked.", ""},
		}
	case "D05", "D20", "D23":
		return []outcome{{statusErrors, 12, "Access denied. You do not have permission to perform this action or access this resource.", "/sites/projects"}}
	default:
		return nil
	}
}
