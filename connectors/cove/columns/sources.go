package columns

import (
	"regexp"
	"strings"
)

// Source describes one data source: a kind of thing that Cove backs up on a device.
type Source struct {
	Code          string   // "D01"
	Letter        string   // prefix of its legacy column codes ("F"), or ""
	Name          string   // "Files and Folders"
	M365          bool     // its sessions are at the reporting API, not on a storage node
	PluginIDs     []int    // its numbers in session queries to a storage node
	PluginNames   []string // its PluginId texts in the sessions of a storage node
	ReportingName string   // its DataSourceType at the reporting API ("Exchange")
	Requested     bool     // the column sets ask for its fields
}

// sources is the table of data sources (N-able documentation, PluginIds observed). D09 is the total and no
// source. D07 repeats D02 and has no letter of its own. D18 is in no published column list, D16 and D17
// are recoveries: their columns are not asked for, because one refused column fails a whole request.
var sources = []Source{
	{Code: "D01", Letter: "F", Name: "Files and Folders", PluginIDs: []int{1}, PluginNames: []string{"FileSystem"}, Requested: true},
	{Code: "D02", Letter: "S", Name: "System State", PluginIDs: []int{7, 18}, PluginNames: []string{"VssSystemState", "LinuxSystemState"}, Requested: true},
	{Code: "D03", Letter: "Q", Name: "MS SQL", PluginIDs: []int{3}, PluginNames: []string{"MsSql"}, Requested: true},
	{Code: "D04", Letter: "X", Name: "MS Exchange", PluginIDs: []int{4}, PluginNames: []string{"VssExchange"}, Requested: true},
	{Code: "D05", Name: "Microsoft 365 SharePoint", M365: true, ReportingName: "SharePoint", Requested: true},
	{Code: "D06", Letter: "N", Name: "Network Shares", PluginIDs: []int{6}, PluginNames: []string{"NetworkShares"}, Requested: true},
	{Code: "D07", Name: "System State (VSS)", PluginIDs: []int{7}, PluginNames: []string{"VssSystemState"}, Requested: true},
	{Code: "D08", Letter: "W", Name: "VMware", PluginIDs: []int{8}, PluginNames: []string{"VMWare"}, Requested: true},
	{Code: "D10", Letter: "Z", Name: "MS SQL (VSS)", PluginIDs: []int{10}, PluginNames: []string{"VssMsSql", "VssSql"}, Requested: true},
	{Code: "D11", Letter: "P", Name: "MS SharePoint", PluginIDs: []int{11}, PluginNames: []string{"VssSharePoint"}, Requested: true},
	{Code: "D12", Letter: "Y", Name: "Oracle", PluginIDs: []int{12}, PluginNames: []string{"Oracle"}, Requested: true},
	{Code: "D14", Letter: "H", Name: "Hyper-V", PluginIDs: []int{14}, PluginNames: []string{"VssHyperV", "HyperV"}, Requested: true},
	{Code: "D15", Letter: "L", Name: "MySQL", PluginIDs: []int{15}, PluginNames: []string{"MySql"}, Requested: true},
	{Code: "D16", Letter: "V", Name: "Virtual Disaster Recovery"},
	{Code: "D17", Letter: "B", Name: "Bare Metal Restore"},
	{Code: "D18", Letter: "K", Name: "Linux System State", PluginIDs: []int{18}, PluginNames: []string{"LinuxSystemState"}},
	{Code: "D19", Letter: "G", Name: "Microsoft 365 Exchange", M365: true, ReportingName: "Exchange", Requested: true},
	{Code: "D20", Letter: "J", Name: "Microsoft 365 OneDrive", M365: true, ReportingName: "OneDrive", Requested: true},
	{Code: "D23", Name: "Microsoft 365 Teams", M365: true, ReportingName: "Teams", Requested: true},
}

// Field describes one field that every data source and the total have.
type Field struct {
	Number int    // 0 for F00
	Suffix string // its character in legacy codes, or "" where it has none or it is not certain
	Name   string
	Unit   string
	Type   Type
}

// fields is the table of fields (N-able documentation).
var fields = []Field{
	{Number: 0, Suffix: "0", Name: "status of the last session", Type: TypeStatus},
	{Number: 1, Suffix: "1", Name: "selected items", Type: TypeInt},
	{Number: 2, Suffix: "2", Name: "processed items", Type: TypeInt},
	{Number: 3, Suffix: "3", Name: "selected size", Unit: "bytes", Type: TypeBytes},
	{Number: 4, Suffix: "4", Name: "processed size", Unit: "bytes", Type: TypeBytes},
	{Number: 5, Suffix: "5", Name: "sent size", Unit: "bytes", Type: TypeBytes},
	{Number: 6, Suffix: "7", Name: "errors", Type: TypeInt},
	{Number: 7, Suffix: "6", Name: "protected size", Unit: "bytes", Type: TypeBytes},
	{Number: 8, Suffix: "B", Name: "28-day history", Type: TypeHistory},
	{Number: 9, Suffix: "L", Name: "last successful session", Unit: "unix seconds", Type: TypeTime},
	{Number: 10, Name: "selected items before the last session", Type: TypeInt},
	{Number: 11, Name: "selected size before the last session", Unit: "bytes", Type: TypeBytes},
	{Number: 12, Suffix: "A", Name: "duration of the last session", Unit: "seconds", Type: TypeDuration},
	{Number: 13, Suffix: "I", Name: "licence items", Type: TypeInt},
	{Number: 14, Suffix: "R", Name: "retention", Type: TypeText},
	{Number: 15, Suffix: "G", Name: "last session", Unit: "unix seconds", Type: TypeTime},
	{Number: 16, Suffix: "Q", Name: "status of the last successful session", Type: TypeStatus},
	{Number: 17, Suffix: "J", Name: "status of the last completed session", Type: TypeStatus},
	{Number: 18, Suffix: "O", Name: "last completed session", Unit: "unix seconds", Type: TypeTime},
	{Number: 19, Name: "verification data", Type: TypeText},
	{Number: 20, Suffix: "M", Name: "user mailboxes, users or owners", Type: TypeInt},
	{Number: 21, Suffix: "@", Name: "shared mailboxes", Type: TypeInt},
	{Number: 22, Name: "site collections", Type: TypeInt},
	{Number: 23, Name: "teams", Type: TypeInt},
	{Number: 24, Name: "team channels", Type: TypeInt},
	{Number: 25, Name: "further items of Teams (undocumented)", Type: TypeInt},
	{Number: 27, Name: "off-boarded users", Type: TypeInt},
}

// Sources returns every known data source, in the order of their codes.
func Sources() []Source {
	return append([]Source(nil), sources...)
}

// Fields returns every documented field, in the order of their numbers.
func Fields() []Field {
	return append([]Field(nil), fields...)
}

// SourceOf returns the data source with a code such as "D01", "d1" or "D1". It reports false for an
// unknown one, with a Source that carries the code as its name.
func SourceOf(code string) (Source, bool) {
	upper := strings.ToUpper(strings.TrimSpace(code))
	if number, ok := digitsAfter(upper, "D"); ok && len(upper) <= 3 {
		source := sourceByNumber(number)
		if source.Name != "" {
			return source, true
		}
		if len(upper) == 2 {
			upper = "D0" + upper[1:]
		}
	}
	return Source{Code: upper, Name: "data source " + upper}, false
}

var sourceCode = regexp.MustCompile(`(?i)D[0-9]{1,2}`)

// ParseSources reads the active data sources of a device: the value of I78 ("D01D02D10", with or without
// padding and commas) or of its legacy form AP ("FSZ"). Each source appears once, in the order given.
// A source that the table does not know is kept with its code as its name, so that it is never lost;
// the total (D09, T) is left out.
func ParseSources(value string) []Source {
	var found []Source
	seen := map[string]bool{"D09": true}
	add := func(source Source) {
		if !seen[source.Code] {
			seen[source.Code] = true
			found = append(found, source)
		}
	}
	if codes := sourceCode.FindAllString(value, -1); len(codes) > 0 {
		for _, code := range codes {
			source, _ := SourceOf(code)
			add(source)
		}
		return found
	}
	for _, letter := range strings.ToUpper(value) {
		if letter < 'A' || letter > 'Z' || string(letter) == totalLetter {
			continue
		}
		add(sourceByLetter(string(letter)))
	}
	return found
}

func sourceByNumber(number int) Source {
	for _, source := range sources {
		if n, _ := digitsAfter(source.Code, "D"); n == number {
			return source
		}
	}
	return Source{}
}

func sourceByLetter(letter string) Source {
	for _, source := range sources {
		if source.Letter == letter {
			return source
		}
	}
	return Source{Code: letter, Name: "data source " + letter}
}

func fieldByNumber(number int) Field {
	for _, field := range fields {
		if field.Number == number {
			return field
		}
	}
	return Field{}
}
