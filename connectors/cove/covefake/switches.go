package covefake

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
)

// Switches settle what is not known about the real server. The zero value is the likeliest reading.
type Switches struct {
	// NullForEmpty answers null instead of [] where a list of results is empty.
	NullForEmpty bool `json:"nullForEmpty"`
	// I78 is the spelling of the active data sources: padded (also when empty), unpadded or commas.
	I78 I78Style `json:"i78"`
	// NoTotals leaves totalStatistics out although Totals were asked for.
	NoTotals bool `json:"noTotals"`
	// NumericValues answers statistics numbers as JSON numbers instead of strings.
	NumericValues bool `json:"numericValues"`
	// ListValues answers internal and external addresses as lists of strings.
	ListValues bool `json:"listValues"`
	// Missing is how a column without a value is answered: absent (also when empty), null or blank.
	Missing MissingStyle `json:"missing"`
	// RefusedColumns fail a statistics request with 13501: canonical codes, or globs over them such as "D02F*".
	RefusedColumns []string `json:"refusedColumns"`
	// IgnoredColumns are passed over in silence as codes are that the server does not know: canonical codes or globs.
	IgnoredColumns []string `json:"ignoredColumns"`
	// PartnerRequired refuses a login without partner with 2100.
	PartnerRequired bool `json:"partnerRequired"`
	// BodyVisaOnly makes an Authorization header useless on /jsonapi.
	BodyVisaOnly bool `json:"bodyVisaOnly"`
	// VisaInErrors sends a fresh visa with RPC errors too.
	VisaInErrors bool `json:"visaInErrors"`
	// VisaMode is chain (also when empty), superseded or single_use.
	VisaMode VisaMode `json:"visaMode"`
	// VisaSeconds is how long a visa is good for; 0 means 900.
	VisaSeconds int64 `json:"visaSeconds"`
	// LockAfter is the number of bad logins in a row that lock the user for LockSeconds; 0 means never.
	LockAfter   int   `json:"lockAfter"`
	LockSeconds int64 `json:"lockSeconds"`
	// NoFieldsByDefault makes EnumeratePartners without fields answer bare ids.
	NoFieldsByDefault bool `json:"noFieldsByDefault"`
	// RecordsDefault is the page size of a statistics request that names none; 0 means 1.
	RecordsDefault int `json:"recordsDefault"`
	// RecordsMax caps the page size in silence; 0 means no cap.
	RecordsMax int `json:"recordsMax"`
	// UnstableTies orders rows of equal sort keys differently on each request.
	UnstableTies bool `json:"unstableTies"`
	// ColourBarNewestFirst writes the colour bars with today at the left.
	ColourBarNewestFirst bool `json:"colourBarNewestFirst"`
	// TimestampIsLastSession answers TS with the newest session instead of the heartbeat.
	TimestampIsLastSession bool `json:"timestampIsLastSession"`
	// OffsetInMinutes answers TZ in minutes instead of hours.
	OffsetInMinutes bool `json:"offsetInMinutes"`
	// ClockAheadSeconds is how far the Date of answers is ahead of the server's clock; negative means behind.
	ClockAheadSeconds int64 `json:"clockAheadSeconds"`
	// FlatResults answers lists of EnumerateColumns, of storage nodes and of /reporting_api directly under result.
	FlatResults bool `json:"flatResults"`
	// PluginAsNumber gives node sessions Plugin as a number instead of PluginId as a name.
	PluginAsNumber bool `json:"pluginAsNumber"`
	// NodeHost is the storage node's host and port; empty means the address the request came to, if it is loopback.
	NodeHost string `json:"nodeHost"`
	// Errors are the numbers of errors whose real numbers nobody knows.
	Errors map[ErrorKind]ErrorNumber `json:"errors"`
}

// I78Style is a spelling of the active data sources.
type I78Style string

// The spellings: D01D02, D1D2 and D1,D2.
const (
	I78Padded   I78Style = "padded"
	I78Unpadded I78Style = "unpadded"
	I78Commas   I78Style = "commas"
)

// MissingStyle is the answer for a column that has no value.
type MissingStyle string

// The answers: no member at all, null, and the empty string.
const (
	MissingAbsent MissingStyle = "absent"
	MissingNull   MissingStyle = "null"
	MissingBlank  MissingStyle = "blank"
)

// VisaMode is the life of a visa.
type VisaMode string

// The lives: any visa younger than its age limit; only the newest of its login; each visa for one call.
const (
	VisaChain      VisaMode = "chain"
	VisaSuperseded VisaMode = "superseded"
	VisaSingleUse  VisaMode = "single_use"
)

// ErrorKind names an error whose real number is unknown.
type ErrorKind string

// The errors that Switches.Errors can give numbers.
const (
	ErrUnknownPartner ErrorKind = "unknown_partner"
	ErrUnknownAccount ErrorKind = "unknown_account"
	ErrLockedOut      ErrorKind = "locked_out"
	ErrNodeRefused    ErrorKind = "node_refused"
	ErrNoDataSource   ErrorKind = "no_data_source"
	ErrBadParams      ErrorKind = "bad_params"
	ErrRefused        ErrorKind = "refused"
)

// ErrorNumber is the pair of numbers in an RPC error.
type ErrorNumber struct {
	Code int `json:"code"`
	Data int `json:"data"`
}

var defaultNumbers = map[ErrorKind]ErrorNumber{
	ErrUnknownPartner: {codeInternal, 0},
	ErrUnknownAccount: {codeInternal, 0},
	ErrLockedOut:      {codeInternal, 2100},
	ErrNodeRefused:    {codeInternal, 0},
	ErrNoDataSource:   {codeInternal, 0},
	ErrBadParams:      {codeParams, 0},
	ErrRefused:        {codeInternal, 13501},
}

func (w Switches) number(kind ErrorKind) ErrorNumber {
	if n, ok := w.Errors[kind]; ok {
		return n
	}
	return defaultNumbers[kind]
}

func (w Switches) refuses(code string) bool { return matchesAny(w.RefusedColumns, code) }

func (w Switches) ignores(code string) bool { return matchesAny(w.IgnoredColumns, code) }

func matchesAny(globs []string, code string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, code)
		return err == nil && ok
	})
}

func (w Switches) check() error {
	if !slices.Contains([]I78Style{"", I78Padded, I78Unpadded, I78Commas}, w.I78) {
		return fmt.Errorf("i78: %q is not padded, unpadded or commas", w.I78)
	}
	if !slices.Contains([]MissingStyle{"", MissingAbsent, MissingNull, MissingBlank}, w.Missing) {
		return fmt.Errorf("missing: %q is not absent, null or blank", w.Missing)
	}
	if !slices.Contains([]VisaMode{"", VisaChain, VisaSuperseded, VisaSingleUse}, w.VisaMode) {
		return fmt.Errorf("visaMode: %q is not chain, superseded or single_use", w.VisaMode)
	}
	if w.VisaSeconds < 0 || w.LockAfter < 0 || w.LockSeconds < 0 || w.RecordsDefault < 0 || w.RecordsMax < 0 {
		return errors.New("visaSeconds, lockAfter, lockSeconds, recordsDefault and recordsMax may not be negative")
	}
	for name, globs := range map[string][]string{"refusedColumns": w.RefusedColumns, "ignoredColumns": w.IgnoredColumns} {
		for _, glob := range globs {
			if _, err := path.Match(glob, ""); err != nil {
				return fmt.Errorf("%s: %q is no pattern", name, glob)
			}
		}
	}
	for kind := range w.Errors {
		if _, ok := defaultNumbers[kind]; !ok {
			return fmt.Errorf("errors: %q is no kind of error", kind)
		}
	}
	return nil
}

// clone keeps later changes of the caller's lists and maps away from the server's.
func (w Switches) clone() Switches {
	w.RefusedColumns = slices.Clone(w.RefusedColumns)
	w.IgnoredColumns = slices.Clone(w.IgnoredColumns)
	w.Errors = maps.Clone(w.Errors)
	return w
}
