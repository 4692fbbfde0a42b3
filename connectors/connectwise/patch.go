package connectwise

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// PatchOp is one operation on one member of a record. References are replaced whole: a path into one can be
// answered with 200 and change nothing [documentation], and is refused here.
type PatchOp struct {
	Op    string // "replace", "add" or "remove"
	Path  string // a member's name, such as "status"; letter case counts
	Value any    // what is sent as JSON: text, number, truth value, Reference, list; unused by "remove"
}

// Replace gives the member a new value.
func Replace(member string, value any) PatchOp {
	return PatchOp{Op: "replace", Path: member, Value: value}
}

// Remove takes the member's value away.
func Remove(member string) PatchOp { return PatchOp{Op: "remove", Path: member} }

// MarshalJSON writes the operation as the server takes it; "replace" carries its value even when that is null.
func (p PatchOp) MarshalJSON() ([]byte, error) {
	wire := map[string]any{"op": p.Op, "path": p.Path}
	if p.Op != "remove" {
		wire["value"] = p.Value
	}
	return json.Marshal(wire)
}

// patchEffect checks the operations and says what a repetition would do.
func patchEffect(ops []PatchOp) (effect, error) {
	if len(ops) == 0 {
		return 0, errors.New("nothing to change")
	}
	e := repeatable
	for _, op := range ops {
		if !isName(strings.TrimPrefix(op.Path, "/")) {
			return 0, fmt.Errorf("path %q: members are replaced whole", op.Path)
		}
		switch op.Op {
		case "replace":
		case "add", "remove":
			e = once
		default:
			return 0, fmt.Errorf("operation %q: want replace, add or remove", op.Op)
		}
	}
	return e, nil
}
