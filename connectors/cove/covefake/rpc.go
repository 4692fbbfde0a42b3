package covefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The numbers of JSON-RPC 2.0.
const (
	codeParse    = -32700
	codeRequest  = -32600
	codeMethod   = -32601
	codeParams   = -32602
	codeInternal = -32603
)

// The numbers in error.data that clients in the field have seen.
const (
	dataBadVisa  = 1701
	dataBadLogin = 2100
)

const maxBody = 8 << 20

// rpcError is the error member of an answer. Data is Cove's own number.
type rpcError struct {
	Code    int    `json:"code"`
	Data    int    `json:"data"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return fmt.Sprintf("%d/%d: %s", e.Code, e.Data, e.Message) }

func errVisa() *rpcError {
	return &rpcError{codeInternal, dataBadVisa, "Visa is inconsistent/corrupted."}
}

// envelope is a request as it arrived.
type envelope struct {
	id     json.RawMessage
	method string
	visa   string
	params json.RawMessage
}

// access is how a service tells who is calling.
type access int

const (
	byVisa   access = iota // visa in the body, or in the Authorization header
	byBearer               // visa in the Authorization header only
	byToken                // account name and token in the parameters
)

// service is one of the three APIs.
type service struct {
	access  access
	methods map[string]handler
}

// handler answers a call. It runs under the server's lock and returns within it; what its answer holds is
// encoded after the lock is gone, so it must not be changed later.
type handler func(c *call) (answer, *rpcError)

// call is one call, with what was true when it was taken up.
type call struct {
	*store
	server   *Server
	switches Switches
	now      time.Time
	host     string // the Host header
	method   string
	params   *params
	lie      *Fault // the fault that spoils a page of statistics, or nil
}

// answer is the value of result.result, and what stands beside it.
type answer struct {
	result any
	out    string // the name of the OUT value; empty means none
	value  any
	void   bool // the whole result is null
	flat   bool // the list stands directly under result
	visa   string
}

// encoder is a result that writes itself, row by row.
type encoder interface{ encode(*bytes.Buffer) }

func (s *Server) newServices() map[string]service {
	return map[string]service{
		"/jsonapi": {byVisa, map[string]handler{
			"Login":                                 login,
			"GetServerInfo":                         getServerInfo,
			"GetPartnerInfo":                        getPartnerInfo,
			"GetPartnerInfoById":                    getPartnerInfoByID,
			"GetPartnerInfoByUid":                   getPartnerInfoByUID,
			"EnumeratePartners":                     enumeratePartners,
			"EnumerateChildPartners":                enumerateChildPartners,
			"EnumerateAncestorPartners":             enumerateAncestorPartners,
			"GetPartnerInfoHistory":                 getPartnerInfoHistory,
			"ModifyPartner":                         modifyPartner,
			"EnumerateAccountStatistics":            enumerateAccountStatistics,
			"EnumerateColumns":                      enumerateColumns,
			"EnumerateAccounts":                     enumerateAccounts,
			"GetAccountInfoById":                    getAccountInfoByID,
			"EnumerateAccountRemoteAccessEndpoints": enumerateRemoteAccess,
		}},
		"/repserv_json": {byToken, map[string]handler{
			"QuerySessions":                      querySessions,
			"QueryErrors":                        queryErrors,
			"EnumerateSessionErrorsGroupDetails": errorGroupDetails,
		}},
		"/reporting_api": {byBearer, map[string]handler{
			"EnumerateSessions":      enumerateSessions,
			"EnumerateSessionErrors": enumerateSessionErrors,
		}},
	}
}

// serveRPC reads the call, lets a fault have its way with it, and answers.
func (s *Server) serveRPC(w http.ResponseWriter, r *http.Request, svc service) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	env, problem := readEnvelope(body)
	if err != nil {
		problem = &rpcError{codeParse, 0, "The request could not be read."}
	}
	s.note(Request{s.clock.Now(), r.Method, r.URL.Path, env.method, s.deviceOf(env.params)})
	now := s.clock.Now().Add(time.Duration(s.Switches().ClockAheadSeconds) * time.Second)
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	s.log.DebugContext(r.Context(), "cove request", "verb", r.Method, "path", r.URL.Path, "method", env.method)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "405 only POST is valid here", http.StatusMethodNotAllowed)
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		http.Error(w, "415 Content-Type must be application/json", http.StatusUnsupportedMediaType)
		return
	}
	fault := s.nextFault(svc, env)
	if fault != nil && !fault.After && s.misbehave(w, r, fault, env) {
		return
	}
	var ans answer
	if problem == nil {
		ans, problem = s.handle(r, svc, env, fault)
	}
	if fault != nil && fault.After && s.misbehave(w, r, fault, env) {
		return
	}
	out := encodeAnswer(env.id, ans, problem)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	if fault != nil && fault.Kind == FaultTruncated {
		// Fewer bytes than announced: net/http ends the connection when the handler returns.
		out = out[:len(out)/2]
	}
	_, _ = w.Write(out) // a client that went away needs no answer
}

// handle carries a call out.
func (s *Server) handle(r *http.Request, svc service, env envelope, fault *Fault) (answer, *rpcError) {
	h := svc.methods[env.method]
	if h == nil {
		return answer{}, &rpcError{codeMethod, 0, fmt.Sprintf("Method %q not found.", env.method)}
	}
	p, problem := newParams(env.params)
	if problem != nil {
		return answer{}, problem
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{
		store: s.store, server: s, switches: s.switches.clone(), now: s.clock.Now(), host: r.Host,
		method: env.method, params: p, lie: fault,
	}
	life := 900 * time.Second
	if c.switches.VisaSeconds > 0 {
		life = time.Duration(c.switches.VisaSeconds) * time.Second
	}
	var chain int
	if svc.access != byToken && env.method != "Login" {
		var ok bool
		if chain, ok = s.admit(r, svc, env, p, c, life); !ok {
			return answer{}, errVisa()
		}
	}
	ans, problem := h(c)
	if problem == nil || p.err != nil {
		problem = p.rest()
	}
	switch {
	case problem == nil && env.method == "Login":
		ans.visa = s.visas.open(s.store.root, c.now, life)
	case svc.access == byVisa && env.method != "Login" && (problem == nil || c.switches.VisaInErrors):
		ans.visa = s.visas.issue(s.store.root, chain, c.now, life)
	default:
	}
	return ans, problem
}

// admit checks the visa and returns its chain.
func (s *Server) admit(r *http.Request, svc service, env envelope, p *params, c *call, life time.Duration) (int, bool) {
	if p.has("visa") { // a visa inside params is in the wrong place [observed]
		return 0, false
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	text := env.visa
	if svc.access == byBearer || text == "" && !c.switches.BodyVisaOnly {
		text = bearer
	}
	return s.visas.use(text, c.now, life, c.switches.VisaMode)
}

func readEnvelope(body []byte) (envelope, *rpcError) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		if json.Valid(body) {
			return envelope{}, &rpcError{codeRequest, 0, "The request is not an object."}
		}
		return envelope{}, &rpcError{codeParse, 0, "The request is not JSON."}
	}
	env := envelope{id: members["id"], params: members["params"]}
	var version string
	_ = json.Unmarshal(members["jsonrpc"], &version)
	if json.Unmarshal(members["method"], &env.method) != nil || env.method == "" {
		return env, &rpcError{codeRequest, 0, "method is missing or no text."}
	}
	if version != "2.0" {
		return env, &rpcError{codeRequest, 0, `jsonrpc must be "2.0".`}
	}
	if len(env.id) == 0 || strings.ContainsAny(string(env.id[:1]), "[{tfn") {
		env.id = nil
		return env, &rpcError{codeRequest, 0, "id must be a text or a number."}
	}
	if v := members["visa"]; v != nil && string(v) != "null" {
		if json.Unmarshal(v, &env.visa) != nil {
			return env, errVisa()
		}
	}
	for name := range members {
		switch name {
		case "jsonrpc", "id", "method", "params", "visa":
		default:
			return env, &rpcError{codeRequest, 0, fmt.Sprintf("Unknown member %q.", name)}
		}
	}
	return env, nil
}

// deviceOf reads the account a call is about, for the request list and for faults of one device.
func (s *Server) deviceOf(raw json.RawMessage) int64 {
	var p struct {
		AccountID    any `json:"accountId"`
		AccountToken any `json:"accountToken"`
	}
	if json.Unmarshal(raw, &p) != nil {
		return 0
	}
	if n, ok := p.AccountID.(float64); ok {
		return int64(n)
	}
	token, _ := p.AccountToken.(string)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.tokens[token]
}

// encodeAnswer writes an envelope. The visa stands at the top level, OUT values beside the inner result.
func encodeAnswer(id json.RawMessage, a answer, problem *rpcError) []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":`)
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	b.Write(id)
	b.WriteString(`,"jsonrpc":"2.0"`)
	if a.visa != "" {
		b.WriteString(`,"visa":`)
		writeJSON(&b, a.visa)
	}
	switch {
	case problem != nil:
		b.WriteString(`,"error":`)
		writeJSON(&b, problem)
	case a.void:
		b.WriteString(`,"result":null`)
	case a.flat:
		b.WriteString(`,"result":`)
		writeJSON(&b, a.result)
	default:
		b.WriteString(`,"result":{"result":`)
		writeJSON(&b, a.result)
		if a.out != "" {
			b.WriteString(`,"` + a.out + `":`)
			writeJSON(&b, a.value)
		}
		b.WriteByte('}')
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func writeJSON(b *bytes.Buffer, v any) {
	if e, ok := v.(encoder); ok {
		e.encode(b)
		return
	}
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // only strings, numbers, lists and structs of them get here
	b.Truncate(b.Len() - 1)
}

// isLoopback says whether a Host header names this machine.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

// list makes an empty list null where the switch says so.
func list[T any](c *call, items []T) any {
	if len(items) > 0 {
		return items
	}
	if c.switches.NullForEmpty {
		return nil
	}
	return []T{}
}

func (c *call) fail(kind ErrorKind, format string, args ...any) *rpcError {
	n := c.switches.number(kind)
	return &rpcError{n.Code, n.Data, fmt.Sprintf(format, args...)}
}

func (c *call) refuse(format string, args ...any) *rpcError {
	return c.fail(ErrRefused, "Operation failed because of security reasons: "+format, args...)
}
