package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// judge stands in front of a server and compares what passes with the description.
type judge struct {
	doc  *openapi3.T
	next http.Handler
	base string // of the API's paths

	mu          sync.Mutex
	judged      map[string]int // answers by "METHOD pattern status"
	faults      map[string]int
	undescribed map[string]int // requests to paths that the description leaves out
}

func newJudge(doc *openapi3.T, next http.Handler, base string) *judge {
	return &judge{doc: doc, next: next, base: base, judged: map[string]int{}, faults: map[string]int{}, undescribed: map[string]int{}}
}

// ServeHTTP lets everything pass, whatever is wrong with it.
func (j *judge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	j.next.ServeHTTP(recorder, r)
	j.compare(r, body, recorder)
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}

func (j *judge) compare(r *http.Request, body []byte, answer *httptest.ResponseRecorder) {
	path, isAPI := strings.CutPrefix(r.URL.Path, j.base)
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
	j.note(j.judged, fmt.Sprintf("%s %d", name, answer.Code))

	request := r.Clone(context.WithoutCancel(r.Context()))
	request.URL.Path, request.Body = path, io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true, IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true,
		},
	}
	if err := openapi3filter.ValidateRequest(request.Context(), input); err != nil && answer.Code < 400 {
		j.note(j.faults, name+": request: "+err.Error())
	}
	for _, what := range append(undeclaredParameters(route, r), undeclaredMembers(requestSchema(route), decoded(body), "")...) {
		if answer.Code < 400 {
			j.note(j.faults, name+": request: "+what)
		}
	}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: answer.Code, Header: answer.Header(), Options: input.Options}
	output.SetBodyBytes(answer.Body.Bytes())
	if err := openapi3filter.ValidateResponse(request.Context(), output); err != nil {
		j.note(j.faults, fmt.Sprintf("%s: answer %d: %s", name, answer.Code, err))
	}
	// The vendor describes no error bodies, and 429 has a shape of its own.
	for _, what := range undeclaredMembers(answerSchema(route, answer), decoded(answer.Body.Bytes()), "") {
		if answer.Code >= 400 {
			continue
		}
		j.note(j.faults, fmt.Sprintf("%s: answer %d: %s", name, answer.Code, what))
	}
}

func (j *judge) note(in map[string]int, what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	in[what]++
}

// list returns the keys of one of the judge's accounts in order.
func (j *judge) list(account map[string]int) []string {
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

func answerSchema(route *routers.Route, answer *httptest.ResponseRecorder) *openapi3.Schema {
	response := route.Operation.Responses.Status(answer.Code)
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
