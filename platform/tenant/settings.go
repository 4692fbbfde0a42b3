package tenant

import (
	"google.golang.org/protobuf/types/known/durationpb"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Settings returns the document as it is kept on the bus. Secrets stay where they are; only the references
// to them travel.
func (d Document) Settings() *tenantv1.Settings {
	return &tenantv1.Settings{
		SchemaVersion: 1,
		Id:            d.ID,
		Mode:          map[Mode]tenantv1.Mode{Shadow: tenantv1.Mode_MODE_SHADOW, Live: tenantv1.Mode_MODE_LIVE}[d.Mode],
		Cove: &tenantv1.Cove{
			Url: d.Cove.URL, Partner: d.Cove.Partner, Username: d.Cove.Username, Password: ref(d.Cove.Password),
			Root: d.Cove.Root, AllowHosts: d.Cove.AllowHosts,
			RequestsPerSecond: d.Cove.RequestsPerSecond, Concurrency: uint32(d.Cove.Concurrency),
		},
		Connectwise: &tenantv1.ConnectWise{
			Url: d.ConnectWise.URL, Company: d.ConnectWise.Company, ClientId: d.ConnectWise.ClientID,
			PublicKey: ref(d.ConnectWise.PublicKey), PrivateKey: ref(d.ConnectWise.PrivateKey), Callbacks: callbacks(d.ConnectWise.Callbacks),
			RequestsPerMinute: uint32(d.ConnectWise.RequestsPerMinute), Burst: uint32(d.ConnectWise.Burst),
		},
		PollInterval: durationpb.New(d.Poll.Interval),
		Tickets:      d.Tickets.settings(),
		Companies: &tenantv1.Companies{
			Create: map[Create]tenantv1.CompanyCreation{
				CreateOff:     tenantv1.CompanyCreation_COMPANY_CREATION_OFF,
				CreateApprove: tenantv1.CompanyCreation_COMPANY_CREATION_APPROVE,
				CreateAuto:    tenantv1.CompanyCreation_COMPANY_CREATION_AUTO,
			}[d.Companies.Create],
			CatchAll: d.Companies.CatchAll, CatchAllAfter: durationpb.New(d.Companies.CatchAllAfter), Own: d.Companies.Own,
			MoveHome: d.Companies.MoveHome, WriteBack: d.Companies.WriteBack,
			Status: d.Companies.New.Status, Type: d.Companies.New.Type, Site: d.Companies.New.Site,
			Territory: d.Companies.New.Territory, Country: d.Companies.New.Country, NameLimit: uint32(d.Companies.New.NameLimit),
		},
		Policy:    d.Policy.settings(),
		Heartbeat: heartbeat(d.Heartbeat),
	}
}

func (t Tickets) settings() *tenantv1.Tickets {
	s := &tenantv1.Tickets{
		Board: t.Board, NewStatus: t.NewStatus, ClosedStatus: t.ClosedStatus, PriorityServer: t.Priorities.Server,
		PriorityWorkstation: t.Priorities.Workstation, PriorityM365: t.Priorities.M365, TimeZone: t.TimeZone,
		OnHandClose: handClose(t.Handling.OnHandClose), RespectFor: durationpb.New(t.Handling.RespectFor),
		ReopenWithin: durationpb.New(t.Handling.ReopenWithin.For), ReopenAlways: t.Handling.ReopenWithin.Always,
		OnDeleted: deleted(t.Handling.OnDeleted), HourlyCap: uint32(t.Handling.HourlyCap),
	}
	t.Filing.settings(s)
	return s
}

// callbacks returns nil for a tenant without them.
func callbacks(c Callbacks) *tenantv1.Callbacks {
	if c == (Callbacks{}) {
		return nil
	}
	return &tenantv1.Callbacks{Url: c.URL, Token: ref(c.Token)}
}

// heartbeat returns nil for a tenant without one.
func heartbeat(h Heartbeat) *tenantv1.Heartbeat {
	if h.URL == (SecretRef{}) {
		return nil
	}
	return &tenantv1.Heartbeat{Url: ref(h.URL)}
}

func ref(s SecretRef) *tenantv1.SecretRef { return &tenantv1.SecretRef{File: s.File, Env: s.Env} }

// Reference returns the secret that a setting on the bus refers to; field names the setting in errors.
func Reference(field string, s *tenantv1.SecretRef) SecretRef {
	return SecretRef{Field: field, File: s.GetFile(), Env: s.GetEnv()}
}
