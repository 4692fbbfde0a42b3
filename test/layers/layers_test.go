// Package layers_test holds the dependency rules of the design over what packages really import, directly or not.
package layers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root       = "github.com/covewise/covewise/"
	natsServer = "github.com/nats-io/nats-server/"
)

// pkg is a package without its tests, with everything that it links.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	Deps       []string
	GoFiles    []string
}

// path is the import path below the root.
func (p pkg) path() string { return strings.TrimPrefix(p.ImportPath, root) }

// links reports whether the package links one whose path has the prefix.
func (p pkg) links(prefix string) []string {
	var found []string
	for _, d := range p.Deps {
		if strings.HasPrefix(d, prefix) {
			found = append(found, d)
		}
	}
	return found
}

func modules() []string {
	return []string{
		"proto", "platform", "connectors", "allinone", "test",
		"services/poller", "services/evaluator", "services/ticketer", "services/companysync", "services/console",
	}
}

// load lists every package of every module. A package without files that are no tests is left out.
func load(t *testing.T) []pkg {
	t.Helper()
	var all []pkg
	for _, m := range modules() {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Name,Deps,GoFiles", "./...")
		cmd.Dir = filepath.Join("..", "..", filepath.FromSlash(m))
		var failed bytes.Buffer
		cmd.Stderr = &failed
		out, err := cmd.Output()
		require.NoError(t, err, "go list in %s: %s", m, failed.String())
		decoder := json.NewDecoder(bytes.NewReader(out))
		for {
			var p pkg
			err := decoder.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if len(p.GoFiles) > 0 {
				all = append(all, p)
			}
		}
	}
	require.NotEmpty(t, all)
	return all
}

func TestLayers(t *testing.T) {
	all := load(t)
	for says, holds := range map[string]func(*testing.T, []pkg){
		"dependencies run one way":             dependenciesRunOneWay,
		"services never link one another":      servicesNeverLinkOneAnother,
		"domain packages are pure":             domainPackagesArePure,
		"packages are named for what they own": packagesAreNamedForWhatTheyOwn,
	} {
		t.Run(says, func(t *testing.T) { holds(t, all) })
	}
}

func dependenciesRunOneWay(t *testing.T, all []pkg) {
	rules := []struct {
		says   string
		of     func(p pkg) bool
		never  []string
		except []string // what the rule's packages may link although never says no
	}{
		{
			says: "contracts link nothing of ours",
			of:   in("proto/"), never: []string{root + "platform/", root + "connectors/", root + "services/", root + "allinone/", root + "test/"},
		},
		{
			says: "platform is plumbing: it knows no connector, no service and no product",
			of:   in("platform/"), never: []string{root + "connectors/", root + "services/", root + "allinone/", root + "test/"},
		},
		{
			says: "connectors know no NATS, no bus and no contracts",
			of:   in("connectors/"),
			never: []string{
				"github.com/nats-io/", root + "platform/bus", root + "platform/process", root + "platform/run", root + "proto/",
				root + "services/", root + "allinone/", root + "test/",
			},
		},
		{
			says:   "a fake shares no package with a client but the clock",
			of:     func(p pkg) bool { return in("connectors/cove/covefake", "connectors/connectwise/cwfake")(p) },
			never:  []string{root},
			except: []string{root + "platform/clock", root + "connectors/cove/covefake", root + "connectors/connectwise/cwfake"},
		},
		{
			says: "a client links no fake",
			of: func(p pkg) bool {
				return in("connectors/")(p) && !in("connectors/cove/covefake", "connectors/connectwise/cwfake")(p)
			},
			never: []string{root + "connectors/cove/covefake", root + "connectors/connectwise/cwfake"},
		},
		{
			says:  "no service links a fake, the test bus, the all-in-one binary or the tests",
			of:    in("services/"),
			never: []string{root + "connectors/cove/covefake", root + "connectors/connectwise/cwfake", root + "platform/bus/bustest", root + "allinone/", root + "test/"},
		},
		{
			says:  "only the all-in-one binary, the tests and the test bus link the nats-server",
			of:    func(p pkg) bool { return !in("allinone/", "test/", "platform/bus/bustest")(p) },
			never: []string{natsServer},
		},
		{
			says:  "the all-in-one binary links no test",
			of:    in("allinone/"),
			never: []string{root + "test/", root + "platform/bus/bustest", "testing"},
		},
	}
	for _, r := range rules {
		t.Run(r.says, func(t *testing.T) {
			applied := 0
			for _, p := range all {
				if !r.of(p) {
					continue
				}
				applied++
				for _, never := range r.never {
					for _, d := range p.links(never) {
						if d != p.ImportPath && !slices.ContainsFunc(r.except, func(e string) bool { return strings.HasPrefix(d, e) }) {
							t.Errorf("%s links %s", p.path(), d)
						}
					}
				}
			}
			require.NotZero(t, applied, "the rule applies to no package: it does not know the layout any more")
		})
	}
}

func servicesNeverLinkOneAnother(t *testing.T, all []pkg) {
	applied := 0
	for _, p := range all {
		name, isService := serviceOf(p.ImportPath)
		if !isService {
			continue
		}
		applied++
		for _, d := range p.links(root + "services/") {
			if other, _ := serviceOf(d); other != name {
				t.Errorf("%s links %s", p.path(), d)
			}
		}
	}
	require.NotZero(t, applied)
}

// Decisions are pure: packages that decide link the standard library, the contracts and the tables of columns, no clock,
// no bus and no HTTP.
func domainPackagesArePure(t *testing.T, all []pkg) {
	allowed := []string{root + "proto/", "google.golang.org/protobuf/", "google.golang.org/genproto/"}
	// What reads a policy's words and expressions.
	words := []string{
		root + "platform/errclass", root + "platform/tenant", "go.yaml.in/yaml/", "github.com/robfig/cron/", "github.com/expr-lang/expr",
	}
	domains := map[string][]string{
		"services/poller/internal/fleet":           {root + "connectors/cove/columns", root + "platform/errclass"},
		"services/poller/internal/lease":           nil,
		"services/poller/internal/turns":           nil,
		"services/evaluator/internal/policy":       words,
		"services/evaluator/internal/cause":        nil,
		"services/evaluator/internal/judge":        append([]string{root + "services/evaluator/internal/policy", root + "services/evaluator/internal/cause"}, words...),
		"services/evaluator/internal/group":        append([]string{root + "services/evaluator/internal/cause"}, words...),
		"services/ticketer/internal/plan":          {root + "services/ticketer/internal/adopt"},
		"services/ticketer/internal/adopt":         nil,
		"services/ticketer/internal/text":          {root + "platform/tenant/wording"},
		"services/companysync/internal/match":      {"golang.org/x/text/"},
		"services/companysync/internal/identifier": {"golang.org/x/text/", "github.com/mozillazg/go-unidecode"},
	}
	for path, more := range domains {
		i := slices.IndexFunc(all, func(p pkg) bool { return p.path() == path })
		require.GreaterOrEqual(t, i, 0, "there is no package %s any more; name the one that decides now", path)
		may := append(slices.Clone(allowed), more...)
		may = append(may, root+path)
		for _, d := range all[i].Deps {
			if !standard(d) && !slices.ContainsFunc(may, func(m string) bool { return strings.HasPrefix(d, m) }) {
				t.Errorf("%s links %s", path, d)
			}
		}
		for _, d := range []string{"net/http", "os/exec", "database/sql"} {
			if slices.Contains(all[i].Deps, d) {
				t.Errorf("%s links %s", path, d)
			}
		}
	}
}

func packagesAreNamedForWhatTheyOwn(t *testing.T, all []pkg) {
	shapeless := []string{"util", "utils", "common", "helper", "helpers", "manager", "base", "types", "misc", "shared", "lib"}
	for _, p := range all {
		for _, element := range append(strings.Split(p.path(), "/"), p.Name) {
			if slices.Contains(shapeless, element) {
				t.Errorf("%s: %q says nothing about what the package owns", p.path(), element)
			}
		}
	}
}

// in reports whether a package lies below one of the paths, or is one of them.
func in(paths ...string) func(pkg) bool {
	return func(p pkg) bool {
		return slices.ContainsFunc(paths, func(path string) bool {
			return strings.HasPrefix(p.path()+"/", strings.TrimSuffix(path, "/")+"/")
		})
	}
}

func serviceOf(importPath string) (string, bool) {
	rest, ok := strings.CutPrefix(importPath, root+"services/")
	name, _, _ := strings.Cut(rest, "/")
	return name, ok
}

// standard reports whether a path is the standard library's: its first element has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}
