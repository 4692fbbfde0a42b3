package tenant

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Words of policy values.
const (
	Inherit = "inherit" // in overrides: what the level above says
	Off     = "off"
	On      = "on"
)

// ValueKind is what sort of value a key has.
type ValueKind uint8

// The kinds of values.
const (
	DurationValue ValueKind = iota // "24h", "14d" or "off"
	CountValue                     // a whole number
	SwitchValue                    // "on" or "off"
	WordValue                      // one of PolicyKey.Words
	SourcesValue                   // codes of data sources, with blanks between them; "" for none
)

// PolicyKey is one value that a policy can set for the tenant, for customers and for devices.
type PolicyKey struct {
	Name     string // dotted
	Kind     ValueKind
	ByClass  bool              // may have one value for each class of device: Name + ".server"
	BySource bool              // may have one value for each data source: Name + ".D01"
	Least    int               // of CountValue
	Words    []string          // of WordValue
	Default  map[string]string // the system's value by class; under "" for all classes
	About    string            // what it says, for the reference
}

// Classes are the classes of devices, as documents name them.
func Classes() []string { return []string{"server", "workstation", "documents", "m365"} }

// PolicyKeys returns every value that a policy can set, with the system's own values, in the order of the reference.
func PolicyKeys() []PolicyKey {
	all := func(value string) map[string]string { return map[string]string{"": value} }
	classes := func(server, workstation, documents, m365 string) map[string]string {
		return map[string]string{"server": server, "workstation": workstation, "documents": documents, "m365": m365}
	}
	urgencies := []string{"low", "medium", "high", "critical"}
	return []PolicyKey{
		{
			Name: "stale", Kind: DurationValue, ByClass: true, BySource: true, Default: classes("36h", "5d", "14d", "24h"),
			About: "age of a data source's last good backup from which it is too old",
		},
		{
			Name: "overrun", Kind: DurationValue, ByClass: true, Default: classes("48h", "72h", "7d", "72h"),
			About: "a session that runs for longer counts as stale",
		},
		{
			Name: "never", Kind: DurationValue, ByClass: true, Default: all("48h"),
			About: "a new device's time for its first backup",
		},
		{
			Name: "silent", Kind: DurationValue, ByClass: true, Default: classes("48h", "14d", "30d", Off),
			About: "time without contact with Cove",
		},
		{
			Name: "noErrorFree", Kind: DurationValue, ByClass: true, Default: all(Off),
			About: "time in which no backup of a data source was free of errors",
		},
		{
			Name: "persist", Kind: DurationValue, ByClass: true, Default: classes("12h", "24h", "24h", "12h"),
			About: `how long "Not started" and "Restarted" must last to count as failed`,
		},
		{
			Name: "openAfter", Kind: CountValue, ByClass: true, Least: 1, Default: all("1"),
			About: "sweeps in a row that a condition must hold before an incident opens",
		},
		{
			Name: "openFor", Kind: DurationValue, ByClass: true, Default: all(Off),
			About: "and the time that it must hold",
		},
		{
			Name: "closeAfter", Kind: CountValue, ByClass: true, Least: 1, Default: all("1"),
			About: "sweeps in a row that a device must be well before its incident closes",
		},
		{
			Name: "closeFor", Kind: DurationValue, ByClass: true, Default: all(Off),
			About: "and the time that it must be well",
		},
		{
			Name: "flap.changes", Kind: CountValue, Default: all("3"),
			About: "openings and closings within flap.within from which on an incident is flapping and held open; 0 means never",
		},
		{Name: "flap.within", Kind: DurationValue, Default: all("7d"), About: "see flap.changes"},
		{Name: "flap.calm", Kind: DurationValue, Default: all("72h"), About: "how long a flapping incident must be well before it closes"},
		{Name: "ladder.warning", Kind: DurationValue, Default: all("7d"), About: "age of an incident at which its severity is warning"},
		{Name: "ladder.alert", Kind: DurationValue, Default: all("14d"), About: "the same for alert"},
		{Name: "ladder.critical", Kind: DurationValue, Default: all("30d"), About: "the same for critical"},
		{
			Name: "urgency", Kind: WordValue, ByClass: true, Words: urgencies, Default: classes("critical", "high", "high", "medium"),
			About: "how urgent an incident is by the class of its device",
		},
		{Name: "conditions.failed", Kind: SwitchValue, Default: all(On), About: "judge failed sessions, also for quota and selection"},
		{Name: "conditions.never", Kind: SwitchValue, Default: all(On), About: "judge devices that never had a backup"},
		{Name: "conditions.stale", Kind: SwitchValue, Default: all(On), About: "judge the age of the last good backup"},
		{Name: "conditions.errors", Kind: SwitchValue, Default: all(On), About: "judge errors of sessions that completed"},
		{Name: "conditions.silent", Kind: SwitchValue, Default: all(On), About: "judge missing contact"},
		{Name: "conditions.noErrorFree", Kind: SwitchValue, Default: all(On), About: "judge the time since the last backup free of errors"},
		{Name: "conditions.custom", Kind: SwitchValue, Default: all(On), About: "judge the conditions of customConditions"},
		{Name: "ignoreSources", Kind: SourcesValue, Default: all(""), About: "data sources that are not judged, such as [D10, D11]"},
		{Name: "excludeTrial", Kind: SwitchValue, Default: all(On), About: "leave out devices of customers in trial"},
	}
}

// SystemPolicy returns the system's own values by key.
func SystemPolicy() map[string]string {
	values := map[string]string{}
	for _, k := range PolicyKeys() {
		for class, value := range k.Default {
			values[joined(k.Name, class)] = value
		}
	}
	return values
}

func joined(name, part string) string {
	if part == "" {
		return name
	}
	return name + "." + part
}

// KeyOf returns the key that a value's full name belongs to ("stale.D01" to "stale") and what follows it: a class, a
// code of a data source, or "".
func KeyOf(name string) (key PolicyKey, part string, ok bool) {
	for _, k := range PolicyKeys() {
		part, below := strings.CutPrefix(name, k.Name+".")
		switch {
		case name == k.Name:
			return k, "", true
		case below && k.ByClass && slices.Contains(Classes(), part), below && k.BySource && sourcePattern.MatchString(part):
			return k, part, true
		}
	}
	return PolicyKey{}, "", false
}

// Value is a policy value, read. Only what its kind says is set; a duration that is off is 0.
type Value struct {
	Duration time.Duration
	Count    int
	Switch   bool
	Word     string
	Sources  []string
}

// sourcePattern fits the codes of data sources. D09 is the total of all of them and no source.
var sourcePattern = regexp.MustCompile(`^D(0[1-8]|[12][0-9])$`)

// Parse reads a value in the words of the document. It does not know "inherit".
func (k PolicyKey) Parse(text string) (Value, error) {
	switch k.Kind {
	case DurationValue:
		if text == Off {
			return Value{}, nil
		}
		d, err := parseDuration(text)
		if err != nil || d <= 0 {
			return Value{}, fmt.Errorf("%s is not a duration; %s, or off", quote(text), durationRemedy)
		}
		return Value{Duration: d}, nil
	case CountValue:
		n, err := strconv.Atoi(text)
		if err != nil || n < k.Least || n > mostCount {
			return Value{}, fmt.Errorf("%s is not a whole number from %d to %d; write one", quote(text), k.Least, mostCount)
		}
		return Value{Count: n}, nil
	case SwitchValue:
		if text != On && text != Off {
			return Value{}, fmt.Errorf("%s is neither on nor off; write one of them", quote(text))
		}
		return Value{Switch: text == On}, nil
	case WordValue:
		if !slices.Contains(k.Words, text) {
			return Value{}, fmt.Errorf("%s is none of %s; write one of them", quote(text), strings.Join(k.Words, ", "))
		}
		return Value{Word: text}, nil
	default:
		sources := strings.Fields(text)
		for _, source := range sources {
			if complaint := sourceCode(source); complaint != "" {
				return Value{}, fmt.Errorf("%s", complaint)
			}
		}
		return Value{Sources: sources}, nil
	}
}

// mostCount bounds counts, so that they fit every type that carries them.
const mostCount = 1_000_000

func sourceCode(s string) string {
	if sourcePattern.MatchString(s) {
		return ""
	}
	return fmt.Sprintf("%s is not the code of a data source; write a code such as D01 (Files and Folders) or D19 (Exchange Online)", quote(s))
}
