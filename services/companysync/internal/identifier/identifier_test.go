package identifier_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/covewise/covewise/services/companysync/internal/identifier"
)

func TestCandidates(t *testing.T) {
	tests := []struct {
		what, name string
		want       []string
	}{
		{"a short name is taken whole, then abbreviated", "Blue Wave Dental", []string{"BlueWaveDental", "BWD", "BlueWaveDental481301"}},
		{
			"a long one is cut at a word, then anywhere", "Vault Consulting International Technology Services Group",
			[]string{"VaultConsulting", "VaultConsultingInternatio", "Vault", "VCITSG", "VaultConsultingInte481301"},
		},
		{"apostrophes and signs vanish", "O'Brien & Söhne \"Nord\"", []string{"OBrienSohneNord", "OBrien", "OSN", "OBrienSohneNord481301"}},
		{"Cyrillic is transliterated", "Клиника Северная", []string{"KlinikaSevernaia", "Klinika", "KlinikaSevernaia481301"}},
		{"Japanese too", "京都工房", []string{"JingDuGongFang", "JDGF", "JingDuGongFang481301"}},
		{"Arabic too", "شركة", []string{"shrk", "shrk481301"}},
		{"emoji alone leave the customer's id", "🙂🙂", []string{"Customer481301"}},
		{"an empty name too", "", []string{"Customer481301"}},
		{"one letter will do", "A", []string{"A", "A481301"}},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			require.Equal(t, test.want, identifier.Candidates(test.name, "481301"))
		})
	}
}

func TestAnySuggestionIsUsableAndFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, customer := rapid.String().Draw(t, "name"), rapid.StringMatching(`[1-9][0-9]{0,8}`).Draw(t, "customer")
		n := rapid.IntRange(0, 6).Draw(t, "taken")
		taken := map[string]bool{}
		for _, c := range identifier.Candidates(name, customer)[:min(n, len(identifier.Candidates(name, customer))-1)] {
			taken[strings.ToLower(c)] = true
		}
		got := identifier.Suggest(name, customer, func(c string) bool { return taken[strings.ToLower(c)] })
		require.Regexp(t, `^[A-Za-z0-9]{1,25}$`, got)
		require.False(t, taken[strings.ToLower(got)])
	})
}
