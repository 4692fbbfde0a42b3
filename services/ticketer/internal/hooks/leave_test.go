package hooks

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/record"
)

// apply makes harbor's document what change makes of a live one with callbacks; nil removes the tenant.
func (w *world) apply(change func(*tenant.Document)) {
	w.t.Helper()
	var docs []tenant.Document
	if change != nil {
		doc := tenant.Defaults()
		doc.ID, doc.Mode = "harbor", tenant.Live
		doc.ConnectWise = tenant.ConnectWise{
			URL: w.cwURL, Company: cwfake.DefaultCompany, ClientID: cwfake.DefaultClientID,
			PublicKey: tenant.SecretRef{Env: "PUBLIC"}, PrivateKey: tenant.SecretRef{Env: "PRIVATE"},
			Callbacks: tenant.Callbacks{URL: w.url, Token: tenant.SecretRef{Env: "TOKEN"}},
		}
		change(&doc)
		docs = append(docs, doc)
	}
	_, err := record.Apply(w.t.Context(), w.hooks.opts.Bus, docs, "test", w.clock.Now())
	require.NoError(w.t, err)
	w.clock.Add(time.Second) // changes have their ids from the time
}

func live(*tenant.Document) {}

func shadow(d *tenant.Document) { d.Mode = tenant.Shadow }

func TestTheEntryOfATenantThatLeavesIsRemoved(t *testing.T) {
	for name, leaving := range map[string]func(*tenant.Document){"removed from the file": nil, "back to shadow": shadow} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.apply(live)
			w.run()
			w.eventually("the entry is there", func() bool { return len(w.entries()) == 1 })
			w.apply(leaving)
			w.eventually("it is removed", func() bool { return len(w.entries()) == 0 })
			writes := w.cw.Writes()
			w.clock.Add(2 * registerEvery)
			w.apply(live)
			w.eventually("it is there again when the tenant comes back", func() bool { return len(w.entries()) == 1 })
			require.Equal(t, writes+1, w.cw.Writes())
		})
	}
}

func TestTheEntryOfATenantThatLeftWhileNobodyRanIsRemovedAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.apply(live)
	stop := w.run()
	w.eventually("the entry is there", func() bool { return len(w.entries()) == 1 })
	stop()
	w.apply(nil)
	w.run()
	w.eventually("it is removed", func() bool { return len(w.entries()) == 0 })
}

func TestATenantThatWasNeverLiveIsNotTouched(t *testing.T) {
	w := newWorld(t)
	w.apply(shadow)
	w.apply(nil)
	w.apply(func(d *tenant.Document) { d.ConnectWise.Callbacks = tenant.Callbacks{} })
	w.apply(shadow)
	w.run()
	w.eventually("the record was read", func() bool {
		w.clock.Add(refresh)
		status, _ := w.post(Prefix+token, nil, "")
		return status == 400
	})
	require.Empty(t, w.cw.Requests())
}

func TestAnEntryThatCannotBeRemovedIsToldOnceAndTriedForAMonth(t *testing.T) {
	w := newWorld(t)
	w.apply(live)
	stop := w.run()
	w.eventually("the entry is there", func() bool { return len(w.entries()) == 1 })
	stop()
	w.apply(nil)
	w.mu.Lock()
	delete(w.env, "PRIVATE")
	w.mu.Unlock()
	w.run()
	w.eventually("it is told", func() bool {
		return strings.Contains(w.log.String(), "delete its callback entry there, or bring the tenant back without connectwise.callbacks")
	})
	for range 5 {
		w.clock.Add(registerEvery)
	}
	w.mu.Lock()
	w.env["PRIVATE"] = cwfake.DefaultPrivateKey
	w.mu.Unlock()
	w.eventually("it comes about when the key is there", func() bool {
		w.clock.Add(registerEvery)
		return len(w.entries()) == 0
	})
	require.Equal(t, 1, strings.Count(w.log.String(), "ConnectWise goes on calling for a tenant that left"))
}
