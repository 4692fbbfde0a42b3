// Package wording owns the templates with which a tenant writes its tickets in its own words: what they may use, what
// bounds them, and the data that they are rendered with.
//
// It does not know tickets or incidents: the ticketer fills the data in, and puts the marks of a ticket around what a
// template writes. Texts in the data are cleaned: one line each, without control characters, of bounded length.
package wording

// OwnCustomer is the id of the customer that stands for the MSP itself.
const OwnCustomer = "own"

// Data is what a template sees. Times are written in the tenant's zone with their offset from UTC, for example
// "2026-11-20 22:10 (UTC-05:00)"; texts that are not known are empty.
type Data struct {
	Text         string    // the built-in text of the same kind, to be put between words of your own
	Incident     string    // id of the incident, "2345678-1"
	Revision     int       // number of the incident's news, from 1
	Scope        string    // what the incident is about: "device", "group" or "tenant"
	Headline     string    // who and what in one line, "SRV-01 (server) of Bluefin Dental Group - Failed: Files and Folders"
	Issue        string    // what is wrong in a few words, "Failed: Files and Folders"
	Severity     string    // "warning", "alert", "critical", or empty
	Urgency      string    // "low", "medium", "high", "critical", or empty
	Flapping     bool      // the trouble comes and goes
	Now          string    // when this was observed
	Opened       string    // when the trouble was first told
	Customer     string    // name of the customer
	CustomerID   string    // id of the customer in Cove
	Site         string    // name of the customer's site
	Device       Device    // the device; without a name when the incident is about several
	Troubles     []Trouble // what is wrong, by data source, gravest first; empty when it is over
	Sources      []Source  // every configured data source
	Cause        string    // what the devices of a group have in common
	Members      []Member  // devices of a group or a roll-up, at most 100; in what customers read only those of the ticket's customer, unless it is at your own company
	MembersTotal int       // how many devices the group has
	Changes      []string  // what differs from the last note; in notes only
	Resolution   string    // why it is over: "recovered", "removed" or "excluded"; empty before
	Reason       string    // the words of the policy that ended it; empty when the device recovered
	Duration     string    // how long the trouble lasted so far, "1 d 7 h"
	Tags         []string  // tags of the device
	ConsoleURL   string    // link to the device in Cove; not for customers
	InternalIP   string    // internal addresses; not for customers
}

// Device is the device of an incident.
type Device struct {
	ID              string // id in Cove
	Name            string // what people call it: the computer's name, else Cove's name for it, else its alias
	VendorName      string // Cove's name for it
	Alias           string // alias given by the MSP
	Class           string // "server", "workstation", "workstation, documents only" or "Microsoft 365"
	Label           string // the same in short: "SVR", "WKS", "DOC" or "365"
	OS              string // operating system with version
	Hardware        string // manufacturer, model, whether it is virtual, cores and memory
	TimeZone        string // offset of its own clock from UTC, "UTC-05:00"
	Profile         string // name of the backup profile
	Product         string // name of the product or retention policy
	StorageLocation string // where the backups are stored
	Selected        string // size selected for backup over all data sources, "97.4 GB"
	Used            string // storage that its backups take in Cove, "175.7 GB"
	ClientVersion   string // version of the backup client
	ExternalIP      string // external address
	Created         string // when it was created
	LastContact     string // when it was last in contact with Cove
	LastGood        string // its newest good backup
}

// Trouble is what is wrong with one data source, or with the device as a whole.
type Trouble struct {
	Name     string // the data source, or "Device as a whole"
	Code     string // code of the data source in Cove, "D01"
	What     string // what is wrong, "Failed; no good backup for 12 d 15 h (the limit is 3 d)"
	Since    string // when it was first seen
	LastGood string // its last good backup; empty when there was none
	Cause    string // the first error's text; empty when it is not known
	Item     string // the file, mailbox or site concerned
	Errors   int    // errors of the session
	Session  string // id in Cove of the session that shows it; empty when none was found
}

// Source is how a configured data source stands.
type Source struct {
	Name      string // the data source
	Code      string // its code in Cove
	Status    string // status of the last session in words
	Errors    int    // errors of the last session
	LastGood  string // last good backup; empty when there was none
	Size      string // selected size, "48.7 GB"; empty when it is not known
	Session   string // the last session, "began 2026-11-20 20:46 (UTC-05:00), took 24 min; 48.7 GB selected, 295.6 MB sent"
	Protected string // what it protects of Microsoft 365, "40 mailboxes (36 of users, 4 shared), new ones are added automatically"
}

// Member is a device of a group.
type Member struct {
	ID       string // id in Cove
	Name     string // name of the device
	Customer string // name of its customer
}
