package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/covewise/covewise/connectors/connectwise/cwfake"
)

// Judge stands in front of a fake ConnectWise and compares what passes with the description.
type Judge struct {
	doc  *openapi3.T
	next http.Handler

	mu          sync.Mutex
	judged      map[string]int // answers by "METHOD pattern status"
	faults      map[string]int
	undescribed map[string]int // requests to paths that the description leaves out
}

func newJudge(doc *openapi3.T, next http.Handler) *Judge {
	return &Judge{doc: doc, next: next, judged: map[string]int{}, faults: map[string]int{}, undescribed: map[string]int{}}
}

// Judged returns a fake behind a judge, by whose account the test fails at its end. Where there is no description, it
// returns the fake itself.
func Judged(t testing.TB, fake http.Handler) http.Handler {
	t.Helper()
	doc, err := described()
	if err != nil {
		t.Errorf("%v", err)
	}
	if doc == nil {
		return fake
	}
	j := newJudge(doc, fake)
	t.Cleanup(func() {
		if faults := j.Faults(); len(faults) > 0 {
			t.Errorf("ConnectWise was asked, or answered, otherwise than it is described:\n%s", strings.Join(faults, "\n"))
		}
	})
	return j
}

// apiBase is where the API of a fake begins.
const apiBase = "/" + cwfake.DefaultCodeBase + "apis/3.0"

// Faults returns what was not as described, in order.
func (j *Judge) Faults() []string {
	faults := j.list(j.faults)
	for _, path := range j.list(j.undescribed) {
		if !slices.Contains(undescribed(), path) {
			faults = append(faults, path+": no such path")
		}
	}
	return faults
}

// undescribed are paths that the description leaves out although the service has them; nothing can be said about them.
func undescribed() []string { return []string{"GET /company/countries"} }

// ServeHTTP lets everything pass, whatever is wrong with it.
func (j *Judge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	heard := &listener{ResponseWriter: w}
	j.next.ServeHTTP(heard, r)
	if heard.status == 0 {
		return // the fake was told to cut the connection: there is no answer
	}
	j.compare(r, body, heard)
}

// listener hears an answer that passes.
type listener struct {
	http.ResponseWriter

	status int // 0 while nothing was answered
	body   bytes.Buffer
}

// WriteHeader notes the status.
func (l *listener) WriteHeader(status int) {
	l.status = status
	l.ResponseWriter.WriteHeader(status)
}

// Write notes the body.
func (l *listener) Write(p []byte) (int, error) {
	if l.status == 0 {
		l.status = http.StatusOK
	}
	l.body.Write(p)
	return l.ResponseWriter.Write(p) //nolint:wrapcheck // the fake's own error
}

// Unwrap gives the fake what it needs to misbehave.
func (l *listener) Unwrap() http.ResponseWriter { return l.ResponseWriter }

func (j *Judge) compare(r *http.Request, body []byte, answer *listener) {
	path, isAPI := strings.CutPrefix(r.URL.Path, apiBase)
	if !isAPI && !strings.HasPrefix(path, "/login/") {
		return
	}
	name := r.Method + " " + path
	route, params, err := find(j.doc, r.Method, path)
	if err != nil {
		j.note(j.undescribed, name)
		return
	}
	name = r.Method + " " + route.Path
	j.note(j.judged, fmt.Sprintf("%s %d", name, answer.status))

	request := r.Clone(r.Context())
	request.URL.Path, request.Body = path, io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true, IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true,
		},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil && answer.status < 400 {
		j.note(j.faults, name+": request: "+err.Error())
	}
	for _, what := range append(undeclaredParameters(route, r), undeclaredMembers(requestSchema(route), decoded(body), "")...) {
		if answer.status < 400 {
			j.note(j.faults, name+": request: "+what)
		}
	}
	if whole := answer.body.Len() == 0 || json.Valid(answer.body.Bytes()); !whole {
		return // the fake was told to cut it short, or to be a proxy's page
	}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: answer.status, Header: answer.Header(), Options: input.Options}
	output.SetBodyBytes(answer.body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), output); err != nil {
		j.note(j.faults, fmt.Sprintf("%s: answer %d: %s", name, answer.status, err))
	}
	// The vendor describes no error bodies, and 429 has a shape of its own.
	for _, what := range undeclaredMembers(answerSchema(route, answer), decoded(answer.body.Bytes()), "") {
		if answer.status >= 400 {
			continue
		}
		j.note(j.faults, fmt.Sprintf("%s: answer %d: %s", name, answer.status, what))
	}
}

func (j *Judge) note(in map[string]int, what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	in[what]++
}

// list returns the keys of one of the judge's accounts in order.
func (j *Judge) list(account map[string]int) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]string, 0, len(account))
	for what := range account {
		all = append(all, what)
	}
	slices.Sort(all)
	return all
}

func decoded(body []byte) any {
	var value any
	_ = json.Unmarshal(body, &value) // what is no JSON was found before
	return value
}

func requestSchema(route *routers.Route) *openapi3.Schema {
	if route.Operation.RequestBody == nil {
		return nil
	}
	return schemaOf(route.Operation.RequestBody.Value.Content, "application/json")
}

func answerSchema(route *routers.Route, answer *listener) *openapi3.Schema {
	response := route.Operation.Responses.Status(answer.status)
	if response == nil || response.Value == nil {
		return nil
	}
	return schemaOf(response.Value.Content, answer.Header().Get("Content-Type"))
}

func schemaOf(content openapi3.Content, contentType string) *openapi3.Schema {
	media, _, _ := mime.ParseMediaType(contentType) // an unknown one has no schema
	described := content.Get(media)
	if described == nil || described.Schema == nil {
		return nil
	}
	return described.Schema.Value
}
