package tenant

import "time"

// Policy is what a tenant says about judging its devices. Values are in the words of the document, by key
// ("stale.server": "36h"); what the tenant leaves out is the system's.
type Policy struct {
	Values            map[string]string
	Customers         []Override // by customer
	Devices           []Override // by device
	Exclude           []Exclusion
	Windows           []Window
	Snoozes           []Snooze
	ExpectedErrors    []ExpectedError
	CustomConditions  []CustomCondition
	Tags              []Rule // devices that have the tag that is the rule's name
	Group             Group
	NotSweptAfter     int     // intervals without a complete sweep; at least 1, default 3
	DocumentsProfiles []int64 // ids of the Cove profiles that make a workstation a Documents device
}

// Selector chooses devices: each list that is not empty must hold something that fits. An empty one chooses all.
// Patterns ignore case; "*" stands for any text and "?" for one letter.
type Selector struct {
	Customers []string // ids, or patterns of names
	Sites     []string // patterns of names
	Classes   []string // "server", "workstation", "documents", "m365"
	Devices   []string // ids, or patterns of names, computer names or aliases
	Profiles  []string // ids, or patterns of names
	Tags      []string // patterns
}

// Rule is what all entries of a policy's lists have.
type Rule struct {
	Line   int    // in the file it was read from; 0 when it was not
	Name   string // unique in its list
	Select Selector
}

// Override is what differs for some customers or devices. Later ones of a list win over earlier ones; devices win
// over customers.
type Override struct {
	Rule
	Values map[string]string // like Policy.Values; "inherit" is what the level above says
}

// Exclusion leaves devices out.
type Exclusion struct {
	Rule
	Reason string
}

// Window is a recurring time in which no news is told.
type Window struct {
	Rule
	Cron     string        // five fields, or "@daily" and the like
	Duration time.Duration // 1 min to 7 days of real time, whatever the clocks do
	Zone     string        // IANA time zone of Cron
	Reason   string
}

// Snooze withholds news until a moment.
type Snooze struct {
	Rule
	Reason string
	Author string
	Until  time.Time
}

// ExpectedError recognises session errors that are so by design: every pattern that is not empty must fit.
type ExpectedError struct {
	Rule
	Sources []string // codes of data sources; none means all
	Text    string   // pattern of the error's text
	Item    string   // pattern of the file, mailbox or site concerned
	Code    string   // pattern of the vendor's number or name for the error
	Reason  string
	Until   time.Time
}

// CustomCondition is a condition by expression, as package expression has it.
type CustomCondition struct {
	Rule
	When string
}

// Join says what becomes of a device's own incident while a group incident with its cause is open.
type Join string

// The ways to join a group.
const (
	JoinOff    Join = "off"    // there are no group incidents
	JoinAttach Join = "attach" // it is told as part of the group
	JoinHold   Join = "hold"   // it is held back while the group is open
)

// Group says when incidents with one cause become one.
type Group struct {
	Window  time.Duration // incidents count together when they began within this time; default 30 min
	Devices int           // least number; at least 2, default 10
	Share   int           // least share of the devices that have the cause's attribute in common, in percent; default 20
	Join    Join          // default JoinHold
}

// LongestWithheld is how far ahead a snooze or an expected error may end.
const LongestWithheld = 366 * 24 * time.Hour

// defaultPolicy is what a document without a policy has. The system's values are those of PolicyKeys.
func defaultPolicy() Policy {
	return Policy{
		Values:            map[string]string{},
		Group:             Group{Window: 30 * time.Minute, Devices: 10, Share: 20, Join: JoinHold},
		NotSweptAfter:     3,
		DocumentsProfiles: []int64{5038},
	}
}
