package wording

// Sample is a server of which one data source failed, with a value in every member that such an incident can have.
func Sample() Data {
	return Data{
		Text: "(the built-in text)", Incident: "2345678-1", Revision: 2, Scope: "device",
		Headline: "SRV-01 (server) of Bluefin Dental Group - Failed: Files and Folders", Issue: "Failed: Files and Folders",
		Severity: "critical", Urgency: "high", Flapping: true,
		Now: "2026-11-20 22:10 (UTC-05:00)", Opened: "2026-11-20 16:10 (UTC-05:00)", Duration: "6 h",
		Customer: "Bluefin Dental Group", CustomerID: "481233", Site: "Harbour Street",
		Device: Device{
			ID: "2345678", Name: "SRV-01", VendorName: "srv-01_a1b2", Alias: "Production File Server", Class: "server", Label: "SVR",
			OS: "Windows Server 2019 Standard (17763), 64-bit", Hardware: "Dell Inc. PowerEdge R740, physical, 16 cores, 64.0 GB of memory", Profile: "Server Full Backup",
			Product: "30 Day Retention", StorageLocation: "United States", Selected: "60.8 GB", Used: "175.7 GB", TimeZone: "UTC-05:00", ClientVersion: "25.10.0", ExternalIP: "203.0.113.25",
			Created: "2025-10-16 23:10 (UTC-04:00)", LastContact: "2026-11-20 22:04 (UTC-05:00)", LastGood: "2026-11-20 20:10 (UTC-05:00)",
		},
		Troubles: []Trouble{{
			Name: "Files and Folders", Code: "D01", What: "Failed", Since: "2026-11-20 16:10 (UTC-05:00)", LastGood: "2026-11-19 17:10 (UTC-05:00)",
			Cause: "Access denied", Item: `D:\Shares\Accounting\file.xlsx`, Errors: 17, Session: "826",
		}},
		Sources: []Source{
			{Name: "Files and Folders", Code: "D01", Status: "Failed", Errors: 17, LastGood: "2026-11-19 17:10 (UTC-05:00)", Size: "48.7 GB", Session: "took 24 min; 48.7 GB selected"},
			{Name: "System State", Code: "D02", Status: "Completed", LastGood: "2026-11-20 20:10 (UTC-05:00)", Size: "12.1 GB", Session: "took 10 min; 12.1 GB selected"},
		},
		Changes: []string{"New: Files and Folders: Failed"}, Resolution: "recovered", Reason: "decommissioned", Tags: []string{"vip"},
		ConsoleURL: "https://backup.management/#/backup/overview/view/1662(panel:device-properties/2345678/summary)", InternalIP: "192.0.2.100",
	}
}

// GroupSample is an incident of several devices.
func GroupSample() Data {
	return Data{
		Text: "(the built-in text)", Incident: "group-0a1b2c3d-1", Revision: 1, Scope: "group",
		Headline: "Several customers - 12 devices: storage node node-07.example", Issue: "12 devices: storage node node-07.example",
		Severity: "alert", Now: "2026-11-20 22:10 (UTC-05:00)", Opened: "2026-11-20 22:10 (UTC-05:00)", Duration: "less than a minute",
		Cause: "storage node node-07.example", MembersTotal: 12,
		Members: []Member{{ID: "2345678", Name: "SRV-01", Customer: "Bluefin Dental Group"}, {ID: "2345685", Name: "APP-02", Customer: "TechServ"}},
		Troubles: []Trouble{{
			Name: "Device as a whole", What: "12 devices: storage node node-07.example", Since: "2026-11-20 21:58 (UTC-05:00)", Cause: "connection was lost", Errors: 12,
		}},
	}
}
