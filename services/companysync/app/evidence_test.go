package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// ask asks one question and waits until it is answered.
func (w *world) ask(tenant string, question *companyv1.Wanted) {
	w.t.Helper()
	w.asked++
	question.Tenant, question.AskedAt = tenant, timestamppb.New(w.clock.Now())
	require.NoError(w.t, w.bus.Publish(w.t.Context(), bus.Message{
		Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbWanted, Tenant: tenant, Key: question.GetCustomer().GetId()},
		ID:      fmt.Sprintf("wanted:%d", w.asked), Body: question,
	}))
	w.settle()
}

func TestAnOlderPictureOfTheCustomerNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "One", Name: "One"})
	w.company(fake, cwfake.Company{ID: 2002, Identifier: "Two", Name: "Two"})
	w.run()
	seen := w.clock.Now()
	for _, step := range []struct {
		reference string
		observed  time.Duration
		company   int64
		newest    time.Duration
	}{
		{"CWM:2001", 0, 2001, 0},
		{"CWM:2002", time.Hour, 2002, time.Hour},
		{"CWM:2001", time.Minute, 2002, time.Hour},
		{"CWM:2002", 2 * time.Hour, 2002, 2 * time.Hour},
		{"CWM:2001", time.Hour, 2002, 2 * time.Hour},
		{"CWM:2001", 3 * time.Hour, 2001, 3 * time.Hour},
	} {
		w.clock.Add(time.Second)
		w.ask("harbor", &companyv1.Wanted{Customer: customer("501", "Nobody", step.reference), ObservedAt: timestamppb.New(seen.Add(step.observed))})
		link := w.link("harbor", "501")
		require.Equal(t, step.company, link.GetCompany().GetId(), "%s at %s", step.reference, step.observed)
		require.Equal(t, seen.Add(step.newest), link.GetObservedAt().AsTime(), "%s at %s", step.reference, step.observed)
	}
	// A question without a time is of an older version.
	w.ask("harbor", &companyv1.Wanted{Customer: customer("501", "Nobody", "CWM:2002")})
	require.EqualValues(t, 2001, w.link("harbor", "501").GetCompany().GetId())
}

func TestADoubtedLinkIsLookedUpAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fake := w.tenant("harbor", nil)
	w.company(fake, cwfake.Company{ID: 2001, Identifier: "One", Name: "One"})
	w.run()
	w.want("harbor", customer("501", "One", ""), 1)
	doubt := func(name string) *companyv1.Link {
		w.clock.Add(time.Minute)
		fake.ResetCounts()
		w.ask("harbor", &companyv1.Wanted{Customer: customer("501", name, ""), Doubted: true})
		return w.link("harbor", "501")
	}
	link := doubt("One Renamed")
	require.Equal(t, linked, link.GetState(), "the company is there and active: the link holds, although the customer has another name")
	require.EqualValues(t, 2001, link.GetCompany().GetId())
	require.Equal(t, w.clock.Now().Unix(), link.GetCheckedAt().GetSeconds())
	require.Equal(t, 1, questions(fake)["GET /company/companies/{id}"])

	require.NoError(t, fake.Person("").SetCompanyStatus(2001, "Inactive"))
	link = doubt("One Renamed")
	require.Equal(t, broken, link.GetState())
	require.Nil(t, link.GetCompany())
	require.Equal(t, `the linked company "One" (2001) is inactive: restore it, link another one, or name one by CWM:<id> in the customer's reference; `+
		`no company is called "One Renamed"`, link.GetReason())

	doubt("One Renamed")
	require.Empty(t, questions(fake), "what is no link any more cannot be doubted; the answer is fresh")

	w.company(fake, cwfake.Company{ID: 2002, Identifier: "Two", Name: "One Renamed"})
	w.clock.Add(10 * time.Minute)
	w.want("harbor", customer("501", "One Renamed", ""), 1)
	link = w.link("harbor", "501")
	require.Equal(t, broken, link.GetState(), "a name does not mend a broken link")
	require.Contains(t, link.GetReason(), `"One Renamed" (2002) may be meant`)
	require.EqualValues(t, 2002, link.GetCandidates()[0].GetCompany().GetId())

	require.NoError(t, fake.Person("").SetCompanyStatus(2001, "Active"))
	w.clock.Add(10 * time.Minute)
	w.want("harbor", customer("501", "One Renamed", ""), 1)
	link = w.link("harbor", "501")
	require.EqualValues(t, 2001, link.GetCompany().GetId(), "the company is back, and so is the link")
	require.Equal(t, "One", link.GetLinkedAs())
	require.Nil(t, link.GetLost())

	require.NoError(t, fake.Person("").DeleteCompany(2001))
	require.Equal(t, broken, doubt("One Renamed").GetState())
	w.clock.Add(10 * time.Minute)
	w.want("harbor", customer("501", "One Renamed", "CWM:2002"), 1)
	require.EqualValues(t, 2002, w.link("harbor", "501").GetCompany().GetId(), "an id decides")
}

func TestALinkOfAnotherServerIsLookedUpAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.company(w.tenant("harbor", nil), cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
	w.company(w.tenant("other", nil), cwfake.Company{ID: 3001, Identifier: "Orion", Name: "Orion"})
	w.run()
	w.want("harbor", customer("501", "Orion", ""), 1)
	require.EqualValues(t, 2001, w.link("harbor", "501").GetCompany().GetId())
	other, _, err := w.tenants.Get(t.Context(), bus.Key("other"))
	require.NoError(t, err)
	_, err = w.tenants.Update(t.Context(), bus.Key("harbor"), func(s *tenantv1.Settings) (*tenantv1.Settings, error) {
		s.Connectwise = other.GetConnectwise()
		return s, nil
	})
	require.NoError(t, err)
	w.want("harbor", customer("501", "Orion", ""), 1)
	link := w.link("harbor", "501")
	require.EqualValues(t, 3001, link.GetCompany().GetId())
	require.Equal(t, cwfake.DefaultCompany+"@"+strings.TrimPrefix(other.GetConnectwise().GetUrl(), "http://"), link.GetServer())
}

func TestATenantIsKnownAsSoonAsItsSettingsAreStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	for i := range 20 {
		id := fmt.Sprintf("tenant-%d", i)
		w.company(w.tenant(id, nil), cwfake.Company{ID: 2001, Identifier: "Orion", Name: "Orion"})
		w.want(id, customer("501", "Orion", ""), 1)
		require.Equal(t, linked, w.link(id, "501").GetState(), id)
	}
}
