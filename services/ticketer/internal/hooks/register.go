package hooks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

const (
	registerEvery = time.Hour
	registerRetry = 5 * time.Minute
	registerLimit = time.Minute // for one tenant, on the machine's clock
	mostAtOnce    = 4           // tenants registered side by side
)

// registration is what is known of one tenant's entry.
type registration struct {
	tried *tenantv1.ConnectWise // the settings that the entries were last compared with; nil: not yet
	due   time.Time             // when they are compared again
	clean bool                  // callbacks are unset and no entry of ours is left, as far as we may see
	said  string                // last failure told
}

func (h *Hooks) entry(tenant string) *registration {
	r := h.entries[tenant]
	if r == nil {
		r = &registration{}
		h.entries[tenant] = r
	}
	return r
}

// isDue says whether the entries of a tenant are to be compared now. address is empty when callbacks are not configured
// or the token cannot be used, which was told then.
func (r *registration) isDue(s *tenantv1.Settings, address string, began, now time.Time) bool {
	cw := s.GetConnectwise()
	changed := !proto.Equal(r.tried, cw)
	waiting := now.Before(r.due) && r.due.Sub(now) <= registerEvery // longer: the clock was set back
	switch {
	case s.GetMode() != tenantv1.Mode_MODE_LIVE: // shadow writes nothing
		return false
	case cw.GetCallbacks() != nil:
		return address != "" && (changed || !waiting)
	case r.tried == nil: // they may have been configured when another process ran
		return now.Sub(began) >= registerEvery
	default:
		return changed || !r.clean && !waiting
	}
}

// tell reports whether a failure is another one than the last.
func (r *registration) tell(err error) bool {
	was := r.said
	if r.said = ""; err != nil {
		r.said = err.Error()
	}
	return err != nil && r.said != was
}

// register compares the entries of every live tenant that is due with what its settings say.
func (h *Hooks) register(ctx context.Context, settings map[string]*tenantv1.Settings) {
	addresses := map[string]string{}
	for _, d := range h.all() {
		addresses[d.tenant] = d.address
	}
	now := h.clock.Now()
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(mostAtOnce)
	for id, s := range settings {
		r := h.entry(id)
		if !r.isDue(s, addresses[id], h.began, now) {
			continue
		}
		all.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, registerLimit)
			defer cancel()
			err := h.align(ctx, s, addresses[id])
			h.registered(ctx, s, r, now, err)
			return nil
		})
	}
	_ = all.Wait() // what fails is told tenant by tenant
	for id := range h.entries {
		if settings[id] == nil {
			delete(h.entries, id)
		}
	}
}

// registered notes the outcome. A missing right is a warning and no more: tickets are looked at without callbacks, too.
func (h *Hooks) registered(ctx context.Context, s *tenantv1.Settings, r *registration, now time.Time, err error) {
	unset := s.GetConnectwise().GetCallbacks() == nil
	lasting := err == nil || errclass.Of(err) == errclass.AuthTenant || errclass.Of(err) == errclass.Rejected
	r.tried, r.due, r.clean = s.GetConnectwise(), now.Add(registerEvery), unset && lasting
	if !lasting {
		r.due = now.Add(registerRetry)
	}
	if !r.tell(err) || unset {
		return
	}
	if answer, ok := errors.AsType[*connectwise.APIError](err); ok && answer.Status == http.StatusForbidden {
		err = fmt.Errorf("%w; give the role of the API member a right to callbacks, or unset connectwise.callbacks", err)
	}
	h.log.WarnContext(ctx, "ConnectWise is not asked to call; tickets are looked at every few minutes", "tenant", s.GetId(), "err", err)
}

// align brings the entries of one tenant's server in line; without an address ours are removed.
func (h *Hooks) align(ctx context.Context, s *tenantv1.Settings, address string) error {
	client, err := h.client(s)
	if err != nil {
		return err
	}
	defer client.Close()
	there, err := client.Callbacks(ctx)
	if err != nil {
		return err
	}
	want := wanted(h.described(s.GetId()), address)
	todo := compare(there, want)
	if todo.make {
		// Another process may have been faster.
		if _, err := client.CreateCallback(ctx, want); err != nil && !connectwise.Exists(err) {
			return err
		}
		h.log.InfoContext(ctx, "ConnectWise was asked to call when tickets change", "tenant", s.GetId())
	}
	if todo.mend != 0 {
		_, err := client.PatchCallback(ctx, todo.mend, connectwise.Replace("inactiveFlag", false),
			connectwise.Replace("isSelfSuppressedFlag", true), connectwise.Replace("description", want.Description))
		if err != nil {
			return err
		}
		h.log.InfoContext(ctx, "the callback entry was put right", "tenant", s.GetId(), "entry", todo.mend)
	}
	for _, id := range todo.drop {
		if err := client.DeleteCallback(ctx, id); err != nil && errclass.Of(err) != errclass.NotFound {
			return err
		}
		h.log.InfoContext(ctx, "a callback entry of ours was removed", "tenant", s.GetId(), "entry", id)
	}
	return nil
}

func (h *Hooks) client(s *tenantv1.Settings) (*connectwise.Client, error) {
	cw := s.GetConnectwise()
	public, private := tenant.Reference("connectwise.publicKey", cw.GetPublicKey()), tenant.Reference("connectwise.privateKey", cw.GetPrivateKey())
	client, err := connectwise.New(connectwise.Options{
		Site: cw.GetUrl(), Company: cw.GetCompany(), ClientID: cw.GetClientId(), Tenant: s.GetId(), Limits: h.opts.Limits,
		RequestsPerMinute: int(cw.GetRequestsPerMinute()), Burst: int(cw.GetBurst()),
		Transport: h.opts.Transport, Logger: h.log.With("tenant", s.GetId()),
		Keys: func() (string, string, error) {
			one, err := public.Resolve(h.opts.LookupEnv)
			if err != nil {
				return "", "", err
			}
			two, err := private.Resolve(h.opts.LookupEnv)
			return one.Reveal(), two.Reveal(), err
		},
	})
	if err != nil {
		return nil, errclass.New(errclass.Rejected, "tenant setting connectwise", err)
	}
	return client, nil
}
