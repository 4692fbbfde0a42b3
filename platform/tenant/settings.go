package tenant

import (
	"crypto/sha256"
	"encoding/hex"

	"google.golang.org/protobuf/proto"
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
		},
		Connectwise: &tenantv1.ConnectWise{
			Url: d.ConnectWise.URL, Company: d.ConnectWise.Company, ClientId: d.ConnectWise.ClientID,
			PublicKey: ref(d.ConnectWise.PublicKey), PrivateKey: ref(d.ConnectWise.PrivateKey),
		},
		PollInterval: durationpb.New(d.Poll.Interval),
		Tickets: &tenantv1.Tickets{
			Board: d.Tickets.Board, NewStatus: d.Tickets.NewStatus, ClosedStatus: d.Tickets.ClosedStatus,
			PriorityServer: d.Tickets.Priorities.Server, PriorityWorkstation: d.Tickets.Priorities.Workstation,
			PriorityM365: d.Tickets.Priorities.M365, TimeZone: d.Tickets.TimeZone,
		},
		Companies: &tenantv1.Companies{
			Create: map[Create]tenantv1.CompanyCreation{
				CreateOff:     tenantv1.CompanyCreation_COMPANY_CREATION_OFF,
				CreateApprove: tenantv1.CompanyCreation_COMPANY_CREATION_APPROVE,
				CreateAuto:    tenantv1.CompanyCreation_COMPANY_CREATION_AUTO,
			}[d.Companies.Create],
			CatchAll: d.Companies.CatchAll,
		},
		Policy: d.Policy.settings(),
	}
}

func (p Policy) settings() *tenantv1.Policy {
	s := &tenantv1.Policy{
		StaleServer: durationpb.New(p.Stale.Server), StaleWorkstation: durationpb.New(p.Stale.Workstation),
		StaleDocuments: durationpb.New(p.Stale.Documents), StaleM365: durationpb.New(p.Stale.M365),
		Never: durationpb.New(p.Never), OpenAfter: uint32(p.OpenAfter), CloseAfter: uint32(p.CloseAfter),
		DocumentsProfiles: p.DocumentsProfiles, ExcludeTrial: p.ExcludeTrial,
	}
	// The version names the values: the same policy has the same version wherever and whenever it is applied.
	// Marshalling this flat message cannot fail.
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(s)
	sum := sha256.Sum256(raw)
	s.Version = hex.EncodeToString(sum[:6])
	return s
}

func ref(s SecretRef) *tenantv1.SecretRef { return &tenantv1.SecretRef{File: s.File, Env: s.Env} }

// Reference returns the secret that a setting on the bus refers to; field names the setting in errors.
func Reference(field string, s *tenantv1.SecretRef) SecretRef {
	return SecretRef{Field: field, File: s.GetFile(), Env: s.GetEnv()}
}
