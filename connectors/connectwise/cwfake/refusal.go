package cwfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// fieldError is one item of the errors list of an error body.
type fieldError struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Resource string `json:"resource"`
	Field    string `json:"field"`
}

// refusalError is a refusal as the API words it. It implements error.
type refusalError struct {
	status  int
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Errors  []fieldError `json:"errors,omitempty"` // current servers leave nulls out
}

// Error returns the message and those of the single errors.
func (p *refusalError) Error() string {
	parts := []string{fmt.Sprintf("%d %s: %s", p.status, p.Code, p.Message)}
	for _, e := range p.Errors {
		parts = append(parts, e.Message)
	}
	return strings.Join(parts, "; ")
}

func refuse(status int, code, format string, args ...any) *refusalError {
	return &refusalError{status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(res *resource, errors []fieldError) *refusalError {
	for i := range errors {
		errors[i].Resource = res.name
	}
	return &refusalError{status: http.StatusBadRequest, Code: "InvalidObject", Message: res.name + " object is invalid", Errors: errors}
}

func unknownMember(member, typeName string) *refusalError {
	return refuse(http.StatusBadRequest, "InvalidObject", "Could not find member '%s' on object of type '%s'", member, typeName)
}

func notConvertible(value any, typeName, path string) *refusalError {
	shown, err := json.Marshal(value)
	if err != nil {
		shown = []byte("{…}")
	}
	return refuse(http.StatusBadRequest, "InvalidObject", "Error converting value %s to type '%s'. Path '%s', line 1, position 1.", shown, typeName, path)
}

func absent(res *resource, id string) *refusalError {
	return refuse(http.StatusNotFound, "NotFound", "%s %s not found", res.title, id)
}

func noEndpoint() *refusalError {
	return refuse(http.StatusNotFound, "ConnectWiseApi", "The endpoint does not exist.")
}

func missing(field, member string) fieldError {
	return fieldError{Code: "MissingRequiredField", Message: fmt.Sprintf("The %s field is required.", member), Field: field}
}

func bad(field, format string, args ...any) fieldError {
	return fieldError{Code: "InvalidField", Message: fmt.Sprintf(format, args...), Field: field}
}

// body is the refusal as it travels: pretty printed, with the line ends of the vendor's servers.
func (p *refusalError) body() []byte {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return []byte("{}")
	}
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
}
