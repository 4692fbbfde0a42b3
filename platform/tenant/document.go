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

import (
	"time"

	"github.com/covewise/covewise/platform/tenant/wording"
)

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
	Heartbeat   Heartbeat
}

// Cove is the tenant's login at N-able Cove Data Protection.
type Cove struct {
	URL        string    // JSON-RPC endpoint; https, or http on a loopback address
	Partner    string    // partner name given at login; empty leaves it out
	Username   string    // login name of the API user
	Password   SecretRef // its password
	Root       int64     // id of the partner whose subtree is watched; 0 means the login's own partner
	AllowHosts []string  // lower-case host names or addresses outside the vendor's domains that storage nodes may have

	RequestsPerSecond float64 // towards all of the vendor's services together; 0.1 to 50, default 4
	Concurrency       int     // devices whose session errors are read at once; 1 to 16, default 4
}

// ConnectWise is the tenant's ConnectWise PSA server and the API member's keys for it.
type ConnectWise struct {
	URL        string    // scheme and host only, without a trailing slash; https, or http on a loopback address
	Company    string    // company id used at login
	PublicKey  SecretRef // the API member's public key
	PrivateKey SecretRef // the API member's private key
	ClientID   string    // the integration's GUID from developer.connectwise.com
	Callbacks  Callbacks // the zero value means that ConnectWise is not to call
	// RequestsPerMinute, 1 to 6,000, default 800, and Burst, the requests that may be sent at once before that pace begins,
	// 1 to 200, default 20. Of the tenants of one server the lowest hold.
	RequestsPerMinute, Burst int
}

// Callbacks say where the tenant's ConnectWise server reaches us when a ticket changes.
type Callbacks struct {
	URL   string    // public address of our page, without a trailing slash; https, or http on a loopback address
	Token SecretRef // at least 20 of A-Z, a-z, 0-9, "-" and "_"; the last part of the address that ConnectWise calls
}

// Heartbeat is a watch outside that expects a request after each complete and judged sweep, and that calls somebody
// when none comes. The zero value means that there is none.
type Heartbeat struct {
	URL SecretRef // its address; https, or http on a loopback address
}

// OwnCustomer is the id of the customer that stands for the MSP itself, in incidents that concern no single customer.
// Ids of Cove are digits, so it is nobody else's.
const OwnCustomer = wording.OwnCustomer

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
	Handling     Handling
	Filing       Filing
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
	// CatchAllAfter is how long incidents of an unmapped customer wait for its company before the catch-all company
	// takes them; 0 means at once.
	CatchAllAfter time.Duration
	MoveHome      bool   // a ticket at the catch-all company moves to the customer's own once there is one
	Own           string // identifier of the MSP's own company, for incidents of no single customer; empty means CatchAll
	WriteBack     bool   // writes "CWM:<id>:<identifier>" into the customer's own reference in Cove
	New           NewCompany
}

// NewCompany is how companies are created. Names are those shown in ConnectWise.
type NewCompany struct {
	Status    string // default "Active"
	Type      string // empty means the type that ConnectWise marks as default
	Site      string // name of the first site; default "Main"
	Territory string // empty gives none
	Country   string // name or code of the address's country; empty gives none, which most servers refuse
	NameLimit int    // most characters of the name; 50 up to ConnectWise 2025.1, 156 since 2026.11
}

// Defaults returns a document with every default set and everything else empty.
func Defaults() Document {
	return Document{
		Mode:        Shadow,
		Cove:        Cove{URL: "https://api.backup.management/jsonapi", RequestsPerSecond: 4, Concurrency: 4},
		Poll:        Poll{Interval: 15 * time.Minute},
		ConnectWise: ConnectWise{RequestsPerMinute: 800, Burst: 20},
		Tickets:     Tickets{TimeZone: "UTC", Handling: defaultHandling()},
		Companies: Companies{
			Create: CreateOff, CatchAllAfter: time.Hour, MoveHome: true,
			New: NewCompany{Status: "Active", Site: "Main", NameLimit: 50},
		},
		Policy: defaultPolicy(),
	}
}
