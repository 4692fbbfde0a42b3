package judge

import (
	"fmt"
	"strings"
	"time"
)

// Keys of the policy's values by which conditions are found, as documents spell them.
const (
	keyFailed      = "conditions.failed"
	keyPersist     = "persist"
	keyErrors      = "conditions.errors"
	keyStale       = "stale"
	keyOverrun     = "overrun"
	keyNever       = "never"
	keySilent      = "silent"
	keyNoErrorFree = "noErrorFree"
)

// staleKey is the key of the age limit of a data source.
func (e evidence) staleKey(source string) string {
	if _, own := e.rules.StaleSource[source]; own {
		return keyStale + "." + source
	}
	return keyStale
}

// rule names a value of the policy with where it comes from: "stale = 24h (tenant)", "stale.D10 = 3d (device: SQL
// servers)". value is the one in force, in words, for a policy that does not say where it comes from.
func (e evidence) rule(key, value string) string {
	origin, known := e.rules.Origins[key]
	switch {
	case !known:
		return key + " = " + value
	case origin.Rule == "":
		return fmt.Sprintf("%s = %s (%s)", key, origin.Value, origin.Level)
	default:
		return fmt.Sprintf("%s = %s (%s: %s)", key, origin.Value, origin.Level, origin.Rule)
	}
}

// inWords writes a duration as documents do: "3d", "36h", "1h30m".
func inWords(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
