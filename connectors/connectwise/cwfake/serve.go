package cwfake

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

const (
	// stableCodeBase always works, whatever the present one is.
	stableCodeBase  = "v4_6_release/"
	apiSuffix       = "apis/3.0"
	loginPattern    = "/login/companyinfo/{id}"
	maxBody         = 8 << 20
	maxAddress      = 10_000
	vendorMediaType = "application/vnd.connectwise.com+json"
)

// reply is what goes over the wire, or the way in which it does not.
type reply struct {
	status      int
	contentType string
	header      http.Header
	body        []byte
	cut         cutting
}

type cutting int

const (
	whole cutting = iota
	truncatedBody
	droppedConnection
)

// exchange is one request with what has been found out about it.
type exchange struct {
	request *http.Request
	body    []byte
	entry   *Request
	route   *route
	params  map[string]string
	allowed []string
	fault   *standingFault
	waits   []Fault
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "reading the request: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	x := &exchange{request: r, body: body}
	s.begin(x)
	if err := s.wait(r.Context(), x, true); err != nil {
		return
	}
	out := s.answer(x)
	if err := s.wait(r.Context(), x, false); err != nil {
		return
	}
	s.options.Logger.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", out.status)
	send(w, out)
}

// begin finds the route, records the request and takes the faults that concern it.
func (s *Server) begin(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, known := s.apiPath(x.request.URL.Path)
	name := ""
	if known {
		x.route, x.params, x.allowed = s.router.find(x.request.Method, path)
	}
	if x.route != nil {
		name = x.route.pattern
	}
	x.entry = &Request{Method: x.request.Method, Route: name, Path: x.request.URL.RequestURI(), Time: s.options.Clock.Now()}
	s.log = append(s.log, x.entry)
	s.takeFaults(x)
}

// apiPath strips the code base; it reports whether the path belongs to the API as it stands.
func (s *Server) apiPath(path string) (string, bool) {
	if strings.HasPrefix(path, "/login/") {
		return path, true
	}
	for _, base := range []string{s.data.switches.CodeBase, stableCodeBase} {
		if rest, ok := strings.CutPrefix(path, "/"+base+apiSuffix+"/"); ok {
			return "/" + rest, true
		}
	}
	return "", false
}

// answer runs the request, unless a fault comes before it, and lets a fault spoil the result.
func (s *Server) answer(x *exchange) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, done := s.faultBefore(x)
	if !done {
		result, err := s.handle(x)
		out = s.encode(x, result, err)
		out = s.faultAfter(x, out)
	}
	x.entry.Status = out.status
	if out.cut == droppedConnection {
		x.entry.Status = 0
	}
	return out
}

func (s *Server) handle(x *exchange) (answer, error) {
	r := x.request
	if len(r.URL.RequestURI()) > maxAddress {
		return answer{}, refuse(http.StatusRequestURITooLong, "ConnectWiseApi", "The request address is too long.")
	}
	if x.route != nil && x.route.pattern == loginPattern {
		return s.companyInfo(r, x.params["id"]), nil
	}
	if x.route == nil && len(x.allowed) == 0 {
		return answer{}, noEndpoint()
	}
	if err := s.authorize(r); err != nil {
		return answer{}, err
	}
	if x.route == nil {
		return answer{}, refuse(http.StatusMethodNotAllowed, "ConnectWiseApi", "The requested resource does not support http method '%s'.", r.Method)
	}
	if err := acceptable(r, x.body); err != nil {
		return answer{}, err
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	root := scheme + r.Host + "/" + s.data.switches.CodeBase + apiSuffix
	path, _ := s.apiPath(r.URL.Path)
	s.hooks.site = scheme + r.Host
	return x.route.handle(&call{
		server: s, store: s.data, request: r, params: x.params, values: r.URL.Query(), body: x.body,
		stamp: stamp{by: s.options.Member, at: s.options.Clock.Now()}, root: root, address: root + path,
	})
}

// acceptable refuses bodies that are not JSON.
func acceptable(r *http.Request, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && (media == "application/json" || media == vendorMediaType) {
		return nil
	}
	return refuse(http.StatusUnsupportedMediaType, "ConnectWiseApi", "The request entity's media type '%s' is not supported for this resource.", media)
}

// authorize checks company, keys and client id.
func (s *Server) authorize(r *http.Request) error {
	user, password, _ := r.BasicAuth()
	wantUser := s.options.Company + "+" + s.options.PublicKey
	same := subtle.ConstantTimeCompare([]byte(strings.ToLower(user)), []byte(strings.ToLower(wantUser))) &
		subtle.ConstantTimeCompare([]byte(password), []byte(s.options.PrivateKey))
	if same != 1 {
		if s.data.switches.NotFoundForBadKeys {
			return noEndpoint()
		}
		return unauthorized()
	}
	if !strings.EqualFold(r.Header.Get("ClientId"), s.options.ClientID) {
		return refuse(http.StatusUnauthorized, "Unauthorized", "The clientId header is missing or not known.")
	}
	return nil
}

func unauthorized() *refusalError {
	p := refuse(http.StatusUnauthorized, "Unauthorized", "Unauthorized")
	p.Errors = []fieldError{{Code: "UserNotAuthenticated", Message: "UserNotAuthenticated"}}
	return p
}

// companyInfo is the look-up of the code base; it needs no keys, and an unknown company is the JSON null.
func (s *Server) companyInfo(r *http.Request, company string) answer {
	if !strings.EqualFold(company, s.options.Company) {
		return answer{status: http.StatusOK, body: json.RawMessage("null")}
	}
	var cloud any = true
	if s.data.switches.IsCloudAsText {
		cloud = "True"
	}
	version := s.version()
	return answer{status: http.StatusOK, body: map[string]any{
		"CompanyName": "Harbor IT", "Codebase": s.data.switches.CodeBase, "VersionCode": "v" + version, "VersionNumber": "v" + version + ".117000",
		"CompanyID": s.options.Company, "IsCloud": cloud, "SiteUrl": r.Host,
	}}
}

// version is the release that the code base names ("2025.1" for v2025_1/).
func (s *Server) version() string {
	name := strings.Trim(s.data.switches.CodeBase, "v/")
	if !strings.HasPrefix(name, "20") {
		return "2025.1"
	}
	return strings.ReplaceAll(name, "_", ".")
}

func (s *Server) encode(x *exchange, result answer, err error) reply {
	out := reply{status: result.status, contentType: "application/json; charset=utf-8", header: http.Header{}}
	looksUp := x.route != nil && x.route.pattern == loginPattern
	if strings.Contains(x.request.Header.Get("Accept"), vendorMediaType) && !looksUp {
		out.contentType = vendorMediaType + "; version=" + s.version()
	}
	out.header.Set("Api-Current-Version", s.version())
	out.header.Set("Date", s.options.Clock.Now().UTC().Format(http.TimeFormat))
	if err != nil {
		refusal := refuse(http.StatusInternalServerError, "ConnectWiseApi", "%s", err)
		_ = errors.As(err, &refusal)
		out.status, out.body = refusal.status, refusal.body()
		if len(x.allowed) > 0 && refusal.status == http.StatusMethodNotAllowed {
			out.header.Set("Allow", strings.Join(x.allowed, ", "))
		}
		return out
	}
	if result.link != "" {
		out.header.Set("Link", result.link)
	}
	if result.body == nil {
		return out
	}
	body, err := json.Marshal(result.body)
	if err != nil {
		return s.encode(x, answer{}, err)
	}
	out.body = body
	return out
}
