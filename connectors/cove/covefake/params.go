package covefake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// params reads the parameters of a call. Names are case sensitive, which encoding/json is not; a name that no
// handler asked for is an error.
type params struct {
	path    string
	members map[string]json.RawMessage
	asked   []string
	inner   []*params
	outer   *params
	err     *rpcError // the first one, kept by the outermost
}

func newParams(raw json.RawMessage) (*params, *rpcError) {
	p := &params{members: map[string]json.RawMessage{}}
	if len(raw) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(raw, &p.members); err != nil || p.members == nil {
		return nil, &rpcError{codeParams, 0, "params must be an object."}
	}
	return p, nil
}

func (p *params) has(name string) bool {
	_, ok := p.members[name]
	return ok
}

// take returns a member, or nil if it is absent or null.
func (p *params) take(name string) json.RawMessage {
	p.asked = append(p.asked, name)
	raw := p.members[name]
	if string(raw) == "null" {
		return nil
	}
	return raw
}

func (p *params) wrong(name, want string) {
	top := p
	for top.outer != nil {
		top = top.outer
	}
	if top.err == nil {
		top.err = &rpcError{codeParams, 0, fmt.Sprintf("Parameter %s%s must be %s.", p.path, name, want)}
	}
}

// text returns a string, or "" if it is absent.
func (p *params) text(name string) string {
	var s string
	if raw := p.take(name); raw != nil && json.Unmarshal(raw, &s) != nil {
		p.wrong(name, "a text")
	}
	return s
}

// integer returns a whole number and whether it is there.
func (p *params) integer(name string) (int64, bool) {
	raw := p.take(name)
	if raw == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		p.wrong(name, "a whole number")
	}
	return n, true
}

// id is an integer that may also come as a text, as partner ids do [observed].
func (p *params) id(name string) (int64, bool) {
	var s string
	if raw := p.members[name]; json.Unmarshal(raw, &s) == nil && s != "" {
		p.asked = append(p.asked, name)
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			p.wrong(name, "a whole number")
		}
		return n, true
	}
	return p.integer(name)
}

// flag is a boolean that may also come as the text true or false [observed].
func (p *params) flag(name string) bool {
	switch string(p.take(name)) {
	case `true`, `"true"`:
		return true
	case `false`, `"false"`, ``:
		return false
	default:
		p.wrong(name, "true or false")
		return false
	}
}

// integers returns a list of whole numbers and whether it is there.
func (p *params) integers(name string) ([]int64, bool) {
	raw := p.take(name)
	if raw == nil {
		return nil, false
	}
	var l []int64
	if json.Unmarshal(raw, &l) != nil {
		p.wrong(name, "a list of whole numbers")
	}
	return l, true
}

func (p *params) texts(name string) []string {
	var l []string
	if raw := p.take(name); raw != nil && json.Unmarshal(raw, &l) != nil {
		p.wrong(name, "a list of texts")
	}
	return l
}

// object returns the parameters inside a member, empty ones if it is absent.
func (p *params) object(name string) *params {
	in := &params{path: p.path + name + ".", outer: p, members: map[string]json.RawMessage{}}
	if raw := p.take(name); raw != nil {
		if json.Unmarshal(raw, &in.members) != nil || in.members == nil {
			in.members = map[string]json.RawMessage{}
			p.wrong(name, "an object")
		}
	}
	p.inner = append(p.inner, in)
	return in
}

// window is a range parameter. Without a size it is unbounded.
type window struct {
	offset, size int64
	given        bool
}

func (p *params) window() window {
	const name = "range"
	in := p.object(name)
	offset, _ := in.integer("Offset")
	size, given := in.integer("Size")
	if offset < 0 || size < 0 {
		p.wrong(name, "a range of an Offset and a Size that are not negative")
	}
	return window{offset, size, given && size > 0}
}

func cut[T any](w window, items []T) []T {
	items = items[min(max(w.offset, 0), int64(len(items))):]
	if w.given {
		items = items[:min(w.size, int64(len(items)))]
	}
	return items
}

// rest returns the first error of what was read, or else names a parameter that nobody asked for.
func (p *params) rest() *rpcError {
	if p.err != nil {
		return p.err
	}
	var names []string
	for name := range p.members {
		if !slices.Contains(p.asked, name) {
			names = append(names, p.path+name)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		return &rpcError{codeParams, 0, "Unknown parameter " + strings.Join(names, ", ") + "."}
	}
	for _, in := range p.inner {
		if err := in.rest(); err != nil {
			return err
		}
	}
	return nil
}
