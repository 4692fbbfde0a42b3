package answer_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/answer"
	"github.com/covewise/covewise/services/companysync/internal/directory"
)

// refusing loses the first answer, as a crash between store and publish does.
type refusing struct {
	told []bus.Message
	lost int
}

func (r *refusing) Publish(_ context.Context, m bus.Message) error {
	if r.lost == 0 {
		r.lost++
		return errclass.New(errclass.Transient, "publish", errors.New("the process ends here"))
	}
	r.told = append(r.told, m)
	return nil
}

func TestAnAnswerThatWasStoredAndNotToldIsToldAgainWithoutAsking(t *testing.T) {
	t.Parallel()
	b := bustest.Open(t, bustest.Start(t))
	links, err := bus.OpenStore[*companyv1.Link](t.Context(), b, bus.CompanyMap)
	require.NoError(t, err)
	fake := cwfake.New(cwfake.Options{})
	server := httptest.NewServer(fake)
	defer server.Close()
	metrics, err := answer.NewMetrics(nil)
	require.NoError(t, err)
	for _, customer := range []*statusv1.Customer{{Id: "1", Name: "Harbor IT"}, {Id: "2", Name: "Nobody"}} {
		t.Run(customer.GetName(), func(t *testing.T) {
			events := &refusing{}
			companies := directory.New(clock.System(), bustest.Logger(t), func(string) (string, bool) { return "", false })
			defer companies.Close()
			h := &answer.Handler{
				Events: events, Links: links, Clock: clock.System(), Logger: bustest.Logger(t), Metrics: metrics, Directory: companies,
				Settings: func(context.Context, string) (*tenantv1.Settings, error) {
					return &tenantv1.Settings{Id: "harbor", Connectwise: &tenantv1.ConnectWise{
						Url: server.URL, Company: cwfake.DefaultCompany, ClientId: cwfake.DefaultClientID,
						PublicKey: secret(t, cwfake.DefaultPublicKey), PrivateKey: secret(t, cwfake.DefaultPrivateKey),
					}}, nil
				},
			}
			body, err := proto.Marshal(&companyv1.Wanted{Tenant: "harbor", Customer: customer})
			require.NoError(t, err)
			d := bus.Delivery{Subject: bus.Subject{Family: bus.Company, Verb: bus.VerbWanted, Tenant: "harbor", Key: customer.GetId()}, Data: body, Attempt: 1}

			require.Equal(t, errclass.Transient, errclass.Of(h.Handle(t.Context(), d)))
			stored, revision, err := links.Get(t.Context(), bus.Key("harbor", customer.GetId()))
			require.NoError(t, err)
			fake.ResetCounts()

			d.Attempt = 2
			require.NoError(t, h.Handle(t.Context(), d))
			require.Empty(t, fake.Counts())
			require.Len(t, events.told, 1)
			told, ok := events.told[0].Body.(*companyv1.Answered)
			require.True(t, ok)
			require.True(t, proto.Equal(stored, told.GetLink()))
			_, again, err := links.Get(t.Context(), bus.Key("harbor", customer.GetId()))
			require.NoError(t, err)
			require.Equal(t, revision, again)
		})
	}
}

func secret(t *testing.T, text string) *tenantv1.SecretRef {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(text+"\n"), 0o600))
	return &tenantv1.SecretRef{File: path}
}
