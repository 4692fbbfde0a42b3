package match

import (
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Index holds all companies of a server so that those that concern a customer are found at once.
type Index struct {
	byID  map[int64]Record
	byKey map[string][]Record
}

// NewIndex returns an index of companies.
func NewIndex(all []Record) *Index {
	x := &Index{byID: make(map[int64]Record, len(all)), byKey: make(map[string][]Record, 4*len(all))}
	for _, r := range all {
		if _, twice := x.byID[r.ID]; twice {
			continue
		}
		x.byID[r.ID] = r
		keys := map[string]struct{}{
			"name:" + r.Name: {}, "normal:" + Normal(r.Name): {}, "core:" + core(r.Name): {}, "folded:" + folded(r.Name): {},
			"code:" + identifierKey(r.Identifier): {},
		}
		for _, cut := range cuts(r.Name) {
			keys["cut:"+cut] = struct{}{}
		}
		for key := range keys {
			x.byKey[key] = append(x.byKey[key], r)
		}
	}
	return x
}

// Len returns how many companies there are.
func (x *Index) Len() int { return len(x.byID) }

// ByID returns the company with an id.
func (x *Index) ByID(id int64) (Record, bool) {
	r, ok := x.byID[id]
	return r, ok
}

// ByIdentifier returns the companies with an identifier, in any case.
func (x *Index) ByIdentifier(identifier string) []Record {
	return x.byKey["code:"+identifierKey(identifier)]
}

// Find returns the companies that Decide needs to see for a customer.
func (x *Index) Find(customer *statusv1.Customer) []Record {
	if ids, _ := named(customer); len(ids) > 0 {
		id, _ := companyID(ids[0])
		if r, ok := x.byID[id]; ok {
			return []Record{r}
		}
		return nil
	}
	name, text := customer.GetName(), referenceText(customer.GetReference())
	keys := []string{
		"name:" + name, "normal:" + Normal(name), "core:" + core(name), "cut:" + folded(name),
		"code:" + identifierKey(squashed(name)),
	}
	if text != "" {
		keys = append(keys, "code:"+identifierKey(text), "normal:"+Normal(text))
	}
	for _, cut := range cuts(name) {
		keys = append(keys, "folded:"+cut)
	}
	var found []Record
	for _, key := range keys {
		found = append(found, x.byKey[key]...)
	}
	return found
}
