package filter_test

import (
	"testing"

	"github.com/covewise/covewise/connectors/connectwise/cwfake/internal/filter"
)

// FuzzCompile looks for texts that crash the reader or the predicate.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{`id in (1,2) and not`, `name like "[a-"`, `(name="a\"" or board/name contains 'x')`, `lastUpdated>[2025-01-01]`, `id=-`, "name like '[^]'"} {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		match, err := filter.Compile(text, resolve)
		if err != nil {
			return
		}
		for _, r := range rows() {
			match(r)
		}
	})
}
