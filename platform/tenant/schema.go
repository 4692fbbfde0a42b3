package tenant

import (
	"time"
)

const required, optional = true, false

// documentGroup lists every key of a tenant document with its rules, to be read into d. What a document
// leaves out keeps the value that d has already.
func documentGroup(d *Document) group {
	return group{fields: []field{
		{"id", required, "id: NAME, the short name of the tenant", text(&d.ID, tenantID)},
		{"mode", optional, "", oneOf(&d.Mode, Shadow, Live)},
		{"cove", required, "the group with the Cove login", subgroup(coveGroup(&d.Cove))},
		{"connectwise", required, "the group with the ConnectWise login", subgroup(connectWiseGroup(&d.ConnectWise))},
		{"poll", optional, "", subgroup(group{fields: []field{
			{"interval", optional, "", duration(&d.Poll.Interval, 10*time.Second)},
		}})},
		{"tickets", required, "the group with board, statuses and priorities", subgroup(ticketsGroup(&d.Tickets))},
		{"companies", optional, "", subgroup(companiesGroup(&d.Companies))},
		{"policy", optional, "", subgroup(policyGroup(&d.Policy))},
		{"heartbeat", optional, "", subgroup(group{
			secrets: []secret{{"url", "the address that is called after each complete sweep", &d.Heartbeat.URL}},
		})},
	}}
}

func coveGroup(c *Cove) group {
	return group{
		fields: []field{
			{"url", optional, "", endpoint(&c.URL)},
			{"partner", optional, "", optionalText(&c.Partner)},
			{"username", required, "username: NAME, the login name of the Cove API user", text(&c.Username)},
			{"root", optional, "", number(&c.Root, 1)},
			{"allowHosts", optional, "", list(&c.AllowHosts, hostName)},
			{"requestsPerSecond", optional, "", decimal(&c.RequestsPerSecond, 0.1, 50)},
			{"concurrency", optional, "", numberUpTo(&c.Concurrency, 16)},
		},
		secrets: []secret{{"password", "the password of the Cove API user", &c.Password}},
	}
}

func connectWiseGroup(c *ConnectWise) group {
	return group{
		fields: []field{
			{"url", required, "url: https://SITE, such as https://na.myconnectwise.net", site(&c.URL)},
			{"company", required, "company: ID, the company id used at the ConnectWise login", text(&c.Company)},
			{"clientId", required, "clientId: GUID, from developer.connectwise.com", text(&c.ClientID, guid)},
			{"requestsPerMinute", optional, "", numberUpTo(&c.RequestsPerMinute, 6000)},
			{"burst", optional, "", numberUpTo(&c.Burst, 200)},
			{"callbacks", optional, "", subgroup(group{
				fields:  []field{{"url", required, "url: https://HOST, where ConnectWise reaches this page", base(&c.Callbacks.URL)}},
				secrets: []secret{{"token", "the token in the address that ConnectWise calls", &c.Callbacks.Token}},
			})},
		},
		secrets: []secret{
			{"publicKey", "the public key of the ConnectWise API member", &c.PublicKey},
			{"privateKey", "the private key of the ConnectWise API member", &c.PrivateKey},
		},
	}
}

func ticketsGroup(t *Tickets) group {
	return group{fields: append([]field{
		{"board", required, "board: NAME, the service board of new tickets", text(&t.Board)},
		{"newStatus", required, "newStatus: NAME, the board's status for new tickets", text(&t.NewStatus)},
		{"closedStatus", required, "closedStatus: NAME, the board's status that closes a ticket", text(&t.ClosedStatus)},
		{"priorities", required, "the group with server, workstation and m365", subgroup(group{fields: []field{
			{"server", required, "server: NAME, the priority of servers' tickets", text(&t.Priorities.Server)},
			{"workstation", required, "workstation: NAME, the priority of workstations' tickets", text(&t.Priorities.Workstation)},
			{"m365", required, "m365: NAME, the priority of Microsoft 365 tickets", text(&t.Priorities.M365)},
		}})},
		{"timeZone", optional, "", text(&t.TimeZone, zoneName)},
	}, append(handlingFields(&t.Handling), filingFields(&t.Filing)...)...)}
}

func companiesGroup(c *Companies) group {
	return group{fields: []field{
		{"create", optional, "", creation(&c.Create)},
		{"catchAll", optional, "", optionalText(&c.CatchAll)},
		{"catchAllAfter", optional, "", duration(&c.CatchAllAfter, 0)},
		{"moveHome", optional, "", boolean(&c.MoveHome)},
		{"own", optional, "", optionalText(&c.Own)},
		{"writeBack", optional, "", boolean(&c.WriteBack)},
		{"new", optional, "", subgroup(group{fields: []field{
			{"status", optional, "", text(&c.New.Status)},
			{"type", optional, "", optionalText(&c.New.Type)},
			{"site", optional, "", text(&c.New.Site)},
			{"territory", optional, "", optionalText(&c.New.Territory)},
			{"country", optional, "", optionalText(&c.New.Country)},
			{"nameLimit", optional, "", number(&c.New.NameLimit, 10)},
		}})},
	}}
}
