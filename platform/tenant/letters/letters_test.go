package letters_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant/letters"
)

func TestSuspiciousLetters(t *testing.T) {
	for text, want := range map[string]string{
		"":            "",
		"Continuity":  "",
		"%Сontinuity": "mixes Cyrillic and Latin letters in one word: 'С' is Cyrillic (U+0421)",
		"СОМЕХ":       "is of Cyrillic letters that look like Latin ones: 'С' (U+0421)",
		"COVE СОМЕХ":  "is of Cyrillic letters that look like Latin ones: 'С' (U+0421)",
		"ΝΙΚΗ":        "is of Greek letters that look like Latin ones: 'Ν' (U+039D)",
		"Резервное копирование СОМЕХ": "", // plainly Russian
		"СА":          "", // initials
		"Ärzte Łódź":  "",
		"Baсkup":      "mixes Cyrillic and Latin letters in one word: 'с' is Cyrillic (U+0441)",
		"Gоld Βackup": "mixes Cyrillic and Latin letters in one word: 'о' is Cyrillic (U+043E)",
		"Կopy":        "mixes Armenian and Latin letters in one word: 'Կ' is Armenian (U+053F)",
		"a\u200bb":    "holds a sign that cannot be seen (U+200B)",
		"a\u00a0b":    "holds a sign that cannot be seen (U+00A0)",
	} {
		require.Equal(t, want, letters.LookAlike(text), text)
	}
	require.Empty(t, letters.BeyondASCII("Backup %"))
	require.Equal(t, "holds 'ü' (U+00FC), which is not ASCII", letters.BeyondASCII("Müller é"))
}
