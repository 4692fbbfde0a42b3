package cove

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/covewise/covewise/platform/errclass"
)

// visaAge is how long a visa is used before a new login. Cove accepts it for 15 minutes (N-able documentation).
const visaAge = 14 * time.Minute

// Identity is who the login is.
type Identity struct {
	UserID    int64
	PartnerID int64 // the partner whose subtree the login sees
	RoleID    int64 // 1 SuperUser, 2 Administrator, 3 Manager, 4 Operator, 5 Supporter, 6 Reporter, 7 Notifier
}

// Login logs in, whatever visa there is, and returns who the login is. Callers at the same time share one
// login, and its failure. It is never tried twice, because repeated bad logins lock the user.
func (c *Client) Login(ctx context.Context) (Identity, error) {
	held, err := c.renewVisa(ctx, c.visas.logins())
	return held.who, err
}

// Identity returns who the login is. It logs in only when no usable visa is there.
func (c *Client) Identity(ctx context.Context) (Identity, error) {
	held, err := c.currentVisa(ctx)
	return held.who, err
}

// heldVisa is a visa with the number of the login that its chain goes back to.
type heldVisa struct {
	visa  Secret
	login int
	who   Identity
}

// visaChain holds the newest visa. Cove returns one with each answer; older ones stay good until they age
// out, so callers may share one at the same time.
type visaChain struct {
	turn chan struct{} // held by the caller that logs in

	mu       sync.Mutex
	held     heldVisa
	since    time.Time // not later than Cove issued the visa
	attempts int       // logins that ended, well or not
	failure  error     // of the latest attempt, when it speaks for others too
}

func newVisaChain() visaChain { return visaChain{turn: make(chan struct{}, 1)} }

func (v *visaChain) logins() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.held.login
}

// current returns the newest visa, and whether it is young enough.
func (v *visaChain) current(now time.Time) (heldVisa, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.held, v.held.visa != Secret{} && now.Sub(v.since) <= visaAge
}

// adopt takes over the visa of an answer to a request sent at the given time. An answer from before the
// latest login, or one overtaken by a later request's, changes nothing.
func (v *visaChain) adopt(visa Secret, login int, sent time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if visa == (Secret{}) || login != v.held.login || sent.Before(v.since) {
		return
	}
	v.held.visa, v.since = visa, sent
}

// settle records the end of a login.
func (v *visaChain) settle(visa Secret, who Identity, sent time.Time, failure error) heldVisa {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.attempts++
	v.failure = failure
	if visa != (Secret{}) {
		v.held = heldVisa{visa: visa, login: v.held.login + 1, who: who}
		v.since = sent
	}
	return v.held
}

// waited says what a caller finds that has waited for its turn to log in.
func (v *visaChain) waited(seen, attempts int) (held heldVisa, done bool, failure error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.held.login > seen:
		return v.held, true, nil
	case v.attempts > attempts && v.failure != nil:
		return heldVisa{}, true, v.failure
	default:
		return heldVisa{}, false, nil
	}
}

func (v *visaChain) ended() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.attempts
}

func (c *Client) currentVisa(ctx context.Context) (heldVisa, error) {
	held, young := c.visas.current(c.options.Clock.Now())
	if young {
		return held, nil
	}
	return c.renewVisa(ctx, held.login)
}

// renewVisa logs in, unless somebody has since the login that the caller has seen. Who waited for another
// caller's login shares its outcome; a login that only its own caller's context ended is no outcome.
func (c *Client) renewVisa(ctx context.Context, seen int) (heldVisa, error) {
	attempts := c.visas.ended()
	select {
	case c.visas.turn <- struct{}{}:
		defer func() { <-c.visas.turn }()
	case <-ctx.Done():
		return heldVisa{}, errclass.New(errclass.Transient, "waiting for the login to Cove", ctx.Err())
	}
	if held, done, failure := c.visas.waited(seen, attempts); done {
		return held, failure
	}
	sent := c.options.Clock.Now()
	visa, who, err := c.login(ctx)
	failure := err
	if ctx.Err() != nil {
		failure = nil
	}
	held := c.visas.settle(visa, who, sent, failure)
	if err != nil {
		return heldVisa{}, err
	}
	c.log.InfoContext(ctx, "cove login", "user", who.UserID, "partner", who.PartnerID, "role", who.RoleID)
	return held, nil
}

type loginParams struct {
	Partner  string `json:"partner,omitempty"`
	Username string `json:"username"`
	Password string `json:"password"`
}

func (c *Client) login(ctx context.Context) (Secret, Identity, error) {
	plain, err := c.options.Password()
	if err != nil {
		return Secret{}, Identity{}, errclass.New(errclass.AuthTenant, "reading the password for Cove", err)
	}
	plain = strings.TrimRight(plain, "\r\n")
	if plain == "" {
		return Secret{}, Identity{}, errclass.New(errclass.AuthTenant, "reading the password for Cove", errors.New("it is empty"))
	}
	rq := request{
		method:  "Login",
		params:  loginParams{Partner: c.options.Partner, Username: c.options.Username, Password: plain},
		place:   placeManagement,
		url:     c.management,
		once:    true,
		secrets: []Secret{NewSecret(plain)},
	}
	var outer []byte
	got, err := c.send(ctx, rq, Secret{}, readAll(&outer))
	if err != nil {
		return Secret{}, Identity{}, err
	}
	if got.fault != nil {
		return Secret{}, Identity{}, classifyRPC(rq.place, got.fault)
	}
	var user struct {
		ID        number `json:"Id"`
		PartnerID number `json:"PartnerId"`
		RoleID    number `json:"RoleId"`
	}
	// Who the login is matters less than its visa: an unreadable user leaves the ids at 0.
	_ = json.Unmarshal(inner(outer), &user)
	if got.visa == (Secret{}) {
		return Secret{}, Identity{}, errclass.New(errclass.Transient, "logging in to Cove", errors.New("the answer holds no visa"))
	}
	return got.visa, Identity{UserID: int64(user.ID), PartnerID: int64(user.PartnerID), RoleID: int64(user.RoleID)}, nil
}
