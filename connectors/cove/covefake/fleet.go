package covefake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fleet is everything the fake knows: the partner tree, the devices and their backup sessions.
type Fleet struct {
	// About is a remark for people.
	About string `json:"about,omitempty"`
	// Root is the id of the partner the login is bound to; the login sees its subtree.
	Root     int64          `json:"root"`
	Partners []Partner      `json:"partners"`
	Devices  []Device       `json:"devices"`
	Sessions []SessionGroup `json:"sessions"`
	// Companies belong to other readers of the same document and are ignored here.
	Companies json.RawMessage `json:"companies,omitempty"`
}

// Partner is a node of the partner tree. Members beyond the first six are optional.
type Partner struct {
	ID       int64 `json:"Id"`
	ParentID int64 `json:"ParentId"`
	Name     string
	// Level is one of Root, SubRoot, Distributor, SubDistributor, Reseller, ServiceOrganization, EndCustomer, Site.
	Level string
	// State is InProduction or InTrial; other names occur and are passed through.
	State string
	// ExternalCode is the reference that people and programs keep at a partner.
	ExternalCode string
	// UID is the partner's uuid; empty means one derived from the id.
	UID string `json:"Uid,omitempty"`
	// ServiceType is AllInclusive (also when empty) or SoftwareOnly.
	ServiceType string `json:",omitempty"`
	// CreationTime is in unix seconds; 0 means 1679400000.
	CreationTime int64 `json:",omitempty"`
	// Company is the partner's company data; an empty LegalCompanyName means the partner's name.
	Company Company `json:"Company,omitzero"`
	// Removed marks a deleted or anonymised partner: only its history can still be read.
	Removed bool `json:",omitempty"`
}

// Company is the company data of a partner, as the API names it.
type Company struct {
	LegalCompanyName string
	PhoneNumber      string
	WebsiteAddress   string
	PostAddress      Address
}

// Address is a postal address, as the API names its members.
type Address struct {
	Address, City, Country, District, State, ZipCode string
}

// Device is what the API calls an account: a computer that is backed up, or a Microsoft 365 tenant.
type Device struct {
	AccountID int64 `json:"AccountId"`
	// PartnerID is the immediate owner, a customer or a site.
	PartnerID int64 `json:"PartnerId"`
	// Flags may hold AutoDeployed.
	Flags []string `json:",omitempty"`
	// Story and Expect are remarks for people: what the device shows and what should come of it.
	Story  string `json:"story,omitempty"`
	Expect string `json:"expect,omitempty"`
	// Settings are the column values by code (canonical, legacy or unpadded spelling), as on the wire.
	// The fake keeps them under their canonical codes.
	Settings map[string]string
}

// SessionGroup is a list of sessions of one data source of one device. Exactly one of Plugin and M365 is set.
type SessionGroup struct {
	AccountID int64 `json:"AccountId"`
	// Plugin is a data source of a storage node, such as FileSystem or VssHyperV.
	Plugin string `json:"plugin,omitempty"`
	// M365 is Exchange, OneDrive, SharePoint or Teams.
	M365     string    `json:"m365,omitempty"`
	Sessions []Session `json:"sessions"`
}

// Session is one run of one data source.
type Session struct {
	// Plugin or M365 name the data source. In a SessionGroup they are empty: the group names it.
	Plugin string `json:"-"`
	M365   string `json:"-"`
	// ID is unique per device; 0 means the next free one.
	ID int64 `json:"Id"`
	// Status is the vendor's name of a session status, such as Failed or CompletedWithErrors.
	Status string
	// At is the start: unix seconds as text, or "@-" and a duration.
	At     string         `json:"at"`
	Errors []SessionError `json:"errors,omitempty"`
}

// SessionError is one error of a session. Storage nodes use Code, Text and Filename; Microsoft 365 uses Item and
// Description, which is usually a JSON document in a string.
type SessionError struct {
	Code        int64  `json:",omitempty"`
	Text        string `json:",omitempty"`
	Filename    string `json:",omitempty"`
	Item        string `json:",omitempty"`
	Description string `json:",omitempty"`
	// Count is how often the error occurred in the session.
	Count int64
}

// Unix writes a time as the fleet's values have it: unix seconds in decimal.
func Unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// ReadFleet decodes a fleet document. An unknown member is an error that names it.
func ReadFleet(r io.Reader) (Fleet, error) {
	var f Fleet
	if err := decodeStrict(r, &f); err != nil {
		return Fleet{}, fmt.Errorf("reading the fleet: %w", err)
	}
	return f, nil
}

func decodeStrict(r io.Reader, into any) error {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("there is more after the end of the document")
	}
	return nil
}

var levels = []string{"Root", "SubRoot", "Distributor", "SubDistributor", "Reseller", "ServiceOrganization", "EndCustomer", "Site"}

// statuses are the session status names by code [N-able documentation; 0, 4 and 13 seen in other clients].
var statuses = []string{
	"NoBackup", "InProcess", "Failed", "Aborted", "Unknown", "Completed", "Interrupted", "NotStarted",
	"CompletedWithErrors", "InProgressWithFaults", "OverQuota", "NoSelection", "Restarted", "Blocked",
}

// plugin is a data source as a storage node knows it.
type plugin struct {
	name   string
	number int    // in queries
	source string // the D-code of its columns
}

var plugins = []plugin{
	{"FileSystem", 1, "D01"},
	{"VssSystemState", 7, "D02"},
	{"LinuxSystemState", 18, "D02"},
	{"MsSql", 3, "D03"},
	{"VssExchange", 4, "D04"},
	{"NetworkShares", 6, "D06"},
	{"VMWare", 8, "D08"},
	{"VssMsSql", 10, "D10"},
	{"VssSharePoint", 11, "D11"},
	{"Oracle", 12, "D12"},
	{"VssHyperV", 14, "D14"},
	{"HyperV", 14, "D14"},
	{"MySql", 15, "D15"},
}

var m365Sources = map[string]string{"Exchange": "D19", "OneDrive": "D20", "SharePoint": "D05", "Teams": "D23"}

func pluginNamed(name string) (plugin, bool) {
	i := slices.IndexFunc(plugins, func(p plugin) bool { return p.name == name })
	if i < 0 {
		return plugin{}, false
	}
	return plugins[i], true
}

// resolve turns a value that begins with "@-" into unix seconds before now and leaves any other alone.
func resolve(value string, now time.Time) (string, error) {
	rest, relative := strings.CutPrefix(value, "@-")
	if !relative {
		return value, nil
	}
	d, err := parseAgo(rest)
	if err != nil {
		return "", fmt.Errorf("time %q: %w", value, err)
	}
	return Unix(now.Add(-d)), nil
}

// parseAgo reads durations such as 12d10h; time.ParseDuration knows no days.
func parseAgo(s string) (time.Duration, error) {
	units := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}
	var total time.Duration
	if s == "" {
		return 0, errors.New("want a number and a unit d, h, m or s")
	}
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if i < 1 || units[s[i]] == 0 {
			return 0, errors.New("want numbers, each with a unit d, h, m or s")
		}
		n, err := strconv.ParseInt(s[:i], 10, 64)
		if err != nil || n > math.MaxInt64/int64(units[s[i]]) {
			return 0, fmt.Errorf("%s%c is too long", s[:i], s[i])
		}
		total += time.Duration(n) * units[s[i]]
		s = s[i+1:]
	}
	return total, nil
}
