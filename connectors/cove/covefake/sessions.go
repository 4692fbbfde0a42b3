package covefake

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// nodeAccount returns the device that a storage node call proves to know: its name and its token.
func (c *call) nodeAccount() (*Device, *rpcError) {
	c.params.take("visa") // optional on a node, and not looked at [observed]
	name, token := c.params.text("account"), c.params.text("token")
	d, err := c.accountParam()
	if err != nil || d.Settings["I1"] != name || name == "" || token != accountToken(d.AccountID) {
		return nil, c.fail(ErrNodeRefused, "The account or its token is wrong.")
	}
	return d, nil
}

// nodeSession is a session record of a storage node.
type nodeSession struct {
	ID                int64  `json:"Id"`
	PluginID          string `json:"PluginId,omitempty"`
	Plugin            int    `json:",omitempty"`
	Type              string
	Status            string
	StartTime         int64
	EndTime           int64
	ErrorsCount       int64
	Flags             []string
	SelectedSize      int64
	ProcessedSize     int64
	ChangedSize       int64
	SentSize          int64
	SelectedCount     int64
	ProcessedCount    int64
	ChangedCount      int64
	RemovedFilesCount int64
	BuildVersion      string
	TransientValues   struct{}
}

func (r *run) errorsCount() int64 {
	n := int64(0)
	for _, e := range r.Errors {
		n += e.Count
	}
	return n
}

// end is when the session ended; 0 while it runs. It lasted as long as its device says, or ten minutes.
func (r *run) end(d *Device, now time.Time) int64 {
	if r.Status == "InProcess" || r.Status == "InProgressWithFaults" || r.Status == "NotStarted" {
		return 0
	}
	duration := d.number(r.source + "F12")
	if duration == 0 {
		duration = 600
	}
	return max(r.start, min(r.start+duration, now.Unix()))
}

func (c *call) nodeSessions(d *Device) []nodeSession {
	var list []nodeSession
	for _, r := range c.sessions[d.AccountID] {
		if r.plugin.name == "" { // Microsoft 365 sessions are not on the node [observed]
			continue
		}
		s := nodeSession{
			ID: r.ID, PluginID: r.plugin.name, Type: "BatchBackup", Status: r.Status, StartTime: r.start,
			EndTime: r.end(d, c.now), ErrorsCount: r.errorsCount(), Flags: []string{"Synchronized", "Accelerated"},
			SelectedSize: d.number(r.source + "F03"), ProcessedSize: d.number(r.source + "F04"),
			SentSize: d.number(r.source + "F05"), SelectedCount: d.number(r.source + "F01"),
			ProcessedCount: d.number(r.source + "F02"), BuildVersion: "26.1.0.26067",
		}
		if c.switches.PluginAsNumber {
			s.PluginID, s.Plugin = "", r.plugin.number
		}
		list = append(list, s)
	}
	return list
}

// fieldRecord is a session or an error as the queries of a storage node see it.
type fieldRecord map[string]string

func (r fieldRecord) value(key string) (string, bool) {
	text, ok := r[key]
	return text, ok
}

func (r fieldRecord) values(f func(string) bool) bool {
	for _, text := range r {
		if f(text) {
			return true
		}
	}
	return false
}

func oneOf(names ...string) resolver {
	return func(name string) (string, bool) { return name, slices.Contains(names, name) }
}

func text(n int64) string { return strconv.FormatInt(n, 10) }

// query keeps the items that the parameters query, orderBy and range ask for.
func query[T any](c *call, items []T, columns, sortable resolver, see func(T) fieldRecord) (any, *rpcError) {
	f, err := parseFilter(c.params.text("query"), columns)
	if err != nil {
		return nil, c.fail(ErrBadParams, "query: %v.", err)
	}
	by := c.params.text("orderBy")
	w := c.params.window()
	items = slices.DeleteFunc(slices.Clone(items), func(item T) bool { return !f.matches(see(item), c.now) })
	if by != "" {
		words := strings.Fields(by)
		key, ok := sortable(words[0])
		descending := len(words) == 2 && words[1] == "DESC"
		if !ok || len(words) > 2 || len(words) == 2 && !descending && words[1] != "ASC" {
			return nil, c.fail(ErrBadParams, "orderBy: %q is not a field and ASC or DESC.", by)
		}
		slices.SortStableFunc(items, func(a, b T) int {
			x, y := columnValue{key}.eval(see(a), c.now), columnValue{key}.eval(see(b), c.now)
			if descending {
				x, y = y, x
			}
			return order(x, y)
		})
	}
	return list(c, cut(w, items)), nil
}

func querySessions(c *call) (answer, *rpcError) {
	d, err := c.nodeAccount()
	if err != nil {
		return answer{}, err
	}
	numbers := map[int64]int{} // of the plugins, by session
	for _, r := range c.sessions[d.AccountID] {
		numbers[r.ID] = r.plugin.number
	}
	result, err := query(c, c.nodeSessions(d),
		oneOf("BackupStartTime", "Plugin", "Status", "Type", "Flags", "ErrorsCount", "SelectedSize", "SelectedCount", "Id"),
		oneOf("BackupStartTime", "Id"),
		func(s nodeSession) fieldRecord {
			return fieldRecord{
				"BackupStartTime": text(s.StartTime), "Plugin": text(int64(numbers[s.ID])),
				"Status": text(int64(slices.Index(statuses, s.Status))), "Type": "1", "Flags": "3",
				"ErrorsCount": text(s.ErrorsCount), "SelectedSize": text(s.SelectedSize),
				"SelectedCount": text(s.SelectedCount), "Id": text(s.ID),
			}
		})
	return answer{result: result, flat: c.switches.FlatResults}, err
}

// nodeError is an error record of a storage node.
type nodeError struct {
	ID        int64 `json:"Id"`
	SessionID int64 `json:"SessionId"`
	Code      int64
	Text      string
	Filename  string
	Count     int64
	Time      int64
	plugin    string
}

func (c *call) nodeErrors(d *Device) []nodeError {
	var list []nodeError
	for _, r := range c.sessions[d.AccountID] {
		if r.plugin.name == "" {
			continue
		}
		for i, e := range r.Errors {
			at := r.start + int64(i)
			if r.Status == "NotStarted" {
				at = 0 // sessions that never started have errors without a time [observed]
			}
			list = append(list, nodeError{r.first + int64(i), r.ID, e.Code, e.Text, e.Filename, e.Count, at, r.plugin.name})
		}
	}
	slices.SortFunc(list, func(a, b nodeError) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func queryErrors(c *call) (answer, *rpcError) {
	d, err := c.nodeAccount()
	session, _ := c.params.integer("sessionId")
	c.params.integer("groupId")
	if err != nil {
		return answer{}, err
	}
	found := c.nodeErrors(d)
	if session != 0 {
		found = slices.DeleteFunc(found, func(e nodeError) bool { return e.SessionID != session })
	}
	names := oneOf("Time", "SessionId", "Count", "Code", "Text", "Filename", "Id")
	result, err := query(c, found, names, names, func(e nodeError) fieldRecord {
		return fieldRecord{
			"Time": text(e.Time), "SessionId": text(e.SessionID), "Count": text(e.Count), "Code": text(e.Code),
			"Text": e.Text, "Filename": e.Filename, "Id": text(e.ID),
		}
	})
	return answer{result: result, flat: c.switches.FlatResults}, err
}

// errorGroupDetails answers with both spellings that clients in the field report.
func errorGroupDetails(c *call) (answer, *rpcError) {
	d, err := c.nodeAccount()
	group, given := c.params.integer("groupId")
	for _, unused := range []string{"sessionId", "query", "orderBy", "range"} {
		c.params.take(unused)
	}
	if err != nil {
		return answer{}, err
	}
	if !given {
		return answer{}, c.fail(ErrBadParams, "groupId is missing.")
	}
	type detail struct {
		nodeError
		ErrorText string
		Path      string
		Plugin    string
		GroupID   int64 `json:"GroupId"`
		NodeID    int64 `json:"NodeId"`
	}
	var details []detail
	for _, e := range c.nodeErrors(d) {
		if e.ID == group {
			details = append(details, detail{e, e.Text, e.Filename, e.plugin, e.ID, 6789})
		}
	}
	return answer{result: list(c, details), flat: c.switches.FlatResults}, nil
}
