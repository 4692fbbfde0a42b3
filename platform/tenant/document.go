// Package tenant owns the tenant document: its keys, defaults and rules, reading it from a strict YAML
// file with a line for every problem, and the references to the secrets that it names.
//
// It does not talk to Cove or ConnectWise, so a document that loads may still carry a wrong password or
// a board that does not exist. It does not store or publish settings either.
//
// A file holds one document per tenant, separated by "---". Unknown keys, aliases and merge keys are
// refused. Durations are written like "90s", "15m", "24h" (the syntax of time.ParseDuration), with whole
// days before them when wanted: "14d", "1d12h".
package tenant

import "time"

// Mode says whether a tenant's decisions are carried out.
type Mode string

// The modes.
const (
	Shadow Mode = "shadow" // everything is decided and recorded, nothing is written to Cove or ConnectWise
	Live   Mode = "live"   // decisions are carried out
)

// Create says what happens when a customer has no ConnectWise company.
type Create string

// The ways to create companies.
const (
	CreateOff     Create = "off"     // never; tickets wait or go to the catch-all company
	CreateApprove Create = "approve" // proposed, and created when a person approves
	CreateAuto    Create = "auto"    // created at once
)

// Document is everything one tenant has set, with the defaults filled in.
type Document struct {
	ID          string // 1 to 32 of a-z, 0-9 and "-", beginning with a letter or digit; unique in a file
	Mode        Mode   // default Shadow
	Cove        Cove
	ConnectWise ConnectWise
	Poll        Poll
	Tickets     Tickets
	Companies   Companies
	Policy      Policy
}

// Cove is the tenant's login at N-able Cove Data Protection.
type Cove struct {
	URL        string    // JSON-RPC endpoint; https, or http on a loopback address
	Partner    string    // partner name given at login; empty leaves it out
	Username   string    // login name of the API user
	Password   SecretRef // its password
	Root       int64     // id of the partner whose subtree is watched; 0 means the login's own partner
	AllowHosts []string  // lower-case host names or addresses outside the vendor's domains that storage nodes may have
}

// ConnectWise is the tenant's ConnectWise PSA server and the API member's keys for it.
type ConnectWise struct {
	URL        string    // scheme and host only, without a trailing slash; https, or http on a loopback address
	Company    string    // company id used at login
	PublicKey  SecretRef // the API member's public key
	PrivateKey SecretRef // the API member's private key
	ClientID   string    // the integration's GUID from developer.connectwise.com
}

// Poll says how often Cove is asked.
type Poll struct {
	Interval time.Duration // from the start of a sweep to the start of the next; at least 10 s, default 15 min
}

// Tickets says how tickets are filed. Names are those shown in ConnectWise.
type Tickets struct {
	Board        string
	NewStatus    string // status of a new ticket
	ClosedStatus string // status that closes a ticket
	Priorities   Priorities
	TimeZone     string // IANA name of the zone times in tickets are shown in; default "UTC"
}

// Priorities are the names of the ConnectWise priorities by class of device.
type Priorities struct {
	Server      string
	Workstation string
	M365        string
}

// Companies says what to do about customers without a ConnectWise company.
type Companies struct {
	Create   Create // default CreateOff
	CatchAll string // identifier of the company for unmapped customers; empty means there is none
}

// Policy holds the thresholds and filters that open and close incidents.
type Policy struct {
	Stale             Stale
	OpenAfter         int           // sweeps that a condition must hold before an incident opens; at least 1
	CloseAfter        int           // sweeps that a device must be well before its incident closes; at least 1
	Never             time.Duration // how long after its creation a device may be without its first backup
	DocumentsProfiles []int64       // ids of the Cove profiles that make a workstation a Documents device
	ExcludeTrial      bool          // leaves out the devices of customers in trial
}

// Stale is the age of the last good backup from which on it is too old, by class of device.
type Stale struct {
	Server      time.Duration
	Workstation time.Duration
	Documents   time.Duration
	M365        time.Duration
}

// Defaults returns a document with every default set and everything else empty.
func Defaults() Document {
	const day = 24 * time.Hour
	return Document{
		Mode:      Shadow,
		Cove:      Cove{URL: "https://api.backup.management/jsonapi"},
		Poll:      Poll{Interval: 15 * time.Minute},
		Tickets:   Tickets{TimeZone: "UTC"},
		Companies: Companies{Create: CreateOff},
		Policy: Policy{
			Stale:             Stale{Server: day, Workstation: 3 * day, Documents: 14 * day, M365: day},
			OpenAfter:         1,
			CloseAfter:        1,
			Never:             2 * day,
			DocumentsProfiles: []int64{5038},
			ExcludeTrial:      true,
		},
	}
}
