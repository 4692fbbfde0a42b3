package columns

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// noExpiry is what Cove writes where a time is meant never to come.
const noExpiry = math.MaxInt32

// latest bounds Time to years with four digits, so that every result can be written as RFC 3339.
const latest = 253402300799

// Int reads an integer value. It reports false for "", for text that is no number, and for a number with
// a fraction or outside int64.
func Int(value string) (int64, bool) {
	value = strings.TrimSpace(value)
	if number, err := strconv.ParseInt(value, 10, 64); err == nil {
		return number, true
	}
	// Sizes have been seen as "1.5e+11" after other programs had handled them.
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || number != math.Trunc(number) || math.Abs(number) > 1<<53 {
		return 0, false
	}
	return int64(number), true
}

// Time reads a moment in unix seconds, in UTC. It reports false for every value that means never or
// nothing: "", "0", 2147483647, a negative number, one beyond the year 9999, or no number at all.
func Time(value string) (time.Time, bool) {
	seconds, ok := Int(value)
	if !ok || seconds <= 0 || seconds == noExpiry || seconds > latest {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}
