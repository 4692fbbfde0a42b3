// Package agreement owns the conditions by which a tenant chooses among a company's agreements: their grammar, what
// they match, and which of their letters look like others. It knows no ConnectWise: agreements are names and types here.
//
//	type/name = "Managed Backup" and not name contains "legacy"
//	name like "%Continuity" or name in ("Backup Gold", "Backup Silver")
//
// A comparison is a field (name, type/name), an operator (=, !=, <, <=, >, >=, contains, like, in, and not before the
// last three) and a text in double or single quotes; in takes several in parentheses. Comparisons are joined by and,
// or, not and parentheses; and binds closer than or. Case is ignored, as ConnectWise does; < and > go by the alphabet.
// In like, % stands for any text. Nothing is asked of ConnectWise: it is reported not to filter by type/name everywhere.
package agreement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/covewise/covewise/platform/tenant/letters"
)

// Condition chooses agreements. The zero Condition matches none.
type Condition struct {
	root  node
	texts []string // every text that it compares with
}

// Agreement is what a condition looks at.
type Agreement struct {
	Name string
	Type string // name of the agreement's type
}

// Parse reads a condition. Its error tells what is wrong, where (counted in characters from 1), and the remedy.
func Parse(text string) (Condition, error) {
	p := &parser{}
	if err := p.scan(text); err != nil {
		return Condition{}, err
	}
	root, err := p.either(0)
	if err == nil && p.peek().kind != end {
		err = p.unexpected("and, or, or the end")
	}
	if err != nil {
		return Condition{}, err
	}
	return Condition{root: root, texts: p.texts}, nil
}

// Matches reports whether the condition chooses an agreement.
func (c Condition) Matches(a Agreement) bool { return c.root != nil && c.root.matches(a) }

// LookAlikes returns what is suspicious about the letters of the condition's texts, each with its remedy: letters that look
// like others, such as a Cyrillic С in "Сontinuity", match nothing that people typed. Letters beyond ASCII are told, too,
// for nobody sees whether they are those that ConnectWise has.
func (c Condition) LookAlikes() []string {
	var found []string
	for _, text := range c.texts {
		told := ""
		if complaint := letters.LookAlike(text); complaint != "" {
			told = fmt.Sprintf("%q %s; type it anew", text, complaint)
		} else if complaint := letters.BeyondASCII(text); complaint != "" {
			told = fmt.Sprintf("%q %s; make sure that ConnectWise has the very same", text, complaint)
		}
		if told != "" && !slices.Contains(found, told) {
			found = append(found, told)
		}
	}
	return found
}

// node is a part of a condition.
type node interface{ matches(a Agreement) bool }

type both struct{ left, right node }

func (n both) matches(a Agreement) bool { return n.left.matches(a) && n.right.matches(a) }

type oneOf struct{ left, right node }

func (n oneOf) matches(a Agreement) bool { return n.left.matches(a) || n.right.matches(a) }

type negated struct{ inner node }

func (n negated) matches(a Agreement) bool { return !n.inner.matches(a) }

// comparison compares a field with texts, which are in lower case; only in has several.
type comparison struct {
	byType bool
	op     string
	texts  []string
}

func (n comparison) matches(a Agreement) bool {
	value := a.Name
	if n.byType {
		value = a.Type
	}
	value = strings.ToLower(value)
	switch order := strings.Compare(value, n.texts[0]); n.op {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "contains":
		return strings.Contains(value, n.texts[0])
	case "like":
		return like(n.texts[0], value)
	default:
		return slices.Contains(n.texts, value)
	}
}

// like matches a whole text with a pattern in which % stands for any text.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "%")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, last)
}
