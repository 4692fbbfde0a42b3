package columns

// Light returns the canonical codes of the columns that a sweep asks for about every device: its identity
// and everything that is judged. The account id is not among them, because every row carries it.
func Light() []string {
	codes := []string{
		"AN", "MN", "AR", "PF", "AT", "OT", "OS", "OI", "PN", "CD", "I78", "TS", "T0", "T7", "TL",
	}
	return append(codes, sourceFields(0, 6, 9, 15, 17, 18)...)
}

// Full returns Light and the descriptive columns that a ticket or a table shows beside it.
func Full() []string {
	codes := append(Light(),
		"AL", "OP", "PD", "LN", "I81", "I84", "I85", "MF", "MO", "IP", "EI", "TZ", "VN", "US", "T3",
	)
	codes = append(codes, sourceFields(3, 4, 5, 12, 16)...)
	return append(codes, "D19F20", "D19F21", "D20F20", "D05F20", "D05F22", "D23F20", "D23F23", "D23F24", "D23F25")
}

// Custom columns that production scripts ask of every partner's devices. Where a partner has not got them Cove passes
// them over.
const (
	Notes          = "AA843"  // what the MSP notes about a device, free text that may hold secrets
	InPlaceArchive = "AA3347" // whether in-place archives of Exchange are backed up, "true" or "false"
)

// autoAdd are the custom columns that say whether new users, sites or teams are added by themselves, "true" or "false".
var autoAdd = map[string]string{"D19": "AA3147", "D20": "AA3148", "D05": "AA3149", "D23": "AA3150"}

// AutoAdd returns the custom column that says of a data source whether what is new is added by itself, or "".
func AutoAdd(source string) string { return autoAdd[source] }

// Custom returns the custom columns that a ticket shows. No verdict depends on them.
func Custom() []string {
	return []string{Notes, autoAdd["D19"], autoAdd["D20"], autoAdd["D05"], autoAdd["D23"], InPlaceArchive}
}

func sourceFields(numbers ...int) []string {
	var codes []string
	for _, source := range sources {
		if !source.Requested {
			continue
		}
		for _, number := range numbers {
			codes = append(codes, FieldCode(source.Code, number))
		}
	}
	return codes
}
