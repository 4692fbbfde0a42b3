package cwfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// decode reads one JSON value and nothing after it; numbers keep their text.
func decode(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, refuse(http.StatusBadRequest, "InvalidObject", "The request body is not valid JSON: %s", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(http.StatusBadRequest, "InvalidObject", "The request body is not valid JSON: text after the value")
	}
	return value, nil
}

func decodeObject(body []byte, typeName string) (map[string]any, error) {
	value, err := decode(body)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, notConvertible(value, typeName, "")
	}
	return object, nil
}

// What a JSON Patch operation whose path leads into a reference does: the guide warns that it can answer 200 and
// change nothing, some clients use it with success.
const (
	IntoReferenceIgnored = "ignored"
	IntoReferenceApplied = "applied"
	IntoReferenceRefused = "refused"
)

// decodePatch reads a bare array of {op, path, value} into the members that it changes; a removed one has a nil value.
func decodePatch(body []byte, res *resource, intoReference string) (map[string]any, error) {
	value, err := decode(body)
	if err != nil {
		return nil, err
	}
	operations, ok := value.([]any)
	if !ok {
		return nil, notConvertible(value, "PatchOperation[]", "")
	}
	changes := map[string]any{}
	for _, operation := range operations {
		object, ok := operation.(map[string]any)
		if !ok {
			return nil, notConvertible(operation, "PatchOperation", "")
		}
		if err := patchOne(changes, object, res, intoReference); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

func patchOne(changes map[string]any, operation map[string]any, res *resource, intoReference string) error {
	for name := range operation {
		if name != "op" && name != "path" && name != "value" {
			return unknownMember(name, "PatchOperation")
		}
	}
	op, _ := operation["op"].(string)
	path, _ := operation["path"].(string)
	value, hasValue := operation["value"]
	switch strings.ToLower(op) {
	case "add", "replace":
		if !hasValue {
			return refuse(http.StatusBadRequest, "InvalidPatch", "The operation '%s' on '%s' needs a value", op, path)
		}
	case "remove":
		value = nil
	default:
		return refuse(http.StatusBadRequest, "InvalidPatch", "The operation '%s' is not supported; use add, replace or remove", op)
	}
	name, rest, nested := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	f := res.exact[name]
	switch {
	case f == nil:
		return refuse(http.StatusBadRequest, "InvalidPatch", "The path '%s' does not exist on %s; paths are case-sensitive", path, res.typeName)
	case !nested:
		changes[name] = value
		return nil
	case f.kind != referenceField || !isReferenceKey(rest) || intoReference == IntoReferenceRefused:
		return refuse(http.StatusBadRequest, "InvalidPatch", "The path '%s' cannot be patched on %s", path, res.typeName)
	case intoReference == IntoReferenceApplied:
		changes[name] = map[string]any{rest: value}
	}
	return nil
}

func isReferenceKey(name string) bool { return name == "id" || name == "name" || name == "identifier" }
