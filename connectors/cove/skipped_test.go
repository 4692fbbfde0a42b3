package cove_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/errclass"
)

// certified returns the address of a storage node on TLS, a transport that leads every host there, and the number of
// requests that got through.
func certified(t *testing.T) (*http.Transport, *httptest.Server, *atomic.Int64) {
	t.Helper()
	asked := &atomic.Int64{}
	node := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		write(w, `{"result":[]}`)
	}))
	node.Config.ErrorLog = log.New(io.Discard, "", 0)
	node.StartTLS()
	t.Cleanup(node.Close)
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, node.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}, node, asked
}

func TestANodeThatIsNotTrustedIsSkippedWithItsReason(t *testing.T) {
	const good = "example.com" // the name that httptest's certificate is made out to
	tests := []struct {
		why, node string
		allow     []string
		trusted   bool // the certificate's issuer is
		reason    cove.SkipReason
		asked     int64
	}{
		{"an allowed host with a good certificate is asked", good + ":443", []string{good}, true, "", 1},
		{"a certificate of an unknown issuer", good, []string{good}, false, cove.SkipCertificate, 0},
		{"a certificate made out to another name", "node.msp.test", []string{"*.msp.test"}, true, cove.SkipCertificate, 0},
		{"the vendor's own nodes are no exception", "node.cloudbackup.management", nil, true, cove.SkipCertificate, 0},
		{"a host outside the vendor's domains", good, nil, true, cove.SkipHost, 0},
		{"no node at all", "", nil, true, cove.SkipNoNode, 0},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			transport, node, asked := certified(t)
			if tt.trusted {
				transport.TLSClientConfig.RootCAs = node.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			}
			client := newClient(t, cove.Options{
				URL: "https://api.backup.management", Username: "u", Password: func() (string, error) { return "p", nil },
				Clock: &stopped{now: start}, RequestsPerSecond: 1e6, Transport: transport, AllowHosts: tt.allow,
			})
			device := cove.Account{ID: 1, Name: "x", Token: cove.NewSecret(markedToken), Node: tt.node}
			_, found, err := client.SessionErrors(t.Context(), device, "D01", start, cove.Limits{})
			require.False(t, found)
			require.Equal(t, tt.asked, asked.Load())
			if tt.reason == "" {
				require.NoError(t, err)
				return
			}
			var skipped *cove.SkippedNodeError
			require.ErrorAs(t, err, &skipped)
			require.Equal(t, tt.reason, skipped.Reason)
			require.Equal(t, strings.TrimSuffix(tt.node, ":443"), skipped.Host)
			require.Equal(t, errclass.Rejected, errclass.Of(err))
			require.LessOrEqual(t, client.Requests(), int64(1), "and not tried again")
			require.NotContains(t, err.Error(), "MARK")
		})
	}
}

func TestANodeThatIsDownIsNotSkipped(t *testing.T) {
	r := newRig(t)
	client := newClient(t, r.Options)
	device, err := client.Account(t.Context(), 11)
	require.NoError(t, err)
	_, err = r.fake.AddFault(covefake.Fault{Kind: covefake.FaultNodeDown})
	require.NoError(t, err)
	_, _, err = client.SessionErrors(t.Context(), device, "D01", start.AddDate(0, 0, -30), cove.Limits{})
	require.Equal(t, errclass.Transient, errclass.Of(err), "the next sweep may find it well again")
	var skipped *cove.SkippedNodeError
	require.NotErrorAs(t, err, &skipped)
}

func TestTheErrorsOfOneDeviceNeverShowOnAnother(t *testing.T) {
	t.Run("when many are asked about at the same time", func(t *testing.T) {
		r := newRig(t)
		for id := int64(1001); id <= 1040; id++ {
			require.NoError(t, r.fake.PutDevice(covefake.Device{AccountID: id, PartnerID: 481233, Settings: map[string]string{
				"AN": fmt.Sprintf("dev_%d", id), "AT": fmt.Sprint(1 + id%2), "I78": "D01D19",
			}}))
			text := fmt.Sprintf("error of %d", id)
			session := covefake.Session{ID: 7, Plugin: "FileSystem", Status: "Failed", At: "@-3h", Errors: []covefake.SessionError{{Text: text, Filename: text, Count: 1}}}
			if id%2 == 1 {
				session = covefake.Session{ID: 7, M365: "Exchange", Status: "Failed", At: "@-3h", Errors: []covefake.SessionError{{Description: text, Item: text, Count: 1}}}
			}
			require.NoError(t, r.fake.AddSession(id, session))
		}
		client := newClient(t, r.Options)
		next := &atomic.Int64{}
		next.Store(1000)
		for _, err := range together(40, func() error {
			id := next.Add(1)
			device, err := client.Account(t.Context(), id)
			if err != nil {
				return err
			}
			source := map[int64]string{0: "D01", 1: "D19"}[id%2]
			got, found, err := client.SessionErrors(t.Context(), device, source, start.AddDate(0, 0, -30), cove.Limits{})
			text := fmt.Sprintf("error of %d", id)
			if err != nil || !found || len(got.Errors) != 1 || got.Errors[0].Text != text || got.Errors[0].Item != text {
				return fmt.Errorf("device %d has %+v, found %t: %w", id, got, found, err)
			}
			return nil
		}) {
			require.NoError(t, err)
		}
	})
	t.Run("when an answer holds those of another session", func(t *testing.T) {
		s := newServer(t)
		s.answers("QuerySessions", `{"result":[{"Id":5,"PluginId":"FileSystem","Status":"Failed","StartTime":100}]}`)
		s.answers("QueryErrors", `{"result":[{"SessionId":6,"Text":"of another"},{"SessionId":5,"Text":"ours"},{"Text":"of the session asked for"}]}`)
		s.answers("EnumerateSessions", `{"result":[{"Id":5,"Status":"Failed","StartTime":100},{"Id":9,"DataSourceType":"Teams","Status":"Failed","StartTime":200}]}`)
		s.answers("EnumerateSessionErrors", `{"result":[{"SessionId":"6","Description":"of another"},{"SessionId":5,"Description":"ours"},{"Description":"of the session asked for"}]}`)
		client := newClient(t, options(s))
		for _, source := range []string{"D01", "D19"} {
			got, found, err := client.SessionErrors(t.Context(), account(s), source, unix(50), cove.Limits{})
			require.NoError(t, err)
			require.True(t, found)
			require.EqualValues(t, 5, got.SessionID)
			require.Equal(t, []string{"ours", "of the session asked for"}, []string{got.Errors[0].Text, got.Errors[1].Text})
			require.Len(t, got.Errors, 2)
		}
	})
}

func TestMicrosoft365ErrorsNameMailboxesSitesAndUsers(t *testing.T) {
	tests := []struct{ why, item, description, want, text string }{
		{"the item of the error", "j.doe@x.example", `{"description":"a","entity":"other@x.example"}`, "j.doe@x.example", "a"},
		{"else the mailbox out of the description", "", `{"description":"a","entity":"j.doe@x.example","path":"/Inbox"}`, "j.doe@x.example", "a"},
		{"a site by its address", "", `{"description":"a","entity":"https://x.sharepoint.example/sites/hr"}`, "https://x.sharepoint.example/sites/hr", "a"},
		{"else the place in it", " ", `{"description":"a","path":"/sites/hr/Shared Documents"}`, "/sites/hr/Shared Documents", "a"},
		{"names of people stay as they are", "Ёлка 株式会社 \"x\" <y>", "plain", "Ёлка 株式会社 \"x\" <y>", "plain"},
		{"none", "", "plain", "", "plain"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.answers("EnumerateSessions", `{"result":[{"Id":5,"Status":"Failed","StartTime":100}]}`)
			encoded, err := json.Marshal(map[string]any{"result": []any{map[string]any{"Item": tt.item, "Description": tt.description}}})
			require.NoError(t, err)
			s.answers("EnumerateSessionErrors", string(encoded))
			got, found, err := newClient(t, options(s)).SessionErrors(t.Context(), account(s), "D05", unix(50), cove.Limits{})
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, []cove.SessionError{{Text: tt.text, Item: tt.want, Count: 1, Time: unix(100)}}, got.Errors)
		})
	}
}
