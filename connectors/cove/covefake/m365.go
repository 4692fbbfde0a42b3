package covefake

import (
	"cmp"
	"slices"
)

// tenantParam returns the Microsoft 365 tenant whose account token the call carries.
func (c *call) tenantParam() (*Device, *rpcError) {
	token := c.params.text("accountToken")
	d := c.devices[c.tokens[token]]
	if d == nil {
		return nil, c.fail(ErrUnknownAccount, "No account has this token.")
	}
	if !c.within(d.PartnerID) {
		return nil, c.refuse("account %d is out of reach.", d.AccountID)
	}
	return d, nil
}

// tenantSession is a session record of /reporting_api.
type tenantSession struct {
	ID                   int64 `json:"Id"`
	Type                 string
	DataSourceType       string
	Status               string
	StartTime            int64
	EndTime              int64
	Duration             int64
	AccountsCount        int64
	SiteCollectionsCount int64
	ErrorsCount          int64
}

// tenantRuns lists the finished Microsoft 365 sessions of a device, newest first; running ones are not listed [observed].
func (c *call) tenantRuns(d *Device) []*run {
	runs := slices.DeleteFunc(slices.Clone(c.sessions[d.AccountID]), func(r *run) bool {
		return r.M365 == "" || r.Status == "InProcess" || r.Status == "InProgressWithFaults"
	})
	slices.SortStableFunc(runs, func(a, b *run) int {
		return cmp.Or(cmp.Compare(b.start, a.start), cmp.Compare(b.ID, a.ID))
	})
	return runs
}

func enumerateSessions(c *call) (answer, *rpcError) {
	d, err := c.tenantParam()
	w, f := c.params.window(), c.params.object("filter")
	types, from := f.texts("SessionTypes"), f.texts("DataSources")
	after, hasAfter := f.integer("CreatedAfter")
	before, hasBefore := f.integer("CreatedBefore")
	for _, name := range from {
		if _, known := m365Sources[name]; !known {
			f.wrong("DataSources", "a list of Exchange, OneDrive, SharePoint and Teams")
		}
	}
	for _, name := range types {
		if name != "Backup" && name != "Restore" {
			f.wrong("SessionTypes", "a list of Backup and Restore")
		}
	}
	if err != nil {
		return answer{}, err
	}
	var sessions []tenantSession
	for _, r := range c.tenantRuns(d) {
		if len(types) > 0 && !slices.Contains(types, "Backup") || len(from) > 0 && !slices.Contains(from, r.M365) ||
			hasAfter && r.start < after || hasBefore && r.start > before {
			continue
		}
		end := r.end(d, c.now)
		sessions = append(sessions, tenantSession{
			ID: r.ID, Type: "Backup", DataSourceType: r.M365, Status: r.Status, StartTime: r.start, EndTime: end,
			Duration: max(0, end-r.start), AccountsCount: d.number(r.source + "F20"),
			SiteCollectionsCount: d.number(r.source + "F22"), ErrorsCount: r.errorsCount(),
		})
	}
	return answer{result: list(c, cut(w, sessions)), flat: c.switches.FlatResults}, nil
}

// tenantError is an error record of /reporting_api.
type tenantError struct {
	ID          int64 `json:"Id"`
	SessionID   int64 `json:"SessionId"`
	Timestamp   int64
	Item        string
	Count       int64
	Description string
}

func enumerateSessionErrors(c *call) (answer, *rpcError) {
	d, err := c.tenantParam()
	kind := c.params.text("dataSourceType")
	w, f := c.params.window(), c.params.object("filter")
	session, _ := f.integer("SessionId")
	sessionType := f.text("SessionType")
	from, _ := f.integer("TimestampFrom")
	if sessionType != "" && sessionType != "Backup" && sessionType != "Restore" {
		f.wrong("SessionType", "Backup or Restore")
	}
	if err != nil {
		return answer{}, err
	}
	if _, known := m365Sources[kind]; !known {
		return answer{}, c.fail(ErrNoDataSource, "Internal error: data source type %q.", kind)
	}
	var found []tenantError
	for _, r := range c.tenantRuns(d) {
		if r.M365 != kind || session != 0 && r.ID != session || sessionType == "Restore" {
			continue
		}
		for i, e := range r.Errors {
			if at := r.start + int64(i); at >= from {
				found = append(found, tenantError{r.first + int64(i), r.ID, at, e.Item, e.Count, e.Description})
			}
		}
	}
	return answer{result: list(c, cut(w, found)), flat: c.switches.FlatResults}, nil
}
