package covefake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// column is a device-level column. code is the canonical code: the I-code, or the legacy code where no I-code is known.
type column struct {
	legacy, code, name string
	number             bool
}

// deviceColumns are the device-level columns [N-able documentation, clients in the field].
var deviceColumns = []column{
	{"AU", "I0", "Device ID", true},
	{"AN", "I1", "Device name", false},
	{"AL", "I2", "Device name alias", false},
	{"QW", "I3", "Password", false},
	{"CD", "I4", "Creation date", true},
	{"ED", "I5", "Expiration date", true},
	{"TS", "I6", "Timestamp", true},
	{"AR", "I8", "Customer", false},
	{"PD", "I9", "Product ID", true},
	{"PN", "I10", "Product", false},
	{"LN", "I11", "Storage location", false},
	{"AG", "I12", "Device group name", false},
	{"", "I13", "Own user name", false},
	{"US", "I14", "Used storage", true},
	{"EM", "I15", "Email", false},
	{"OS", "I16", "OS version", false},
	{"VN", "I17", "Client version", false},
	{"MN", "I18", "Computer name", false},
	{"IP", "I19", "Internal IPs", false},
	{"EI", "I20", "External IPs", false},
	{"MA", "I21", "MAC address", false},
	{"DF", "I22", "Dashboard frequency", true},
	{"DL", "I23", "Dashboard language", false},
	{"TZ", "I24", "Time offset", true},
	{"", "I26", "Cabinet storage efficiency", true},
	{"", "I27", "Total cabinets count", true},
	{"", "I28", "Efficient cabinets 0-25", true},
	{"", "I29", "Efficient cabinets 26-50", true},
	{"", "I30", "Efficient cabinets 50-75", true},
	{"", "I31", "Used virtual storage", true},
	{"OT", "I32", "OS type", true},
	{"IS", "I33", "Seeding mode", true},
	{"", "I34", "Anti-crypto enabled", true},
	{"VE", "I35", "LSV enabled", true},
	{"YS", "I36", "Storage status", true},
	{"YV", "I37", "LSV status", true},
	{"AS", "I38", "Archived size", true},
	{"RU", "I39", "Retention units", false},
	{"DS", "I40", "Activity description", false},
	{"HN", "I41", "Hyper-V virtual machines", true},
	{"EN", "I42", "ESX virtual machines", true},
	{"ES", "I43", "Encryption status", false},
	{"MF", "I44", "Computer manufacturer", false},
	{"MO", "I45", "Computer model", false},
	{"II", "I46", "Installation ID", false},
	{"IM", "I47", "Installation mode", true},
	{"REM", "I48", "Restore email", false},
	{"RDF", "I49", "Restore dashboard frequency", true},
	{"", "I50", "Restore dashboard language", false},
	{"OI", "I54", "Profile ID", true},
	{"OV", "I55", "Profile version", true},
	{"OP", "I56", "Profile", false},
	{"KU", "I57", "SKU", false},
	{"PU", "I58", "SKU of the previous month", false},
	{"AT", "I59", "Account type", true},
	{"PT", "I60", "Proxy type", true},
	{"RP", "I62", "Most recent restore plugin", false},
	{"RTG", "RTG", "Last restore", true},
	{"", "I63", "Company name", false},
	{"", "I64", "Address", false},
	{"", "I65", "Zip code", false},
	{"", "I66", "Country", false},
	{"", "I67", "City", false},
	{"", "I68", "Phone number", false},
	{"", "I69", "Fax number", false},
	{"", "I70", "Contract name", false},
	{"", "I71", "Group name", false},
	{"", "I72", "Demo", false},
	{"", "I73", "Edu", false},
	{"", "I74", "Unattended installation ID", false},
	{"", "I75", "First installation", false},
	{"", "I76", "Maximum allowed version", false},
	{"PF", "I77", "Customer reference", false},
	{"", "I78", "Active data sources", false},
	{"AP", "AP", "Active data sources, letters", false},
	{"", "I80", "Recovery testing", true},
	{"", "I81", "Physicality", false},
	{"", "I82", "Passphrase", false},
	{"", "I83", "Customer ID", true},
	{"", "I84", "CPU cores", true},
	{"", "I85", "RAM size", true},
	{"", "I86", "FIPS status", false},
	{"", "I87", "FIPS details", false},
	{"", "I88", "mTLS status", false},
	{"", "I89", "mTLS details", false},
	{"", "I90", "DRaaS", false},
	{"IE", "IE", "Standby image enabled", true},
	{"IT", "IT", "Standby image status", true},
	{"ER", "ER", "Last error", false},
	{"TM", "TM", "Microsoft 365 billable users", true},
	{"T@", "T@", "Microsoft 365 other users", true},
}

// source is a data source as the statistics know it. D18 is used by its letter only and is in no published list.
type source struct {
	number int
	letter byte
	name   string
}

var sources = []source{
	{1, 'F', "Files and Folders"},
	{2, 'S', "System State"},
	{3, 'Q', "MS SQL"},
	{4, 'X', "MS Exchange"},
	{5, 0, "Microsoft 365 SharePoint"},
	{6, 'N', "Network Shares"},
	{7, 0, "VssSystemState"},
	{8, 'W', "VMware"},
	{9, 'T', "Total"},
	{10, 'Z', "VssMsSql"},
	{11, 'P', "VssSharePoint"},
	{12, 'Y', "Oracle"},
	{14, 'H', "Hyper-V"},
	{15, 'L', "MySQL"},
	{16, 'V', "Virtual disaster recovery"},
	{17, 'B', "Bare metal restore"},
	{legacyLinux, 'K', "Linux System State"},
	{19, 'G', "Microsoft 365 Exchange"},
	{20, 'J', "Microsoft 365 OneDrive"},
	{23, 0, "Microsoft 365 Teams"},
}

const legacyLinux = 18

// field is what is known of each data source. The legacy suffixes 6 and 7 are crossed: 6 is F07, 7 is F06.
type field struct {
	number int
	suffix byte
	name   string
	text   bool
}

var fields = []field{
	{0, '0', "last session status", false},
	{1, '1', "selected count", false},
	{2, '2', "processed count", false},
	{3, '3', "selected size", false},
	{4, '4', "processed size", false},
	{5, '5', "sent size", false},
	{6, '7', "errors count", false},
	{7, '6', "protected size", false},
	{8, 'B', "28-day color bar", true},
	{9, 'L', "last successful session", false},
	{10, 0, "previous session selected count", false},
	{11, 0, "previous session selected size", false},
	{12, 'A', "session duration", false},
	{13, 'I', "licence items", false},
	{14, 'R', "retention", true},
	{15, 'G', "last session", false},
	{16, 'Q', "last successful session status", false},
	{17, 'J', "last completed session status", false},
	{18, 'O', "last completed session", false},
	{19, 'K', "session verification data", true},
	{20, 'M', "users", false},
	{21, '@', "shared mailboxes", false},
	{22, 0, "site collections", false},
	{23, 0, "teams", false},
	{24, 0, "channels", false},
	{25, 0, "third count", false},
	{27, 0, "off-boarded users", false},
}

// columnInfo is an element of the EnumerateColumns answer.
type columnInfo struct {
	Code, Description string
}

// listColumns lists every column under its canonical code.
func listColumns() []columnInfo {
	var list []columnInfo
	for _, c := range deviceColumns {
		list = append(list, columnInfo{c.code, c.name})
	}
	for _, s := range sources {
		for _, f := range fields {
			if s.number != legacyLinux {
				list = append(list, columnInfo{dfCode(s.number, f.number), s.name + ": " + f.name})
			}
		}
	}
	return list
}

func dfCode(source, field int) string { return fmt.Sprintf("D%02dF%02d", source, field) }

// canonicalCode returns the canonical code of a column in any of its spellings: I-codes, padded and unpadded
// D-F-codes, legacy codes, and AA with a number for custom columns.
func canonicalCode(spelling string) (string, bool) {
	if s, f, ok := splitDF(spelling); ok && knownSource(s) && knownField(f) {
		if len(spelling) == len("D00F00") {
			return spelling, true
		}
		return dfCode(s, f), true
	}
	// Before the data sources: where two-letter codes clash (PN, LN, TS, SO ...) the device column wins.
	for _, c := range deviceColumns {
		if c.code == spelling || c.legacy == spelling && spelling != "" {
			return c.code, true
		}
	}
	if len(spelling) == 2 {
		for _, s := range sources {
			for _, f := range fields {
				if s.letter != 0 && s.letter == spelling[0] && f.suffix != 0 && f.suffix == spelling[1] {
					return dfCode(s.number, f.number), true
				}
			}
		}
	}
	if id, ok := strings.CutPrefix(spelling, "AA"); ok {
		if n, ok := digits(id); ok && n > 0 && id[0] != '0' {
			return spelling, true
		}
	}
	return "", false
}

// splitDF reads D5F0 and D05F00 alike.
func splitDF(code string) (source, field int, ok bool) {
	rest, isD := strings.CutPrefix(code, "D")
	d, f, hasF := strings.Cut(rest, "F")
	if !isD || !hasF || len(d) > 2 || len(f) > 2 {
		return 0, 0, false
	}
	source, okSource := digits(d)
	field, okField := digits(f)
	return source, field, okSource && okField
}

func digits(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

func knownSource(n int) bool {
	return slices.ContainsFunc(sources, func(s source) bool { return s.number == n })
}

func knownField(n int) bool {
	return slices.ContainsFunc(fields, func(f field) bool { return f.number == n })
}

// isNumber says whether a column, by its canonical code, holds numbers or times.
func isNumber(code string) bool {
	if _, f, ok := splitDF(code); ok {
		return slices.ContainsFunc(fields, func(known field) bool { return known.number == f && !known.text })
	}
	return slices.ContainsFunc(deviceColumns, func(c column) bool { return c.code == code && c.number })
}

// sourcesIn lists the data source numbers in an I78 value, padded or not, with or without separators.
func sourcesIn(i78 string) []int {
	var list []int
	for part := range strings.SplitSeq(strings.NewReplacer(",", "", " ", "").Replace(i78), "D") {
		if n, err := strconv.Atoi(part); err == nil {
			list = append(list, n)
		}
	}
	return list
}

func styleI78(i78 string, style I78Style) string {
	format, separator := "D%02d", ""
	switch style {
	case I78Unpadded:
		format = "D%d"
	case I78Commas:
		format, separator = "D%d", ","
	default:
	}
	var parts []string
	for _, n := range sourcesIn(i78) {
		parts = append(parts, fmt.Sprintf(format, n))
	}
	return strings.Join(parts, separator)
}

func letters(i78 string) string {
	var b strings.Builder
	for _, n := range sourcesIn(i78) {
		for _, s := range sources {
			if s.number == n && s.letter != 0 {
				b.WriteByte(s.letter)
			}
		}
	}
	return b.String()
}
