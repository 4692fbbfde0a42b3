package columns

import "strings"

// Required returns the rule by which a row of the statistics must have a value in a column, or nil for a column that
// may be missing from any row: Cove leaves out what has no value (N-able documentation). The code and those of the
// row are canonical. A computer that was created and never installed has a name, an owner, a type, a product and
// nothing else; what the row does not tell, such as its type, counts for it.
//
// Of a data source the status must be there on rows that show anything of a session of it, and on rows of which it is the
// only data source when the device has had a session at all; the time of the last good backup where the status is that
// of one. That a device has had a session is told by several columns, so that one of them may be missing itself.
func Required(code string) func(row map[string]string) bool {
	switch code {
	case "AU", "AN", "AR", "AT", "CD":
		return func(map[string]string) bool { return true }
	case "PN":
		return isSystem
	case "I78", "T0", "TS":
		return hasRun
	case "MN", "OS", "OT":
		return func(row map[string]string) bool { return isSystem(row) && hasRun(row) }
	}
	if source, isSuccess := strings.CutSuffix(code, "F09"); isSuccess {
		ofSource := source + "F00"
		return func(row map[string]string) bool {
			value := row[ofSource]
			if value == "" {
				return false
			}
			status, _ := ParseStatus(value)
			return status.Code == StatusCompleted || status.Code == StatusCompletedWithErrors
		}
	}
	source, isStatus := strings.CutSuffix(code, "F00")
	if !isStatus {
		return nil
	}
	started, succeeded, finished := source+"F15", source+"F09", source+"F17"
	return func(row map[string]string) bool {
		return isSet(row[started]) || isSet(row[succeeded]) || isSet(row[finished]) || isOnly(source, row["I78"]) && hasRun(row)
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

func hasRun(row map[string]string) bool {
	if isSet(row["T0"]) || isSet(row["TL"]) {
		return true
	}
	for _, source := range sources {
		if isSet(row[source.Code+"F00"]) || isSet(row[source.Code+"F09"]) {
			return true
		}
	}
	return false
}

func isSet(value string) bool { return value != "" && value != "0" }
