package expression

// Fact is one fact about a device that expressions can use.
type Fact struct {
	Name string
	Type string // as people read it: "text", "number", "true or false", "list of texts", "list of sources"
	Text string // what it is
	zero any    // a value of the fact's Go type
}

// Source is what an expression sees of one configured data source. A nil number is not known; an expression that
// needs it cannot be judged.
type Source struct {
	Code         string   `expr:"code"`         // "D01"
	Name         string   `expr:"name"`         // "Files and Folders"
	Status       string   `expr:"status"`       // of the last session, in words: "Completed", "In process"
	Finished     string   `expr:"finished"`     // of the last session that ended; "" when not known
	Errors       *float64 `expr:"errors"`       // of the last session
	SuccessHours *float64 `expr:"successHours"` // since the last good backup
	RunningHours *float64 `expr:"runningHours"` // of the session under way; 0 when none is
	SelectedGB   *float64 `expr:"selectedGB"`   // selected for backup, in units of 10^9 bytes
}

// Facts returns every fact, in the order in which they are documented. Numbers that are not known are absent from
// the map that an expression is evaluated over, so that an expression that needs them cannot be judged; facts of
// other types are always there, texts that are not known as "". Numbers are float64, lists of texts []string and
// the list of sources []Source.
func Facts() []Fact {
	const text, number, flag = "text", "number", "true or false"
	return []Fact{
		{"class", text, `"server", "workstation", "documents" or "m365"`, ""},
		{"name", text, "name of the device", ""},
		{"computer", text, "name of the computer", ""},
		{"alias", text, "alias of the device", ""},
		{"customer", text, "name of the customer", ""},
		{"customerId", text, "id of the customer", ""},
		{"site", text, "name of the site", ""},
		{"profile", text, "name of the backup profile", ""},
		{"product", text, "name of the product or retention policy", ""},
		{"os", text, "operating system with version", ""},
		{"location", text, "where the backups are stored", ""},
		{"clientVersion", text, "version of the backup client", ""},
		{"tags", "list of texts", "tags of the device", []string{}},
		{"trial", flag, "the customer does not pay yet", false},
		{"succeeded", flag, "the device ever had a good backup", false},
		{"createdHours", number, "hours since the device was created", 0.0},
		{"contactHours", number, "hours since the last contact with the vendor, up to a day too high", 0.0},
		{"successHours", number, "hours since the last good backup of any data source", 0.0},
		{"errors", number, "errors of the last session, all data sources together", 0.0},
		{"sources", "list of sources", "the configured data sources, each with code, name, status, finished, errors, successHours, runningHours and selectedGB", []Source{}},
	}
}
