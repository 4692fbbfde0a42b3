package cwfake

// Seed is the set-up of a server: what an administrator would have entered. Ids that are 0 are given by the server;
// names in references must exist in the same seed. Loading a seed removes everything that was there.
type Seed struct {
	Boards     []Board    `json:"boards"`
	Priorities []Priority `json:"priorities"`
	Sources    []Named    `json:"sources"`
	Members    []Member   `json:"members"`
	// DefaultBoard names the board of tickets that name none; the first active one if it is empty.
	DefaultBoard          string                `json:"defaultBoard"`
	CompanyStatuses       []CompanyStatus       `json:"companyStatuses"`
	CompanyTypes          []Named               `json:"companyTypes"`
	Companies             []Company             `json:"companies"`
	Countries             []Country             `json:"countries"`
	CustomFields          []CustomField         `json:"customFields"`
	ConfigurationTypes    []Named               `json:"configurationTypes"`
	ConfigurationStatuses []ConfigurationStatus `json:"configurationStatuses"`
}

// Named is a row of a table of which only the name matters. Default marks the one that is used where none is given.
type Named struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	Default bool   `json:"defaultFlag"`
}

// Board is a service board with what belongs to it.
type Board struct {
	ID       int      `json:"id"`
	Name     string   `json:"name"`
	Inactive bool     `json:"inactiveFlag"`
	Statuses []Status `json:"statuses"`
	Types    []Named  `json:"types"`
	SubTypes []Named  `json:"subTypes"`
	Items    []Named  `json:"items"`
	Teams    []Named  `json:"teams"`
	// Combinations are those of the types, subtypes and items that tickets may have; all where there are none.
	Combinations []Combination `json:"combinations"`
}

// Status is a status of a board.
type Status struct {
	ID           int    `json:"id"`
	Name         string `json:"name"`
	ClosedStatus bool   `json:"closedStatus"`
	Default      bool   `json:"defaultFlag"`
	Inactive     bool   `json:"inactive"`
	SortOrder    int    `json:"sortOrder"`
}

// Priority is a ticket priority; Color is one of the description's thirteen names, White if it is empty.
type Priority struct {
	ID        int    `json:"id"`
	Name      string `json:"name"`
	Color     string `json:"color"`
	SortOrder int    `json:"sortOrder"`
	Default   bool   `json:"defaultFlag"`
}

// Member is a person or an API member. LicenseClass is F (full) if it is empty.
type Member struct {
	ID           int    `json:"id"`
	Identifier   string `json:"identifier"`
	FirstName    string `json:"firstName"`
	LastName     string `json:"lastName"`
	LicenseClass string `json:"licenseClass"`
	Inactive     bool   `json:"inactiveFlag"`
}

// CompanyStatus is a status of companies. DisallowSaving refuses new tickets for a company that has it.
type CompanyStatus struct {
	ID             int    `json:"id"`
	Name           string `json:"name"`
	Default        bool   `json:"defaultFlag"`
	Inactive       bool   `json:"inactiveFlag"`
	DisallowSaving bool   `json:"disallowSavingFlag"`
}

// Country is a country that addresses can refer to.
type Country struct {
	ID         int    `json:"id"`
	Identifier string `json:"identifier"`
	Name       string `json:"name"`
}

// ConfigurationStatus is a status of configurations.
type ConfigurationStatus struct {
	ID          int    `json:"id"`
	Description string `json:"description"`
	Closed      bool   `json:"closedFlag"`
	Default     bool   `json:"defaultFlag"`
}

// Company is a customer. Status is the name of a company status, the default one if it is empty. Note is a remark
// of the data's author and is not kept.
type Company struct {
	ID         int         `json:"id"`
	Identifier string      `json:"identifier"`
	Name       string      `json:"name"`
	Status     string      `json:"status"`
	Deleted    bool        `json:"deletedFlag"`
	Note       string      `json:"note"`
	Sites      []Site      `json:"sites"`
	Contacts   []Contact   `json:"contacts"`
	Agreements []Agreement `json:"agreements"`
}

// Agreement is a contract of a company. Type is the name of its type, which is made if it does not exist.
type Agreement struct {
	ID        int    `json:"id"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	Cancelled bool   `json:"cancelledFlag"`
}

// Configuration is a device of a company as AddConfiguration stores it.
type Configuration struct {
	Name             string
	DeviceIdentifier string
	Company          int
	Inactive         bool
}

// Site is an address of a company; Primary is the one that new tickets get.
type Site struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	Primary bool   `json:"primaryAddressFlag"`
}

// Contact is a person at a company.
type Contact struct {
	ID        int    `json:"id"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
}

// DefaultSeed is a small provider: the boards "Service Desk" (the default) and "NOC", four priorities, the usual
// company statuses, a few members and the own company "Harbor IT".
func DefaultSeed() Seed {
	statuses := []Status{
		{Name: "New", Default: true, SortOrder: 10},
		{Name: "In Progress", SortOrder: 20},
		{Name: "Waiting", SortOrder: 30},
		{Name: "Resolved", ClosedStatus: true, SortOrder: 80},
		{Name: "Closed", ClosedStatus: true, SortOrder: 90},
		{Name: "Retired", Inactive: true, SortOrder: 99},
	}
	return Seed{
		DefaultBoard: "Service Desk",
		Boards: []Board{
			{
				Name: "Service Desk", Statuses: statuses,
				Types: []Named{{Name: "Backup"}, {Name: "Hardware"}}, SubTypes: []Named{{Name: "Failure"}}, Items: []Named{{Name: "Server"}},
				Teams:        []Named{{Name: "Service Team", Default: true}},
				Combinations: []Combination{{Type: "Backup", SubType: "Failure", Item: "Server"}, {Type: "Hardware", SubType: "Failure"}},
			},
			{
				Name: "NOC",
				Statuses: []Status{
					{Name: "New", Default: true, SortOrder: 10}, {Name: "Working", SortOrder: 20}, {Name: "Completed", ClosedStatus: true, SortOrder: 90},
				},
				Types: []Named{{Name: "Alert"}}, Teams: []Named{{Name: "NOC Team", Default: true}},
			},
		},
		Priorities: []Priority{
			{Name: "Priority 1 - Critical", Color: "Red", SortOrder: 1},
			{Name: "Priority 2 - Quick Response", Color: "Orange", SortOrder: 2},
			{Name: "Priority 3 - Normal", Color: "Yellow", SortOrder: 3, Default: true},
			{Name: "Priority 4 - Low", Color: "White", SortOrder: 4},
		},
		Sources: []Named{{Name: "Phone", Default: true}, {Name: "Email"}, {Name: "API"}},
		Members: []Member{
			{Identifier: DefaultPerson, FirstName: "Maria", LastName: "Reyes"},
			{Identifier: "tokafor", FirstName: "Tobi", LastName: "Okafor"},
			{Identifier: "jleft", FirstName: "Jo", LastName: "Left", Inactive: true},
		},
		CompanyStatuses: []CompanyStatus{
			{Name: "Active", Default: true}, {Name: "Inactive", DisallowSaving: true}, {Name: "Credit Hold"}, {Name: "Not Approved"},
		},
		CompanyTypes: []Named{{Name: "Client", Default: true}, {Name: "Owner"}, {Name: "Vendor"}},
		Companies:    []Company{{ID: 2, Identifier: "HarborIT", Name: "Harbor IT", Sites: []Site{{Name: "Main", Primary: true}}}},
		CustomFields: []CustomField{
			{ID: 3, Caption: "Device Id"},
			{ID: 7, Caption: "Origin"},
			{ID: 8, Caption: "Tier", Type: "Number"},
			{ID: 9, Caption: "Shift", EntryMethod: "List", Options: []string{"Day", "Night"}},
		},
		Countries: []Country{
			{Identifier: "US", Name: "United States"},
			{Identifier: "CA", Name: "Canada"},
			{Identifier: "GB", Name: "United Kingdom"},
			{Identifier: "DE", Name: "Germany"},
			{Identifier: "AU", Name: "Australia"},
			{Identifier: "JP", Name: "Japan"},
		},
		ConfigurationTypes:    []Named{{Name: "Managed Server"}, {Name: "Managed Workstation"}, {Name: "Microsoft 365 Tenant"}},
		ConfigurationStatuses: []ConfigurationStatus{{Description: "Active", Default: true}, {Description: "Inactive", Closed: true}},
	}
}
