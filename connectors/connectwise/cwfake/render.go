package cwfake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// linkName is the name in the `<name>_href` by which references link to records of the resource.
func linkName(resource string) string {
	switch resource {
	case statusResource:
		return "status"
	case boardTypeResource:
		return "type"
	case subTypeResource:
		return "subtype"
	case itemResource:
		return "item"
	case teamResource:
		return "team"
	case siteResource:
		return "site"
	default:
		return resource
	}
}

// path is the address of a record below the API's root, empty where the fake has no endpoint for it.
func (s *store) path(resource string, r *record) string {
	owner := r.ownerID(s.tables[resource].resource)
	switch resource {
	case statusResource:
		return fmt.Sprintf("/service/boards/%d/statuses/%d", owner, r.id)
	case boardTypeResource:
		return fmt.Sprintf("/service/boards/%d/types/%d", owner, r.id)
	case subTypeResource:
		return fmt.Sprintf("/service/boards/%d/subtypes/%d", owner, r.id)
	case itemResource:
		return fmt.Sprintf("/service/boards/%d/items/%d", owner, r.id)
	case teamResource:
		return fmt.Sprintf("/service/boards/%d/teams/%d", owner, r.id)
	case noteResource:
		return fmt.Sprintf("/service/tickets/%d/notes/%d", owner, r.id)
	case siteResource:
		return fmt.Sprintf("/company/companies/%d/sites/%d", owner, r.id)
	case companyStatusRes:
		return fmt.Sprintf("/company/companies/statuses/%d", r.id)
	case companyTypeResource:
		return fmt.Sprintf("/company/companies/types/%d", r.id)
	}
	collections := map[string]string{
		ticketResource: "/service/tickets", boardResource: "/service/boards", priorityResource: "/service/priorities",
		sourceResource: "/service/sources", companyResource: "/company/companies", contactResource: "/company/contacts",
		configurationRes: "/company/configurations", configurationTypeRes: "/company/configurations/types",
		configurationStatRes: "/company/configurations/statuses", memberResource: "/system/members", agreementResource: "/finance/agreements", agreementTypeRes: "/finance/agreements/types", timeEntryResource: "/time/entries",
	}
	if collection := collections[resource]; collection != "" {
		return fmt.Sprintf("%s/%d", collection, r.id)
	}
	return ""
}

// view shows records as the API does: without nulls, with references expanded, with `_info`.
type view struct {
	store *store
	// root is the absolute address of the API, before /service and the like.
	root string
	// only are the members that the request wants, all if it is empty.
	only []string
}

func (v view) record(res *resource, r *record) map[string]any {
	out := map[string]any{}
	if v.wants("id") {
		out["id"] = r.id
	}
	for i := range res.fields {
		f := &res.fields[i]
		if f.writeOnly || !v.wants(f.name) {
			continue
		}
		if shown := v.value(f, r.values[f.name]); shown != nil {
			out[f.name] = shown
		}
	}
	if v.wants("_info") {
		out["_info"] = v.info(res, r)
	}
	if len(v.only) > 0 {
		v.prune("", out)
	}
	return out
}

func (v view) value(f *field, value any) any {
	switch typed := value.(type) {
	case nil:
		if f.kind == booleanField {
			return false
		}
		return nil
	case time.Time:
		return typed.UTC().Format(wireTime)
	case ref:
		return v.reference(typed)
	case []any:
		list := make([]any, len(typed))
		for i, item := range typed {
			list[i] = v.value(f, item)
		}
		return list
	default:
		return value
	}
}

func (v view) reference(r ref) map[string]any {
	out := map[string]any{"id": r.id}
	target := v.store.target(r)
	if target == nil {
		return out
	}
	for _, member := range v.store.tables[r.resource].resource.shown {
		if value := target.values[member]; value != nil {
			out[member] = value
		}
	}
	switch r.resource {
	case statusResource, priorityResource:
		if sort, ok := target.values["sortOrder"]; ok {
			out["sort"] = sort
		}
	}
	if path := v.store.path(r.resource, target); path != "" {
		out["_info"] = map[string]any{linkName(r.resource) + "_href": v.root + path}
	}
	return out
}

func (v view) info(res *resource, r *record) map[string]any {
	info := map[string]any{"lastUpdated": r.updated.UTC().Format(wireTime), "dateEntered": r.entered.UTC().Format(wireTime)}
	if r.updatedBy != "" {
		info["updatedBy"] = r.updatedBy
	}
	if r.enteredBy != "" {
		info["enteredBy"] = r.enteredBy
	}
	for _, link := range res.links {
		info[link+"_href"] = v.root + v.store.path(res.name, r) + "/" + link
	}
	return info
}

// wants tells whether a top-level member, or a part of it, was asked for.
func (v view) wants(member string) bool {
	return len(v.only) == 0 || slices.ContainsFunc(v.only, func(path string) bool {
		head, _, _ := strings.Cut(path, "/")
		return strings.EqualFold(head, member)
	})
}

// prune removes what `fields` does not name, at every depth. A path keeps everything below it.
func (v view) prune(prefix string, object map[string]any) {
	for name, value := range object {
		path := prefix + strings.ToLower(name)
		whole := slices.Contains(v.only, path)
		part := slices.ContainsFunc(v.only, func(p string) bool { return strings.HasPrefix(p, path+"/") })
		nested, isObject := value.(map[string]any)
		switch {
		case whole:
		case part && isObject:
			v.prune(path+"/", nested)
		default:
			delete(object, name)
		}
	}
}

// fieldsOf reads the `fields` parameter.
func fieldsOf(parameter string) []string {
	var paths []string
	for path := range strings.SplitSeq(strings.ToLower(parameter), ",") {
		if path = strings.Trim(strings.TrimSpace(path), "/"); path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}
