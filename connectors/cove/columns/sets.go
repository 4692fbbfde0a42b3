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
