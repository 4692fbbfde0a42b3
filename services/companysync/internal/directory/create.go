package directory

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/match"
)

// preset is what every new company of a server gets, by id.
type preset struct {
	settings *tenantv1.Companies // that the names came from
	values   connectwise.NewCompany
	at       time.Time
}

// mostListed bounds the names that a complaint about a wrong one lists.
const mostListed = 12

// Preset looks up what the settings give new companies, and fails with class Rejected and the remedy when ConnectWise
// has no such status, type, territory or country. Nothing is ever put in the place of a name that is absent.
func (s *Server) Preset(ctx context.Context, settings *tenantv1.Companies) (connectwise.NewCompany, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.preset.settings != nil && proto.Equal(s.preset.settings, settings) && s.clock.Now().Sub(s.preset.at) < namedLast {
		return s.preset.values, nil
	}
	values, err := s.resolve(ctx, settings)
	if err != nil {
		return connectwise.NewCompany{}, err
	}
	s.preset = preset{proto.CloneOf(settings), values, s.clock.Now()}
	return values, nil
}

func (s *Server) resolve(ctx context.Context, settings *tenantv1.Companies) (connectwise.NewCompany, error) {
	values := connectwise.NewCompany{Site: connectwise.Reference{Name: cmp.Or(settings.GetSite(), "Main")}}
	statuses, err := s.client.CompanyStatuses(ctx)
	if err != nil {
		return values, err
	}
	var rows []row
	for _, r := range statuses {
		rows = append(rows, row{r.ID, r.Name, "", r.DefaultFlag, bars(r)})
	}
	if values.Status, err = pick("companies.new.status", "company status", settings.GetStatus(), rows); err != nil {
		return values, err
	}
	types, err := s.client.CompanyTypes(ctx)
	if err != nil {
		return values, err
	}
	rows = nil
	for _, r := range types {
		rows = append(rows, row{r.ID, r.Name, "", r.DefaultFlag, false})
	}
	companyType, err := pick("companies.new.type", "company type", settings.GetType(), rows)
	if err != nil {
		return values, err
	}
	values.Types = []connectwise.Reference{companyType}
	if settings.GetTerritory() != "" {
		locations, err := s.client.Locations(ctx)
		if err != nil {
			return values, err
		}
		rows = nil
		for _, r := range locations {
			rows = append(rows, row{r.ID, r.Name, "", false, false})
		}
		if values.Territory, err = pick("companies.new.territory", "territory", settings.GetTerritory(), rows); err != nil {
			return values, err
		}
	}
	if settings.GetCountry() != "" {
		countries, err := s.client.Countries(ctx)
		if err != nil {
			return values, err
		}
		rows = nil
		for _, r := range countries {
			rows = append(rows, row{r.ID, r.Name, r.Identifier, false, false})
		}
		if values.Country, err = pick("companies.new.country", "country", settings.GetCountry(), rows); err != nil {
			return values, err
		}
	}
	return values, nil
}

// row is a row of a set-up table.
type row struct {
	id         int
	name, code string
	preferred  bool
	bars       bool // companies with it are inactive
}

// pick returns the row of a name, or for an empty name the one that ConnectWise prefers.
func pick(key, what, name string, rows []row) (connectwise.Reference, error) {
	var names []string
	for _, r := range rows {
		switch {
		case name == "" && !r.preferred, name != "" && !strings.EqualFold(r.name, name) && (r.code == "" || !strings.EqualFold(r.code, name)):
		case r.bars:
			return connectwise.Reference{}, errclass.Newf(errclass.Rejected, "", "%s: the %s %q makes companies inactive; name another", key, what, r.name)
		default:
			return connectwise.Reference{ID: r.id}, nil
		}
		if len(names) < mostListed {
			names = append(names, fmt.Sprintf("%q", r.name))
		}
	}
	if name == "" {
		return connectwise.Reference{}, errclass.Newf(errclass.Rejected, "", "%s is empty, and ConnectWise marks no %s as default; set it to one of %s", key, what, strings.Join(names, ", "))
	}
	return connectwise.Reference{}, errclass.Newf(errclass.Rejected, "", "%s: ConnectWise has no %s %q; write one of %s", key, what, name, strings.Join(names, ", "))
}

// Create creates a company. It is sent once. taken reports that a company has the identifier already. After an error of
// class UnknownOutcome the identifier tells whether it is there.
func (s *Server) Create(ctx context.Context, settings *tenantv1.Companies, identifier, name string) (created match.Record, taken bool, err error) {
	n, err := s.Preset(ctx, settings)
	if err != nil {
		return match.Record{}, false, err
	}
	n.Identifier, n.Name = identifier, name
	company, err := s.client.CreateCompany(ctx, n)
	if connectwise.Exists(err) {
		return match.Record{}, true, nil
	}
	if err != nil {
		return match.Record{}, false, err
	}
	return match.Record{ID: int64(company.ID), Identifier: company.Identifier, Name: company.Name, Deleted: company.DeletedFlag}, false, nil
}
