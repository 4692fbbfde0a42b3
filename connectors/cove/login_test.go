package cove_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/connectors/cove"
	"github.com/covewise/covewise/platform/errclass"
)

const (
	onePartner  = `{"result":{"result":{"Id":481233,"ParentId":481200,"Name":"Bluefin","Level":"EndCustomer"}}}`
	visaRefused = `{"error":{"code":-32603,"data":1701,"message":"Visa is inconsistent/corrupted."}}`
)

func TestLoginSendsTheCredentialsAndReturnsWhoItIs(t *testing.T) {
	s := newServer(t)
	client := newClient(t, options(s))
	who, err := client.Login(t.Context())
	require.NoError(t, err)
	require.Equal(t, cove.Identity{UserID: 90331, PartnerID: 481200, RoleID: 4}, who)
	require.Equal(t, []call{{Method: "Login", Path: "/jsonapi", Params: map[string]any{
		"partner": "Harbor IT (ops@harborit.example)", "username": "psa-sync", "password": markedPassword,
	}}}, s.seen("Login"), "the line end after the password is dropped")
	require.EqualValues(t, 1, client.Requests())

	again, err := client.Identity(t.Context())
	require.NoError(t, err)
	require.Equal(t, who, again)
	require.Len(t, s.seen("Login"), 1, "the identity is known")

	_, err = client.Login(t.Context())
	require.NoError(t, err)
	require.Len(t, s.seen("Login"), 2, "an explicit login is one")
}

func TestLoginWithoutPartnerLeavesItOut(t *testing.T) {
	s := newServer(t)
	o := options(s)
	o.Partner = ""
	_, err := newClient(t, o).Login(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]any{"username": "psa-sync", "password": markedPassword}, s.seen("Login")[0].Params)
}

func TestTheNewestVisaIsUsed(t *testing.T) {
	s := newServer(t)
	s.inTurn("GetPartnerInfoById",
		`{"visa":"1-1-0-1-second","result":{"result":{"Id":1}}}`,
		`{"error":{"code":-32603,"data":7,"message":"no such partner"},"visa":"1-1-0-1-third"}`,
		`{"result":{"result":{"Id":1}}}`,
	)
	client := newClient(t, options(s))
	for i := range 4 {
		_, err := client.Partner(t.Context(), 1)
		require.Equal(t, i == 1, err != nil, "call %d", i)
	}
	var visas []string
	for _, c := range s.seen("GetPartnerInfoById") {
		visas = append(visas, c.Visa)
	}
	require.Equal(t, []string{markedVisa + "1", "1-1-0-1-second", "1-1-0-1-third", "1-1-0-1-third"}, visas,
		"also out of an error, and kept when an answer has none")
	require.Len(t, s.seen("Login"), 1)
}

func TestAVisaOlderThan14MinutesIsNotUsed(t *testing.T) {
	s := newServer(t)
	s.answers("GetPartnerInfoById", onePartner)
	o := options(s)
	now := &stopped{now: start}
	o.Clock = now
	client := newClient(t, o)
	for _, step := range []struct {
		pass   time.Duration
		logins int
	}{{0, 1}, {14 * time.Minute, 1}, {time.Second, 2}, {14 * time.Minute, 2}, {time.Hour, 3}} {
		now.move(step.pass)
		_, err := client.Partner(t.Context(), 481233)
		require.NoError(t, err)
		require.Len(t, s.seen("Login"), step.logins)
	}
}

func TestTheAgeOfAnAdoptedVisaCountsFromItsRequest(t *testing.T) {
	s := newServer(t)
	now := &stopped{now: start}
	s.handle("GetPartnerInfoById", func(_ call, w http.ResponseWriter) {
		now.move(10 * time.Minute) // a very slow answer
		write(w, `{"visa":"1-1-0-1-slow","result":{"result":{"Id":1}}}`)
	})
	o := options(s)
	o.Clock = now
	client := newClient(t, o)
	for range 4 {
		_, err := client.Partner(t.Context(), 1)
		require.NoError(t, err)
	}
	require.Len(t, s.seen("Login"), 1, "each visa is 10 minutes old when the next request uses it")
	now.move(5 * time.Minute)
	_, err := client.Partner(t.Context(), 1)
	require.NoError(t, err)
	require.Len(t, s.seen("Login"), 2)
}

func TestARefusedVisaLeadsToOneLoginAndOneRepetition(t *testing.T) {
	t.Run("then the call succeeds", func(t *testing.T) {
		s := newServer(t)
		s.inTurn("GetPartnerInfoById", visaRefused, onePartner)
		partner, err := newClient(t, options(s)).Partner(t.Context(), 481233)
		require.NoError(t, err)
		require.Equal(t, "Bluefin", partner.Name)
		require.Len(t, s.seen("Login"), 2)
		calls := s.seen("GetPartnerInfoById")
		require.Equal(t, []string{markedVisa + "1", markedVisa + "2"}, []string{calls[0].Visa, calls[1].Visa})
	})
	t.Run("also when HTTP says it", func(t *testing.T) {
		s := newServer(t)
		first := true
		s.handle("GetPartnerInfoById", func(_ call, w http.ResponseWriter) {
			if first {
				first = false
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			write(w, onePartner)
		})
		_, err := newClient(t, options(s)).Partner(t.Context(), 481233)
		require.NoError(t, err)
		require.Len(t, s.seen("Login"), 2)
	})
	t.Run("or it is over", func(t *testing.T) {
		s := newServer(t)
		s.answers("GetPartnerInfoById", visaRefused)
		_, err := newClient(t, options(s)).Partner(t.Context(), 481233)
		require.Equal(t, errclass.AuthTenant, errclass.Of(err))
		var rpc *cove.RPCError
		require.ErrorAs(t, err, &rpc)
		require.Equal(t, &cove.RPCError{Method: "GetPartnerInfoById", Code: -32603, Data: cove.DataVisa, Message: "Visa is inconsistent/corrupted."}, rpc)
		require.Len(t, s.seen("Login"), 2)
		require.Len(t, s.seen("GetPartnerInfoById"), 2)
	})
}

func TestABadLoginIsNotTriedTwice(t *testing.T) {
	tests := []struct {
		why    string
		answer func(call, http.ResponseWriter)
		want   errclass.Class
		text   string
	}{
		{
			"wrong password",
			func(_ call, w http.ResponseWriter) {
				write(w, `{"error":{"code":-32603,"data":2100,"message":"Unknown partner/username or bad password"}}`)
			},
			errclass.AuthTenant, "calling Cove: check the partner's exact name, the user name and the password: Login: Cove answered an error: Unknown partner/username or bad password (code -32603, data 2100)",
		},
		{
			"the service is away",
			func(_ call, w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
			errclass.Transient, "calling Cove: Login: HTTP 503, no content type, an empty body",
		},
		{
			"no visa",
			func(_ call, w http.ResponseWriter) { write(w, `{"result":{"result":{"Id":1}}}`) },
			errclass.Transient, "logging in to Cove: the answer holds no visa",
		},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			s := newServer(t)
			s.handle("Login", tt.answer)
			_, err := newClient(t, options(s)).Partner(t.Context(), 1)
			require.EqualError(t, err, "reading partner 1: "+tt.text)
			require.Equal(t, tt.want, errclass.Of(err))
			require.Len(t, s.seen("Login"), 1)
			require.Empty(t, s.seen("GetPartnerInfoById"))
		})
	}
}

func TestAMissingPasswordSendsNothing(t *testing.T) {
	for why, password := range map[string]func() (string, error){
		"unreadable": func() (string, error) { return "", errors.New("open cove.secret: no such file") },
		"empty":      func() (string, error) { return "\n", nil },
	} {
		t.Run(why, func(t *testing.T) {
			s := newServer(t)
			o := options(s)
			o.Password = password
			client := newClient(t, o)
			_, err := client.Login(t.Context())
			require.Equal(t, errclass.AuthTenant, errclass.Of(err))
			require.Zero(t, client.Requests())
		})
	}
}

func TestConcurrentCallersShareOneLogin(t *testing.T) {
	s := newServer(t)
	s.answers("GetPartnerInfoById", onePartner)
	client := newClient(t, options(s))
	errs := together(20, func() error {
		_, err := client.Partner(t.Context(), 481233)
		return err
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, s.seen("Login"), 1)
	require.EqualValues(t, 21, client.Requests())
}

func TestConcurrentCallersShareTheRepairOfAVisa(t *testing.T) {
	s := newServer(t)
	s.handle("GetPartnerInfoById", func(c call, w http.ResponseWriter) {
		if c.Visa == markedVisa+"1" {
			write(w, visaRefused)
			return
		}
		write(w, onePartner)
	})
	client := newClient(t, options(s))
	_, err := client.Login(t.Context())
	require.NoError(t, err)
	for _, err := range together(20, func() error {
		_, err := client.Partner(t.Context(), 481233)
		return err
	}) {
		require.NoError(t, err)
	}
	require.Len(t, s.seen("Login"), 2)
}

func TestConcurrentCallersShareAFailedLogin(t *testing.T) {
	s := newServer(t)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	s.handle("Login", func(_ call, w http.ResponseWriter) {
		arrived <- struct{}{}
		<-release
		write(w, `{"error":{"code":-32603,"data":2100,"message":"bad password"}}`)
	})
	client := newClient(t, options(s))
	var waiting sync.WaitGroup
	errs := make([]error, 10)
	for i := range errs {
		ctx := &announced{Context: t.Context(), waits: make(chan struct{})}
		waiting.Go(func() { _, errs[i] = client.Partner(ctx, 1) })
		if i == 0 {
			<-arrived
		} else {
			<-ctx.waits
		}
	}
	close(release)
	waiting.Wait()
	for _, err := range errs {
		require.Equal(t, errclass.AuthTenant, errclass.Of(err))
	}
	require.Len(t, s.seen("Login"), 1, "a wrong password is not sent once for each caller: that would lock the user")
}

func TestAWaitingCallerOutlivesTheOneThatGaveUp(t *testing.T) {
	s := newServer(t)
	s.answers("GetPartnerInfoById", onePartner)
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	s.handle("Login", func(_ call, w http.ResponseWriter) {
		arrived <- struct{}{}
		<-release
		write(w, `{"visa":"v","result":{"result":{"Id":1}}}`)
	})
	client := newClient(t, options(s))
	impatient, giveUp := context.WithCancel(t.Context())
	patient := &announced{Context: t.Context(), waits: make(chan struct{})}
	var first, second error
	var waiting sync.WaitGroup
	waiting.Go(func() { _, first = client.Partner(impatient, 481233) })
	<-arrived
	waiting.Go(func() { _, second = client.Partner(patient, 481233) })
	<-patient.waits
	giveUp()
	<-arrived // the second caller logs in itself
	close(release)
	waiting.Wait()
	require.ErrorIs(t, first, context.Canceled)
	require.Equal(t, errclass.Transient, errclass.Of(first))
	require.NoError(t, second)
}

// announced tells when somebody first waits for its end.
type announced struct {
	context.Context
	once  sync.Once
	waits chan struct{}
}

func (a *announced) Done() <-chan struct{} {
	a.once.Do(func() { close(a.waits) })
	return a.Context.Done()
}

func together(n int, do func() error) []error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { errs[i] = do() })
	}
	group.Wait()
	return errs
}
