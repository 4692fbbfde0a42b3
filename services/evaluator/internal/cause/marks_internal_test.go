package cause

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWhatAPatternMatchesHoldsOneOfItsMarks(t *testing.T) {
	all := append([]particular{
		{marks: quotes, pattern: quoted},
		{marks: digits, pattern: codes},
		{marks: digits, pattern: ids},
		{marks: digits, pattern: numbers},
	}, particulars...)
	for _, p := range all {
		t.Run(p.pattern.String(), func(t *testing.T) {
			// Not rapid's own generator for patterns, which knows no word boundaries.
			texts := rapid.StringMatching(strings.ReplaceAll(p.pattern.String(), `\b`, ""))
			rapid.Check(t, func(r *rapid.T) {
				text := texts.Draw(r, "text")
				for _, found := range regexp.MustCompile(p.pattern.String()).FindAllString(text, -1) {
					require.True(r, strings.ContainsAny(found, p.marks), found)
				}
			})
		})
	}
}
