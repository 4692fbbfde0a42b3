package cove_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/columns"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/errclass"
)

func TestServerInfoTellsVersionAndClock(t *testing.T) {
	r := newRig(t)
	client := newClient(t, r.Options)
	info, err := client.ServerInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, cove.ServerInfo{Version: "26.1.0.26067", Time: start}, info)

	require.NoError(t, r.fake.SetSwitches(covefake.Switches{ClockAheadSeconds: -600}))
	info, err = client.ServerInfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, start.Add(-10*time.Minute), info.Time, "a clock that is behind is told as it is")
}

func TestServerInfoOfAnyShape(t *testing.T) {
	for body, want := range map[string]string{
		`{"result":{"result":{"ServerVersion":"26.2"}}}`: "26.2",
		`{"result":{"result":"26.3"}}`:                   "26.3",
		`{"result":"26.4"}`:                              "26.4",
		`{"result":{"result":null}}`:                     "",
		`{"result":{"result":[]}}`:                       "",
	} {
		s := newServer(t)
		s.handle("GetServerInfo", func(_ call, w http.ResponseWriter) {
			w.Header().Set("Date", "yesterday")
			write(w, body)
		})
		info, err := newClient(t, options(s)).ServerInfo(t.Context())
		require.NoError(t, err, body)
		require.Equal(t, cove.ServerInfo{Version: want}, info, body)
	}
}

func TestColumnsAreListed(t *testing.T) {
	r := newRig(t)
	client := newClient(t, r.Options)
	listed, err := client.Columns(t.Context(), 481200)
	require.NoError(t, err)
	require.Subset(t, listed, columns.Full(), "under the canonical codes that columns are asked for by")

	require.NoError(t, r.fake.SetSwitches(covefake.Switches{FlatResults: true}))
	flat, err := client.Columns(t.Context(), 481200)
	require.NoError(t, err)
	require.Equal(t, listed, flat)

	_, err = client.Columns(t.Context(), 73000)
	require.ErrorIs(t, err, cove.ErrForbidden)

	s := newServer(t)
	s.answers("EnumerateColumns", `{"result":{"result":null}}`)
	none, err := newClient(t, options(s)).Columns(t.Context(), 1)
	require.NoError(t, err, "null is an empty list")
	require.Empty(t, none)
	s.answers("EnumerateColumns", `{"result":null}`)
	_, err = newClient(t, options(s)).Columns(t.Context(), 1)
	require.Equal(t, errclass.Transient, errclass.Of(err))
}

func TestTheReasonsThatADoctorTellsApart(t *testing.T) {
	r := newRig(t)
	client := newClient(t, r.Options)
	who, err := client.Login(t.Context())
	require.NoError(t, err)
	own, err := client.Partner(t.Context(), who.PartnerID)
	require.NoError(t, err)
	require.Equal(t, []string{"Reseller", "Harbor IT (ops@harborit.example)"}, []string{own.Level, own.Name})

	for why, ask := range map[string]func() error{
		"one partner":  func() error { _, err := client.Partner(t.Context(), 73000); return err },
		"its partners": func() error { _, err := client.Partners(t.Context(), 73000); return err },
		"its devices": func() error {
			_, err := client.Statistics(t.Context(), cove.Query{PartnerID: 73000, Columns: []string{"AN"}, Count: 1})
			return err
		},
		"its history": func() error { _, err := client.PartnerHistory(t.Context(), 73000); return err },
	} {
		err := ask()
		require.ErrorIs(t, err, cove.ErrForbidden, why)
		require.NotErrorIs(t, err, cove.ErrLogin, why)
		require.Equal(t, errclass.AuthTenant, errclass.Of(err), why)
	}
	r.Password = func() (string, error) { return "wrong", nil }
	_, err = newClient(t, r.Options).Login(t.Context())
	require.ErrorIs(t, err, cove.ErrLogin)
	require.NotErrorIs(t, err, cove.ErrForbidden)
}
