// Package openapi judges requests to ConnectWise and the answers of the fake by a description of the real API: every
// request that is sent, and every answer that the fake gives, must be as it says. The description is not part of the
// project. It is read from the file that COVEWISE_CONNECTWISE_OPENAPI names, or from one of the usual places; where there is
// none, nothing is checked.
package openapi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

const fileVariable = "COVEWISE_CONNECTWISE_OPENAPI"

// usualFiles are looked for from the folder of a package of tests.
var usualFiles = []string{
	filepath.Join("testdata", "connectwise-openapi.json"),
	filepath.Join("..", "..", "..", "shared", "reference", "connectwise-openapi.json"),
}

// described reads the description once; it is nil where there is none.
var described = sync.OnceValues(func() (*openapi3.T, error) {
	file := os.Getenv(fileVariable) //nolint:forbidigo // as the fleet tests: this package is of tests only
	for _, usual := range usualFiles {
		if file != "" {
			break
		}
		if _, err := os.Stat(usual); err == nil {
			file = usual
		}
	}
	if file == "" {
		return nil, nil //nolint:nilnil // no description is no error
	}
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the description of ConnectWise: %w", err)
	}
	return doc, nil
})

// find returns the operation for a request, literal segments before parameters, or an error that says what is missing.
func find(doc *openapi3.T, method, path string) (*routers.Route, map[string]string, error) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var best *routers.Route
	var params map[string]string
	most := -1
	for pattern, item := range doc.Paths.Map() {
		values, literals := match(strings.Split(strings.Trim(pattern, "/"), "/"), parts)
		if literals > most {
			most, params = literals, values
			best = &routers.Route{Spec: doc, Server: &openapi3.Server{URL: "/"}, Path: pattern, PathItem: item, Method: method, Operation: item.GetOperation(method)}
		}
	}
	switch {
	case best == nil:
		return nil, nil, errors.New("no such path")
	case best.Operation == nil:
		return nil, nil, fmt.Errorf("%s has no %s", best.Path, method)
	}
	return best, params, nil
}

// match returns the parameters and the number of literal segments, -1 for no match.
func match(pattern, parts []string) (map[string]string, int) {
	if len(pattern) != len(parts) {
		return nil, -1
	}
	params, literals := map[string]string{}, 0
	for i, segment := range pattern {
		switch {
		case strings.HasPrefix(segment, "{"):
			params[strings.Trim(segment, "{}")] = parts[i]
		case segment == parts[i]:
			literals++
		default:
			return nil, -1
		}
	}
	return params, literals
}

// undeclaredParameters are those of a query that the operation does not know; letter case does not count. The vendor's
// guide has page, pageSize and fields in the query of a search, which the description leaves out.
func undeclaredParameters(route *routers.Route, r *http.Request) []string {
	var known []string
	if strings.HasSuffix(route.Path, "/search") {
		known = append(known, "page", "pagesize", "fields")
	}
	for _, list := range []openapi3.Parameters{route.PathItem.Parameters, route.Operation.Parameters} {
		for _, p := range list {
			known = append(known, strings.ToLower(p.Value.Name))
		}
	}
	var unknown []string
	for name := range r.URL.Query() {
		if !slices.Contains(known, strings.ToLower(name)) {
			unknown = append(unknown, "query parameter "+name+" is not declared")
		}
	}
	return unknown
}

// undeclaredMembers are those of a JSON value that its schema does not know.
func undeclaredMembers(schema *openapi3.Schema, value any, at string) []string {
	if schema == nil {
		return nil
	}
	var unknown []string
	switch v := value.(type) {
	case []any:
		if schema.Items != nil {
			for _, item := range v {
				unknown = append(unknown, undeclaredMembers(schema.Items.Value, item, at+"/*")...)
			}
		}
	case map[string]any:
		properties, open := members(schema)
		for name, member := range v {
			property, ok := properties[name]
			switch {
			case ok:
				unknown = append(unknown, undeclaredMembers(property.Value, member, at+"/"+name)...)
			case !open:
				unknown = append(unknown, "member "+at+"/"+name+" is not declared")
			}
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

// members joins the properties of a schema with those of its parts; open says that others may be there.
func members(schema *openapi3.Schema) (properties openapi3.Schemas, open bool) {
	properties = openapi3.Schemas{}
	maps.Copy(properties, schema.Properties)
	open = schema.AdditionalProperties.Schema != nil || schema.AdditionalProperties.Has != nil && *schema.AdditionalProperties.Has ||
		len(schema.Properties)+len(schema.AllOf) == 0
	for _, part := range slices.Concat(schema.AllOf, schema.OneOf, schema.AnyOf) {
		more, partOpen := members(part.Value)
		open = open || partOpen && len(more) == 0 && len(part.Value.Required) == 0
		maps.Copy(properties, more)
	}
	return properties, open
}
