package cwfake

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/covewise/covewise/platform/clock"
)

// Values that New uses where Options leave one out.
const (
	DefaultCompany    = "harbor"
	DefaultPublicKey  = "fakepublickey"
	DefaultPrivateKey = "fakeprivatekey"
	DefaultClientID   = "0f0e0d0c-1111-2222-3333-444455556666"
	DefaultCodeBase   = "v2025_1/"
	DefaultMember     = "covewiseapi"
	// DefaultPerson is the member as whom Person acts when it is given no name.
	DefaultPerson = "mreyes"
)

// Options configure a Server. Every value may be left out.
type Options struct {
	// Clock is the time of all records and of the search lag; the machine's clock by default.
	Clock clock.Clock
	// Logger receives one line per request at level debug; none by default.
	Logger *slog.Logger
	// Company, PublicKey, PrivateKey and ClientID are what a caller has to present.
	Company, PublicKey, PrivateKey, ClientID string
	// CodeBase is the path element before apis/3.0, with a trailing slash.
	CodeBase string
	// Member is the identifier of the API member that the keys belong to and records are stamped with.
	Member string
}

// Server is the fake. It is an http.Handler and safe for concurrent use.
type Server struct {
	options Options
	router  *router

	mu     sync.Mutex
	data   *store
	faults []*standingFault
	log    []*Request
	hooks  hooks
}

// New returns a server that holds DefaultSeed.
func New(options Options) *Server {
	or := func(value *string, otherwise string) {
		if *value == "" {
			*value = otherwise
		}
	}
	or(&options.Company, DefaultCompany)
	or(&options.PublicKey, DefaultPublicKey)
	or(&options.PrivateKey, DefaultPrivateKey)
	or(&options.ClientID, DefaultClientID)
	or(&options.CodeBase, DefaultCodeBase)
	or(&options.Member, DefaultMember)
	if options.Clock == nil {
		options.Clock = clock.System()
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{options: options, router: routes(), data: newStore(DefaultSwitches(options.CodeBase))}
	if err := s.Load(DefaultSeed()); err != nil {
		// DefaultSeed is a constant of this package and TestDefaultSeed loads it.
		options.Logger.Error("loading the default seed", "err", err)
	}
	return s
}

// ServeHTTP answers API calls, the look-up of the code base, the key of callbacks and the control API below /control/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case isControl(r.URL.Path):
		s.serveControl(w, r)
		return
	case strings.HasSuffix(r.URL.Path, callbackKeyPath):
		s.serveCallbackKey(w, r)
		return
	}
	s.serveAPI(w, r)
}
