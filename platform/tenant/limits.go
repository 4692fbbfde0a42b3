package tenant

import (
	"fmt"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// decimal parses a number, with or without a fraction, from least to most.
func decimal(dst *float64, least, most float64) parser {
	return func(r *reader, at place, n *yaml.Node) {
		value, err := strconv.ParseFloat(n.Value, 64)
		switch {
		case n.Kind != yaml.ScalarNode || kind(n) != "a number":
			r.report(at, "is %s, not a number; write a number from %g to %g without quotes or units", kind(n), least, most)
		case err != nil || math.IsNaN(value) || value < least || value > most:
			r.report(at, "%s is not from %g to %g; write a number in between", printable(n.Value), least, most)
		default:
			*dst = value
		}
	}
}

// numberUpTo parses a whole number from 1 to most.
func numberUpTo(dst *int, most int64) parser {
	return func(r *reader, at place, n *yaml.Node) {
		value, complaint := wholeNumber(n, 1)
		if complaint == "" && value > most {
			complaint = fmt.Sprintf("%d is more than %d; write %d or less", value, most, most)
		}
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		*dst = int(value)
	}
}
