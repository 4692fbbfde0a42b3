package agreement_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/tenant/agreement"
)

func TestAConditionChoosesAgreements(t *testing.T) {
	gold := agreement.Agreement{Name: "Backup Gold 2026", Type: "Managed Backup"}
	for condition, want := range map[string]bool{
		`name = "backup gold 2026"`:                     true,
		`name = 'Backup Gold'`:                          false,
		`name != "Backup Gold"`:                         true,
		`type/name = "Managed Backup"`:                  true,
		`TYPE/NAME="managed backup"`:                    true,
		`name < "Backup H"`:                             true,
		`name <= "backup gold 2026"`:                    true,
		`name > "Backup Gold 2026"`:                     false,
		`name >= "Backup Gold 2026"`:                    true,
		`name contains "gold"`:                          true,
		`name not contains "gold"`:                      false,
		`name like "Backup%"`:                           true,
		`name like "%2026"`:                             true,
		`name like "%gold%"`:                            true,
		`name like "B%G%6"`:                             true,
		`name like "backup gold 2026"`:                  true,
		`name like "gold%"`:                             false,
		`name like "%gold"`:                             false,
		`name like "%ol%old%"`:                          false,
		`name like "%Сontinuity"`:                       false,
		`name not like "%silver%"`:                      true,
		`name in ("Backup Silver", "Backup Gold 2026")`: true,
		`name not in ('a','b')`:                         true,
		`not name = "x"`:                                true,
		`not not name = "x"`:                            false,
		`type/name = "x" or name contains "gold" and name contains "2026"`:      true,
		`(type/name = "x" or name contains "gold") and name contains "2025"`:    false,
		`type/name = "x" and name contains "2026" or type/name like "Managed%"`: true,
	} {
		c, err := agreement.Parse(condition)
		require.NoError(t, err, condition)
		require.Equal(t, want, c.Matches(gold), condition)
	}
}

func TestTheZeroConditionMatchesNothing(t *testing.T) {
	require.False(t, agreement.Condition{}.Matches(agreement.Agreement{}))
}

func TestAWrongConditionIsRefusedWithItsPlace(t *testing.T) {
	for condition, want := range map[string]string{
		``:                          `has the end at character 1; write name, type/name, not or an opening parenthesis there`,
		`nam = "x"`:                 `has "nam" at character 1; write name, type/name, not or an opening parenthesis there`,
		`name`:                      `has the end at character 5; write one of = != < <= > >= contains like in not there`,
		`name is "x"`:               `has "is" at character 6; write one of = != < <= > >= contains like in not there`,
		`name = x`:                  `has "x" at character 8; write a text in quotes there`,
		`name = ""`:                 `compares with an empty text at character 8; write one that agreements have`,
		`name = "x`:                 `has a quote at character 8 that is not closed; close it`,
		`name = “x”`:                `has a typographic quote at character 8; write " or '`,
		`name ! "x"`:                `has a lone "!" at character 6; write != or not`,
		`name not = "x"`:            `has "=" at character 10; write contains, like or in there`,
		`name in "x"`:               `has the text "x" at character 9; write an opening parenthesis and texts in quotes there`,
		`name in ("x" "y")`:         `has the text "y" at character 14; write a comma or a closing parenthesis there`,
		`name = "x" name = "y"`:     `has "name" at character 12; write and, or, or the end there`,
		`(name = "x"`:               `has the end at character 12; write and, or, or a closing parenthesis there`,
		`name = "x" and`:            `has the end at character 15; write name, type/name, not or an opening parenthesis there`,
		strings.Repeat("(", 30):     `has more than 20 parentheses within one another; write fewer`,
		strings.Repeat("not ", 30):  `has more than 20 parentheses within one another; write fewer`,
		strings.Repeat("name", 501): `has more than 2000 characters; write a shorter condition`,
	} {
		_, err := agreement.Parse(condition)
		require.EqualError(t, err, want, condition)
	}
}

func TestLettersThatLookLikeOthersAreTold(t *testing.T) {
	for condition, want := range map[string][]string{
		`name like "%Сontinuity"`: {`"%Сontinuity" mixes Cyrillic and Latin letters in one word: 'С' is Cyrillic (U+0421); type it anew`},
		`name like "%Continuity"`: nil,
		`name = "СОМЕХ"`:          {`"СОМЕХ" is of Cyrillic letters that look like Latin ones: 'С' (U+0421); type it anew`},
		`name = "Резервное копирование"`: {
			`"Резервное копирование" holds 'Р' (U+0420), which is not ASCII; make sure that ConnectWise has the very same`,
		},
		`name = "Müller" or name = "Βackup ΒackUp" or type/name = "Müller"`: {
			`"Müller" holds 'ü' (U+00FC), which is not ASCII; make sure that ConnectWise has the very same`,
			`"Βackup ΒackUp" mixes Greek and Latin letters in one word: 'Β' is Greek (U+0392); type it anew`,
		},
		`name in ("Cove Backup", "Bасkup")`: {`"Bасkup" mixes Cyrillic and Latin letters in one word: 'а' is Cyrillic (U+0430); type it anew`},
	} {
		c, err := agreement.Parse(condition)
		require.NoError(t, err, condition)
		require.Equal(t, want, c.LookAlikes(), condition)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`type/name = "Managed Backup" and not (name contains 'legacy' or name in ("a","b"))`)
	f.Add(`name like "%%"`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := agreement.Parse(text)
		if err != nil {
			return
		}
		c.Matches(agreement.Agreement{Name: text, Type: text})
		c.LookAlikes()
	})
}
