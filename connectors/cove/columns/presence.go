package columns

import "strings"

// Required returns the rule by which a row of the statistics must have a value in a column, or nil for a column that
// may be missing from any row: Cove leaves out what has no value (N-able documentation). The code and those of the
// row are canonical. A computer that was created and never installed has a name, an owner, a type, a product and
// nothing else; what the row does not tell, such as its type, counts for it.
//
// Of a data source the status is the one column with a rule. It must be there on rows that show the time of its last
// session, and on rows of which it is the only data source when the device has had a session at all.
func Required(code string) func(row map[string]string) bool {
	switch code {
	case "AU", "AN", "AR", "AT", "CD":
		return func(map[string]string) bool { return true }
	case "PN":
		return isSystem
	case "I78", "TS":
		return hasRun
	case "MN", "OS", "OT":
		return func(row map[string]string) bool { return isSystem(row) && hasRun(row) }
	}
	source, isStatus := strings.CutSuffix(code, "F00")
	if !isStatus {
		return nil
	}
	lastSession := source + "F15"
	return func(row map[string]string) bool {
		return isSet(row[lastSession]) || hasRun(row) && isOnly(source, row["I78"])
	}
}

// isOnly reports whether a device has one data source, and it is this one.
func isOnly(source, active string) bool {
	if len(active) > len("D01") {
		return false
	}
	only := ParseSources(active)
	return len(only) == 1 && only[0].Code == source
}

func isSystem(row map[string]string) bool { return row["AT"] == "1" }

func hasRun(row map[string]string) bool { return isSet(row["T0"]) }

func isSet(value string) bool { return value != "" && value != "0" }
