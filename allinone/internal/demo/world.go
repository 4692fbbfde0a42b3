package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/connectors/cove/covefake"
	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/tenant"
)

const (
	tenantID     = "demo"
	providerName = "Lighthouse IT (ops@lighthouse.example)"
	username     = "covewise-demo"
	passwordEnv  = "COVEWISE_DEMO_PASSWORD" //nolint:gosec // the name of a variable, not a secret
	publicEnv    = "COVEWISE_DEMO_PUBLIC_KEY"
	privateEnv   = "COVEWISE_DEMO_PRIVATE_KEY"
)

// secrets are the keys to the demo's own fakes, which listen on loopback and hold invented data.
func secrets(name string) (string, bool) {
	value, ok := map[string]string{
		passwordEnv: "demo-password", publicEnv: cwfake.DefaultPublicKey, privateEnv: cwfake.DefaultPrivateKey,
	}[name]
	return value, ok
}

// world is what lies outside of Covewise: the two fake servers and what happens at their devices.
type world struct {
	clock    clock.Clock
	cove     *covefake.Server
	cwm      *cwfake.Server
	director *director
	saving   sync.Mutex // of the tickets
	servers  []*http.Server
	ended    chan error // one for each server that has ended
}

func newWorld(c clock.Clock, tell func(event)) *world {
	password, _ := secrets(passwordEnv)
	w := &world{clock: c, ended: make(chan error, 2)}
	w.cove = covefake.New(covefake.Options{Clock: c, Username: username, Password: password, Partner: providerName})
	w.cwm = cwfake.New(cwfake.Options{Clock: c})
	w.director = newDirector(w.cove, w.cwm, tell)
	return w
}

// listen serves both fakes on free ports of the loopback address and returns the tenant that talks to them. The
// tickets are kept in dir.
func (w *world) listen(ctx context.Context, dir string) (tenant.Document, error) {
	var addresses [2]string
	cwm := keeping(w.cwm, clock.System(), func() error { return w.saveTickets(dir) })
	for i, handler := range []http.Handler{w.cove, cwm} {
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return tenant.Document{}, errors.Join(fmt.Errorf("listen for the fake servers: %w", err), w.close())
		}
		addresses[i] = "http://" + listener.Addr().String()
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		w.servers = append(w.servers, server)
		go func() { w.ended <- server.Serve(listener) }()
	}
	return w.tenant(addresses[0], addresses[1]), nil
}

// close ends the servers.
func (w *world) close() error {
	var errs []error
	for _, s := range w.servers {
		errs = append(errs, s.Close())
	}
	for range w.servers {
		if err := <-w.ended; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	w.servers = nil
	return errors.Join(errs...)
}

// tenant is the demo's provider. Backups run every few hours, so that old ones are found within a minute.
func (w *world) tenant(cove, cwm string) tenant.Document {
	doc := tenant.Defaults()
	doc.ID, doc.Mode = tenantID, tenant.Live
	doc.Cove = tenant.Cove{
		URL: cove + "/jsonapi", Partner: providerName, Username: username,
		Password: tenant.SecretRef{Field: "cove.password", Env: passwordEnv},
	}
	doc.ConnectWise = tenant.ConnectWise{
		URL: cwm, Company: cwfake.DefaultCompany, ClientID: cwfake.DefaultClientID,
		PublicKey:  tenant.SecretRef{Field: "connectwise.publicKey", Env: publicEnv},
		PrivateKey: tenant.SecretRef{Field: "connectwise.privateKey", Env: privateEnv},
	}
	doc.Poll.Interval = 15 * time.Minute
	doc.Tickets.Board, doc.Tickets.NewStatus, doc.Tickets.ClosedStatus = "Service Desk", "New", "Closed"
	doc.Tickets.Priorities = tenant.Priorities{Server: "Priority 1 - Critical", Workstation: "Priority 3 - Normal", M365: "Priority 2 - Quick Response"}
	doc.Tickets.TimeZone = "Europe/Berlin"
	doc.Policy.Values = map[string]string{"stale.server": "8h", "stale.workstation": "14h", "stale.documents": "24h", "stale.m365": "8h"}
	return doc
}

// requests counts what was asked of the two servers since they started.
func (w *world) requests() (cove, cwm int) {
	for _, n := range w.cove.Counts() {
		cove += n
	}
	for _, n := range w.cwm.Counts() {
		cwm += n
	}
	return cove, cwm
}
