package chaos_test

import (
	"context"
	"net/http"
	"net/http/httptest"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	ticketer "github.com/covewise/covewise/services/ticketer/app"
)

const callbackToken = "a-token-for-callbacks-of-good-length"

// openDoor gives the world an address at which ConnectWise finds the process that takes callbacks, whichever lives.
func (w *world) openDoor() {
	w.door = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.activity.Add(1)
		defer w.activity.Add(1)
		for _, p := range w.running("hooks") {
			if h := p.hooks.Load(); h != nil {
				h.Handler().ServeHTTP(rw, r)
				return
			}
		}
		http.Error(rw, "nobody is there", http.StatusServiceUnavailable)
	}))
}

// takeCallbacks is the run of a process that takes callbacks.
func (p *process) takeCallbacks(ctx context.Context, o ticketer.Options) error {
	hooks, err := ticketer.NewHooks(ctx, o)
	if err != nil {
		return err
	}
	p.hooks.Store(hooks)
	return hooks.Run(ctx)
}

// deliver lets the callbacks arrive that ConnectWise has not sent yet. It does not wait for them, because ConnectWise waits
// before it tries again.
func (m *msp) deliver(s step) {
	w := m.world
	if w.door == nil {
		return
	}
	faults := cwfake.CallbackFaults{Duplicate: s.How == "twice", Reverse: s.How == "reversed", WrongSignature: s.How == "forged"}
	if s.How == "foreign-key" {
		faults.KeyURL = "http://127.0.0.1:1/system/callbackkey/index.rails?companyName=" + cwfake.DefaultCompany + "&id=1"
	}
	forged := faults.WrongSignature || faults.KeyURL != ""
	w.delivering.Add(1)
	w.deliveries.Go(func() {
		defer w.delivering.Add(-1)
		sent, err := m.fake.Deliver(w.calls, faults)
		if err != nil && w.calls.Err() == nil {
			w.found("callbacks can be delivered", "%s: %v", m.id, err)
		}
		met := false
		for _, d := range sent {
			for _, status := range d.Statuses {
				taken := status >= 200 && status < 300
				if taken && forged {
					w.found("a forged callback is refused", "%s: %s: ticket %d: status %d", m.id, s.How, d.Ticket, status)
				}
				met = met || taken || forged && status == http.StatusForbidden
			}
		}
		if met {
			w.figures.meet(s.kind())
		}
	})
}
